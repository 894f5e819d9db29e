"""Choosing a place by its name: one's own and what lies right below it, and any other by searching."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.http.fields import Search
from controller.http.route import NowDep, SessionDep
from controller.web import gather
from controller.web.pages.common import page_for
from controller.web.present.areas import node_of
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

FOUND_MAX = 50


@dataclass(frozen=True)
class PlaceChoice:
    """A place as it is offered: `name` says where it lies, since many places are called alike."""

    code: str
    name: str


@router.get("/parts/places", dependencies=[READS])
async def places_part(
    request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep, q: Annotated[Search, Query()] = ""
) -> Response:
    """What may be chosen of what was searched for."""
    page = await page_for(request, session, viewer, now)
    return page.html("partials/places.html", places=await places(session, viewer, search=q.strip()), chosen="")


@router.get("/parts/places/{area_code}", dependencies=[READS])
async def speakers_part(
    request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep, area_code: str
) -> Response:
    """The speakers of one place of the tree, to be ticked."""
    page = await page_for(request, session, viewer, now)
    area = await AreaRepository(session).get(viewer, area_code)
    roll = await gather.Roll.of(session, viewer, area.path)
    found = node_of(await gather.places(session, viewer, roll), area_code)
    return page.html("partials/choices.html", devices=found.devices if found else (), ticked=())


async def places(
    session: AsyncSession, viewer: Viewer, *, search: str = "", also: Collection[str] = ()
) -> tuple[PlaceChoice, ...]:
    """Return places that the viewer may choose, in the order of the tree; `also`: these in any case."""
    repository = AreaRepository(session)
    if search:
        found = await repository.search(repository.readable(viewer), search, FOUND_MAX)
    else:
        near = or_(Area.code == viewer.area_code, Area.parent_code == viewer.area_code, Area.code.in_(also))
        wanted = repository.readable(viewer).where(near).order_by(Area.path)
        found = await repository.all(wanted.limit(FOUND_MAX + len(also)))
    codes = {area.parent_code for area in found if area.parent_code}
    parents = await repository.all(repository.readable(viewer).where(Area.code.in_(codes)))
    above = {area.code: area.name for area in parents}
    return tuple(PlaceChoice(area.code, _name(area, above.get(area.parent_code or ""))) for area in found)


def _name(area: Area, above: str | None) -> str:
    return area.name if above is None else f"{area.name} · {above}"
