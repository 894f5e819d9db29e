"""Groups of speakers: a list, and a form in which one is named, filled, changed, dissolved and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import Response

from controller.accounts.access import ADMINISTERS, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.service import Areas
from controller.broadcasts.models import Schedule, TargetKind
from controller.broadcasts.repository import ScheduleRepository
from controller.broadcasts.targets import checked
from controller.database import is_id, new_id
from controller.devices.repository import DeviceRepository
from controller.errors import ControllerError, Invalid, PreconditionFailed
from controller.groups.models import Group
from controller.groups.schemas import GroupEdit, GroupIn
from controller.groups.service import Groups
from controller.http.route import NowDep, SessionDep
from controller.planning.repository import PlanningRepository
from controller.repository import Page as Found
from controller.repository import PageRequest
from controller.runtime import runtime_of
from controller.text import Text
from controller.web import gather
from controller.web.pages.common import FieldsDep, page_for, to_kept, words, words_by_field
from controller.web.pages.places import places
from controller.web.present.groups import Gone, GroupRow, GroupValues, GroupView, Use
from controller.web.present.targets import Choice
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/groups"
ROWS = 50
MEMBERS_SHOWN = 300


@dataclass(frozen=True)
class Desk:
    """Where one viewer works on groups, within one transaction."""

    page: Page
    viewer: Viewer
    groups: Groups

    async def get(self, group_id: str) -> Group:
        """The group, or `NotFound`."""
        return await self.groups.repository.get(self.viewer, group_id)

    async def uses(self, group_ids: list[str]) -> dict[str, list[Schedule]]:
        """The schedules that address each of these groups and will air again."""
        return await ScheduleRepository(self.groups.session).addressing(group_ids, self.page.now)


async def _desk(*, request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Desk:
    return Desk(await page_for(request, session, viewer, now), viewer, Groups(session, viewer))


DeskDep = Annotated[Desk, Depends(_desk)]


@router.get(HERE, dependencies=[READS])
async def every(
    desk: DeskDep,
    q: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """Those of one's area, oldest first."""
    return await _listed(desk, q=q.strip(), cursor=cursor)


@router.get(f"{HERE}/new", dependencies=[ADMINISTERS])
async def new(desk: DeskDep) -> Response:
    """An empty form."""
    return await _shown(desk, GroupValues(new_id()), Choice(), None)


@router.post(HERE, dependencies=[ADMINISTERS])
async def make(desk: DeskDep, fields: FieldsDep) -> Response:
    """Make a group, once; or make again what was dissolved just now: both say what is to be there."""
    values, chosen = _read(fields), Choice.read(fields)
    repository = desk.groups.repository
    try:
        area = await Areas(repository.session, desk.viewer).place(values.area_code or desk.viewer.area_code)
        given = {**_said(values), "area_code": area.code, "device_ids": await _members(desk, chosen, area)}
        wish = GroupIn.model_validate(given)
        known = await repository.find(desk.viewer, values.token)
        if known is None:
            known = await desk.groups.add(wish, id_=values.token)
    except (ControllerError, ValidationError) as refusal:
        return await _refused(desk, values, chosen, None, refusal)
    there = known.name, known.note, known.area_code, list(await repository.members(known.id))
    if there != (wish.name, wish.note, wish.area_code, wish.device_ids):  # kept, gone back to, changed, kept again
        return await _overtaken(desk, values, chosen, known)
    return to_kept(desk.page, f"{HERE}/{known.id}")


@router.get(f"{HERE}/{{group_id}}", dependencies=[READS])
async def one(group_id: str, desk: DeskDep, kept: Annotated[str, Query(max_length=3)] = "") -> Response:
    """A group with its speakers and what addresses it."""
    group = await desk.get(group_id)
    chosen = Choice(devices=frozenset(await desk.groups.repository.members(group.id)))
    return await _shown(desk, _values(group), chosen, group, kept=kept == "yes")


@router.post(f"{HERE}/{{group_id}}", dependencies=[ADMINISTERS])
async def change(group_id: str, desk: DeskDep, fields: FieldsDep) -> Response:
    """Keep what was changed, or dissolve it. Another's change meanwhile is shown as such, and nothing typed is lost."""
    group = await desk.get(group_id)
    if fields.get("do") == "dissolve":
        return await _dissolved(desk, group)
    values, chosen = replace(_read(fields), token=group.id), Choice.read(fields)
    if values.version != str(group.version):
        return await _overtaken(desk, values, chosen, group)
    try:
        wish = {**_said(values), "device_ids": await _members(desk, chosen, group.area)}
        await desk.groups.edit(group, GroupEdit.model_validate(wish))
    except (ControllerError, ValidationError) as refusal:
        return await _refused(desk, values, chosen, group, refusal)
    return to_kept(desk.page, f"{HERE}/{group.id}")


