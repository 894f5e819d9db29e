"""When a schedule airs next: what is approved later than that does not air late. Pure."""

from datetime import datetime, timedelta

from schedules.recurrence import occurrences
from schedules.types import Recurrence

_STEPS = tuple(timedelta(days=days) for days in (2, 14, 90, 400, 1500))
"""A rare calendar is looked for far ahead, a busy one never expanded so far."""


def next_start(calendar: Recurrence, after: datetime) -> datetime | None:
    """Return the first nominal start later than a moment, or None when the calendar is over."""
    since = after + timedelta(microseconds=1)
    for step in _STEPS:
        found = next(occurrences(calendar, since, since + step), None)
        if found is not None:
            return found
        since += step
    return None
