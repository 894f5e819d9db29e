"""The agenda: every airing of some days as the schedules say it, also beyond the days that plans speak of.

What was, is what was planned. What comes, is what each schedule says now, beside an older version that still airs while
somebody has to approve the newer.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, raiseload

from controller.accounts.viewer import Viewer
from controller.approval.models import ApprovedVersion
from controller.approval.repository import LedgerRepository
from controller.approval.states import ApprovalState
from controller.areas.models import Area
from controller.areas.tree import ancestors, within
from controller.broadcasts.models import Airs, Schedule
from controller.broadcasts.repository import Brief, OccurrenceRepository, ScheduleRepository
from controller.planning import rows
from controller.planning.repository import PlanningRepository
from controller.playlists.models import Playlist
from schedules.day import local_day, midnight
from schedules.plan import occurrence_id, plan_window
from schedules.recurrence import starts
from schedules.types import Priority, ScheduleId

SCHEDULES_MAX = 400
"""More, of a province, are not expanded one by one: a smaller place is chosen."""


class Standing(StrEnum):
    """Whether an airing of the agenda is heard."""

    AIRS = "airs"
    WAITS = "waits"
    """Its version is not approved."""
    OLDER = "older"
    """Of the version approved before, which airs until the newer one is approved."""
    CALLED_OFF = "called_off"
    NOWHERE = "nowhere"
    """No speaker has it in its plan: quiet hours, caps, or no speaker at all."""
    WAS = "was"
    """Over, or issued by a level above: only looked at."""


@dataclass(frozen=True, slots=True)
class Airing:
    """One airing."""

    occurrence_id: str
    schedule_id: str
    title: str
    starts_at: datetime
    duration_ms: int
    priority: Priority
    standing: Standing
    version: int | None = None
    """Of the schedule, where the airing can still be moved."""
    once: bool = False
    """It is the only one of its schedule."""


@dataclass(frozen=True, slots=True)
class Days:
    """The airings of some days, in order of time."""

    airings: tuple[Airing, ...]
    complete: bool
    """Not: there are more schedules, or more airings of one day, than are looked at."""


@dataclass(frozen=True, slots=True)
class _Known:
    start: datetime
    end: datetime
    """What is expanded: from today on only."""
    movable_from: datetime
    cancelled: frozenset[str]


class Agenda:
    """What a viewer's calendar shows, in a fixed number of queries."""

    def __init__(self, session: AsyncSession, *, plan_days: int, freeze: timedelta) -> None:
        self._session = session
        self._plan_days = plan_days
        self._freeze = freeze

    async def between(
        self, viewer: Viewer, path: str, start: datetime, end: datetime, *, now: datetime, zone: str, a_day: int
    ) -> Days:
        """Return what airs in [start, end) of what is issued at an area's path and below it: of each day the first."""
        schedules, complete = await self._schedules(viewer, path, start)
        ids = [row.id for row in schedules]
        ledger, planning = LedgerRepository(self._session), PlanningRepository(self._session)
        occurrences = OccurrenceRepository(self._session)
        approvals = await ledger.approvals(ids, lock=False)
        versions = await ledger.versions({each.airing_id for each in approvals.values() if each.airing_id})
        today = min(max(midnight(local_day(now, zone), zone), start), end)
        was = await occurrences.first(viewer, path, _days(start, min(now, end), zone), a_day + 1)
        above = await self._from_above(viewer, path, today, end, a_day + 1)
        cancelled = await planning.cancelled({*ids, *(each.schedule_id for each in (*was, *above))})
        known = _Known(start=today, end=end, movable_from=now + self._freeze, cancelled=cancelled)
        found = {each.occurrence_id: _looked_at(each, cancelled) for each in (*above, *was)}
        for row in schedules:
            approval = approvals.get(row.id)
            airing = versions.get(approval.airing_id) if approval and approval.airing_id else None
            approved = approval is not None and approval.state is ApprovalState.APPROVED
            if airing is not None and not approved:
                older = _expanded(airing, row, _length(airing), known, Standing.OLDER)
                found |= {each.occurrence_id: each for each in older}
            standing = Standing.AIRS if approved else Standing.WAITS
            found |= {each.occurrence_id: each for each in _expanded(row, row, _sound(row), known, standing)}
        airings, whole = _first_of_each_day(found.values(), zone, a_day)
        planned_until = plan_window(now, zone, self._plan_days).end
        return Days(await self._heard(airings, now, planned_until), complete and whole)

    async def _schedules(self, viewer: Viewer, path: str, start: datetime) -> tuple[Sequence[Schedule], bool]:
        repository = ScheduleRepository(self._session)
        still = or_(Schedule.over_at.is_(None), Schedule.over_at > start)
        statement = repository.readable(viewer).where(within(Area.path, path), Schedule.active, still)
        # Hundreds of them: neither whom they address nor what their playlists hold is shown.
        statement = statement.options(
            raiseload(Schedule.targets), joinedload(Schedule.playlist).raiseload(Playlist.items)
        )
        found = await repository.all(statement.order_by(Schedule.id.desc()).limit(SCHEDULES_MAX + 1))
        return found[:SCHEDULES_MAX], len(found) <= SCHEDULES_MAX

    async def _from_above(
        self, viewer: Viewer, path: str, start: datetime, end: datetime, a_day: int
    ) -> Sequence[Brief]:
        """Return what wider areas air there: it is looked at only."""
        wider = set(ancestors(path)) - {path}
        issued = select(Schedule.id).join(Schedule.area).where(Area.path.in_(wider), Schedule.active)
        ids = (await self._session.scalars(issued.limit(SCHEDULES_MAX))).all()
        if not ids or start >= end:
            return ()
        most = a_day * ((end - start).days + 1)
        return await OccurrenceRepository(self._session).first(viewer, path, [(start, end)], most, schedules=ids)

    async def _heard(self, airings: Sequence[Airing], now: datetime, planned_until: datetime) -> tuple[Airing, ...]:
        """Return them, and say of each that plans speak of and no speaker was told of that it is heard nowhere."""
        asked = {
            each.occurrence_id
            for each in airings
            if each.standing is Standing.AIRS and now <= each.starts_at < planned_until
        }
        nowhere = asked - await OccurrenceRepository(self._session).told(asked)
        return tuple(
            replace(each, standing=Standing.NOWHERE) if each.occurrence_id in nowhere else each for each in airings
        )


