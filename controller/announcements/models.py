"""The table of announcements."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.areas.models import Area, Code
from controller.columns import stored_as_text
from controller.content.models import Sha256Key
from controller.database import Base, Versioned, new_id


class Kind(StrEnum):
    """Where an announcement's sound comes from."""

    TEXT = "text"
    FILE = "file"


class Status(StrEnum):
    """Whether something has its sound. A failed edit keeps the sound it had before."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Announcement(Versioned, Base):
    """One thing to be heard."""

    __tablename__ = "announcements"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    title: Mapped[str] = mapped_column(String(300))
    kind: Mapped[Kind] = mapped_column(stored_as_text(Kind))
    language: Mapped[str] = mapped_column(String(16), default="vi")
    voice: Mapped[str | None] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(64), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str | None] = mapped_column(Sha256Key)
    """The uploaded file in the content store."""
    source_name: Mapped[str] = mapped_column(String(255), default="")
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    status: Mapped[Status] = mapped_column(stored_as_text(Status), default=Status.PROCESSING, index=True)
    job: Mapped[str] = mapped_column(String(26), default=new_id)
    """Renewed by each edit of the sound: a render of an older text is thrown away."""
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_vi: Mapped[str | None] = mapped_column(Text)
    error_en: Mapped[str | None] = mapped_column(Text)
    clip_sha256: Mapped[str | None] = mapped_column(Sha256Key, ForeignKey("clips.sha256"), index=True)
    duration_ms: Mapped[int | None]

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
