"""The tables of what each speaker's plan holds, kept afterwards as what was meant to be, and of who waits for one."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.broadcasts.models import OccurrenceKey
from controller.columns import stored_as_text
from controller.database import Base
from controller.devices.models import DeviceKey
from schedules.types import Resume


class PlannedRow(Base):
    """One airing on one speaker, as the speaker was told."""

    __tablename__ = "planned_occurrences"
    __table_args__ = (Index("ix_planned_occurrences_device_starts", "device_id", "starts_at"),)

    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True)
    occurrence_id: Mapped[str] = mapped_column(OccurrenceKey, primary_key=True, index=True)
    schedule_id: Mapped[str] = mapped_column(String(26), index=True)
    """No foreign key: what was meant to air outlives its schedule."""
    title: Mapped[str] = mapped_column(String(300))
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    duration_ms: Mapped[int]
    priority: Mapped[int]
    issuer_depth: Mapped[int]
    commune_rank: Mapped[int]
    resume: Mapped[Resume] = mapped_column(stored_as_text(Resume))
    late_join_s: Mapped[int | None]
    volume: Mapped[int]
    own_volume: Mapped[bool]
    stretches: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    relays: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    clips: Mapped[list[str]] = mapped_column(JSON)
    """All that it may have to play: of its stretches, and what sounds in the place of a silent station."""
    plan_version: Mapped[int] = mapped_column(BigInteger)
    """The plan that first said it so: a speaker that has this one or a later one knows."""


class PlanOwed(Base):
    """A speaker that an edit touched and that is not planned anew yet."""

    __tablename__ = "plans_owed"

    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]
    """The moment of the edit: what was asked for then is not frozen out by the wait."""
