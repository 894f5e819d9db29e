"""What the templates see: plain frozen values, already chosen and ordered. Templates decide nothing but looks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from markupsafe import Markup


class Tone(StrEnum):
    """How something is, as a colour *and* a shape: each name is an icon too."""

    GOOD = "good"
    AIR = "air"
    WAIT = "wait"
    WARN = "warn"
    BAD = "bad"
    OFF = "off"


@dataclass(frozen=True)
class SignalView:
    """A chime or a siren, in the reader's language."""

    kind: str
    name: str
    meaning: str
    source: str
    duration_s: float
    url: str


@dataclass(frozen=True)
class ApprovalLine:
    """A schedule on its way to the air, in one line."""

    schedule: str
    title: str
    tone: Tone
    state: str
    when: str
    by: str
    reason: str


@dataclass(frozen=True)
class SpokenView:
    """The words of one announcement."""

    announcement: str
    title: str
    text: str
    second_text: str
    file: str


@dataclass(frozen=True)
class EditView:
    """What its maker may change at once."""

    title: str
    day: str
    time: str
    version: str


@dataclass(frozen=True)
class ApprovalView:
    """All that somebody needs who decides on a schedule."""

    line: ApprovalLine
    digest: str
    state: str
    makers: str
    submitted: str
    rejected_by: str
    approved: str
    older_airs: bool
    """The version approved before airs until this one is approved."""
    places: tuple[str, ...]
    airings: tuple[str, ...]
    repeats: bool
    duration_s: float
    clips: tuple[str, ...]
    relays: tuple[str, ...]
    settled: bool
    spoken: tuple[SpokenView, ...]
    collisions: tuple[str, ...]
    may_decide: bool
    is_own: bool
    """It waits, and this reader is no second person."""
    late: bool
    may_make: bool
    edit: EditView


@dataclass(frozen=True)
class ProblemView:
    """Something wrong, in words."""

    text: str
    since: str = ""


@dataclass(frozen=True)
class SpeakerView:
    """One speaker's live state."""

    id: str
    name: str
    place: str
    tone: Tone
    state: str
    """One short sentence: *On air: …*, *Ready*, *Offline since 10:32*."""
    ready: int = 0
    planned: int = 0
    clock_trusted: bool = True
    plan_current: bool = True
    volume: int | None = None
    problems: tuple[ProblemView, ...] = ()


class Phase(StrEnum):
    """Where an occurrence is in its life."""

    COMING = "coming"
    ON_AIR = "on_air"
    OVER = "over"


@dataclass(frozen=True)
class OccurrenceView:
    """One airing on all its speakers."""

    id: str
    schedule_id: str
    at: datetime
    title: str
    duration_s: float
    phase: Phase
    tone: Tone
    targets: int
    places: str = ""
    stations: str = ""
    ready: int = 0
    on_air: int = 0
    played: int = 0
    partly: int = 0
    missed: int = 0
    failed: int = 0
    unreported: int = 0
    cancelled: bool = False
    odd_hour: bool = False
    repeats: str = ""
    stoppable: bool = False
    comes_next: bool = False


@dataclass(frozen=True)
class NeedView:
    """Something that somebody must see to before it airs, and where that is done."""

    text: str
    where: str


@dataclass(frozen=True)
class DayView:
    """A day of the timeline. `now_before` is the index of the first occurrence still to come."""

    day: date
    is_today: bool
    occurrences: tuple[OccurrenceView, ...] = ()
    now_before: int | None = None


@dataclass(frozen=True)
class SummaryView:
    """The state of everything in one line."""

    online: int
    speakers: int
    on_air: int
    troubled: int

    @property
    def tone(self) -> Tone:
        """The one sign for all."""
        if self.speakers == 0:
            return Tone.OFF
        if self.troubled:
            return Tone.WARN
        return Tone.AIR if self.on_air else Tone.GOOD


@dataclass(frozen=True)
class AreaNode:
    """A branch of the tree of places with speakers in it."""

    code: str
    name: str
    kind: str = ""
    children: tuple["AreaNode", ...] = ()
    devices: tuple["DeviceChoice", ...] = ()

    @property
    def size(self) -> int:
        """How many speakers are here and below."""
        return len(self.devices) + sum(child.size for child in self.children)