async def _dissolved(desk: Desk, group: Group) -> Response:
    """The list without it, which offers the way back; or why it stays."""
    members = await desk.groups.repository.members(group.id)
    gone = Gone(group.id, group.name, group.note, group.area_code, members)
    try:
        await desk.groups.remove(group, desk.page.now)
    except ControllerError as refusal:
        errors = {"": words(refusal, desk.page)}
        return await _shown(desk, _values(group), Choice(devices=frozenset(members)), group, errors=errors, status=409)
    return await _listed(desk, gone=gone)


async def _overtaken(desk: Desk, values: GroupValues, chosen: Choice, group: Group) -> Response:
    """The form again, with what was typed: pressed once more it goes over what is there now."""
    said = desk.page.t("This group was changed meanwhile. Keep it again to have yours instead.")
    values = replace(values, version=str(group.version))
    return await _shown(desk, values, chosen, group, errors={"": said}, status=PreconditionFailed.status)


def _read(fields: FormData) -> GroupValues:
    token, *others = (str(fields.get(each, "")) for each in ("token", "name", "note", "version", "area_code"))
    return GroupValues(token if is_id(token) else new_id(), *others)


def _values(group: Group) -> GroupValues:
    return GroupValues(group.id, group.name, group.note, str(group.version), group.area_code)


def _said(values: GroupValues) -> dict[str, str]:
    return {"name": values.name, "note": values.note}


async def _members(desk: Desk, chosen: Choice, area: Area) -> list[str]:
    """The speakers that a choice comes to: those of places and of other groups as they are now."""
    wider = Choice(chosen.areas, chosen.groups).named()
    keys: dict[TargetKind, set[str]] = {kind: set() for kind in TargetKind}
    for kind, key in await checked(desk.groups.session, desk.viewer, wider, area):
        keys[kind].add(key)
    reached = await PlanningRepository(desk.groups.session).reached(keys)
    found = sorted(chosen.devices | reached)
    if not found:
        raise Invalid.field("device_ids", Text("Please choose at least one speaker."))
    return found


async def _refused(
    desk: Desk,
    values: GroupValues,
    chosen: Choice,
    group: Group | None,
    refusal: ControllerError | ValidationError,
) -> Response:
    errors = words_by_field(refusal, desk.page, _field_of)
    return await _shown(desk, values, chosen, group, errors=errors, status=422)


def _field_of(path: str) -> str:
    head = path.split(".", maxsplit=1)[0]
    return {"device_ids": "targets"}.get(head, head if head in {"name", "note", "area_code", "targets"} else "")


async def _listed(desk: Desk, *, q: str = "", cursor: str | None = None, gone: Gone | None = None) -> Response:
    repository, viewer = desk.groups.repository, desk.viewer
    if q:
        found = Found(await repository.search(repository.readable(viewer), q, ROWS), None)
    else:
        found = await repository.page(repository.readable(viewer), PageRequest(cursor, ROWS))
    ids = [row.id for row in found.items]
    sizes, uses = await repository.sizes(ids), await desk.uses(ids)
    rows = [
        GroupRow(row.id, row.name, row.area.name, sizes.get(row.id, 0), len(uses.get(row.id, ())))
        for row in found.items
    ]
    return desk.page.html(
        "groups.html", viewer_name=viewer.name, rows=rows, q=q, gone=gone, next_cursor=found.next_cursor
    )


async def _shown(
    desk: Desk,
    values: GroupValues,
    chosen: Choice,
    group: Group | None,
    *,
    errors: Mapping[str, str] | None = None,
    kept: bool = False,
    status: int = 200,
) -> Response:
    page, viewer, session = desk.page, desk.viewer, desk.groups.session
    changes = Permission.ADMINISTER in viewer.permissions
    area = group.area if group else await AreaRepository(session).get(viewer, viewer.area_code)
    uses = (await desk.uses([group.id])).get(group.id, []) if group else []
    named = [] if changes else await DeviceRepository(session).some(viewer, sorted(chosen.devices)[:MEMBERS_SHOWN])
    picker = await gather.picker(session, viewer, chosen, area.code) if changes else None
    if picker is not None:
        picker = replace(picker, groups=tuple(each for each in picker.groups if each.key != values.token))
    offered = () if group else await places(session, viewer, also=[values.area_code])
    view = GroupView(
        values=values,
        heading=group.name if group else page.t("New group"),
        place=area.name,
        action=f"{HERE}/{group.id}" if group else HERE,
        picker=picker,
        members=[device.name for device in named],
        uses=[_use(row, viewer) for row in uses],
        errors=dict(errors or {}),
        kept=kept,
    )
    return page.html(
        "group.html",
        status=status,
        viewer_name=viewer.name,
        group=view,
        places=offered,
        place=values.area_code or area.code,
        members_in_all=len(chosen.devices),
        settings=runtime_of(page.request).settings,
    )


def _use(row: Schedule, viewer: Viewer) -> Use:
    """A wider area's schedule is named, and not led to: whoever lives below does not open it."""
    opens = row.area.path.startswith(viewer.scope) and Permission.ANNOUNCE in viewer.permissions
    return Use(row.title, row.area.name, f"/schedules/{row.id}" if opens else "")
