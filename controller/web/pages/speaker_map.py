"""Where the speakers stand and how they are, on a map."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.areas import outlines
from controller.http.route import NowDep, SessionDep
from controller.link.refusals import refusals_of
from controller.monitoring.fleet import Fine, FleetRepository, SpeakerNow
from controller.runtime import runtime_of
from controller.web import gather
from controller.web.pages.common import MapFeed, page_for
from controller.web.present import speaker_map as present
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/speakers/map", dependencies=[READS])
async def speakers_on_map(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The map; its speakers come from the feed."""
    page = await page_for(request, session, viewer, now)
    unplaced, every = await FleetRepository(session).unplaced(viewer)
    return page.html(
        "speaker_map.html",
        viewer_name=viewer.name,
        states=present.states(page.t),
        all=every,
        unplaced=unplaced,
        settings=runtime_of(request).settings,
    )


@router.get("/parts/speakers/map.json", dependencies=[READS])
async def map_feed(
    *, request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep, outlined: bool = True
) -> MapFeed:
    """The viewer's speakers whose place is known, as they are now; outlines do not change from moment to moment."""
    page = await page_for(request, session, viewer, now)
    repository, refusals = FleetRepository(session), refusals_of(runtime_of(request))
    faulty = refusals.faulty()
    fine = [each for each in await repository.fine(viewer, faulty) if present.position(each) is not None]
    others = gather.Fleet(await repository.not_fine(viewer, faulty)).where(lambda each: bool(present.position(each)))
    facts = gather.speakers(others, refusals)
    places = {each.place.code: gather.place_of(each.place) for each in fine}
    marks = [present.mark(here, each, page.formats, now) for here, each in zip(others.speakers, facts, strict=True)]
    marks += [present.fine_mark(each, places[each.place.code]) for each in fine]
    marks.sort(key=lambda each: (each.name, each.id))
    feed: dict[str, Any] = {"speakers": [each._asdict() for each in marks]}
    if outlined:
        every: list[SpeakerNow | Fine] = [*others.speakers, *fine]
        standing = [(each.place.path, at) for each in every if (at := present.position(each))]
        feed["outlines"] = outlines.features(await outlines.readable(session, viewer), standing)
    return MapFeed(feed)
