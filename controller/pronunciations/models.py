"""The table of pronunciations: how a place says what a voice would say wrong."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.areas.models import Area, Code
from controller.database import Base, Versioned, new_id


class Pronunciation(Versioned, Base):
    """One entry of a dictionary: it holds in its area and everywhere below."""

    __tablename__ = "pronunciations"
    __table_args__ = (UniqueConstraint("area_code", "language", "written"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"))
    language: Mapped[str] = mapped_column(String(16), default="vi")
    written: Mapped[str] = mapped_column(String(100))
    spoken: Mapped[str] = mapped_column(String(200))
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