@dataclass(frozen=True)
class DeviceChoice:
    """A speaker one can tick."""

    id: str
    name: str
    online: bool = True


@dataclass(frozen=True)
class Listen:
    """What can be heard in the browser, now or in a moment."""

    announcement: str
    url: str = ""
    """Empty while the sound is being made."""
    duration_s: float = 0
    name: str = ""
    fresh: bool = False
    percent: int | None = None
    """How far the making is, where that is known."""
    change: str = ""
    unfit: str = ""
    """What to do about a clip that stayed too soft or too loud."""
    portraits: tuple["PortraitView", ...] = ()


@dataclass(frozen=True)
class PortraitView:
    """A sound at a glance: its figures, and its outline as an SVG path `peaks` wide and 100 high."""

    name: str
    figures: str
    duration_s: float
    outline: str
    peaks: int


@dataclass(frozen=True)
class ItemValues:
    """One item, as it was typed. What its kind does not have stays as it is."""

    kind: str
    announcement: str = ""
    """What is read; of a relay, what stands in for it."""
    repeat: str = "1"
    gap_s: str = "2"
    fade_in_s: str = "0"
    fade_out_s: str = "0"
    bed: str = ""
    bed_db: str = "-18"
    chime: str = "opening"
    seconds: str = ""
    pause_s: str = "2"
    url: str = ""
    title: str = ""
    minutes: str = "30"


@dataclass(frozen=True)
class PlaylistValues:
    """The whole form. `gone` was removed last, from place `gone_from`: it can be taken back."""

    token: str
    title: str = ""
    items: tuple[ItemValues, ...] = ()
    gone: ItemValues | None = None
    gone_from: int = 0
    version: str = ""
    """The mark of the playlist that is edited, as it was seen; nothing for a new one."""


@dataclass(frozen=True)
class Rehearsal:
    """What can be heard of a playlist, or what it waits for."""

    playlist: str
    urls: tuple[str, ...] = ()
    """One for each stretch of our own sound; between two of them a station is relayed."""
    stations: tuple[str, ...] = ()
    length: str = ""
    waits: str = ""
    error: str = ""


@dataclass(frozen=True)
class PlaylistView:
    """The form of a playlist, with when each item begins and what is wrong with it."""

    values: PlaylistValues
    errors: dict[str, str]
    begins: tuple[str, ...]
    length: str
    kinds: dict[str, str]
    chimes: tuple[tuple[str, str], ...]
    announcements: tuple[tuple[str, str], ...]
    look_at: int | None = None
    """The item that was moved or added just now."""
    rehearsal: Rehearsal | None = None
    kept: bool = False
    airings: int = 0


@dataclass(frozen=True)
class PlaylistRow:
    """One playlist of the list."""

    id: str
    title: str
    author: str
    made_at: datetime
    items: int
    length: str
    airings: int
    failed: bool


@dataclass(frozen=True)
class Use:
    """A playlist that holds an announcement, and how many schedules air it."""

    playlist: str
    title: str
    schedules: tuple[tuple[str, str], ...] = ()
    """Ids and titles of the schedules that air it."""


@dataclass(frozen=True)
class LibraryRow:
    """One announcement of the library."""

    id: str
    title: str
    words: str
    category: str
    author: str
    made_at: datetime
    length: str
    url: str = ""
    state: str = ""
    """Why it cannot be heard yet; nothing where it can."""
    retired: bool = False
    uses: tuple[Use, ...] = ()
    version: str = ""


@dataclass(frozen=True)
class WordView:
    """A word whose reading is put right from within the form; `kept` is the one that just was."""

    written: str = ""
    spoken: str = ""
    error: str = ""
    kept: str = ""


