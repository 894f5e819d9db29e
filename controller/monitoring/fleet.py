"""How all speakers of a viewer are, in one query of what lists need: thousands of them are one page."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import ROOT_PATH, within
from controller.devices.models import Device, DeviceStatus
from controller.link.models import RetainedDocument
from controller.monitoring.models import DeviceStateRow
from protocol import topics
from protocol.messages import ClockQuality
from protocol.topics import Channel
from schedules.types import DeviceId


@dataclass(frozen=True, slots=True)
class Place:
    """The area that a speaker stands in."""

    code: str
    name: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A speaker that takes part, by name and place: what whoever chooses among them must know."""

    id: str
    name: str
    place: Place
    online: bool
    lat: float | None
    """In degrees (WGS 84), as `lon`; none where nobody said where it stands."""
    lon: float | None


@dataclass(frozen=True, slots=True)
class Fine(Standing):
    """A speaker with which nothing is wrong."""

    note: str
    on_air: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """How many speakers take part, and how they are."""

    speakers: int
    online: int
    troubled: int
    """Of which somebody should look at one thing at least: those that are away, too."""
    worst: int
    """The rank of the one that is worst off; that of one that is well where there is none."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a speaker said last, as far as lists tell it."""

    player: str
    title: str
    volume: int
    clock: str
    ready: int
    planned: int
    plan_version: int | None
    plan_until: datetime | None
    problems: Sequence[Mapping[str, Any]]
    """As they are stored."""


@dataclass(frozen=True, slots=True)
class SpeakerNow:
    """A speaker that takes part, and how it is."""

    id: str
    name: str
    note: str
    place: Place
    online: bool
    changed_at: datetime | None
    """When it came or went."""
    seen_at: datetime | None
    wanted_plan: int | None
    """The version that was published to it."""
    report: Report | None
    """None before its first word."""
    lat: float | None
    """In degrees (WGS 84), as `lon`; none where nobody said where it stands."""
    lon: float | None
    in_service: bool


_BEFORE, _, _AFTER = topics.device(DeviceId("\n"), Channel.PLAN).partition("\n")
_STATE: Final = DeviceStateRow.state
_HEARD: Final = DeviceStateRow.complains.is_not(None)
"""It has said how it is. Of thousands the database asks by columns: to look into the JSON of each takes longer."""
_COMPLAINS: Final = func.coalesce(DeviceStateRow.complains, false())
_COLUMNS: Final = (
    Device.id, Device.name, Device.note,
    Area.code, Area.name, Area.kind, Area.path,
    func.coalesce(DeviceStateRow.online, False), DeviceStateRow.online_changed_at, DeviceStateRow.seen_at,
    RetainedDocument.version,
    case((_HEARD, DeviceStateRow.player)), _STATE["player", "title"].as_string(),
    _STATE["player", "volume"].as_integer(), DeviceStateRow.clock, DeviceStateRow.ready, DeviceStateRow.planned,
    DeviceStateRow.plan_version, _STATE["plan_until"].as_string(), _STATE["problems"].as_string(),
    Device.lat, Device.lon, Device.status == DeviceStatus.ACTIVE,
)  # fmt: skip

_PLAYER: Final = DeviceStateRow.player
_ONLINE: Final = and_(_HEARD, func.coalesce(DeviceStateRow.online, False))


def _in_doubt(faulty: Collection[str]) -> ColumnElement[bool]:
    return or_(DeviceStateRow.clock != ClockQuality.TRUSTED.value, _COMPLAINS, Device.id.in_(sorted(faulty)))


_LOST, _AWAY, _DOUBTFUL, _FETCHING, _ON_AIR, _WELL = range(6)


def _rank(faulty: Collection[str]) -> ColumnElement[int]:
    """The order of `tone_rank`, where the database counts and sorts: the worst first."""
    return case(
        (not_(_ONLINE), _AWAY),
        (_PLAYER == "lost", _LOST),
        (_PLAYER != "silent", _ON_AIR),
        (_in_doubt(faulty), _DOUBTFUL),
        (DeviceStateRow.ready < DeviceStateRow.planned, _FETCHING),
        else_=_WELL,
    )


def _fine(faulty: Collection[str]) -> ColumnElement[bool]:
    """Nothing is wrong, and nothing is waited for: of each of them there is no more to say."""
    all_there = DeviceStateRow.ready >= DeviceStateRow.planned
    return and_(_ONLINE, _PLAYER != "lost", not_(func.coalesce(_in_doubt(faulty), False)), all_there)


def active(viewer: Viewer, *columns: Any) -> Select[Any]:
    """Return a query of the viewer's speakers that take part, each with its area and its last words."""
    return (
        select(*columns)
        .select_from(Device)
        .join(Area, Area.code == Device.area_code)
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(within(Area.path, viewer.scope), Device.status == DeviceStatus.ACTIVE)
    )


