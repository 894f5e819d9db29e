"""The tables of play records, and how far each speaker's numbering is complete."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.columns import stored_as_text
from controller.content.models import Sha256Key
from controller.database import Base
from controller.devices.models import DeviceKey
from protocol.messages import Outcome

BootKey = String(128)


class PlayRecordRow(Base):
    """What a sink really played, once: known by speaker, boot and number."""

    __tablename__ = "play_records"
    __table_args__ = (
        Index("ix_play_records_device_order", "device_id", "boot_order", "seq"),
        Index("ix_play_records_outcome_at", "outcome", "at"),
    )

    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True)
    boot: Mapped[str] = mapped_column(BootKey, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    boot_order: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(index=True)
    """When it sounded, or should have; when it arrived, where the speaker did not know."""
    received_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    occurrence_id: Mapped[str | None] = mapped_column(String(128), index=True)
    schedule_id: Mapped[str | None] = mapped_column(String(128))
    title: Mapped[str] = mapped_column(String(300))
    clip_sha256: Mapped[str | None] = mapped_column(Sha256Key)
    planned_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    from_ms: Mapped[int]
    played_ms: Mapped[int]
    start_error_ms: Mapped[float | None]
    underruns: Mapped[int | None]
    underrun_ms: Mapped[int | None]
    level_dbfs: Mapped[float | None]
    volume: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(stored_as_text(Outcome))
    reason: Mapped[str] = mapped_column(String(200))
    clock: Mapped[str] = mapped_column(String(16))
    plan_version: Mapped[int | None] = mapped_column(BigInteger)


class RecordMark(Base):
    """Up to which number everything of a boot is stored: what is acknowledged."""

    __tablename__ = "record_marks"

    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True)
    boot: Mapped[str] = mapped_column(BootKey, primary_key=True)
    boot_order: Mapped[int] = mapped_column(BigInteger)
    complete_to: Mapped[int] = mapped_column(BigInteger, default=0)
    dropped: Mapped[int] = mapped_column(BigInteger, default=0)
    """How many the speaker had to drop before they were stored."""
