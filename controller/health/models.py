"""The table of how each speaker's machine was: fine for a day, coarser the older it is."""

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from controller.database import Base
from controller.devices.models import DeviceKey


class HealthSample(Base):
    """What a speaker said of itself in one slot of time. No slot: it was not heard then."""

    __tablename__ = "health_samples"
    __table_args__ = (Index("ix_health_samples_span_s_slot_s", "span_s", "slot_s"),)

    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True)
    slot_s: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """When the slot begins, in seconds since the epoch: a multiple of its length, so that SQL can join slots."""
    span_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """How long the slot is."""
    temperature_c: Mapped[float | None]
    signal_percent: Mapped[float | None]
    volume: Mapped[int | None]
    clock_offset_ms: Mapped[float | None]
    """Trusted time less the wall clock of its machine."""
    uptime_s: Mapped[float | None]
    """Of the agent: it falls where the agent began anew."""
    data_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """The machine's own counter since it started, at the end of the slot."""
