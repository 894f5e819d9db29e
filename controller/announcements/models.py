"""The table of announcements."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
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
    """The uploaded file in the content store; of typed text a recording of it, played where it can be read."""
    recording_url: Mapped[str | None] = mapped_column(Text)
    """Where a recording of the text is to be had, when the sound is made. The voice stands in for it."""
    recording_sha1: Mapped[str | None] = mapped_column(String(40))
    """Of that recording, where it was told: another one is not played."""
    source_name: Mapped[str] = mapped_column(String(255), default="")
    trim_from_ms: Mapped[int] = mapped_column(default=0)
    trim_to_ms: Mapped[int | None]
    """What of the uploaded file is heard; None is its end. The file stays whole."""
    profile: Mapped[str] = mapped_column(String(16), default="horn")
    """How it is shaped for the loudspeakers (`audio.profiles.Profile`)."""
    speed_wpm: Mapped[int | None]
    second_language: Mapped[str | None] = mapped_column(String(16))
    """The same said in another language, after the first: typed text or a recording."""
    second_text: Mapped[str] = mapped_column(Text, default="")
    second_voice: Mapped[str | None] = mapped_column(String(64))
    second_source: Mapped[str | None] = mapped_column(Sha256Key)
    second_source_name: Mapped[str] = mapped_column(String(255), default="")
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
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The sound as it came: loudness, length and outline (`audio.waveform.Portrait`)."""
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The same of the clip."""

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
