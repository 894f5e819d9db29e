"""The table of standing messages that an area words for itself."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.alerts.standing import Hazard
from controller.announcements.models import Announcement
from controller.areas.models import Area, Code
from controller.columns import stored_as_text
from controller.database import Base, Versioned, new_id


class StandingMessage(Versioned, Base):
    """What an area says of one hazard: it holds there, and below until somebody there has words of their own."""

    __tablename__ = "standing_messages"
    __table_args__ = (UniqueConstraint("area_code", "hazard"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code", ondelete="CASCADE"))
    hazard: Mapped[Hazard] = mapped_column(stored_as_text(Hazard))
    headline: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    second_language: Mapped[str | None] = mapped_column(String(16))
    second_text: Mapped[str] = mapped_column(Text, default="")
    announcement_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("announcements.id"), index=True)
    """These very words with their sound, which is never changed: an edit makes another. None: a blank is to fill in."""
    earlier_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("announcements.id"), index=True)
    """The words before these, with their sound: speakers keep them until that of these is made."""
    author: Mapped[str] = mapped_column(String(64))
    updated_at: Mapped[datetime]

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    announcement: Mapped[Announcement | None] = relationship(lazy="joined", foreign_keys=[announcement_id])
