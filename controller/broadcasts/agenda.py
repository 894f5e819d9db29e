"""The agenda: every airing of some days as the schedules say it, also beyond the days that plans speak of.

What was, is what was planned. What comes, is what each schedule says now, beside an older version that still airs while
somebody has to approve the newer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.approval.models import ApprovedVersion
from controller.approval.repository import LedgerRepository
from controller.approval.states import ApprovalState
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import Airs, Schedule
from controller.broadcasts.repository import OccurrenceRepository, ScheduleRepository
from controller.planning import rows
from controller.planning.models import PlannedRow
from controller.planning.repository import PlanningRepository
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
    """Not: there are more schedules than are looked at."""


@dataclass(frozen=True, slots=True)
class _Known:
    start: datetime
    end: datetime
    """What is expanded: from today on only."""
    now: datetime
    movable_from: datetime
    planned: Mapping[str, PlannedRow]
    planned_until: datetime
    cancelled: frozenset[str]


class Agenda:
    """What a viewer's calendar shows, in a fixed number of queries."""

    def __init__(self, session: AsyncSession, *, plan_days: int, freeze: timedelta) -> None:
        self._session = session
        self._plan_days = plan_days
        self._freeze = freeze

    async def between(
        self, viewer: Viewer, path: str, start: datetime, end: datetime, *, now: datetime, zone: str
    ) -> Days:
        """Return what airs in [start, end) of what is issued at an area's path and below it."""
        schedules, complete = await self._schedules(viewer, path, start)
        ids = [row.id for row in schedules]
        ledger, planning = LedgerRepository(self._session), PlanningRepository(self._session)
        approvals = await ledger.approvals(ids, lock=False)
        versions = await ledger.versions({each.airing_id for each in approvals.values() if each.airing_id})
        planned = await self._planned(viewer, path, start, end)
        today = midnight(local_day(now, zone), zone)
        known = _Known(
            start=max(start, today),
            end=end,
            now=now,
            movable_from=now + self._freeze,
            planned=planned,
            planned_until=plan_window(now, zone, self._plan_days).end,
            cancelled=await planning.cancelled({*ids, *(row.schedule_id for row in planned.values())}),
        )
        found: dict[str, Airing] = {}
        for row in schedules:
            approval = approvals.get(row.id)
            airing = versions.get(approval.airing_id) if approval and approval.airing_id else None
            approved = approval is not None and approval.state is ApprovalState.APPROVED
            if airing is not None and not approved:
                older = _expanded(airing, row, _length(airing), known, Standing.OLDER)
                found |= {each.occurrence_id: each for each in older}
            standing = Standing.AIRS if approved else Standing.WAITS
            found |= {each.occurrence_id: each for each in _expanded(row, row, _sound(row), known, standing)}
        found |= _looked_at(planned.values(), found, frozenset(ids), today, known)
        return Days(
            tuple(sorted(found.values(), key=lambda each: (each.starts_at, each.title, each.occurrence_id))), complete
        )

    async def _schedules(self, viewer: Viewer, path: str, start: datetime) -> tuple[Sequence[Schedule], bool]:
        repository = ScheduleRepository(self._session)
        still = or_(Schedule.over_at.is_(None), Schedule.over_at > start)
        statement = repository.readable(viewer).where(within(Area.path, path), Schedule.active, still)
        found = await repository.all(statement.order_by(Schedule.id.desc()).limit(SCHEDULES_MAX + 1))
        return found[:SCHEDULES_MAX], len(found) <= SCHEDULES_MAX

    async def _planned(self, viewer: Viewer, path: str, start: datetime, end: datetime) -> dict[str, PlannedRow]:
        """Return one row for each occurrence that a speaker there was told of: the earliest."""
        statement = OccurrenceRepository(self._session).readable(viewer)
        inside = statement.where(within(Area.path, path), PlannedRow.starts_at >= start, PlannedRow.starts_at < end)
        found: dict[str, PlannedRow] = {}
        for row in await self._session.scalars(inside.order_by(PlannedRow.starts_at)):
            found.setdefault(row.occurrence_id, row)
        return found


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
        elif standing is Standing.AIRS and id_ not in known.planned and known.now <= moment < known.planned_until:
            stands = Standing.NOWHERE
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


def _looked_at(
    planned: Iterable[PlannedRow], found: Mapping[str, Airing], mine: frozenset[str], today: datetime, known: _Known
) -> dict[str, Airing]:
    """Return what was planned for days that are over, and what others issue for these speakers."""
    return {
        row.occurrence_id: Airing(
            occurrence_id=row.occurrence_id,
            schedule_id=row.schedule_id,
            title=row.title,
            starts_at=row.starts_at,
            duration_ms=row.duration_ms,
            priority=Priority(row.priority),
            standing=Standing.CALLED_OFF if row.occurrence_id in known.cancelled else Standing.WAS,
        )
        for row in planned
        if row.occurrence_id not in found and (row.starts_at < today or row.schedule_id not in mine)
    }
