"""The small language of these tests: a commune's programmes by the clock in Vietnam."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.entry import nominal_end
from schedules.recurrence import daily
from schedules.types import (
    VIETNAM,
    OccurrenceId,
    Percent,
    PlannedOccurrence,
    Priority,
    Resume,
    Schedule,
    ScheduleId,
    Sounded,
    TimeWindow,
)

MONDAY = date(2026, 11, 23)


def at(clock: str, day: int = 0, zone: str = VIETNAM) -> datetime:
    """Return the moment when the clock in `zone` shows `clock`, `day` days after Monday."""
    local = datetime.combine(MONDAY + timedelta(days=day), time.fromisoformat(clock), ZoneInfo(zone))
    return local.astimezone(UTC)


def window(text: str) -> TimeWindow:
    """Read "22:00-05:00"."""
    start, end = text.split("-")
    return TimeWindow(time.fromisoformat(start), time.fromisoformat(end))


def airing(
    name: str,
    starts: datetime,
    minutes: float = 10,
    *,
    priority: Priority = Priority.ROUTINE,
    depth: int = 2,
    order: int = 0,
    resume: Resume = Resume.REJOIN,
    late_join_s: int | None = None,
) -> PlannedOccurrence:
    return PlannedOccurrence(
        id=OccurrenceId(name),
        schedule_id=ScheduleId(f"schedule-of-{name}"),
        title=name,
        starts_at=starts,
        duration_ms=round(minutes * 60_000),
        priority=priority,
        issuer_depth=depth,
        commune_rank=order,
        resume=resume,
        late_join_s=late_join_s,
        volume=Percent(70),
    )


def every_day(
    name: str,
    clock: str,
    minutes: float = 10,
    *,
    since: int = -30,
    priority: Priority = Priority.ROUTINE,
    order: int = 0,
) -> Schedule:
    first = datetime.combine(MONDAY + timedelta(days=since), time.fromisoformat(clock))
    return Schedule(
        id=ScheduleId(name),
        title=name,
        recurrence=daily(first),
        duration_ms=round(minutes * 60_000),
        priority=priority,
        commune_rank=order,
    )


def sounded(occurrence: PlannedOccurrence) -> Sounded:
    return Sounded(occurrence.id, occurrence.starts_at, nominal_end(occurrence))
