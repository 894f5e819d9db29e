"""All SQL about schedules and what became of their occurrences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import CancelledOccurrence, Schedule
from controller.devices.models import Device
from controller.monitoring.models import DeviceStateRow
from controller.planning.models import PlannedRow
from controller.records.models import PlayRecordRow
from controller.repository import Repository

VARIABLES_MAX = 500


class ScheduleRepository(Repository[Schedule]):
    """Schedules issued in the viewer's subtree, newest first."""

    model = Schedule
    order = (Schedule.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[Schedule]:
        """Schedules of areas in the viewer's subtree."""
        return select(Schedule).join(Schedule.area).where(within(Area.path, viewer.scope))


@dataclass(frozen=True, slots=True)
class DayOfAir:
    """Everything that tells how the occurrences of a stretch of time are going."""

    planned: Sequence[PlannedRow]
    states: Sequence[DeviceStateRow]
    records: Sequence[PlayRecordRow]
    cancelled: Sequence[CancelledOccurrence]


class OccurrenceRepository:
    """Occurrences as the viewer's speakers were told of them. Four queries, however many."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def readable(self, viewer: Viewer) -> Select[PlannedRow]:
        """What was planned for the speakers in the viewer's subtree."""
        return (
            select(PlannedRow)
            .options(defer(PlannedRow.stretches, raiseload=True))
            .join(Device, Device.id == PlannedRow.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )

    async def between(self, viewer: Viewer, start: datetime, end: datetime) -> DayOfAir:
        """Return what starts in [start, end)."""
        statement = self.readable(viewer).where(PlannedRow.starts_at >= start, PlannedRow.starts_at < end)
        return await self._told(viewer, (await self._session.scalars(statement)).all())

    async def one(self, viewer: Viewer, occurrence_id: str) -> DayOfAir:
        """Return one occurrence."""
        statement = self.readable(viewer).where(PlannedRow.occurrence_id == occurrence_id)
        return await self._told(viewer, (await self._session.scalars(statement)).all())

    async def next_of(self, viewer: Viewer, device_id: str, now: datetime, limit: int) -> Sequence[PlannedRow]:
        """Return what goes on or comes next on one speaker, the soonest first."""
        mine = (PlannedRow.device_id == device_id, PlannedRow.ends_at > now)
        statement = self.readable(viewer).where(*mine).order_by(PlannedRow.starts_at, PlannedRow.occurrence_id)
        return (await self._session.scalars(statement.limit(limit))).all()

    async def _told(self, viewer: Viewer, planned: Sequence[PlannedRow]) -> DayOfAir:
        ids = sorted({row.occurrence_id for row in planned})
        devices = {row.device_id for row in planned}
        states = await self._session.scalars(
            select(DeviceStateRow)
            .join(Device, Device.id == DeviceStateRow.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )
        records: list[PlayRecordRow] = []
        cancelled: list[CancelledOccurrence] = []
        for start in range(0, len(ids), VARIABLES_MAX):
            some = ids[start : start + VARIABLES_MAX]
            records += await self._session.scalars(select(PlayRecordRow).where(PlayRecordRow.occurrence_id.in_(some)))
            cancelled += await self._session.scalars(
                select(CancelledOccurrence).where(CancelledOccurrence.occurrence_id.in_(some))
            )
        return DayOfAir(
            planned,
            [state for state in states if state.device_id in devices],
            [record for record in records if record.device_id in devices],
            cancelled,
        )

    async def called_off(self, occurrence_id: str) -> CancelledOccurrence | None:
        """Return the calling-off of an occurrence."""
        return await self._session.get(CancelledOccurrence, occurrence_id)

    async def of_schedule(self, viewer: Viewer, schedule_id: str, *, ends_after: datetime) -> Sequence[PlannedRow]:
        """Return what of one schedule is still to come, or on air."""
        statement = self.readable(viewer).where(PlannedRow.schedule_id == schedule_id, PlannedRow.ends_at > ends_after)
        return (await self._session.scalars(statement)).all()
