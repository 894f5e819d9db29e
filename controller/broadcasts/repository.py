"""All SQL about schedules and what became of their occurrences."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, cast, select
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
from protocol.messages import Outcome

BEGIN_APART_MAX: Final = 4
"""Moments at which the hamlets of one occurrence may begin."""


class ScheduleRepository(Repository[Schedule]):
    """Schedules issued in the viewer's subtree, newest first."""

    model = Schedule
    order = (Schedule.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[Schedule]:
        """Schedules of areas in the viewer's subtree."""
        return select(Schedule).join(Schedule.area).where(within(Area.path, viewer.scope))

    async def airing(self, viewer: Viewer, playlist_ids: Collection[str]) -> dict[str, list[Schedule]]:
        """The active schedules that air each of these playlists, newest first."""
        active = self.readable(viewer).where(Schedule.playlist_id.in_(playlist_ids), Schedule.active)
        found: dict[str, list[Schedule]] = {}
        for row in await self.all(active.order_by(Schedule.id.desc())):
            found.setdefault(row.playlist_id, []).append(row)
        return found


@dataclass(frozen=True, slots=True)
class Planned:
    """One airing on one speaker, as far as its course goes."""

    device_id: str
    occurrence_id: str
    schedule_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    duration_ms: int
    priority: int
    relays: Sequence[Mapping[str, Any]]
    clips: Sequence[str]
    plan_version: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a speaker said last, as far as airings go."""

    device_id: str
    online: bool
    plan_version: int | None
    on_air: str | None
    missing: Sequence[str] | None
    """Clips that it lacks."""


@dataclass(frozen=True, slots=True)
class Played:
    """A play record, as far as its airing goes."""

    device_id: str
    occurrence_id: str
    at: datetime
    boot_order: int
    seq: int
    started_at: datetime | None
    start_error_ms: float | None
    played_ms: int
    outcome: Outcome
    reason: str


_RELAYS, _CLIPS = ([each.name for each in fields(Planned)].index(name) for name in ("relays", "clips"))
_AS_TEXT: Final = frozenset({"relays", "clips"})
_PLANNED: Final = tuple(
    cast(column, Text) if each.name in _AS_TEXT else column
    for each in fields(Planned)
    for column in [getattr(PlannedRow, each.name)]
)
_SAID: Final = (
    *(getattr(DeviceStateRow, each.name) for each in fields(Said) if each.name != "missing"),
    DeviceStateRow.state["missing"],
)
_PLAYED: Final = tuple(getattr(PlayRecordRow, each.name) for each in fields(Played))


@dataclass(frozen=True, slots=True)
class DayOfAir:
    """Everything that tells how the occurrences of a stretch of time are going."""

    planned: Sequence[Planned]
    said: Mapping[str, Said]
    """By speaker."""
    records: Sequence[Played]
    cancelled: Collection[str]


def _planned(*columns: Any) -> Planned:
    row = Planned(*columns)
    return replace(row, relays=_listed(columns[_RELAYS]), clips=_listed(columns[_CLIPS]))


@lru_cache(maxsize=1000)
def _listed(text: str) -> Sequence[Any]:
    """Read a list. Remembered: what airs is the same on all of its speakers."""
    found: list[Any] = json.loads(text)
    return found


class OccurrenceRepository:
    """Occurrences as the viewer's speakers were told of them. A handful of queries, however many."""

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
        return await self._told(viewer, PlannedRow.starts_at >= start, PlannedRow.starts_at < end)

    async def sounding(self, viewer: Viewer, now: datetime) -> Sequence[PlannedRow]:
        """Return what by plan is on the air just now."""
        statement = self.readable(viewer).where(PlannedRow.starts_at <= now, PlannedRow.ends_at > now)
        return (await self._session.scalars(statement)).all()

    async def one(self, viewer: Viewer, occurrence_id: str) -> DayOfAir:
        """Return one occurrence."""
        return await self._told(viewer, PlannedRow.occurrence_id == occurrence_id)

    async def next_of(self, viewer: Viewer, device_id: str, now: datetime, limit: int) -> Sequence[PlannedRow]:
        """Return what goes on or comes next on one speaker, the soonest first."""
        mine = (PlannedRow.device_id == device_id, PlannedRow.ends_at > now)
        statement = self.readable(viewer).where(*mine).order_by(PlannedRow.starts_at, PlannedRow.occurrence_id)
        return (await self._session.scalars(statement.limit(limit))).all()

    async def some(self, viewer: Viewer, occurrence_ids: Collection[str]) -> DayOfAir:
        """Return these occurrences."""
        return await self._told(viewer, PlannedRow.occurrence_id.in_(sorted(occurrence_ids)))

    async def nearest(self, viewer: Viewer, start: datetime, now: datetime, end: datetime, limit: int) -> list[str]:
        """Return which occurrences begin between two moments: of those before `now` and after it, the nearest to it."""
        found = list[str]()
        for after, before, order in ((start, now, PlannedRow.starts_at.desc()), (now, end, PlannedRow.starts_at.asc())):
            # Speakers of one occurrence may begin one after another: it is met more than once.
            starts = (
                self.readable(viewer)
                .with_only_columns(PlannedRow.occurrence_id, PlannedRow.starts_at)
                .where(PlannedRow.starts_at >= after, PlannedRow.starts_at < before)
                .distinct()
                .order_by(order)
                .limit(limit * BEGIN_APART_MAX)
            )
            found += list(dict.fromkeys(each for each, _ in await self._session.execute(starts)))[:limit]
        return list(dict.fromkeys(found))

    async def _told(self, viewer: Viewer, *wanted: ColumnElement[bool]) -> DayOfAir:
        mine = self.readable(viewer).where(*wanted)
        planned = [_planned(*row) for row in await self._session.execute(mine.with_only_columns(*_PLANNED))]
        devices = mine.with_only_columns(PlannedRow.device_id)
        said = await self._session.execute(select(*_SAID).where(DeviceStateRow.device_id.in_(devices)))
        ids = mine.with_only_columns(PlannedRow.occurrence_id)
        own = {row.device_id for row in planned}
        played = await self._session.execute(select(*_PLAYED).where(PlayRecordRow.occurrence_id.in_(ids)))
        cancelled = await self._session.scalars(
            select(CancelledOccurrence.occurrence_id).where(CancelledOccurrence.occurrence_id.in_(ids))
        )
        return DayOfAir(
            planned,
            {row[0]: Said(*row) for row in said},
            [record for row in played if (record := Played(*row)).device_id in own],
            frozenset(cancelled),
        )

    async def called_off(self, occurrence_id: str) -> CancelledOccurrence | None:
        """Return the calling-off of an occurrence."""
        return await self._session.get(CancelledOccurrence, occurrence_id)

    async def of_schedule(self, viewer: Viewer, schedule_id: str, *, ends_after: datetime) -> Sequence[PlannedRow]:
        """Return what of one schedule is still to come, or on air."""
        statement = self.readable(viewer).where(PlannedRow.schedule_id == schedule_id, PlannedRow.ends_at > ends_after)
        return (await self._session.scalars(statement)).all()
