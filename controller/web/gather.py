"""Asks the capabilities' repositories for what a page shows, as the viewer who looks. No SQL of its own begins here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
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
from controller.link.refusals import Refusals
from controller.monitoring.fleet import FleetRepository, Place, SpeakerNow
from controller.monitoring.repository import StateRepository
from controller.web.present.areas import ChoiceFacts, PlaceFacts, tree
from controller.web.present.speakers import SpeakerFacts
from controller.web.present.timeline import HORIZON, AiringFacts
from controller.web.templating import Page
from controller.web.views import AreaNode
from protocol.messages import DeviceState, Problem

AIRINGS = 24
"""Shown of what was and of what comes: a commune's day has fewer, and nobody reads a province's."""


@dataclass(frozen=True)
class Fleet:
    """The viewer's speakers with the last that was heard from each."""

    speakers: Sequence[SpeakerNow]
    """By name."""

    @classmethod
    async def of(cls, session: AsyncSession, viewer: Viewer) -> "Fleet":
        """Ask for it."""
        return cls(await FleetRepository(session).now(viewer))

    @classmethod
    async def some(cls, session: AsyncSession, viewer: Viewer, ids: Collection[str]) -> "Fleet":
        """Ask for a few."""
        return cls(await FleetRepository(session).now(viewer, ids))

    def where(self, take: Callable[[SpeakerNow], bool]) -> "Fleet":
        """Those of them for which `take` holds."""
        return Fleet([speaker for speaker in self.speakers if take(speaker)])


def speakers(fleet: Fleet, refusals: Refusals) -> list[SpeakerFacts]:
    """What is known of each speaker."""
    return [
        SpeakerFacts(
            id=each.id,
            name=each.name,
            place=place_of(each.place),
            online=each.online,
            changed_at=each.changed_at,
            seen_at=each.seen_at,
            report=each.report,
            note=each.note,
            wanted_plan=each.wanted_plan,
            faults=tuple(Problem(code=fault.code, since=fault.since) for fault in refusals.faults(each.id)),
        )
        for each in fleet.speakers
    ]


def place_of(area: Place | Area) -> str:
    """`xã Tân Yên`, and not `thôn Thôn Đông` where the name says it already."""
    named = area.name.casefold().startswith(area.kind.casefold())
    return area.name if named else f"{area.kind} {area.name}"


async def said(session: AsyncSession, viewer: Viewer, device_id: str) -> DeviceState | None:
    """All that one speaker said last."""
    row = await StateRepository(session).find(viewer, device_id)
    if row is None or row.state is None:
        return None
    try:
        return DeviceState.model_validate(row.state)
    except ValidationError:
        return None


async def places(session: AsyncSession, viewer: Viewer, fleet: Fleet) -> tuple[AreaNode, ...]:
    """The tree of places with speakers in it."""
    areas = AreaRepository(session)
    codes = {code for path in {each.place.path for each in fleet.speakers} for code in codes_of(path)}
    rows = await areas.all(areas.readable(viewer).where(Area.code.in_(codes)))
    return tree(
        (PlaceFacts(row.code, row.name, row.kind, row.parent_code) for row in rows),
        (ChoiceFacts(each.id, each.name, each.place.code, each.online) for each in fleet.speakers),
    )


async def airings(session: AsyncSession, viewer: Viewer, page: Page, fleet: Fleet) -> list[AiringFacts]:
    """What airs on the viewer's speakers from today's midnight to 24 hours from now; of very much, what is nearest."""
    midnight = page.formats.local(page.now).replace(hour=0, minute=0, second=0, microsecond=0)
    repository, schedules = OccurrenceRepository(session), ScheduleRepository(session)
    near = await repository.nearest(viewer, midnight.astimezone(UTC), page.now, page.now + HORIZON, AIRINGS)
    day = await repository.some(viewer, near)
    ids = {row.schedule_id for row in day.planned}
    rules = {row.id: row.rrule for row in await schedules.all(schedules.readable(viewer).where(Schedule.id.in_(ids)))}
    place_of = {each.id: each.place.name for each in fleet.speakers}
    away = {each.id: each.name for each in fleet.speakers if not each.online}
    return [_airing(each, rules.get(each.first.schedule_id), place_of, away) for each in going(day, page.now)]


def _airing(each: Airing, rrule: str | None, place_of: Mapping[str, str], away: Mapping[str, str]) -> AiringFacts:
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
        away=sorted({away[row.device_id] for row in each.rows if row.device_id in away}),
    )
