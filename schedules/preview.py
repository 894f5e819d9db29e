"""What a speaker will say in the next 24 hours, with what sounds at an odd hour marked before it wakes anybody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.entry import nominal_end
from schedules.types import VIETNAM, PlannedOccurrence

DAY_STARTS, DAY_ENDS = time(6), time(21)
"""The noise rules split the day here."""


@dataclass(frozen=True, slots=True)
class Coming:
    """One line of the preview."""

    occurrence: PlannedOccurrence
    starts_local: datetime
    odd_hour: bool
    """Some of it sounds before 06:00 or after 21:00."""


def coming(
    occurrences: Iterable[PlannedOccurrence],
    now: datetime,
    zone: str = VIETNAM,
    horizon: timedelta = timedelta(hours=24),
) -> tuple[Coming, ...]:
    """Return what is on air or begins before `now + horizon`, in order of time."""
    local = ZoneInfo(zone)
    ahead = [each for each in occurrences if each.starts_at < now + horizon and nominal_end(each) > now]
    return tuple(
        Coming(each, each.starts_at.astimezone(local), odd_hour(each.starts_at, nominal_end(each), zone))
        for each in sorted(ahead, key=lambda each: (each.starts_at, each.id))
    )


def odd_hour(starts_at: datetime, ends_at: datetime, zone: str = VIETNAM) -> bool:
    """Say whether any of it sounds outside the day that the noise rules know."""
    start, end = (at.astimezone(ZoneInfo(zone)) for at in (starts_at, ends_at))
    return start.date() != end.date() or start.time() < DAY_STARTS or end.time() > DAY_ENDS or start.time() >= DAY_ENDS
