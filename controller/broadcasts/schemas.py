"""Shapes of schedules and their occurrences."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, WithJsonSchema, model_validator

from controller.approval.states import ApprovalState
from controller.broadcasts.models import Schedule, TargetKind
from controller.http.fields import AreaCodeField, In, Line
from controller.text import Text
from schedules.types import VIETNAM, Priority, Resume

DATES_MAX = 1000
LATE_JOIN_MAX_S = 24 * 3600


def _not_an_emergency(priority: Priority) -> Priority:
    if priority not in {Priority.ROUTINE, Priority.PRIORITY}:
        raise ValueError(Text("A schedule is routine (0) or priority (1); emergencies have their own way"))
    return priority


def _wall_clock(local: datetime) -> datetime:
    if local.tzinfo is not None:
        raise ValueError(Text("A local time has no zone of its own"))
    return local.replace(microsecond=0)


_WITHOUT_ZONE = WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$"})
"""RFC 3339's date-time, which `format` would name, has a zone."""
Local = Annotated[datetime, AfterValidator(_wall_clock), _WITHOUT_ZONE]
"""A wall-clock time in the schedule's zone."""
Dates = Annotated[list[Local], Field(max_length=DATES_MAX)]
LunarDays = Annotated[list[Annotated[int, Field(ge=1, le=30)]], Field(max_length=30)]
"""Days of the Vietnamese lunar month; of the days of the rule only these. Empty: any."""
Weight = Annotated[Priority, AfterValidator(_not_an_emergency)]
Volume = Annotated[int, Field(ge=0, le=100)]
LateJoin = Annotated[int, Field(ge=0, le=LATE_JOIN_MAX_S)]
RANK_MAX = 1000
Rank = Annotated[int, Field(ge=-RANK_MAX, le=RANK_MAX)]
Rule = Annotated[str, Field(max_length=500)]


class Target(In):
    """An area with all below it, a group, or one speaker."""

    kind: TargetKind
    key: Annotated[str, Field(min_length=1, max_length=128)]


TARGETS_MAX = 500
Targets = Annotated[list[Target], Field(min_length=1, max_length=TARGETS_MAX)]


class ScheduleIn(In):
    """A new schedule. Without `first_local` it airs now: as soon as speakers can be ready."""

    title: Line
    playlist_id: Annotated[str, Field(max_length=26)]
    area_code: AreaCodeField
    """Who issues it."""
    targets: Targets
    first_local: Local | None = None
    zone: Annotated[str, Field(max_length=64)] = VIETNAM
    rrule: Rule | None = None
    except_local: Dates = Field(default_factory=list)
    extra_local: Dates = Field(default_factory=list)
    lunar_days: LunarDays = Field(default_factory=list)
    skip_holidays: bool = False
    """Whether it is silent on the public holidays of Việt Nam."""
    priority: Weight = Priority.ROUTINE
    resume: Resume = Resume.REJOIN
    volume: Volume | None = None
    late_join_s: LateJoin | None = None
    commune_rank: Rank = 0
    staggered: bool = True
    active: bool = True

    @model_validator(mode="after")
    def _now_is_once(self) -> Self:
        repeats = self.rrule or self.extra_local or self.except_local or self.lunar_days or self.skip_holidays
        if self.first_local is None and repeats:
            raise ValueError(Text("What airs now does not repeat"))
        return self


class ScheduleEdit(In):
    """What is to change."""

    title: Line | None = None
    playlist_id: Annotated[str, Field(max_length=26)] | None = None
    targets: Targets | None = None
    first_local: Local | None = None
    zone: Annotated[str, Field(max_length=64)] | None = None
    rrule: Rule | None = None
    except_local: Dates | None = None
    extra_local: Dates | None = None
    lunar_days: LunarDays | None = None
    skip_holidays: bool | None = None
    priority: Weight | None = None
    resume: Resume | None = None
    volume: Volume | None = None
    late_join_s: LateJoin | None = None
    commune_rank: Rank | None = None
    staggered: bool | None = None
    active: bool | None = None


class ScheduleOut(BaseModel):
    """A schedule."""

    id: str
    title: str
    playlist_id: str
    area_code: str
    targets: list[Target]
    first_local: Local
    zone: str
    rrule: str | None
    except_local: list[Local]
    extra_local: list[Local]
    lunar_days: list[int]
    skip_holidays: bool
    priority: Priority
    resume: Resume
    volume: int | None
    late_join_s: int | None
    commune_rank: int
    staggered: bool
    active: bool
    author: str
    created_at: AwareDatetime
    duration_ms: int | None
    ready: bool
    """Whether its playlist has its sound: before that it is in no plan."""
    approval: ApprovalState
    """Where it stands as it is now; while it is not approved, an earlier version may air."""

    @classmethod
    def of(cls, row: Schedule, approval: ApprovalState) -> Self:
        """Return what may be seen of a row that stands so."""
        sound = row.playlist.sound
        return cls(
            id=row.id,
            title=row.title,
            playlist_id=row.playlist_id,
            area_code=row.area_code,
            targets=[Target(kind=target.kind, key=target.key) for target in row.targets],
            first_local=datetime.fromisoformat(row.first_local),
            zone=row.zone,
            rrule=row.rrule,
            except_local=[datetime.fromisoformat(each) for each in row.except_local],
            extra_local=[datetime.fromisoformat(each) for each in row.extra_local],
            lunar_days=row.lunar_days,
            skip_holidays=row.skip_holidays,
            priority=Priority(row.priority),
            resume=row.resume,
            volume=row.volume,
            late_join_s=row.late_join_s,
            commune_rank=row.commune_rank,
            staggered=row.staggered,
            active=row.active,
            author=row.author,
            created_at=row.created_at,
            duration_ms=sound.duration_ms if sound else None,
            ready=sound is not None,
            approval=approval,
        )


Word = Literal["coming", "ready", "on_air", "played", "partly", "missed", "failed", "cancelled", "unreported"]
"""How an airing is going on one speaker."""


class SpeakerProgress(BaseModel):
    """One airing on one speaker."""

    device: str
    starts_at: AwareDatetime
    state: Word
    start_error_ms: float | None = None
    played_ms: int = 0
    reason: str = ""


class RelayOut(BaseModel):
    """Another station's time inside an airing."""

    title: str
    at_ms: int
    duration_ms: int


class OccurrenceOut(BaseModel):
    """One airing on all the viewer's speakers that it is meant for."""

    id: str
    schedule_id: str
    title: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    duration_ms: int
    relays: list[RelayOut]
    priority: Priority
    cancelled: bool
    targeted: int
    ready: int
    on_air: int
    played: int
    partly: int
    missed: int
    failed: int
    unreported: int
    speakers: list[SpeakerProgress]