class FleetRepository:
    """The viewer's speakers. `faulty`: the ids of those that the service itself finds fault with just now."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def now(self, viewer: Viewer, ids: Collection[str] | None = None) -> Sequence[SpeakerNow]:
        """Return those that take part, by name; or these, whether they do or not."""
        return await self._now(
            viewer, Device.status == DeviceStatus.ACTIVE if ids is None else Device.id.in_(sorted(ids))
        )

    async def not_fine(self, viewer: Viewer, faulty: Collection[str]) -> Sequence[SpeakerNow]:
        """Return those that take part and are not among `fine`, by name."""
        fine = func.coalesce(_fine(faulty), False)
        return await self._now(viewer, and_(Device.status == DeviceStatus.ACTIVE, not_(fine)))

    async def fine(self, viewer: Viewer, faulty: Collection[str]) -> Sequence[Fine]:
        """Return those with which nothing is wrong, by name: in a good fleet nearly all, so little is read of each."""
        columns = Device.note, DeviceStateRow.player != "silent"
        return [Fine(*each) for each in await self._named(viewer, ROOT_PATH, columns, _fine(faulty))]

    async def _now(self, viewer: Viewer, which: ColumnElement[bool]) -> Sequence[SpeakerNow]:
        plan = literal(_BEFORE).concat(Device.id).concat(_AFTER)
        statement = (
            select(*_COLUMNS)
            .select_from(Device)
            .join(Area, Area.code == Device.area_code)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
            .outerjoin(
                RetainedDocument, and_(RetainedDocument.topic == plan, func.length(RetainedDocument.payload) > 0)
            )
            .where(within(Area.path, viewer.scope), which)
            .order_by(Device.name, Device.id)
        )
        return [_speaker(*row) for row in await self._session.execute(statement)]

    async def standing(self, viewer: Viewer, path: str = ROOT_PATH) -> Sequence[Standing]:
        """Return those that take part at a path and below it, by name: of each no more than its name and place."""
        return [Standing(*each) for each in await self._named(viewer, path)]

    async def _named(
        self, viewer: Viewer, path: str, more: Collection[Any] = (), *where: ColumnElement[bool]
    ) -> Iterator[tuple[Any, ...]]:
        """What `Standing` tells of each, and some things more."""
        online = func.coalesce(DeviceStateRow.online, False)
        statement = active(viewer, Device.id, Device.name, Area.code, online, Device.lat, Device.lon, *more)
        statement = statement.where(within(Area.path, path), *where)
        rows = (await self._session.execute(statement.order_by(Device.name, Device.id))).all()
        areas = select(Area.code, Area.name, Area.kind, Area.path).where(
            within(Area.path, viewer.scope), Area.code.in_(active(viewer, Area.code))
        )
        places = {row[0]: Place(*row) for row in await self._session.execute(areas)}
        return ((id_, name, places[code], *rest) for id_, name, code, *rest in rows)

    async def by_path(self, viewer: Viewer) -> Mapping[str, int]:
        """Count them by the path of the area that they stand in."""
        counts = active(viewer, Area.path, func.count()).group_by(Area.path)
        return {path: count for path, count in await self._session.execute(counts)}  # noqa: C416 a row is no pair

    async def tally(self, viewer: Viewer, faulty: Collection[str]) -> Tally:
        """Count them."""
        rank = _rank(faulty)
        troubled = or_(rank <= _DOUBTFUL, _COMPLAINS, Device.id.in_(sorted(faulty)))
        counts = active(
            viewer, func.count(), *(func.sum(case((each, 1), else_=0)) for each in (_ONLINE, troubled)), func.min(rank)
        )
        speakers, online, wrong, worst = (await self._session.execute(counts)).one()
        return Tally(speakers, online or 0, wrong or 0, _WELL if worst is None else worst)

    async def worst(self, viewer: Viewer, faulty: Collection[str], limit: int) -> Sequence[SpeakerNow]:
        """Return the first of them, those with trouble before the others; among equals by name."""
        statement = active(viewer, Device.id).order_by(_rank(faulty), Device.name, Device.id)
        ids = (await self._session.scalars(statement.limit(limit))).all()
        found = {each.id: each for each in await self.now(viewer, ids)}
        return [found[id_] for id_ in ids]

    async def unplaced(self, viewer: Viewer) -> tuple[int, int]:
        """Return of how many nobody said where they stand, and how many there are."""
        nowhere = or_(Device.lat.is_(None), Device.lon.is_(None))
        counts = active(viewer, func.sum(case((nowhere, 1), else_=0)), func.count())
        unplaced, every = (await self._session.execute(counts)).one()
        return unplaced or 0, every

    async def first(self, viewer: Viewer, limit: int) -> Sequence[str]:
        """Return the ids of a few, by name."""
        statement = active(viewer, Device.id).order_by(Device.name, Device.id)
        return (await self._session.scalars(statement.limit(limit))).all()


def _speaker(  # noqa: PLR0917  # one for each column, in their order
    id_: str,
    name: str,
    note: str,
    code: str,
    area: str,
    kind: str,
    path: str,
    online: bool,  # noqa: FBT001
    changed_at: datetime | None,
    seen_at: datetime | None,
    wanted: int | None,
    player: str | None,
    title: str | None,
    volume: int | None,
    clock: str,
    ready: int,
    planned: int,
    plan_version: int | None,
    plan_until: str | None,
    problems: str | None,
    lat: float | None,
    lon: float | None,
    in_service: bool,  # noqa: FBT001
) -> SpeakerNow:
    report = None
    if player is not None:
        until = datetime.fromisoformat(plan_until) if plan_until else None
        report = Report(
            player, title or "", volume or 0, clock, ready, planned, plan_version, until, _problems(problems)
        )
    place = Place(code, area, kind, path)
    return SpeakerNow(id_, name, note, place, bool(online), changed_at, seen_at, wanted, report, lat, lon, in_service)


def _problems(said: str | None) -> Sequence[Mapping[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said) if said and said != "[]" else []
    return found
