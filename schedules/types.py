"""The values that schedules are made of. All frozen; all times aware and in UTC unless a name says `local`."""

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import IntEnum, StrEnum
from typing import NewType

AreaCode = NewType("AreaCode", str)
DeviceId = NewType("DeviceId", str)
ScheduleId = NewType("ScheduleId", str)
OccurrenceId = NewType("OccurrenceId", str)
AlertId = NewType("AlertId", str)
SessionId = NewType("SessionId", str)
Sha256 = NewType("Sha256", str)
Percent = NewType("Percent", int)

VIETNAM = "Asia/Ho_Chi_Minh"


class Priority(IntEnum):
    """Circular 39/2020/TT-BTTTT's three classes, with a person speaking live between the upper two."""

    ROUTINE = 0
    PRIORITY = 1
    LIVE = 2
    EMERGENCY = 3


class Resume(StrEnum):
    """What an occurrence does when it gets the air late, or back after being pre-empted."""

    REJOIN = "rejoin"
    """Continue where the wall clock says it would be by now."""
    RESTART = "restart"
    """Begin again from its first item."""
    SKIP = "skip"
    """Do not air what is left."""


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A daily stretch of local time.

    One that ends at or before its start crosses midnight and belongs to its start day.
    """

    start_local: time
    end_local: time


@dataclass(frozen=True, slots=True)
class VolumeRule:
    """The loudness of a part of the day."""

    window: TimeWindow
    volume: Percent


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits on how much may sound. `None` is no limit.

    Hà Nội's wards: `Caps(sessions_per_day=2, days_per_week=5, session_max_s=900)`.
    """

    sessions_per_day: int | None = None
    session_max_s: int | None = None
    daily_max_s: int | None = None
    days_per_week: int | None = None


@dataclass(frozen=True, slots=True)
class ClassVolumes:
    """How loud a class of content is at any hour. `None`: as loud as the time of day, an emergency as the ceiling."""

    routine: Percent | None = None
    priority: Percent | None = None
    live: Percent | None = None
    emergency: Percent | None = None
    """The one volume that may exceed the ceiling: an area that names it has chosen it for emergencies."""


@dataclass(frozen=True, slots=True)
class SpeakerPolicy:
    """What one speaker may do, by local time of day: computed from its chain of areas, enforced on both sides."""

    zone: str = VIETNAM
    quiet_hours: tuple[TimeWindow, ...] = ()
    volume_rules: tuple[VolumeRule, ...] = ()
    default_volume: Percent = Percent(70)
    max_volume: Percent = Percent(100)
    class_volumes: ClassVolumes = field(default_factory=ClassVolumes)
    caps: Caps = field(default_factory=Caps)
    local_alarm: bool = False
    """Whether somebody at the speaker may raise its alarm."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When a schedule airs, as RFC 5545 says it.

    `first_local` is DTSTART without its zone (wall-clock time in `zone`); `rrule` is the text after `RRULE:`, or None
    for once. What RFC 5545 cannot say narrows the rule: of its days only those of the lunar month in `lunar_days` (any
    if empty), and no public holiday of Việt Nam if `skip_holidays`. `extra_local` were chosen one by one: neither
    touches them.
    """

    first_local: datetime
    zone: str = VIETNAM
    rrule: str | None = None
    except_local: frozenset[datetime] = frozenset()
    extra_local: frozenset[datetime] = frozenset()
    lunar_days: frozenset[int] = frozenset()
    skip_holidays: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """A playlist aimed at some speakers: the planner's input. Targets are resolved before it gets here."""

    id: ScheduleId
    title: str
    recurrence: Recurrence
    duration_ms: int
    priority: Priority = Priority.ROUTINE
    issuer_depth: int = 2
    """Depth of the issuing area in the tree; 0 is national. Smaller outranks larger."""
    commune_rank: int = 0
    """The order the commune chose on a collision; smaller first."""
    resume: Resume = Resume.REJOIN
    late_join_s: int | None = None
    """How late the occurrence may still come on air; None: for as long as it lasts."""
    volume: Percent | None = None
    """Overrides the volume of its class and of the time of day, never the ceiling."""
    staggered: bool = True
    """Routine items of neighbouring hamlets start one after another instead of together."""


@dataclass(frozen=True, slots=True)
class PlannedOccurrence:
    """One airing on one speaker: what a plan holds and the conductor reads. Alerts and live sessions take its form."""

    id: OccurrenceId
    schedule_id: ScheduleId
    title: str
    starts_at: datetime
    duration_ms: int
    priority: Priority
    issuer_depth: int
    commune_rank: int
    resume: Resume
    late_join_s: int | None
    volume: Percent
    own_volume: bool = True
    """Its schedule chose `volume`; otherwise that of its class or of the time of day holds, and follows the clock."""
    raised_at: datetime | None = None
    """When an alert was raised, where that is not when it begins: a repeat is no newer than its first airing."""
    expires_at: datetime | None = None
    """Until when it may begin, or begin again; None: until the end it would have had on time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one speaker already sounded of an occurrence, as its journal knows it."""

    played_ms: int
    finished: bool
    """Nothing more is to come: it was played whole, stopped or skipped."""


@dataclass(frozen=True, slots=True)
class Sounded:
    """A stretch of air time that counts against the caps."""

    occurrence_id: OccurrenceId
    starts_at: datetime
    ends_at: datetime
