"""All SQL about schedules and what became of their occurrences."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Subquery,
    Text,
    and_,
    case,
    cast,
    column,
    distinct,
    false,
    func,
    not_,
    select,
    union_all,
    values,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from controller.accounts.viewer import Viewer
from controller.approval.models import Approval, ApprovedTarget, ApprovedVersion
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.coming import airs_again, still_active
from controller.broadcasts.models import CancelledOccurrence, Schedule, ScheduleTarget, TargetKind
from controller.devices.models import Device, DeviceStatus
from controller.devices.repository import of_speakers
from controller.monitoring.models import DeviceStateRow
from controller.planning.models import PlannedRow
from controller.records.models import PlayRecordRow
from controller.repository import Repository
from protocol.messages import Outcome

BEGIN_APART_MAX: Final = 4
"""Moments at which the hamlets of one occurrence may begin."""
FEW: Final = 300
"""Speakers whose airings are found by speaker; those of more are found by time."""


class ScheduleRepository(Repository[Schedule]):
    """Schedules issued in the viewer's subtree, newest first."""

    model = Schedule
    order = (Schedule.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[Schedule]:
        """Schedules of areas in the viewer's subtree."""
        return select(Schedule).join(Schedule.area).where(within(Area.path, viewer.scope))

    async def airing(self, viewer: Viewer, playlist_ids: Collection[str], now: datetime) -> dict[str, list[Schedule]]:
        """The schedules that will air each of these playlists again, newest first."""
        active = self.readable(viewer).where(Schedule.playlist_id.in_(playlist_ids), still_active(now))
        found: dict[str, list[Schedule]] = {}
        for row in await self.all(active.order_by(Schedule.id.desc())):
            if airs_again(row, now):
                found.setdefault(row.playlist_id, []).append(row)
        return found

    async def addressing(self, group_ids: Collection[str], now: datetime) -> dict[str, list[Schedule]]:
        """Whoever issues them: the schedules that will air again for each of these groups, newest first.

        By what they say now, or by the version approved last: that airs until another one is approved.
        """
        newest = (
            select(ScheduleTarget.key, Schedule)
            .join(Schedule, Schedule.id == ScheduleTarget.schedule_id)
            .where(ScheduleTarget.kind == TargetKind.GROUP, ScheduleTarget.key.in_(group_ids), still_active(now))
        )
        approved = (
            select(ApprovedTarget.key, ApprovedVersion)
            .join(ApprovedVersion, ApprovedVersion.id == ApprovedTarget.version_id)
            .join(Approval, Approval.airing_id == ApprovedVersion.id)
            .join(Schedule, Schedule.id == ApprovedVersion.schedule_id)
            .where(ApprovedTarget.kind == TargetKind.GROUP, ApprovedTarget.key.in_(group_ids))
            .where(still_active(now, ApprovedVersion))
        )
        found: dict[str, dict[str, Schedule]] = defaultdict(dict)
        for group_id, row in await self.session.execute(newest):
            if airs_again(row, now):
                found[group_id][row.id] = row
        for group_id, version in await self.session.execute(approved):
            if airs_again(version, now):
                found[group_id][version.schedule_id] = version.schedule
        return {group_id: [rows[id_] for id_ in sorted(rows, reverse=True)] for group_id, rows in found.items()}

    async def rules(self, viewer: Viewer, ids: Collection[str]) -> Mapping[str, str | None]:
        """By which rule each of these schedules repeats."""
        asked = self.readable(viewer).where(Schedule.id.in_(ids)).with_only_columns(Schedule.id, Schedule.rrule)
        return {row.id: row.rrule for row in await self.session.execute(asked)}


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
class Brief:
    """One airing in brief, as its first speaker was told of it."""

    occurrence_id: str
    schedule_id: str
    title: str
    starts_at: datetime
    duration_ms: int
    priority: int


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


@dataclass(frozen=True, slots=True)
class Alike:
    """One airing on all those speakers on which it goes the same way: the first of them, and how many they are."""

    planned: Planned
    said: Said
    outcomes: frozenset[Outcome]
    """Of their records: completed, failed, or another for whatever else; empty where there is none."""
    played: bool
    """Something of it sounded."""
    count: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an airing is heard."""

    places: Sequence[str]
    """The names of the areas that its speakers stand in."""
    away: int
    """How many of them are away just now."""
    away_names: Sequence[str]
    """The first of them by name and the last."""


_RELAYS, _CLIPS = ([each.name for each in fields(Planned)].index(name) for name in ("relays", "clips"))
_OF_EACH: Final = frozenset({"device_id", "plan_version"})
"""What is another's on every speaker."""
_AS_TEXT: Final = frozenset({"relays", "clips"})
_PLANNED: Final = tuple(
    cast(column, Text) if each.name in _AS_TEXT else column
    for each in fields(Planned)
    for column in [getattr(PlannedRow, each.name)]
)
_BRIEF: Final = tuple(getattr(PlannedRow, each.name) for each in fields(Brief))
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


def _outcomes(occurrence_ids: Sequence[str]) -> Subquery:
    """What the records of each speaker and occurrence say between them."""

    def any_of(what: ColumnElement[bool]) -> ColumnElement[int]:
        return func.max(case((what, 1), else_=0))

    return (
        select(
            PlayRecordRow.device_id,
            PlayRecordRow.occurrence_id,
            any_of(PlayRecordRow.outcome == Outcome.COMPLETED).label("completed"),
            any_of(PlayRecordRow.outcome == Outcome.FAILED).label("failed"),
            any_of(PlayRecordRow.played_ms > 0).label("sounded"),
        )
        .where(PlayRecordRow.occurrence_id.in_(occurrence_ids))
        .group_by(PlayRecordRow.device_id, PlayRecordRow.occurrence_id)
        .subquery()
    )


def _alike(device_id: str, *columns: Any) -> Alike:
    *told, known, sounds, online, lacks, completed, failed, sounded, count = columns
    own = dict(zip((each.name for each in fields(Planned) if each.name not in _OF_EACH), told, strict=True))
    own |= {name: _listed(own[name]) for name in _AS_TEXT}
    planned = Planned(device_id=device_id, plan_version=0, **own)
    outcomes = frozenset[Outcome]()
    if completed is not None:
        said = ((Outcome.COMPLETED, completed), (Outcome.FAILED, failed))
        outcomes = frozenset(outcome for outcome, has in said if has) or frozenset({Outcome.MISSED})
    return Alike(
        planned,
        Said(device_id, bool(online), 0 if known else None, planned.occurrence_id if sounds else None, _listed(lacks)),
        outcomes,
        bool(sounded),
        count,
    )


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

    async def _there(self, viewer: Viewer, path: str) -> Select[PlannedRow]:
        """What was planned for the speakers in a subtree of the viewer's."""
        return select(PlannedRow).where(await of_speakers(self._session, viewer, PlannedRow.device_id, path, few=FEW))

    async def first(
        self,
        viewer: Viewer,
        path: str,
        spans: Sequence[tuple[datetime, datetime]],
        limit: int,
        *,
        schedules: Collection[str] | None = None,
    ) -> Sequence[Brief]:
        """Return the first that begin there in each [start, end), each once: of these schedules, or of any."""
        if not spans:
            return ()
        wanted = await self._there(viewer, path)
        if schedules is not None:
            wanted = wanted.where(PlannedRow.schedule_id.in_(sorted(schedules)))
        # Speakers of one occurrence may begin one after another: it is met more than once.
        first = wanted.with_only_columns(*_BRIEF).distinct().order_by(PlannedRow.starts_at)
        parts = [
            first.where(PlannedRow.starts_at >= start, PlannedRow.starts_at < end)
            .limit(limit * BEGIN_APART_MAX)
            .subquery()
            for start, end in spans
        ]
        rows = [Brief(*row) for row in await self._session.execute(union_all(*map(select, parts)))]
        rows.sort(key=lambda row: row.starts_at)
        found: list[Brief] = []
        for start, end in spans:
            here: dict[str, Brief] = {}
            for row in rows:
                if start <= row.starts_at < end:
                    here.setdefault(row.occurrence_id, row)
            found += list(here.values())[:limit]
        return found

    async def told(self, occurrence_ids: Collection[str]) -> frozenset[str]:
        """Return those of which a speaker was told, whichever."""
        if not occurrence_ids:
            return frozenset()
        asked = values(column("id", String), name="asked").data([(id_,) for id_ in sorted(occurrence_ids)]).cte()
        anybody = select(PlannedRow.device_id).where(PlannedRow.occurrence_id == asked.c.id).exists()
        return frozenset(await self._session.scalars(select(asked.c.id).where(anybody)))

    async def between(self, viewer: Viewer, start: datetime, end: datetime) -> DayOfAir:
        """Return what starts in [start, end)."""
        return await self._told(viewer, PlannedRow.starts_at >= start, PlannedRow.starts_at < end)

    async def sounding(self, viewer: Viewer, now: datetime) -> Sequence[PlannedRow]:
        """Return what by plan is on the air just now."""
        statement = self.readable(viewer).where(PlannedRow.starts_at <= now, PlannedRow.ends_at > now)
        return (await self._session.scalars(statement)).all()

    async def anything_on(self, viewer: Viewer, now: datetime) -> bool:
        """Say whether anything is on the air just now by plan, and was not called off."""
        called_off = select(CancelledOccurrence.occurrence_id)
        going = (PlannedRow.starts_at <= now, PlannedRow.ends_at > now, PlannedRow.occurrence_id.not_in(called_off))
        return (await self._session.scalars(self.readable(viewer).where(*going).limit(1))).first() is not None

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
        found, there = list[str](), await self._there(viewer, viewer.scope)
        for after, before, order in ((start, now, PlannedRow.starts_at.desc()), (now, end, PlannedRow.starts_at.asc())):
            starts = (
                there.with_only_columns(PlannedRow.occurrence_id, PlannedRow.starts_at)
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

    async def alike(self, viewer: Viewer, occurrence_ids: Collection[str]) -> Sequence[Alike]:
        """Return how these occurrences go, counted by the database: of a province's airing nobody reads each speaker.

        Plans are numbered for each speaker by itself, so what counts is whether it has this one.
        """
        ids = sorted(occurrence_ids)
        known = func.coalesce(DeviceStateRow.plan_version >= PlannedRow.plan_version, false())
        sounds = func.coalesce(DeviceStateRow.on_air == PlannedRow.occurrence_id, false())
        online = func.coalesce(DeviceStateRow.online, false())
        lacks = func.coalesce(DeviceStateRow.state["missing"].as_string(), "[]")
        records = _outcomes(ids)
        same = (
            *(column for each, column in zip(fields(Planned), _PLANNED, strict=True) if each.name not in _OF_EACH),
            known, sounds, online, lacks, records.c.completed, records.c.failed, records.c.sounded,
        )  # fmt: skip
        # Grouped by names: PostgreSQL takes the same words with other parameters for another expression.
        each = (
            self.readable(viewer)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == PlannedRow.device_id)
            .outerjoin(
                records,
                and_(records.c.device_id == PlannedRow.device_id, records.c.occurrence_id == PlannedRow.occurrence_id),
            )
            .where(PlannedRow.occurrence_id.in_(ids))
            .with_only_columns(PlannedRow.device_id, *(column.label(f"c{at}") for at, column in enumerate(same)))
            .subquery()
        )
        device, *grouped = each.c
        statement = select(func.min(device), *grouped, func.count()).group_by(*grouped)
        return [_alike(*row) for row in await self._session.execute(statement)]

    async def reach(self, viewer: Viewer, occurrence_ids: Collection[str]) -> Mapping[str, Reach]:
        """Return where these occurrences are heard."""
        mine = self.readable(viewer).where(
            PlannedRow.occurrence_id.in_(sorted(occurrence_ids)), Device.status == DeviceStatus.ACTIVE
        )
        places, away = defaultdict[str, list[str]](list), dict[str, tuple[int, Sequence[str]]]()
        named = mine.with_only_columns(PlannedRow.occurrence_id, Area.name).distinct().order_by(Area.name)
        for id_, name in await self._session.execute(named):
            places[id_].append(name)
        silent = (
            mine.outerjoin(DeviceStateRow, DeviceStateRow.device_id == PlannedRow.device_id)
            .where(not_(func.coalesce(DeviceStateRow.online, false())))
            .with_only_columns(PlannedRow.occurrence_id, func.count(), func.min(Device.name), func.max(Device.name))
            .group_by(PlannedRow.occurrence_id)
        )
        for id_, count, first, last in await self._session.execute(silent):
            away[id_] = count, (first, last)[:count]
        return {id_: Reach(names, *away.get(id_, (0, ()))) for id_, names in places.items()}

    async def cancelled(self, occurrence_ids: Collection[str]) -> frozenset[str]:
        """Return which of these are called off."""
        off = select(CancelledOccurrence.occurrence_id)
        found = await self._session.scalars(off.where(CancelledOccurrence.occurrence_id.in_(sorted(occurrence_ids))))
        return frozenset(found)

    async def heard_now(self, viewer: Viewer) -> int:
        """Return how many occurrences sound on one speaker at least."""
        statement = (
            self.readable(viewer)
            .join(
                DeviceStateRow,
                and_(
                    DeviceStateRow.device_id == PlannedRow.device_id,
                    DeviceStateRow.on_air == PlannedRow.occurrence_id,
                ),
            )
            .where(DeviceStateRow.online)
            .with_only_columns(func.count(distinct(PlannedRow.occurrence_id)))
        )
        return (await self._session.scalar(statement)) or 0

    async def called_off(self, occurrence_id: str) -> CancelledOccurrence | None:
        """Return the calling-off of an occurrence."""
        return await self._session.get(CancelledOccurrence, occurrence_id)

    async def of_schedule(self, viewer: Viewer, schedule_id: str, *, ends_after: datetime) -> Sequence[PlannedRow]:
        """Return what of one schedule is still to come, or on air."""
        statement = self.readable(viewer).where(PlannedRow.schedule_id == schedule_id, PlannedRow.ends_at > ends_after)
        return (await self._session.scalars(statement)).all()
