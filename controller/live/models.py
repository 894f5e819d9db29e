"""The tables of live sessions."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.areas.models import Area, Code
from controller.broadcasts.models import TargetKind
from controller.columns import stored_as_text
from controller.database import Base, new_id
from controller.live.states import Ending

LiveKey = String(26)


class LiveSessionRow(Base):
    """Somebody speaks, or spoke."""

    __tablename__ = "live_sessions"

    id: Mapped[str] = mapped_column(LiveKey, primary_key=True, default=new_id)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    title: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    """When the chime begins."""
    ends_at: Mapped[datetime]
    """The time limit."""
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ending: Mapped[Ending | None] = mapped_column(stored_as_text(Ending))
    announcement_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("announcements.id"), index=True)
    """What was recorded of it."""

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    targets: Mapped[list["LiveTarget"]] = relationship(
        lazy="selectin", order_by="LiveTarget.kind, LiveTarget.key", cascade="all, delete-orphan"
    )


class LiveTarget(Base):
    """One area, group or speaker that is spoken to."""

    __tablename__ = "live_targets"

    live_session_id: Mapped[str] = mapped_column(
        LiveKey, ForeignKey("live_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[TargetKind] = mapped_column(stored_as_text(TargetKind), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True, index=True)

    @property
    def name(self) -> str:
        """As `LiveSession.target` writes it."""
        return f"{self.kind}:{self.key}"
