"""Where the speakers stand and how they are, on a map."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.areas import outlines
from controller.http.route import NowDep, SessionDep
from controller.link.refusals import refusals_of
from controller.runtime import runtime_of
from controller.web import gather
from controller.web.pages.common import page_for
from controller.web.present import speaker_map as present
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/speakers/map", dependencies=[READS])
async def speakers_on_map(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The map; its speakers come from the feed."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.of(session, viewer)
    return page.html(
        "speaker_map.html",
        viewer_name=viewer.name,
        states=present.states(page.t),
        all=len(fleet.speakers),
        unplaced=sum(1 for each in fleet.speakers if present.position(each) is None),
        settings=runtime_of(request).settings,
    )


@router.get("/parts/speakers/map.json", dependencies=[READS])
async def map_feed(
    *, request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep, outlined: bool = True
) -> JSONResponse:
    """The viewer's speakers whose place is known, as they are now; outlines do not change from moment to moment."""
    page = await page_for(request, session, viewer, now)
    fleet = (await gather.Fleet.of(session, viewer)).where(lambda each: present.position(each) is not None)
    facts = gather.speakers(fleet, refusals_of(runtime_of(request)))
    feed: dict[str, Any] = {
        "speakers": [
            asdict(present.mark(here, each, page.formats, now))
            for here, each in zip(fleet.speakers, facts, strict=True)
        ]
    }
    if outlined:
        feed["outlines"] = await outlined_areas(session, viewer, fleet)
    return JSONResponse(feed)


async def outlined_areas(session: AsyncSession, viewer: Viewer, fleet: gather.Fleet) -> dict[str, Any]:
    """The viewer's areas as GeoJSON."""
    standing = [(each.place.path, at) for each in fleet.speakers if (at := present.position(each))]
    return outlines.features(await outlines.readable(session, viewer), standing)
