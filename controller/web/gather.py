"""Asks the capabilities' repositories for what a page shows, as the viewer who looks. No SQL of its own begins here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import codes_of
from controller.broadcasts.models import Schedule
from controller.broadcasts.progress import Airing
from controller.broadcasts.progress import airings as going
from controller.broadcasts.repository import OccurrenceRepository, ScheduleRepository
from controller.devices.models import Device, DeviceStatus
from controller.devices.repository import DeviceRepository
from controller.link.refusals import Refusals
from controller.monitoring.models import DeviceStateRow
from controller.monitoring.repository import StateRepository
from controller.planning.repository import PlanningRepository
from controller.web.present.areas import ChoiceFacts, PlaceFacts, tree
from controller.web.present.speakers import SpeakerFacts
from controller.web.present.timeline import HORIZON, AiringFacts
from controller.web.templating import Page
from controller.web.views import AreaNode
from protocol import topics
from protocol.messages import DeviceState, Problem
from protocol.topics import Channel
from schedules.types import DeviceId

AIRINGS = 40
"""Shown of what was and of what comes: a commune's day has fewer, and nobody reads a province's."""


@dataclass(frozen=True)
class Fleet:
    """The viewer's speakers with the last that was heard from each."""

    devices: Sequence[Device]
    states: dict[str, DeviceStateRow]

    @classmethod
    async def of(cls, session: AsyncSession, viewer: Viewer) -> "Fleet":
        """Ask for it."""
        devices = DeviceRepository(session)
        states = StateRepository(session)
        return cls(
            await devices.all(devices.listed(viewer, status=DeviceStatus.ACTIVE).order_by(Device.name, Device.id)),
            {row.device_id: row for row in await states.all(states.readable(viewer))},
        )

    @classmethod
    async def some(cls, session: AsyncSession, viewer: Viewer, ids: Collection[str]) -> "Fleet":
        """Ask for a few."""
        devices, states = await DeviceRepository(session).some(viewer, ids), StateRepository(session)
        wanted = states.readable(viewer).where(DeviceStateRow.device_id.in_([device.id for device in devices]))
        return cls(devices, {row.device_id: row for row in await states.all(wanted)})

    def where(self, take: Callable[[Device], bool]) -> "Fleet":
        """Those of them for which `take` holds."""
        return replace(self, devices=[device for device in self.devices if take(device)])

    def online(self, device_id: str) -> bool:
        """Whether a speaker is there."""
        return device_id in self.states and self.states[device_id].online


async def speakers(session: AsyncSession, fleet: Fleet, refusals: Refusals) -> list[SpeakerFacts]:
    """What is known of each speaker."""
    topic_of = {device.id: topics.device(DeviceId(device.id), Channel.PLAN) for device in fleet.devices}
    versions = await PlanningRepository(session).versions(topic_of.values())
    found: list[SpeakerFacts] = []
    for device in fleet.devices:
        row = fleet.states.get(device.id)
        found.append(
            SpeakerFacts(
                id=device.id,
                name=device.name,
                place=place_of(device.area),
                online=fleet.online(device.id),
                changed_at=row.online_changed_at if row else None,
                state=_said(row),
                note=device.note,
                wanted_plan=versions.get(topic_of[device.id]),
                faults=tuple(Problem(code=each.code, since=each.since) for each in refusals.faults(device.id)),
            )
        )
    return found


def place_of(area: Area) -> str:
    """`xã Tân Yên`, and not `thôn Thôn Đông` where the name says it already."""
    named = area.name.casefold().startswith(area.kind.casefold())
    return area.name if named else f"{area.kind} {area.name}"


def _said(row: DeviceStateRow | None) -> DeviceState | None:
    if row is None or row.state is None:
        return None
    try:
        return DeviceState.model_validate(row.state)
    except ValidationError:
        return None


async def places(session: AsyncSession, viewer: Viewer, fleet: Fleet) -> tuple[AreaNode, ...]:
    """The tree of places with speakers in it."""
    areas = AreaRepository(session)
    codes = {code for device in fleet.devices for code in codes_of(device.area.path)}
    rows = await areas.all(areas.readable(viewer).where(Area.code.in_(codes)))
    return tree(
        (PlaceFacts(row.code, row.name, row.kind, row.parent_code) for row in rows),
        (ChoiceFacts(device.id, device.name, device.area_code, fleet.online(device.id)) for device in fleet.devices),
    )


async def airings(session: AsyncSession, viewer: Viewer, page: Page, fleet: Fleet) -> list[AiringFacts]:
    """What airs on the viewer's speakers from today's midnight to 24 hours from now; of very much, what is nearest."""
    midnight = page.formats.local(page.now).replace(hour=0, minute=0, second=0, microsecond=0)
    repository, schedules = OccurrenceRepository(session), ScheduleRepository(session)
    near = await repository.nearest(viewer, midnight.astimezone(UTC), page.now, page.now + HORIZON, AIRINGS)
    day = await repository.some(viewer, near)
    ids = {row.schedule_id for row in day.planned}
    rules = {row.id: row.rrule for row in await schedules.all(schedules.readable(viewer).where(Schedule.id.in_(ids)))}
    place_of = {device.id: device.area.name for device in fleet.devices}
    return [_airing(each, rules.get(each.first.schedule_id), place_of) for each in going(day, page.now)]


def _airing(each: Airing, rrule: str | None, place_of: Mapping[str, str]) -> AiringFacts:
    first = each.first
    return AiringFacts(
        id=first.occurrence_id,
        schedule_id=first.schedule_id,
        title=first.title,
        starts_at=each.starts_at,
        ends_at=each.ends_at,
        duration_ms=first.duration_ms,
        stations=[relay["title"] for relay in first.relays],
        targets=len(each.rows),
        places=sorted({place_of[row.device_id] for row in each.rows if row.device_id in place_of}),
        rrule=rrule,
        ready=each.ready,
        on_air=each.on("on_air"),
        played=each.on("played"),
        partly=each.on("partly"),
        missed=each.on("missed"),
        failed=each.on("failed"),
        unreported=each.on("unreported"),
        cancelled=each.cancelled,
    )
