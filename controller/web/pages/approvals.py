"""Approval: what waits for whom, and one schedule with all that is needed to decide on it, from a phone too."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ANNOUNCES, APPROVES, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.announcements.api import AnnouncementsDep
from controller.announcements.models import Kind
from controller.announcements.schemas import AnnouncementEdit
from controller.approval.api import ApprovalsDep
from controller.approval.ledger import Case
from controller.approval.models import Approval
from controller.approval.schemas import RejectionIn
from controller.approval.service import Approvals
from controller.approval.states import ApprovalState
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.broadcasts.api import BroadcastsDep
from controller.broadcasts.models import TargetKind
from controller.broadcasts.preview import PreviewOut
from controller.broadcasts.schemas import ScheduleEdit
from controller.broadcasts.service import Broadcasts
from controller.devices.repository import DeviceRepository
from controller.errors import ControllerError
from controller.groups.models import Group
from controller.groups.repository import GroupRepository
from controller.http.problems import invalid
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.http.versions import Precondition
from controller.planning import rows
from controller.web.pages.common import FieldsDep, page_for
from controller.web.present import approvals as present
from controller.web.present.approvals import ApprovalView
from controller.web.present.compose import parsed_day, parsed_time
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

LISTED_MAX = 50
Seen = Annotated[str, Form(max_length=64)]


@router.get("/approvals", dependencies=[READS])
async def approvals_page(
    request: Request, session: SessionDep, viewer: ViewerDep, approvals: ApprovalsDep, now: NowDep
) -> Response:
    """What waits for me, and everything else that is not approved."""
    page = await page_for(request, session, viewer, now)
    waiting = await approvals.waiting(now)
    mine = {case.schedule.id for case in waiting}
    statement = approvals.repository.listed(viewer).where(Approval.state != ApprovalState.APPROVED)
    found = await approvals.repository.all(statement.order_by(Approval.changed_at.desc()).limit(LISTED_MAX))
    others = await approvals.some([row for row in found if row.schedule_id not in mine], now)
    return page.html(
        "approvals.html",
        viewer_name=viewer.name,
        waiting=[present.line(case, approvals.next_at(case, now), page.formats, now) for case in waiting],
        others=[present.line(case, approvals.next_at(case, now), page.formats, now) for case in others],
    )


@router.get("/parts/waiting", dependencies=[READS])
async def waiting_part(
    request: Request, session: SessionDep, viewer: ViewerDep, approvals: ApprovalsDep, now: NowDep
) -> Response:
    """The line on the first page."""
    page = await page_for(request, session, viewer, now)
    return page.html("partials/waiting.html", waiting=await approvals.tally(now))


@dataclass(frozen=True)
class Room:
    """One schedule on the table, with the one who looks at it."""

    page: Page
    session: AsyncSession
    viewer: Viewer
    approvals: Approvals
    broadcasts: Broadcasts
    days: int
    """How far plans look ahead."""

    async def shown(self, schedule_id: str, *, problem: str = "", status: int = 200) -> Response:
        """The page of a schedule, with what went wrong."""
        case = await self.approvals.case(schedule_id, self.page.now)
        view = await self._view(case)
        return self.page.html(
            "approval.html", status=status, viewer_name=self.viewer.name, approval=view, problem=problem
        )

    async def refused(self, schedule_id: str, refusal: ControllerError) -> Response:
        """The page again: what was asked for was not done, and why."""
        said = refusal.errors[0].message if refusal.errors else refusal.detail
        return await self.shown(schedule_id, problem=said.in_language(self.page.t.language.code), status=refusal.status)

    async def done(self, schedule_id: str, step: Awaitable[object]) -> Response:
        """Take a step, and show where the schedule stands now, or why it was not taken."""
        try:
            await step
        except ControllerError as refusal:
            return await self.refused(schedule_id, refusal)
        return _back(schedule_id)

    async def _view(self, case: Case) -> ApprovalView:
        now = self.page.now
        may_decide = self.approvals.may_decide(case)
        waits = case.approval.state is ApprovalState.SUBMITTED
        return present.view(
            case,
            self.approvals.next_at(case, now),
            self.page.formats,
            now,
            calendar=rows.recurrence(case.schedule),
            names=await self._names(case),
            ahead=await self._ahead(case),
            may_decide=may_decide,
            is_own=waits and self.viewer.may(Permission.APPROVE) and not may_decide,
            may_make=self.viewer.may(Permission.ANNOUNCE),
        )

    async def _ahead(self, case: Case) -> PreviewOut | None:
        if case.schedule.playlist.sound is None:
            return None
        return await self.broadcasts.look_ahead(case.schedule, self.page.now, days=self.days)

    async def _names(self, case: Case) -> dict[tuple[str, str], str]:
        """What its targets are called."""
        keys = {kind: {t.key for t in case.schedule.targets if t.kind is kind} for kind in TargetKind}
        areas, groups = AreaRepository(self.session), GroupRepository(self.session)
        found = {
            (TargetKind.AREA.value, row.code): row.name
            for row in await areas.all(areas.readable(self.viewer).where(Area.code.in_(keys[TargetKind.AREA])))
        }
        found |= {
            (TargetKind.GROUP.value, row.id): row.name
            for row in await groups.all(groups.readable(self.viewer).where(Group.id.in_(keys[TargetKind.GROUP])))
        }
        devices = await DeviceRepository(self.session).some(self.viewer, keys[TargetKind.DEVICE])
        return found | {(TargetKind.DEVICE.value, row.id): row.name for row in devices}


async def room_of(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    approvals: ApprovalsDep,
    broadcasts: BroadcastsDep,
    runtime: RuntimeDep,
    now: NowDep,
) -> Room:
    """Return the room as the one who asks may use it."""
    page = await page_for(request, session, viewer, now)
    return Room(page, session, viewer, approvals, broadcasts, runtime.settings.plan_days)


RoomDep = Annotated[Room, Depends(room_of)]


@router.get("/approvals/{schedule_id}", dependencies=[READS])
async def approval_page(schedule_id: str, room: RoomDep) -> Response:
    """What it says, how it sounds, where and when, what it collides with, who made it."""
    return await room.shown(schedule_id)


@router.post("/approvals/{schedule_id}/approve", dependencies=[APPROVES])
async def approve(schedule_id: str, room: RoomDep, seen: Seen) -> Response:
    """Let what was seen go on air."""
    return await room.done(schedule_id, room.approvals.approve(schedule_id, seen, room.page.now))


@router.post("/approvals/{schedule_id}/reject", dependencies=[APPROVES])
async def reject(
    schedule_id: str, room: RoomDep, seen: Seen, reason: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """Send it back, with a reason."""
    try:
        said = RejectionIn(reason=reason.strip())
    except ValidationError as error:
        return await room.refused(schedule_id, invalid(error.errors()))
    return await room.done(schedule_id, room.approvals.reject(schedule_id, seen, said.reason, room.page.now))


@router.post("/approvals/{schedule_id}/submit", dependencies=[ANNOUNCES])
async def submit(schedule_id: str, room: RoomDep, seen: Seen) -> Response:
    """Ask for approval."""
    return await room.done(schedule_id, room.approvals.submit(schedule_id, seen, room.page.now))


@router.post("/approvals/{schedule_id}/withdraw", dependencies=[ANNOUNCES])
async def withdraw(schedule_id: str, room: RoomDep) -> Response:
    """Ask no more."""
    return await room.done(schedule_id, room.approvals.withdraw(schedule_id, room.page.now))


@router.post("/approvals/{schedule_id}/edit", dependencies=[ANNOUNCES])
async def edit(
    *,
    schedule_id: str,
    fields: FieldsDep,
    room: RoomDep,
    viewer: ViewerDep,
    broadcasts: BroadcastsDep,
    announcements: AnnouncementsDep,
) -> Response:
    """Change the words or the time; what was approved before airs on until this is approved too."""
    now = room.page.now
    row = await broadcasts.repository.get(viewer, schedule_id)
    case = await room.approvals.case(schedule_id, now)
    try:
        Precondition(frozenset({f'"{fields.get("version", "")}"'})).check(row)
        wish = ScheduleEdit.model_validate(_schedule_fields(fields))
        words = {
            each: AnnouncementEdit(text=text)
            for each in case.announcements
            if each.kind is Kind.TEXT and (text := _text(fields, f"text-{each.id}")) not in {"", each.text}
        }
        await broadcasts.edit(row, wish, now)
        for announcement, said in words.items():
            await announcements.edit(announcement, said, now)
    except ValidationError as error:
        return await room.refused(schedule_id, invalid(error.errors()))
    return _back(schedule_id)


def _schedule_fields(fields: FormData) -> dict[str, object]:
    wish: dict[str, object] = {"title": _text(fields, "title")}
    day, clock = parsed_day(_text(fields, "day")), parsed_time(_text(fields, "time"))
    if day is not None and clock is not None:
        wish["first_local"] = f"{day.isoformat()}T{clock.isoformat()}"
    return wish


def _text(fields: FormData, name: str) -> str:
    """A text of the form; browsers send its lines with CR LF."""
    return str(fields.get(name, "")).replace("\r\n", "\n").strip()


def _back(schedule_id: str) -> Response:
    return RedirectResponse(f"/approvals/{schedule_id}", 303)
