"""The tables of commands: what somebody wanted, and each try to have it done."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.database import Base, new_id
from controller.devices.models import DeviceKey


class CommandRow(Base):
    """A one-off order to one speaker: the intent."""

    __tablename__ = "commands"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    action: Mapped[dict[str, Any]] = mapped_column(JSON)
    author: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]

    attempts: Mapped[list["CommandAttempt"]] = relationship(
        lazy="selectin", order_by="CommandAttempt.id", cascade="all, delete-orphan"
    )


class CommandAttempt(Base):
    """One try: handed to the broker, and what the speaker answered."""

    __tablename__ = "command_attempts"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    command_id: Mapped[str] = mapped_column(String(26), ForeignKey("commands.id", ondelete="CASCADE"), index=True)
    sent_at: Mapped[datetime | None] = mapped_column(index=True)
    replied_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text, default="")
