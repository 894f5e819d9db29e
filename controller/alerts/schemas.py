"""Shapes of alerts."""

import json
from math import cos, radians
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from audio.signals import Signal
from controller.alerts.models import AlertRow
from controller.alerts.standing import Hazard, Repeats
from controller.alerts.states import AlertState
from controller.announcements.models import Status
from controller.announcements.schemas import Second, SecondOut, second_of
from controller.areas.schemas import Polygon
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import TARGETS_MAX, Target
from controller.http.fields import AreaCodeField, In, Line, Note
from controller.text import Text
from protocol.messages import AlertKind, AlertPhase, RepeatPlan
from schedules.stagger import ALERT_STAGGER_MAX_MS
from schedules.types import Priority

LIFETIME_MIN_S, LIFETIME_MAX_S = 60, 7 * 24 * 3600
Lifetime = Annotated[int, Field(ge=LIFETIME_MIN_S, le=LIFETIME_MAX_S)]
Words = Annotated[Note, Field(max_length=4000)]
Stagger = Annotated[int, Field(ge=0, le=ALERT_STAGGER_MAX_MS // 1000)]


CORNERS_MAX, PARTS_MAX = 1000, 100
"""Far more than a finger draws, and well within what a reader of CAP takes."""
DRAWN_MIN_M2 = 100.0
"""Ten metres by ten: no position is known better than that, and a slip of the finger draws less."""
_DEGREE_M = 111_195.0
"""Of latitude, on a sphere of the earth's mean radius."""


class Drawing(Polygon):
    """A shape drawn to choose whom an alert addresses. It has no holes: CAP could not pass them on."""

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        parts = [self.coordinates] if self.type == "Polygon" else self.coordinates
        if any(len(rings) > 1 for rings in parts):
            raise ValueError(Text("What is drawn may have no holes"))
        if len(parts) > PARTS_MAX or sum(len(rings[0]) for rings in parts) > CORNERS_MAX:
            raise ValueError(
                Text(
                    "At most %(parts_max)s parts and %(corners_max)s corners: draw it more simply",
                    parts_max=PARTS_MAX,
                    corners_max=CORNERS_MAX,
                )
            )
        drawn = shape(self.model_dump())
        if _square_metres(drawn.convex_hull) < DRAWN_MIN_M2:
            raise ValueError(Text("What is drawn is too small: zoom in, and draw it wider"))
        if not drawn.is_valid:
            raise ValueError(
                Text("The sides of what is drawn cross each other: take back the last corner, or draw it again")
            )
        return self


def _square_metres(drawn: BaseGeometry) -> float:
    middle = (drawn.bounds[1] + drawn.bounds[3]) / 2
    return float(drawn.area) * _DEGREE_M**2 * cos(radians(middle))


class AddressIn(In):
    """Whom an alert addresses."""

    targets: Annotated[list[Target], Field(max_length=TARGETS_MAX)] = Field(default_factory=list)
    """Areas, groups and speakers by name, and besides them …"""
    polygon: Drawing | None = None
    """… the areas that lie in it whole, and the speakers that stand in it, when it is written down."""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if not self.targets and self.polygon is None:
            raise ValueError(Text("Say where it is heard: by `targets`, by a `polygon`, or by both"))
        return self


class AlertIn(AddressIn):
    """A draft: nothing of it is heard before it is released."""

    area_code: AreaCodeField
    """Who issues it."""
    kind: AlertKind = AlertKind.ACTUAL
    hazard: Hazard | None = None
    """Of which danger it warns; else that of the standing message whose headline or words it has."""
    headline: Line
    text: Words = ""
    """What is said after the signal …"""
    second: Second | None = None
    """… and then in another language. Not named at all: where the words are a standing message's, its own; or else …"""
    announcement_id: Annotated[str, Field(max_length=26)] | None = None
    """… an announcement, such as a recording."""
    signal: Signal | None = Signal.ATTENTION
    signal_s: Annotated[float, Field(ge=4, le=10)] | None = None
    """How long the attention call lasts (EN 50849)."""
    repeats: Repeats = Repeats.ONCE
    repeat: RepeatPlan | None = None
    """Instead of `repeats`, in numbers."""
    lifetime_s: Lifetime = 3600
    volume: Annotated[int, Field(ge=1, le=100)] | None = None
    """Up to what each place allows; None: as loud as each place says."""
    stagger_s: Stagger = 0
    """Between neighbouring hamlets, so that distant horns do not blur the words; 0: all begin together."""
    silent: bool = False
    """A test from end to end that nobody hears: it plays at no volume."""
    replaces: Annotated[list[Annotated[str, Field(max_length=26)]], Field(max_length=50)] = Field(default_factory=list)
    """Active alerts whose place this one takes when it is released."""

    @model_validator(mode="after")
    def _says_what_it_is(self) -> Self:
        if self.silent and self.kind is not AlertKind.TEST:
            raise ValueError(Text("Only a test may be silent"))
        if self.text and self.announcement_id:
            raise ValueError(Text("Give a text or an announcement, not both"))
        if self.second and not self.text:
            raise ValueError(Text("The other language follows a text: there is none"))
        if not (self.text or self.announcement_id or self.signal):
            raise ValueError(Text("This alert has no sound at all"))
        return self


class AlertEdit(In):
    """What is to change of a draft; what is absent stays."""

    hazard: Hazard | None = None
    headline: Line | None = None
    text: Words | None = None
    """Empty: the signal alone."""
    second: Second | None = None
    """The same in another language, heard after it; null takes it away."""
    announcement_id: Annotated[str, Field(max_length=26)] | None = None
    """Instead of both, an announcement, such as a recording."""
    signal: Signal | None = None
    """Null: the words alone."""
    signal_s: Annotated[float, Field(ge=4, le=10)] | None = None
    """How long the attention call lasts."""
    repeats: Repeats | None = None
    lifetime_s: Lifetime | None = None
    volume: Annotated[int, Field(ge=1, le=100)] | None = None
    """Null: the speakers' own."""
    stagger_s: Stagger | None = None
    seen: Annotated[str, Field(max_length=256)] | None = None
    """The `digest` of the draft that was looked at: what somebody else changed since is not overwritten."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"seen"}:
            raise ValueError(Text("Nothing to change"))
        if self.announcement_id and (self.text or self.second):
            raise ValueError(Text("Give a text or an announcement, not both"))
        return self


class ReleaseIn(In):
    """Letting a draft go."""

    seen: Annotated[str, Field(min_length=1, max_length=256)]
    """The `digest` of the alert that was looked at: what was changed since is not released."""
    code: Annotated[str, Field(max_length=64)] = ""
    """A one-time code, where the area's rule asks for it."""


class CancelIn(In):
    """Calling an alert off."""

    all_clear: bool = True
    """Whether those who heard it are told that it is over."""
    text: Words = ""
    """What they are told; else the standing all-clear."""


class ProlongIn(In):
    """Letting an alert live longer, or end sooner."""

    lifetime_s: Lifetime
    """Counted from now."""
    code: Annotated[str, Field(max_length=64)] = ""


class AlertOut(BaseModel):
    """An alert."""

    id: str
    area_code: str
    kind: AlertKind
    priority: Priority
    """3 emergency, 1 priority, 0 routine, by the circular; what is less than an emergency came as CAP."""
    hazard: Hazard | None
    """Of which danger it warns, where that is known."""
    state: AlertState
    digest: str | None
    """Of a draft: the name of all that would be heard, and where. A release gives it back as `seen`."""
    revision: int
    headline: str
    text: str
    second: SecondOut | None
    announcement_id: str | None
    words_ready: bool
    """Whether what is said is made: the signal does not wait for it."""
    words_failed: str
    """Why it could not be made; empty where nothing failed."""
    signal: str | None
    signal_ms: int
    targets: list[Target]
    polygon: Polygon | None
    """What was drawn to choose them."""
    repeat: RepeatPlan
    lifetime_s: int
    volume: int | None
    stagger_s: int
    replaces: list[str]
    relayed: bool
    """Whether it is somebody else's warning, such as one that came as CAP."""
    author: str
    created_at: AwareDatetime
    released_by: str
    released_at: AwareDatetime | None
    prolonged_by: str
    starts_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    ended_by: str
    ended_at: AwareDatetime | None
    sent: bool | None
    """Whether the broker has taken it; None for what is not to be sent."""

    @classmethod
    def of(cls, row: AlertRow, *, sent: bool | None, digest: str | None) -> Self:
        """Return what may be seen of a row."""
        words = row.announcement
        return cls(
            id=row.id,
            area_code=row.area_code,
            kind=row.kind,
            priority=Priority(row.priority),
            hazard=row.hazard,
            state=row.state,
            digest=digest,
            revision=row.revision,
            headline=row.headline,
            text=words.text if words else "",
            second=second_of(words) if words else None,
            announcement_id=row.announcement_id,
            words_ready=words is None or words.clip_sha256 is not None,
            words_failed=(words.error_en or words.error_code or "") if words and words.status is Status.FAILED else "",
            signal=row.signal,
            signal_ms=row.signal_ms,
            targets=[Target(kind=TargetKind(target.kind), key=target.key) for target in row.targets],
            polygon=Polygon.model_validate(json.loads(row.polygon)) if row.polygon else None,
            repeat=RepeatPlan.model_validate(row.repeat),
            lifetime_s=row.lifetime_s,
            volume=row.volume,
            stagger_s=row.stagger_ms // 1000,
            replaces=row.replaces,
            relayed=row.relayed,
            author=row.author,
            created_at=row.created_at,
            released_by=row.released_by,
            released_at=row.released_at,
            prolonged_by=row.prolonged_by,
            starts_at=row.starts_at,
            expires_at=row.expires_at,
            ended_by=row.ended_by,
            ended_at=row.ended_at,
            sent=sent,
        )


class AudienceOut(BaseModel):
    """Whom a draft would reach, in numbers and in plain sentences."""

    speakers: int
    online: int
    areas: int
    names: list[str]
    """Of the speakers, the first hundred."""
    sentence_vi: str
    sentence_en: str
    needs_code: bool
    needs_second_person: bool


class CountsOut(BaseModel):
    """How many speakers stand where."""

    targeted: int = 0
    received: int = 0
    """Have said that they have it, whatever came after."""
    sounding: int = 0
    finished: int = 0
    failed: int = 0
    unheard: int = 0
    """Have not begun to sound it, or failed: whom somebody must call."""
    waiting: int = 0
    """Online, and have not said that they have it yet."""
    unreachable: int = 0
    """Offline, and have not said so."""
    incidents: int = 0


class AreaCountsOut(CountsOut):
    """The same for one area's own speakers."""

    area_code: str
    area_name: str


class SpeakerReachOut(BaseModel):
    """How an alert stands on one speaker."""

    device: str
    name: str
    area_code: str
    area_name: str
    contact: str
    """Whom to call there; empty where nobody wrote it down."""
    note: str
    """Of the speaker: where it hangs, who has its key."""
    phase: AlertPhase | None
    online: bool
    last_seen_at: AwareDatetime | None
    last_session: str | None
    """Its connection to the broker in which it was seen last."""
    received_at: AwareDatetime | None
    first_sound_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    reason: str
    incident: bool


class ReachOut(BaseModel):
    """How far an alert has come."""

    alert: str
    at: AwareDatetime
    total: CountsOut
    areas: list[AreaCountsOut]


class StandingOut(BaseModel):
    """A standing message to start from."""

    code: str
    headline: str
    text: str
    signal: Signal
    repeats: Repeats
    lifetime_s: int
