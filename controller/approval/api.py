"""`/api/v1/approvals` and `/api/v1/schedules/{id}/approval`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from controller.accounts.access import ANNOUNCES, APPROVES, READS, ViewerDep
from controller.approval.ledger import Case
from controller.approval.schemas import ApprovalOut, RejectionIn
from controller.approval.service import Approvals
from controller.approval.states import ApprovalState
from controller.broadcasts.api import timing_of
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, Precondition
from controller.monitoring.hub import hub_of

router = APIRouter(prefix="/api/v1", tags=["approval"], route_class=TransactionRoute)


def approvals_of(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> Approvals:
    """Return approvals as the one who asks may give them."""
    return Approvals(session, viewer, hub=hub_of(runtime), freeze=timing_of(runtime).freeze)


ApprovalsDep = Annotated[Approvals, Depends(approvals_of)]


def _out(approvals: Approvals, case: Case, now: datetime) -> ApprovalOut:
    return ApprovalOut.of(case, next_at=approvals.next_at(case, now), may_decide=approvals.may_decide(case))


def _shown(approvals: Approvals, case: Case, now: datetime, response: Response) -> ApprovalOut:
    response.headers["ETag"] = f'"{case.digest}"'
    return _out(approvals, case, now)


def seen_in(condition: Precondition) -> str:
    """Return the digest of what was seen; "anything" is nothing that one can approve."""
    return next(iter(sorted(tag.strip('"') for tag in condition.tags if tag != "*")), "")


@router.get(
    "/approvals", operation_id="listApprovals", summary="Where schedules stand, newest first", dependencies=[READS]
)
async def list_approvals(
    *,
    approvals: ApprovalsDep,
    viewer: ViewerDep,
    page: PageDep,
    now: NowDep,
    state: Annotated[ApprovalState | None, Query(description="Only those that stand so")] = None,
) -> PageOut[ApprovalOut]:
    """Answer one page."""
    found = await approvals.repository.page(approvals.repository.listed(viewer, state), page)
    cases = await approvals.some(list(found.items), now)
    return PageOut(items=[_out(approvals, case, now) for case in cases], next_cursor=found.next_cursor)


@router.get(
    "/approvals/waiting",
    operation_id="listWaiting",
    summary="What waits for my word, the soonest first",
    dependencies=[APPROVES],
)
async def list_waiting(approvals: ApprovalsDep, now: NowDep) -> PageOut[ApprovalOut]:
    """Answer all of it: at most a hundred."""
    return PageOut(items=[_out(approvals, case, now) for case in await approvals.waiting(now)], next_cursor=None)


@router.get(
    "/schedules/{schedule_id}/approval",
    operation_id="getApproval",
    summary="Where a schedule stands",
    dependencies=[READS],
)
async def get_approval(schedule_id: str, response: Response, approvals: ApprovalsDep, now: NowDep) -> ApprovalOut:
    """Answer it, with the ETag that says what exactly it would air."""
    return _shown(approvals, await approvals.case(schedule_id, now), now, response)


@router.post(
    "/schedules/{schedule_id}/approval/submit",
    operation_id="submitSchedule",
    summary="Ask for approval",
    dependencies=[ANNOUNCES],
)
async def submit(
    schedule_id: str, response: Response, approvals: ApprovalsDep, condition: IfMatchDep, now: NowDep
) -> ApprovalOut:
    """Ask; where the area asks nobody, this is the approval."""
    return _shown(approvals, await approvals.submit(schedule_id, seen_in(condition), now), now, response)


@router.post(
    "/schedules/{schedule_id}/approval/withdraw",
    operation_id="withdrawSubmission",
    summary="Ask for approval no more",
    dependencies=[ANNOUNCES],
)
async def withdraw(schedule_id: str, response: Response, approvals: ApprovalsDep, now: NowDep) -> ApprovalOut:
    """Make it a draft again. What was approved before goes on airing."""
    return _shown(approvals, await approvals.withdraw(schedule_id, now), now, response)


@router.post(
    "/schedules/{schedule_id}/approval/approve",
    operation_id="approveSchedule",
    summary="Let exactly what was seen go on air",
    dependencies=[APPROVES],
)
async def approve(
    schedule_id: str, response: Response, approvals: ApprovalsDep, condition: IfMatchDep, now: NowDep
) -> ApprovalOut:
    """Approve the version that `If-Match` names; its airings from now on, none late."""
    return _shown(approvals, await approvals.approve(schedule_id, seen_in(condition), now), now, response)


@router.post(
    "/schedules/{schedule_id}/approval/reject",
    operation_id="rejectSchedule",
    summary="Say no, and why",
    dependencies=[APPROVES],
)
async def reject(
    *,
    schedule_id: str,
    body: RejectionIn,
    response: Response,
    approvals: ApprovalsDep,
    condition: IfMatchDep,
    now: NowDep,
) -> ApprovalOut:
    """Reject the version that `If-Match` names. What was approved before goes on airing."""
    return _shown(approvals, await approvals.reject(schedule_id, seen_in(condition), body.reason, now), now, response)
