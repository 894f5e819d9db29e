"""The table of photos. Their bytes lie in the content store."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.content.models import Sha256Key
from controller.database import Base, new_id
from controller.devices.models import DeviceKey


class DevicePhoto(Base):
    """One photo of a speaker, drawn anew by us."""

    __tablename__ = "device_photos"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(Sha256Key)
    size_bytes: Mapped[int]
    author: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(index=True)
    """It can be brought back for a while."""
