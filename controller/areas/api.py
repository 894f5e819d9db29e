"""`/api/v1/areas`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from controller.accounts.access import ADMINISTERS, READS, Idempotent, ViewerDep
from controller.areas.models import Area
from controller.areas.schemas import AreaDetail, AreaEdit, AreaIn, AreaOut
from controller.areas.service import Areas
from controller.http.fields import Search
from controller.http.pages import PageDep, PageOut
from controller.http.route import SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag

router = APIRouter(prefix="/api/v1/areas", tags=["areas"], route_class=TransactionRoute)


async def _shown(areas: Areas, area: Area, response: Response) -> AreaDetail:
    tag(response, area)
    return AreaDetail.seen(area, await areas.repository.policy(area.path))


@router.get("", operation_id="listAreas", summary="Areas, in the order of the tree", dependencies=[READS])
async def list_areas(
    *,
    session: SessionDep,
    viewer: ViewerDep,
    page: PageDep,
    parent: Annotated[str | None, Query(max_length=64, description="Only its children")] = None,
    depth: Annotated[int | None, Query(ge=0, le=16, description="1: provinces, 2: communes")] = None,
    q: Annotated[Search, Query(description="A part of the name")] = "",
) -> PageOut[AreaOut]:
    """Answer one page of areas."""
    areas = Areas(session, viewer).repository
    found = await areas.page(areas.listed(viewer, parent=parent, depth=depth, search=q), page)
    return PageOut(items=[AreaOut.of(area) for area in found.items], next_cursor=found.next_cursor)


@router.post(
    "", operation_id="createArea", summary="Add an area", status_code=201, dependencies=[ADMINISTERS, Idempotent]
)
async def create_area(body: AreaIn, response: Response, session: SessionDep, viewer: ViewerDep) -> AreaDetail:
    """Add an area, such as a hamlet below its commune."""
    areas = Areas(session, viewer)
    area = await areas.add(body)
    response.headers["Location"] = f"/api/v1/areas/{area.code}"
    return await _shown(areas, area, response)


@router.get("/{code}", operation_id="getArea", summary="One area, with what holds below it", dependencies=[READS])
async def get_area(code: str, response: Response, session: SessionDep, viewer: ViewerDep) -> AreaDetail:
    """Answer one area."""
    areas = Areas(session, viewer)
    return await _shown(areas, await areas.repository.get(viewer, code), response)


@router.patch(
    "/{code}", operation_id="editArea", summary="Edit an area's name, outline or rules", dependencies=[ADMINISTERS]
)
async def edit_area(
    *, code: str, body: AreaEdit, response: Response, session: SessionDep, viewer: ViewerDep, condition: IfMatchDep
) -> AreaDetail:
    """Edit an area; the plans of the speakers below follow its rules at once."""
    areas = Areas(session, viewer)
    area = await areas.repository.get(viewer, code)
    condition.check(area)
    return await _shown(areas, await areas.edit(area, body), response)


@router.delete(
    "/{code}", operation_id="deleteArea", summary="Remove an empty area", status_code=204, dependencies=[ADMINISTERS]
)
async def delete_area(code: str, session: SessionDep, viewer: ViewerDep, condition: IfMatchDep) -> None:
    """Remove an area that nothing hangs on."""
    areas = Areas(session, viewer)
    area = await areas.repository.get(viewer, code)
    condition.check(area)
    await areas.remove(area)
