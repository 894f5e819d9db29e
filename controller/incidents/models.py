"""The table of incidents."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.database import Base, new_id
from controller.devices.models import DeviceKey


class Incident(Base):
    """Something that was wrong with a speaker, from its beginning to its end."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_device_id_code", "device_id", "code"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(128))
    """Of a speaker's problem, or `offline`."""
    said: Mapped[str] = mapped_column(String(300), default="")
    """The speaker's own words for it."""
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    times: Mapped[int] = mapped_column(default=1)
    """How often it came back soon after it had ended: that is one incident, not many."""
    acknowledged_by: Mapped[str] = mapped_column(String(64), default="")
    acknowledged_at: Mapped[datetime | None]
