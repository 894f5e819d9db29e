"""`/api/v1/groups`."""

from fastapi import APIRouter, Response

from controller.accounts.access import ADMINISTERS, READS, Idempotent, ViewerDep
from controller.groups.models import Group
from controller.groups.schemas import GroupDetail, GroupEdit, GroupIn, GroupOut
from controller.groups.service import Groups
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag

router = APIRouter(prefix="/api/v1/groups", tags=["groups"], route_class=TransactionRoute)


def _short(group: Group) -> GroupOut:
    return GroupOut(id=group.id, name=group.name, area_code=group.area_code, note=group.note)


async def _shown(groups: Groups, group: Group, response: Response) -> GroupDetail:
    tag(response, group)
    members = await groups.repository.members(group.id)
    return GroupDetail(**_short(group).model_dump(), device_ids=list(members))


@router.get("", operation_id="listGroups", summary="Groups, oldest first", dependencies=[READS])
async def list_groups(session: SessionDep, viewer: ViewerDep, page: PageDep) -> PageOut[GroupOut]:
    """Answer one page of groups."""
    groups = Groups(session, viewer).repository
    found = await groups.page(groups.readable(viewer), page)
    return PageOut(items=[_short(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "", operation_id="createGroup", summary="Make a group", status_code=201, dependencies=[ADMINISTERS, Idempotent]
)
async def create_group(body: GroupIn, response: Response, session: SessionDep, viewer: ViewerDep) -> GroupDetail:
    """Make a group of speakers."""
    groups = Groups(session, viewer)
    group = await groups.add(body)
    response.headers["Location"] = f"/api/v1/groups/{group.id}"
    return await _shown(groups, group, response)


@router.get("/{group_id}", operation_id="getGroup", summary="One group with its speakers", dependencies=[READS])
async def get_group(group_id: str, response: Response, session: SessionDep, viewer: ViewerDep) -> GroupDetail:
    """Answer one group."""
    groups = Groups(session, viewer)
    return await _shown(groups, await groups.repository.get(viewer, group_id), response)


@router.patch(
    "/{group_id}", operation_id="editGroup", summary="Edit a group or its speakers", dependencies=[ADMINISTERS]
)
async def edit_group(
    *, group_id: str, body: GroupEdit, response: Response, session: SessionDep, viewer: ViewerDep, condition: IfMatchDep
) -> GroupDetail:
    """Edit a group; the plans of those who join or leave follow at once."""
    groups = Groups(session, viewer)
    group = await groups.repository.get(viewer, group_id)
    condition.check(group)
    return await _shown(groups, await groups.edit(group, body), response)


@router.delete(
    "/{group_id}", operation_id="deleteGroup", summary="Dissolve a group", status_code=204, dependencies=[ADMINISTERS]
)
async def delete_group(
    group_id: str, session: SessionDep, viewer: ViewerDep, condition: IfMatchDep, now: NowDep
) -> None:
    """Dissolve a group that no schedule aims at."""
    groups = Groups(session, viewer)
    group = await groups.repository.get(viewer, group_id)
    condition.check(group)
    await groups.remove(group, now)