@dataclass(frozen=True)
class ComposeView:
    """The form with everything that was typed, what is wrong with it, and what one should know before sending."""

    values: "ComposeValues"
    areas: tuple[AreaNode, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    listen: Listen | None = None
    reading_s: float | None = None
    sent: str = ""
    pending: bool = False
    """Sent, but its sound is still being made: the form comes back by itself."""
    repeats: tuple[tuple[str, str], ...] = ()
    profiles: tuple[tuple[str, str], ...] = ()
    languages: tuple[tuple[str, str], ...] = ()
    chimes: tuple[tuple[str, str], ...] = ()
    voices: tuple[tuple[str, str], ...] = ()
    second_voices: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """By the name of their language."""
    speeds: tuple[tuple[str, str], ...] = ()
    playlists: tuple[tuple[str, str], ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def speakers(self) -> int:
        """How many speakers there are to choose from."""
        return sum(area.size for area in self.areas)


@dataclass(frozen=True)
class ComposeValues:
    """What was typed, as text, so that nothing is lost on an error."""

    token: str
    source: str = "text"
    """`text`, `file` or `playlist`."""
    chosen_playlist: str = ""
    """The playlist that is to air, where it is one; `playlist` is what the form made of its own words."""
    title: str = ""
    text: str = ""
    voice: str = ""
    speed_wpm: str = ""
    profile: str = "horn"
    second_language: str = ""
    second_text: str = ""
    second_voice: str = ""
    announcement: str = ""
    playlist: str = ""
    spoken: str = ""
    """Fingerprint of the words that `announcement` was made from."""
    reused: str = ""
    """The announcement of the library that the form began with: it stays there, whatever becomes of the form."""
    category: str = ""
    trim_from_s: str = ""
    trim_to_s: str = ""
    """What of a recording is heard; nothing is its beginning and its end."""
    areas: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    when: str = "now"
    day: str = ""
    time: str = ""
    repeat: str = "once"
    chime: str = "opening"
    """What sounds before the words; nothing if empty."""
    twice: bool = False
    accepted: str = ""
    """Fingerprint of the warnings that were read and accepted."""


@dataclass(frozen=True)
class RecordView:
    """One row of what really sounded."""

    at: datetime | None
    speaker: str
    title: str
    outcome: str
    tone: Tone
    played_s: float
    start_error_ms: float | None = None
    level_dbfs: float | None = None
    """How loud all of it was together; None when nothing sounded, or the speaker does not say."""
    reason: str = ""
    broken: str = ""
    """How often and for how long it broke off, as a phrase; nothing if it did not."""
    clock_trusted: bool = True
    raised_here: bool = False
    """Somebody raised it at the speaker itself."""


@dataclass(frozen=True)
class RecordsView:
    """A page of play records with the filters that led to it."""

    rows: tuple[RecordView, ...]
    speakers: tuple[DeviceChoice, ...] = ()
    """To choose from; nothing where there are too many."""
    many: bool = False
    """So many speakers that one is searched by its name."""
    device: str = ""
    speaker: str = ""
    outcome: str = ""
    day: str = ""
    broken: str = ""
    """Something, when only what broke off is shown."""
    next_page: str = ""


@dataclass(frozen=True)
class PronunciationView:
    """An entry of the dictionary."""

    id: str
    version: str
    written: str
    spoken: str
    language: str
    area_code: str
    area_name: str
    inherited: bool = False


@dataclass(frozen=True)
class PronunciationsView:
    """What was typed and what is wrong with it; what was just removed, to be taken back."""

    written: str = ""
    spoken: str = ""
    error: str = ""
    wrong: str = ""
    """The entry that the error is about; none: the new one."""
    removed: PronunciationView | None = None


@dataclass(frozen=True)
class ChangeView:
    """One field, before and after, in words."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class EntryView:
    """One entry of the trail."""

    number: int
    at: datetime
    actor: str
    sentence: str
    """What was done, without who did it."""
    thing: str
    thing_url: str
    address: str
    tone: Tone
    changes: tuple[ChangeView, ...] = ()


@dataclass(frozen=True)
class TrailView:
    """A page of the trail with the filters that led to it."""

    rows: tuple[EntryView, ...]
    of: str = ""
    """The one thing that it is about; empty: everything."""
    kinds: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    actor: str = ""
    day: str = ""
    next_page: str = ""


@dataclass(frozen=True)
class ApplicationView:
    """A board that waits to be let in."""

    fingerprint: str
    groups: tuple[str, ...]
    """The same, as eyes can compare it."""
    about: str
    since: datetime


@dataclass(frozen=True)
class EnrolmentCodeView:
    """A one-time code, and the command with it, typed or scanned."""

    device_id: str
    code: str
    command: str
    qr: Markup
    expires_at: datetime


@dataclass(frozen=True)
class CertificateView:
    """Until when a speaker is let in."""

    device_id: str
    not_after: datetime
    expired: bool


@dataclass(frozen=True)
class CalendarAiring:
    """One airing on a calendar. What can be moved says so by `version`."""

    id: str
    schedule: str
    title: str
    clock: str
    at: datetime
    minute: int
    """Of its local day."""
    minutes: int
    """How long it lasts; at least one."""
    tone: Tone
    note: str
    """What is special about it: that it waits for approval, was called off, airs nowhere."""
    standing: str
    version: int | None = None
    once: bool = False


@dataclass(frozen=True)
class CalendarDay:
    """One day of a calendar, with what the Vietnamese calendar says of it."""

    day: date
    name: str
    lunar: str
    holiday: str
    is_today: bool
    is_past: bool
    within: bool
    """Whether it belongs to the month that is shown."""
    airings: tuple[CalendarAiring, ...] = ()


@dataclass(frozen=True)
class Toast:
    """What was just done, or refused; `undo` puts it back."""

    text: str
    tone: Tone
    undo: str = ""


@dataclass(frozen=True)
class CalendarView:
    """A week or a month."""

    mode: str
    title: str
    shown: date
    before: date
    after: date
    weeks: tuple[tuple[CalendarDay, ...], ...]
    area: str
    area_name: str
    complete: bool = True
    may_change: bool = False
    toast: Toast | None = None


@dataclass(frozen=True)
class PlanLine:
    """One airing that a speaker will play, or will not, and why."""

    clock: str
    title: str
    duration_s: float
    volume: int
    note: str = ""
    left_out: bool = False


@dataclass(frozen=True)
class PlanDay:
    """A day of a speaker's plan."""

    name: str
    lines: tuple[PlanLine, ...]


@dataclass(frozen=True)
class ScheduleValues:
    """The form of a schedule, as it was typed, so that nothing is lost on an error."""

    token: str
    version: str = ""
    """Of the schedule that is edited, as it was seen; nothing for a new one."""
    title: str = ""
    what: str = ""
    """`playlist:ID` or `announcement:ID`."""
    areas: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    day: str = ""
    time: str = ""
    repeat: str = "once"
    """`once`, `daily`, `weekly`, `monthly`, `moon`, or `own`: a rule that this form cannot make."""
    every: str = "1"
    weekdays: frozenset[str] = frozenset()
    """0 is Monday."""
    month_day: str = "1"
    moon: frozenset[str] = frozenset()
    """Of the first and the fifteenth of a lunar month, those that are ticked."""
    moon_days: str = ""
    """Other days of the lunar month, as typed."""
    own: str = ""
    end: str = "never"
    until: str = ""
    count: str = ""
    skip_holidays: bool = False
    excepted: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    except_day: str = ""
    """A day that is to be left out too."""
    priority: str = "0"
    resume: str = "rejoin"
    volume: str = ""
    rank: str = "0"
    accepted: str = ""
    """Fingerprint of the warnings that were read and accepted."""


@dataclass(frozen=True)
class CollisionChoice:
    """What can be done about a collision, in words; `value` is what its button sends."""

    value: str
    label: str


@dataclass(frozen=True)
class Foreseen:
    """What a recurrence comes to."""

    sentence: str = ""
    dates: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class ScheduleView:
    """The form of a schedule with all that can be chosen, and what one should know before keeping it."""

    values: ScheduleValues
    heading: str
    action: str
    foreseen: Foreseen
    areas: tuple[AreaNode, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    """Places that are addressed and do not stand in the tree."""
    groups: tuple[tuple[str, str], ...] = ()
    playlists: tuple[tuple[str, str], ...] = ()
    announcements: tuple[tuple[str, str], ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    choices: tuple[CollisionChoice, ...] = ()
    settled: bool = False
    """A choice was made, and nothing collides any more."""
    pending: bool = False
    kept: bool = False
    state: str = ""
    at: str = ""
    """The airing that was opened, in UTC; empty: none."""
    at_local: str = ""
    weekdays: tuple[tuple[str, str], ...] = ()
    repeats: tuple[tuple[str, str], ...] = ()
    resumes: tuple[tuple[str, str], ...] = ()
    excepted: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
