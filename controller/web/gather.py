"""Asks the capabilities' repositories for what a page shows, as the viewer who looks. No SQL of its own begins here."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import ROOT_PATH, codes_of
from controller.broadcasts.models import Schedule
from controller.broadcasts.preview import Ahead
from controller.broadcasts.progress import Counted, counted
from controller.broadcasts.repository import OccurrenceRepository, Reach, ScheduleRepository
from controller.link.refusals import Refusals
from controller.monitoring.fleet import FleetRepository, Place, SpeakerNow, Standing
from controller.monitoring.repository import StateRepository
from controller.web.formats import Formats
from controller.web.present.areas import AreaNode, ChoiceFacts, PlaceFacts, tree
from controller.web.present.collisions import CollisionChoice
from controller.web.present.collisions import choices as collision_choices
from controller.web.present.speakers import SpeakerFacts
from controller.web.present.targets import Choice, Picker
from controller.web.present.timeline import HORIZON, AiringFacts
from controller.web.targets import Targets
from controller.web.templating import Page
from protocol.messages import DeviceState, Problem

LISTED_MAX = 300
"""Speakers that a tree lists by name: of more, those of a place come when it is opened."""
AIRINGS = 20
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


async def choices(
    session: AsyncSession, viewer: Viewer, formats: Formats, ahead: Ahead, *, mine: str, rank: int
) -> tuple[CollisionChoice, ...]:
    """What can be done about the collisions of a schedule, whose place in the commune's order is `rank`."""
    others = {id_ for each in ahead.collisions for id_ in (each.winner_schedule_id, each.loser_schedule_id)} - {mine}
    repository = ScheduleRepository(session)
    found = await repository.all(repository.readable(viewer).where(Schedule.id.in_(others)))
    ranks = {row.id: row.commune_rank for row in found}
    return collision_choices(ahead, mine, ranks, rank, formats)


@dataclass(frozen=True)
class Roll:
    """The viewer's speakers by name and place: among thousands no page needs more of each of them."""

    speakers: Sequence[Standing]
    """By name."""

    @classmethod
    async def of(cls, session: AsyncSession, viewer: Viewer, path: str = ROOT_PATH) -> "Roll":
        """Ask for it, or for that part of it which lies in an area."""
        return cls(await FleetRepository(session).standing(viewer, path))


def speakers(fleet: Fleet, refusals: Refusals) -> list[SpeakerFacts]:
    """What is known of each speaker."""
    faulty, places = refusals.faulty(), {each.place.code: place_of(each.place) for each in fleet.speakers}
    return [
        SpeakerFacts(
            id=each.id,
            name=each.name,
            place=places[each.place.code],
            online=each.online,
            changed_at=each.changed_at,
            seen_at=each.seen_at,
            report=each.report,
            note=each.note,
            wanted_plan=each.wanted_plan,
            retired=not each.in_service,
            faults=_faults(refusals, each.id) if each.id in faulty else (),
        )
        for each in fleet.speakers
    ]


def _faults(refusals: Refusals, device_id: str) -> tuple[Problem, ...]:
    return tuple(Problem(code=fault.code, since=fault.since) for fault in refusals.faults(device_id))


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


async def places(session: AsyncSession, viewer: Viewer, roll: Roll) -> tuple[AreaNode, ...]:
    """The tree of places with speakers in it."""
    places = await _above(session, viewer, {each.place.path for each in roll.speakers})
    return tree(places, (ChoiceFacts(each.id, each.name, each.place.code, each.online) for each in roll.speakers))


async def _above(session: AsyncSession, viewer: Viewer, paths: Collection[str]) -> Sequence[PlaceFacts]:
    """The areas of these paths, and those above that the viewer sees."""
    areas = AreaRepository(session)
    codes = {code for path in paths for code in codes_of(path)}
    rows = await areas.all(areas.readable(viewer).where(Area.code.in_(codes)))
    return [PlaceFacts(row.code, row.name, row.kind, row.parent_code) for row in rows]


async def picker(session: AsyncSession, viewer: Viewer, chosen: Choice, issuer: str = "") -> Picker:
    """The piece in which targets are chosen within an area, one's own if no other is given."""
    area = await AreaRepository(session).get(viewer, issuer or viewer.area_code)
    return await Targets(session, viewer, area).among(await _listed(session, viewer), chosen)


async def _listed(session: AsyncSession, viewer: Viewer) -> tuple[AreaNode, ...]:
    """The tree as it is first shown: with its speakers, or of too many with how many each place has."""
    counts = await FleetRepository(session).by_path(viewer)
    if sum(counts.values()) <= LISTED_MAX:
        return await places(session, viewer, await Roll.of(session, viewer))
    unlisted = {codes_of(path)[-1]: count for path, count in counts.items()}
    return tree(await _above(session, viewer, counts), (), unlisted)


async def airings(session: AsyncSession, viewer: Viewer, page: Page) -> list[AiringFacts]:
    """What airs on the viewer's speakers from today's midnight to 24 hours from now; of very much, what is nearest."""
    midnight = page.formats.local(page.now).replace(hour=0, minute=0, second=0, microsecond=0)
    repository = OccurrenceRepository(session)
    near = await repository.nearest(viewer, midnight.astimezone(UTC), page.now, page.now + HORIZON, AIRINGS)
    going = counted(await repository.alike(viewer, near), await repository.cancelled(near), page.now)
    rules = await ScheduleRepository(session).rules(viewer, {each.first.schedule_id for each in going})
    reach = await repository.reach(viewer, near)
    nowhere = Reach((), 0, ())
    return [
        _airing(each, rules.get(each.first.schedule_id), reach.get(each.first.occurrence_id, nowhere)) for each in going
    ]


def _airing(each: Counted, rrule: str | None, reach: Reach) -> AiringFacts:
    first = each.first
    return AiringFacts(
        id=first.occurrence_id,
        schedule_id=first.schedule_id,
        title=first.title,
        starts_at=each.starts_at,
        ends_at=each.ends_at,
        duration_ms=first.duration_ms,
        stations=[relay["title"] for relay in first.relays],
        targets=each.targets,
        places=reach.places,
        rrule=rrule,
        ready=each.ready,
        on_air=each.on["on_air"],
        played=each.on["played"],
        partly=each.on["partly"],
        missed=each.on["missed"],
        failed=each.on["failed"],
        unreported=each.on["unreported"],
        cancelled=each.cancelled,
        away=reach.away,
        away_names=reach.away_names,
    )
