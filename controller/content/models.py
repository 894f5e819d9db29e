"""The table of clips: what lies in the content store and may be sent to speakers."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from controller.database import Base

Sha256Key = String(64)


class Clip(Base):
    """Broadcast-ready sound, known by the hash of its bytes."""

    __tablename__ = "clips"

    sha256: Mapped[str] = mapped_column(Sha256Key, primary_key=True)
    size_bytes: Mapped[int]
    duration_ms: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(100))
    loudness_lufs: Mapped[float | None]
    true_peak_dbtp: Mapped[float | None]
    created_at: Mapped[datetime]
    """When it was last made: rendering the same sound again renews it."""
