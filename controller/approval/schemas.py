"""Shapes of approvals."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, Field

from controller.approval.ledger import Case
from controller.approval.states import ApprovalState
from controller.areas.policy import ApprovalAsked
from controller.http.fields import In

REASON_MAX = 1000


class RejectionIn(In):
    """Why not."""

    reason: Annotated[str, Field(min_length=1, max_length=REASON_MAX, pattern=r"\S")]


class ApprovalOut(BaseModel):
    """Where a schedule stands."""

    schedule_id: str
    title: str
    area_code: str
    state: ApprovalState
    asked: ApprovalAsked
    """Who must agree to what its area issues."""
    digest: str
    """Of all that it would air: the ETag of what is approved."""
    settled: bool
    """Whether its sound is that of its newest words."""
    makers: list[str]
    submitted_by: str
    submitted_at: AwareDatetime | None
    rejected_by: str
    reason: str
    approved_by: str
    approved_at: AwareDatetime | None
    airing_digest: str | None
    """Of the version that airs: another than `digest` while an edit waits."""
    next_at: AwareDatetime | None
    """When it would air first, approved now; None: its time has passed."""
    may_decide: bool

    @classmethod
    def of(cls, case: Case, *, next_at: AwareDatetime | None, may_decide: bool) -> Self:
        """Return what may be seen of a case."""
        row, airing = case.approval, case.airing
        return cls(
            schedule_id=row.schedule_id,
            title=case.schedule.title,
            area_code=case.schedule.area_code,
            state=row.state,
            asked=case.asked,
            digest=case.digest,
            settled=case.settled,
            makers=row.makers,
            submitted_by=row.submitted_by,
            submitted_at=row.submitted_at,
            rejected_by=row.rejected_by,
            reason=row.reason,
            approved_by=airing.approved_by if airing else "",
            approved_at=airing.approved_at if airing else None,
            airing_digest=airing.digest if airing else None,
            next_at=next_at,
            may_decide=may_decide,
        )
