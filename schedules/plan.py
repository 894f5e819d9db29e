"""Compiling: from schedules and one speaker's policy to what that speaker will air."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedules.caps import capped
from schedules.collisions import Collision, collisions
from schedules.day import local_day, midnight, touches_quiet, volume_at
from schedules.entry import nominal_end
from schedules.errors import InvalidStagger
from schedules.reasons import Reason
from schedules.recurrence import occurrences
from schedules.stagger import staggers
from schedules.types import (
    VIETNAM,
    OccurrenceId,
    PlannedOccurrence,
    Priority,
    Schedule,
    ScheduleId,
    SpeakerPolicy,
)

FREEZE = timedelta(seconds=10)
LONGEST_STAGGER = timedelta(hours=1)
REACH = timedelta(days=8)
"""How far before its window a calendar looks: a week, and the stagger and length of what began then."""

StaggerMs = int | Callable[[Schedule], int]
"""A speaker's delay for routine items: the same for all, or asked per schedule."""


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """The stretch of time that a plan speaks about: [start, end), in UTC."""

    start: datetime
    end: datetime


def plan_window(now: datetime, zone: str = VIETNAM, days: int = 8) -> PlanWindow:
    """Return `days` local days from today's midnight on: it only moves at midnight, and so does an unedited plan."""
    today = local_day(now, zone)
    return PlanWindow(midnight(today, zone), midnight(today + timedelta(days=days), zone))


@dataclass(frozen=True, slots=True)
class Omission:
    """An occurrence that a speaker will not air, and why."""

    occurrence_id: OccurrenceId
    schedule_id: ScheduleId
    title: str
    starts_at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """What one speaker airs, in order of time, and what it leaves out."""

    window: PlanWindow
    occurrences: tuple[PlannedOccurrence, ...]
    omitted: tuple[Omission, ...]

    @property
    def collisions(self) -> tuple[Collision, ...]:
        """Who yields to whom; found when asked."""
        return tuple(collisions(self.occurrences))


class Calendar:
    """The expansions of one window, each schedule's done once however many speakers share it.

    They reach back a week: what still runs at its start, and what counts against the days of its week, lies there.
    """

    def __init__(self, window: PlanWindow) -> None:
        self.window = window
        self._starts: dict[Schedule, tuple[tuple[OccurrenceId, datetime], ...]] = {}

    def starts(self, schedule: Schedule) -> tuple[tuple[OccurrenceId, datetime], ...]:
        """Return ids and nominal starts of the schedule's occurrences."""
        known = self._starts.get(schedule)
        if known is None:
            found = occurrences(schedule.recurrence, self.window.start - REACH, self.window.end)
            known = tuple((occurrence_id(schedule.id, start), start) for start in found)
            self._starts[schedule] = known
        return known


def occurrence_id(schedule_id: ScheduleId, nominal_start: datetime) -> OccurrenceId:
    """Return the id of an airing: the same on every speaker, whatever its stagger."""
    return OccurrenceId(f"{schedule_id}.{nominal_start:%Y%m%dT%H%M%SZ}")


def compile_plan(
    schedules: Iterable[Schedule],
    policy: SpeakerPolicy,
    window: PlanWindow | Calendar,
    now: datetime,
    *,
    stagger_ms: StaggerMs = 0,
    previous: Sequence[PlannedOccurrence] | None = None,
    freeze: timedelta = FREEZE,
    called_off: Collection[str] = frozenset(),
) -> CompiledPlan:
    """Return what one speaker airs in the window. The order of `schedules` does not matter.

    Give a `Calendar` instead of its window to share expansions among speakers. `previous` is what the speaker's last
    plan holds, None when it never had one: all of it that is over, or begins before `now + freeze`, stays as it is, and
    nothing but an emergency joins it there. Quiet hours and caps rule what lies beyond. What somebody called off
    (`called_off`, by id) is gone at once and counts for nothing.
    """
    calendar = window if isinstance(window, Calendar) else Calendar(window)
    wanted = tuple(schedules)
    promised = {each.id: each for each in previous or () if each.id not in called_off}
    horizon = now + freeze
    settled = _settled(promised.values(), calendar.window, horizon)
    omitted: list[Omission] = []
    wishes: list[PlannedOccurrence] = []
    for wish in _wishes(wanted, policy, calendar, stagger_ms, calendar.window):
        if wish.id in settled or wish.id in called_off:
            continue
        # What was promised for later can no longer move to so early a time, and stays where it was.
        each = promised.get(wish.id, wish) if wish.starts_at < horizon else wish
        if nominal_end(each) <= now:
            continue
        reason = _refusal(each, policy, now, horizon, is_first_plan=previous is None)
        if reason is None:
            wishes.append(each)
        else:
            omitted.append(_omission(each, reason))
    earlier = _earlier_this_week(wanted, policy, calendar, stagger_ms)
    kept, cut = capped(wishes, policy, [*settled.values(), *earlier])
    omitted.extend(_omission(wish, reason) for wish, reason in cut)
    return CompiledPlan(
        window=calendar.window,
        occurrences=tuple(sorted((*settled.values(), *kept), key=lambda each: (each.starts_at, each.id))),
        omitted=tuple(sorted(omitted, key=lambda each: (each.starts_at, each.occurrence_id))),
    )


