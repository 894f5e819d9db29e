"""How all speakers of a viewer are, in one query of what lists need: thousands of them are one page."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.devices.models import Device, DeviceStatus
from controller.link.models import RetainedDocument
from controller.monitoring.models import DeviceStateRow
from protocol import topics
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


_BEFORE, _, _AFTER = topics.device(DeviceId("\n"), Channel.PLAN).partition("\n")
_STATE: Final = DeviceStateRow.state
_COLUMNS: Final = (
    Device.id, Device.name, Device.note,
    Area.code, Area.name, Area.kind, Area.path,
    func.coalesce(DeviceStateRow.online, False), DeviceStateRow.online_changed_at, DeviceStateRow.seen_at,
    RetainedDocument.version,
    _STATE["player", "state"].as_string(), _STATE["player", "title"].as_string(),
    _STATE["player", "volume"].as_integer(), DeviceStateRow.clock, DeviceStateRow.ready, DeviceStateRow.planned,
    DeviceStateRow.plan_version, _STATE["plan_until"].as_string(), _STATE["problems"].as_string(),
    Device.lat, Device.lon,
)  # fmt: skip


class FleetRepository:
    """The viewer's speakers."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def now(self, viewer: Viewer, ids: Collection[str] | None = None) -> Sequence[SpeakerNow]:
        """Return those that take part, by name; or these, whether they do or not."""
        plan = literal(_BEFORE).concat(Device.id).concat(_AFTER)
        statement = (
            select(*_COLUMNS)
            .select_from(Device)
            .join(Area, Area.code == Device.area_code)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
            .outerjoin(
                RetainedDocument, and_(RetainedDocument.topic == plan, func.length(RetainedDocument.payload) > 0)
            )
            .where(
                within(Area.path, viewer.scope),
                Device.status == DeviceStatus.ACTIVE if ids is None else Device.id.in_(sorted(ids)),
            )
            .order_by(Device.name, Device.id)
        )
        return [_speaker(*row) for row in await self._session.execute(statement)]


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
) -> SpeakerNow:
    report = None
    if player is not None:
        until = datetime.fromisoformat(plan_until) if plan_until else None
        report = Report(
            player, title or "", volume or 0, clock, ready, planned, plan_version, until, _problems(problems)
        )
    place = Place(code, area, kind, path)
    return SpeakerNow(id_, name, note, place, bool(online), changed_at, seen_at, wanted, report, lat, lon)


def _problems(said: str | None) -> Sequence[Mapping[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said) if said and said != "[]" else []
    return found
