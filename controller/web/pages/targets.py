"""What the piece in which one chooses targets asks for: names, how many are reached, and what its map draws."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.alerts.api import AlertsDep
from controller.alerts.schemas import AddressIn
from controller.areas import outlines
from controller.areas.repository import AreaRepository
from controller.areas.tree import codes_of
from controller.errors import ControllerError
from controller.http.fields import Search
from controller.http.route import NowDep, SessionDep
from controller.web import gather
from controller.web.pages.common import FieldsDep, MapFeed, page_for, words
from controller.web.present.speaker_map import position
from controller.web.present.targets import Choice
from controller.web.routing import PageRoute
from controller.web.targets import Targets

router = APIRouter(include_in_schema=False, route_class=PageRoute)

IssuerQuery = Annotated[str, Query(max_length=64)]


@router.get("/parts/targets", dependencies=[READS])
async def found_part(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    q: Annotated[Search, Query()] = "",
    issuer: IssuerQuery = "",
) -> Response:
    """What may be chosen of what was searched for."""
    page = await page_for(request, session, viewer, now)
    area = await AreaRepository(session).get(viewer, issuer or viewer.area_code)
    found = await Targets(session, viewer, area).search(q) if q else ()
    return page.html("partials/targets_found.html", found=found, searched=bool(q))


@router.post("/parts/targets/reach", dependencies=[READS])
async def reach_part(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    fields: FieldsDep,
    alerts: AlertsDep,
) -> Response:
    """How many speakers a choice reaches, each counted once; or why it cannot be taken."""
    page = await page_for(request, session, viewer, now)
    chosen = Choice.read(fields)
    reached, problem = None, ""
    if chosen:
        try:
            wish = AddressIn.model_validate(chosen.address())
            reached = await alerts.reached_by(wish, str(fields.get("issuer", "")) or viewer.area_code)
        except (ValidationError, ControllerError) as refusal:
            problem = words(refusal, page)
    return page.html("partials/targets_reach.html", reached=reached, problem=problem)


@router.get("/parts/targets/map.json", dependencies=[READS])
async def map_part(*, session: SessionDep, viewer: ViewerDep, issuer: IssuerQuery = "") -> MapFeed:
    """Outlines and speakers within an area, with the codes of the areas in which each of them lies."""
    area = await AreaRepository(session).get(viewer, issuer or viewer.area_code)
    roll = await gather.Roll.of(session, viewer, area.path)
    placed = [(each, at) for each in roll.speakers if (at := position(each)) is not None]
    told = {each.place.path: (gather.place_of(each.place), codes_of(each.place.path)) for each, _ in placed}
    ground = [each for each in await outlines.readable(session, viewer) if each.path.startswith(area.path)]
    feed: dict[str, Any] = {
        "outlines": outlines.features(ground, [(each.place.path, at) for each, at in placed]),
        "speakers": [
            {
                "id": each.id,
                "name": each.name,
                "place": told[each.place.path][0],
                "lat": lat,
                "lon": lon,
                "areas": told[each.place.path][1],
            }
            for each, (lon, lat) in placed
        ],
    }
    return MapFeed(feed)
