"""Where in an occurrence to start, when it gets the air: on time, late, or back after something else."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from schedules.types import Heard, PlannedOccurrence, Resume

ON_TIME = timedelta(seconds=1)
"""A start this late is still on time: the first syllable is worth more than the second saved."""

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """Sound the occurrence from `offset_ms` on, beginning at `at`."""

    at: datetime
    offset_ms: int


def entry(occurrence: PlannedOccurrence, now: datetime, heard: Heard | None = None) -> Entry | None:
    """Return how the occurrence goes on air at `now`, or None when it does not: not yet, over, or no more.

    `late_join_s` limits the first time it is heard and every new beginning; what people were already listening to may
    be rejoined until it ends.
    """
    begun = heard is not None and heard.played_ms > 0
    late = now - occurrence.starts_at
    if late < timedelta() or now >= last_entry(occurrence) or (heard is not None and heard.finished):
        return None
    if not begun and late <= ON_TIME:
        return Entry(now, 0)
    in_time = occurrence.late_join_s is None or late < timedelta(seconds=occurrence.late_join_s)
    match occurrence.resume:
        case Resume.REJOIN:
            left = now < nominal_end(occurrence)
            return Entry(now, late // _MILLISECOND) if left and (in_time or begun) else None
        case Resume.RESTART:
            return Entry(now, 0) if in_time else None
        case Resume.SKIP:
            return None


def nominal_end(occurrence: PlannedOccurrence) -> datetime:
    """Return when an occurrence that began on time ends."""
    return occurrence.starts_at + timedelta(milliseconds=occurrence.duration_ms)


def last_entry(occurrence: PlannedOccurrence) -> datetime:
    """Return from when on an occurrence can no longer begin, nor come back."""
    return occurrence.expires_at or nominal_end(occurrence)


def ends_at(occurrence: PlannedOccurrence, begun: Entry) -> datetime:
    """Return when the sound ends that begins with this entry, if nothing displaces it."""
    return begun.at + timedelta(milliseconds=occurrence.duration_ms - begun.offset_ms)


def sounding_until(occurrence: PlannedOccurrence, now: datetime, heard: Heard | None = None) -> datetime | None:
    """Return when the occurrence would fall silent if it got the air at `now`; None when it does not go on air."""
    begun = entry(occurrence, now, heard)
    return ends_at(occurrence, begun) if begun else None