def _days(start: datetime, end: datetime, zone: str) -> list[tuple[datetime, datetime]]:
    """Cut a stretch of time at its local midnights."""
    bounds = [start]
    while bounds[-1] < end:
        bounds.append(min(midnight(local_day(bounds[-1], zone) + timedelta(days=1), zone), end))
    return list(pairwise(bounds))


def _length(version: ApprovedVersion) -> int:
    return version.sound.duration_ms or 0 if version.sound else 0


def _sound(row: Schedule) -> int:
    return row.playlist.sound.duration_ms or 0 if row.playlist.sound else 0


def _expanded(said: Airs, row: Schedule, duration_ms: int, known: _Known, standing: Standing) -> Iterator[Airing]:
    if known.start >= known.end:
        return
    recurrence = rows.recurrence(said)
    for moment in starts(recurrence, known.start, known.end):
        id_ = occurrence_id(ScheduleId(row.id), moment)
        stands = standing
        if id_ in known.cancelled:
            stands = Standing.CALLED_OFF
        movable = moment >= known.movable_from and stands not in {Standing.CALLED_OFF, Standing.OLDER}
        yield Airing(
            occurrence_id=id_,
            schedule_id=row.id,
            title=said.title,
            starts_at=moment,
            duration_ms=duration_ms,
            priority=Priority(said.priority),
            standing=stands,
            version=row.version if movable else None,
            once=recurrence.rrule is None and not recurrence.extra_local,
        )


def _looked_at(told: Brief, cancelled: Collection[str]) -> Airing:
    """Return what was planned for moments that are over, or what others issue for these speakers."""
    return Airing(
        occurrence_id=told.occurrence_id,
        schedule_id=told.schedule_id,
        title=told.title,
        starts_at=told.starts_at,
        duration_ms=told.duration_ms,
        priority=Priority(told.priority),
        standing=Standing.CALLED_OFF if told.occurrence_id in cancelled else Standing.WAS,
    )


def _first_of_each_day(airings: Iterable[Airing], zone: str, a_day: int) -> tuple[Sequence[Airing], bool]:
    """Return them in order of time, of a crowded day the first; and whether these are all."""
    taken, shown, whole = Counter[object](), list[Airing](), True
    for each in sorted(airings, key=lambda each: (each.starts_at, each.title, each.occurrence_id)):
        day = local_day(each.starts_at, zone)
        taken[day] += 1
        if taken[day] <= a_day:
            shown.append(each)
        else:
            whole = False
    return shown, whole