def _settled(
    previous: Iterable[PlannedOccurrence],
    window: PlanWindow,
    horizon: datetime,
) -> Mapping[OccurrenceId, PlannedOccurrence]:
    """Return what no longer changes: it has been, is on air, or is about to be."""
    return {each.id: each for each in previous if each.starts_at < horizon and nominal_end(each) > window.start}


def _wishes(
    schedules: Iterable[Schedule],
    policy: SpeakerPolicy,
    calendar: Calendar,
    stagger_ms: StaggerMs,
    within: PlanWindow,
) -> Iterator[PlannedOccurrence]:
    for schedule in schedules:
        delay = _delay(schedule, stagger_ms)
        length = timedelta(milliseconds=schedule.duration_ms)
        for name, nominal in calendar.starts(schedule):
            starts_at = nominal + delay
            if starts_at < within.end and starts_at + length > within.start:
                yield PlannedOccurrence(
                    id=name,
                    schedule_id=schedule.id,
                    title=schedule.title,
                    starts_at=starts_at,
                    duration_ms=schedule.duration_ms,
                    priority=schedule.priority,
                    issuer_depth=schedule.issuer_depth,
                    commune_rank=schedule.commune_rank,
                    resume=schedule.resume,
                    late_join_s=schedule.late_join_s,
                    volume=volume_at(policy, starts_at, schedule.volume, schedule.priority),
                    own_volume=schedule.volume is not None,
                )


def _earlier_this_week(
    schedules: Iterable[Schedule],
    policy: SpeakerPolicy,
    calendar: Calendar,
    stagger_ms: StaggerMs,
) -> list[PlannedOccurrence]:
    """Return what the schedules had on days of this week that the window leaves behind: they count as days of sound."""
    if policy.caps.days_per_week is None:
        return []
    today = local_day(calendar.window.start, policy.zone)
    monday = midnight(today - timedelta(days=today.weekday()), policy.zone)
    wishes = _wishes(schedules, policy, calendar, stagger_ms, PlanWindow(monday, calendar.window.start))
    gone = [each for each in wishes if nominal_end(each) <= calendar.window.start]
    kept, _ = capped([each for each in gone if not touches_quiet(policy, each.starts_at, nominal_end(each))], policy)
    return kept


def _delay(schedule: Schedule, stagger_ms: StaggerMs) -> timedelta:
    if not staggers(schedule):
        return timedelta()
    delay = timedelta(milliseconds=stagger_ms if isinstance(stagger_ms, int) else stagger_ms(schedule))
    if not timedelta() <= delay <= LONGEST_STAGGER:
        raise InvalidStagger(f"a stagger of {delay}: between nothing and {LONGEST_STAGGER} is possible")
    return delay


def _refusal(
    wish: PlannedOccurrence,
    policy: SpeakerPolicy,
    now: datetime,
    horizon: datetime,
    *,
    is_first_plan: bool,
) -> Reason | None:
    if wish.priority is Priority.EMERGENCY:
        return None
    if now <= wish.starts_at < horizon:
        return Reason.FROZEN
    if wish.starts_at < now and not is_first_plan:
        return Reason.ALREADY_BEGUN
    if touches_quiet(policy, wish.starts_at, nominal_end(wish)):
        return Reason.QUIET_HOURS
    return None


def _omission(wish: PlannedOccurrence, reason: Reason) -> Omission:
    return Omission(wish.id, wish.schedule_id, wish.title, wish.starts_at, reason)
