"""The tables of approval: where each schedule stands, and every version that was approved, frozen."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.approval.states import ApprovalState
from controller.broadcasts.models import Airs, Schedule, TargetKind
from controller.columns import stored_as_text
from controller.content.models import Sha256Key
from controller.database import Base, new_id
from controller.playlists.models import Assembly

ScheduleKey = String(26)


class ApprovedVersion(Airs, Base):
    """A version of a schedule as it was approved: what the planner reads. Never changed."""

    __tablename__ = "approved_versions"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    schedule_id: Mapped[str] = mapped_column(ScheduleKey, ForeignKey("schedules.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(Sha256Key)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the digest is of (`approval.content`)."""
    sound_key: Mapped[str | None] = mapped_column(Sha256Key, ForeignKey("assemblies.key"), index=True)
    asked: Mapped[str] = mapped_column(String(24))
    """Who had to agree at the time (`areas.policy.ApprovalAsked`)."""
    approved_by: Mapped[str] = mapped_column(String(64))
    approved_at: Mapped[datetime]

    schedule: Mapped[Schedule] = relationship(lazy="joined", innerjoin=True)
    sound: Mapped[Assembly | None] = relationship(lazy="joined")
    targets: Mapped[list["ApprovedTarget"]] = relationship(
        lazy="selectin", order_by="ApprovedTarget.kind, ApprovedTarget.key", cascade="all, delete-orphan"
    )


class ApprovedTarget(Base):
    """One area, group or speaker that an approved version addresses."""

    __tablename__ = "approved_targets"

    version_id: Mapped[str] = mapped_column(
        String(26), ForeignKey("approved_versions.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[TargetKind] = mapped_column(stored_as_text(TargetKind), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True, index=True)


class Approval(Base):
    """Where a schedule stands (`approval.states.Standing`)."""

    __tablename__ = "approvals"

    schedule_id: Mapped[str] = mapped_column(
        ScheduleKey, ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[ApprovalState] = mapped_column(stored_as_text(ApprovalState), index=True)
    digest: Mapped[str] = mapped_column(Sha256Key)
    makers: Mapped[list[str]] = mapped_column(JSON)
    submitted_by: Mapped[str] = mapped_column(String(64), default="")
    submitted_at: Mapped[datetime | None]
    rejected_by: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime]
    """When it came to stand so."""
    airing_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approved_versions.id"), index=True)
    """The version that airs."""
