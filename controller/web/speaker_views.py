"""What the pages of speakers see: the list, and one speaker."""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from controller.web.present.areas import DeviceChoice
from controller.web.present.records import RecordView
from controller.web.present.speakers import SpeakerView
from controller.web.present.tone import Tone


@dataclass(frozen=True)
class CauseView:
    """Why a speaker is not as it should be, since when, and what to do."""

    code: str
    tone: Tone
    text: str
    since: str = ""
    """The moment; empty where nobody knows it."""
    lasted: str = ""
    """How long that is ago, in words."""
    advice: str = ""


@dataclass(frozen=True)
class SpeakerRow:
    """One line of the list."""

    speaker: SpeakerView
    tone_name: str
    cause: CauseView | None = None
    """The first, where there is one."""
    more: int = 0
    """How many further causes there are."""


@dataclass(frozen=True)
class SpeakerWish:
    """What somebody wants to see of the list: as typed, unknown words find nothing or change nothing."""

    q: str = ""
    state: str = ""
    area: str = ""
    group: str = ""
    problem: str = ""
    sort: str = ""


@dataclass(frozen=True)
class ToneCount:
    """How many speakers are in one state, and the address that shows these only."""

    tone: Tone
    name: str
    count: int
    url: str
    chosen: bool


@dataclass(frozen=True)
class SpeakersView:
    """A piece of the list, with the filters that led to it."""

    wish: SpeakerWish
    rows: tuple[SpeakerRow, ...]
    found: int
    all: int
    counts: tuple[ToneCount, ...] = ()
    areas: tuple[tuple[str, str], ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    sorts: tuple[tuple[str, str], ...] = ()
    more: str = ""
    """The address of the next piece."""
    csv: str = ""


@dataclass(frozen=True)
class ComingView:
    """An airing that goes on or comes."""

    title: str
    when: str
    lasts: str
    sounds: bool


@dataclass(frozen=True)
class IncidentView:
    """Something a technician must look at, or had to."""

    id: str
    text: str
    said: str
    tone: Tone
    began: str
    ended: str
    lasted: str
    times: int
    acknowledged: str
    """Who sees to it, and since when; empty: nobody yet."""


@dataclass(frozen=True)
class OrderView:
    """An order and what became of it."""

    id: str
    text: str
    at: datetime
    author: str
    tone: Tone
    outcome: str
    detail: str = ""
    log: str = ""
    """The last lines of the speaker's log, where they were asked for and came."""


@dataclass(frozen=True)
class FigureView:
    """One figure over time, in words: what a chart shows to the eye."""

    key: str
    """Of the points that the API gives."""
    name: str
    unit: str
    latest: str
    lowest: str
    middle: str
    highest: str


@dataclass(frozen=True)
class HealthView:
    """How the machine was."""

    range: str
    ranges: tuple[tuple[str, str], ...]
    figures: tuple[FigureView, ...]
    heard_percent: str
    """In what part of the slots it was heard; empty: never."""
    used: str
    """Data in all."""
    restarts: int


@dataclass(frozen=True)
class PhotoView:
    """A photo and who took it."""

    id: str
    url: str
    about: str


@dataclass(frozen=True)
class NoteView:
    """The note as it is kept, or as it was typed when somebody else was quicker."""

    text: str
    version: str
    error: str = ""


@dataclass(frozen=True)
class AboutView:
    """What the speaker is called and where it stands, as it is kept, or as it was typed when that could not be kept."""

    name: str
    area_code: str
    lat: str
    lon: str
    version: str
    error: str = ""


@dataclass(frozen=True)
class OneSpeakerView:
    """All that is known of one speaker."""

    speaker: SpeakerView
    tone_name: str
    code: str
    retired: bool
    causes: tuple[CauseView, ...]
    facts: tuple[tuple[str, str], ...]
    coming: tuple[ComingView, ...]
    records: tuple[RecordView, ...]
    incidents: tuple[IncidentView, ...]
    orders: tuple[OrderView, ...]
    health: HealthView
    note: NoteView
    about: AboutView
    photos: tuple[PhotoView, ...]
    photos_left: int
    removed: str = ""
    """A photo that was removed just now and can be brought back."""


@dataclass(frozen=True)
class LabelView:
    """What is glued to the box on the pole."""

    speaker: DeviceChoice
    place: str
    address: str
    qr: Markup
