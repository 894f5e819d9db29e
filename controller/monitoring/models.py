"""The table of how each speaker is: its last words, with what is asked for often in columns."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.database import Base
from controller.devices.models import DeviceKey


class DeviceStateRow(Base):
    """The last that was heard from a speaker."""

    __tablename__ = "device_states"

    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True)
    session: Mapped[str | None] = mapped_column(String(128))
    """The agent's connection that spoke last: an older one's will is ignored."""
    online: Mapped[bool] = mapped_column(default=False, index=True)
    online_changed_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None] = mapped_column(index=True)
    sampled_s: Mapped[int | None] = mapped_column(BigInteger)
    """The slot of the last health sample, in seconds since the epoch."""
    agent_version: Mapped[str] = mapped_column(String(64), default="")
    plan_version: Mapped[int | None] = mapped_column(BigInteger)
    config_version: Mapped[int | None] = mapped_column(BigInteger)
    ready: Mapped[int] = mapped_column(default=0)
    planned: Mapped[int] = mapped_column(default=0)
    clock: Mapped[str] = mapped_column(String(16), default="untrusted")
    player: Mapped[str] = mapped_column(String(16), default="silent")
    on_air: Mapped[str | None] = mapped_column(String(128), index=True)
    complains: Mapped[bool | None]
    """Whether its last words name a problem; None before the first."""
    state: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The whole `DeviceState` as it came."""
