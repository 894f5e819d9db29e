"""The table of speakers. How they are at the moment is monitoring's."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.areas.models import Area, Code
from controller.columns import stored_as_text
from controller.database import Base, Versioned

DeviceKey = String(128)


class DeviceStatus(StrEnum):
    """Whether a speaker takes part."""

    ACTIVE = "active"
    RETIRED = "retired"


class Device(Versioned, Base):
    """One receiver with its horns."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(DeviceKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    note: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[DeviceStatus] = mapped_column(stored_as_text(DeviceStatus), default=DeviceStatus.ACTIVE)
    registered_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
