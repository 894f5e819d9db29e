"""The day of a speaker: its quiet hours and its volume, by the clock on the wall.

A window is a span from its start on one day to its end on that day or the next. Where a change of the clocks makes its
edge ambiguous the longer span counts: for quiet hours that is the safe side.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schedules.types import Percent, Priority, SpeakerPolicy, TimeWindow

_DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
"""From … until, in UTC; the end is outside."""


def span(window: TimeWindow, zone: str, day: date) -> Span:
    """Return the window that belongs to `day`, also where it ends on the next."""
    last = day if window.start_local < window.end_local else day + _DAY
    return min(_readings(day, window.start_local, zone)), max(_readings(last, window.end_local, zone))


def in_window(window: TimeWindow, zone: str, at: datetime) -> bool:
    """Say whether `at` lies in the window of its own local day or in the one that began the day before."""
    today = local_day(at, zone)
    return any(start <= at < end for start, end in (span(window, zone, today - _DAY), span(window, zone, today)))


def window_day(window: TimeWindow, zone: str, at: datetime) -> date | None:
    """Return the day that the window around `at` belongs to: its start day. None outside the window."""
    today = local_day(at, zone)
    for day in (today - _DAY, today):
        start, end = span(window, zone, day)
        if start <= at < end:
            return day
    return None


def local_day(at: datetime, zone: str) -> date:
    """Return the calendar day that `at` falls on in `zone`."""
    return at.astimezone(ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """Return the moment at which `day` begins in `zone`."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def quiet(policy: SpeakerPolicy, at: datetime) -> bool:
    """Say whether only an emergency may sound at `at`."""
    return any(in_window(window, policy.zone, at) for window in policy.quiet_hours)


def touches_quiet(policy: SpeakerPolicy, start: datetime, end: datetime) -> bool:
    """Say whether any of [start, end) lies in quiet hours."""
    if not policy.quiet_hours:
        return False
    day, last = local_day(start, policy.zone), local_day(end, policy.zone)
    while day <= last:
        # The spans of a day hold whatever reaches into it, so every moment is covered by those of its own day.
        if any(since < end and start < until for since, until in _quiet_spans(policy.quiet_hours, policy.zone, day)):
            return True
        day += _DAY
    return False


def next_quiet_start(policy: SpeakerPolicy, at: datetime) -> datetime | None:
    """Return when quiet hours next begin, at or after `at`; None when the speaker has none."""
    today = local_day(at, policy.zone)
    starts = (
        span(window, policy.zone, today + days * _DAY)[0] for window in policy.quiet_hours for days in range(-1, 3)
    )
    return min((start for start in starts if start >= at), default=None)


def quiet_until(policy: SpeakerPolicy, at: datetime) -> datetime | None:
    """Return when the quiet hours around `at` end, those that follow on each other taken as one; None outside them.

    Where they never end this says that they last a week, at the least.
    """
    until, limit = at, at + 7 * _DAY
    while until < limit and quiet(policy, until):
        day = local_day(until, policy.zone)
        around = [each for each in _quiet_spans(policy.quiet_hours, policy.zone, day) if each[0] <= until < each[1]]
        until = max(end for _, end in around)
    return None if until == at else until


def volume_at(
    policy: SpeakerPolicy, at: datetime, override: Percent | None = None, priority: Priority = Priority.ROUTINE
) -> Percent:
    """Return how loud to be at `at`: the override, else its class's volume, else the time of day's.

    Never above the ceiling. An emergency has one volume at all hours, its class's, or else the ceiling: nobody's wish
    for a quieter afternoon, and no evening, makes it quieter. Only that volume, if an area names it, may exceed the
    ceiling.
    """
    by_class = _by_class(policy, priority)
    if priority is Priority.EMERGENCY:
        return policy.max_volume if by_class is None else by_class
    wanted = next((each for each in (override, by_class) if each is not None), None)
    return Percent(max(0, min(_by_time_of_day(policy, at) if wanted is None else wanted, policy.max_volume)))


def _by_class(policy: SpeakerPolicy, priority: Priority) -> Percent | None:
    volumes = policy.class_volumes
    match priority:
        case Priority.ROUTINE:
            return volumes.routine
        case Priority.PRIORITY:
            return volumes.priority
        case Priority.LIVE:
            return volumes.live
        case Priority.EMERGENCY:
            return volumes.emergency


def _by_time_of_day(policy: SpeakerPolicy, at: datetime) -> Percent:
    if not policy.volume_rules:
        return policy.default_volume
    clock = at.astimezone(ZoneInfo(policy.zone)).time()
    return next((rule.volume for rule in policy.volume_rules if _contains(rule.window, clock)), policy.default_volume)


def _contains(window: TimeWindow, clock: time) -> bool:
    if window.start_local < window.end_local:
        return window.start_local <= clock < window.end_local
    return clock >= window.start_local or clock < window.end_local


@lru_cache(maxsize=4096)
def _quiet_spans(windows: tuple[TimeWindow, ...], zone: str, day: date) -> tuple[Span, ...]:
    return tuple(span(window, zone, start_day) for start_day in (day - _DAY, day) for window in windows)


def _readings(day: date, clock: time, zone: str) -> Iterator[datetime]:
    """Yield the moments that a wall-clock time may mean: one, but for the two changes of the clocks a year."""
    at = datetime.combine(day, clock, ZoneInfo(zone))
    yield at.astimezone(UTC)
    yield at.replace(fold=1).astimezone(UTC)
