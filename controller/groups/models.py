"""The tables of groups."""

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.areas.models import Area, Code
from controller.database import Base, Versioned, new_id
from controller.devices.models import DeviceKey


class Group(Versioned, Base):
    """A named set of speakers below one area."""

    __tablename__ = "device_groups"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    note: Mapped[str] = mapped_column(Text, default="")

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)


class GroupMember(Base):
    """A speaker in a group."""

    __tablename__ = "device_group_members"

    group_id: Mapped[str] = mapped_column(
        String(26), ForeignKey("device_groups.id", ondelete="CASCADE"), primary_key=True
    )
    device_id: Mapped[str] = mapped_column(
        DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True, index=True
    )
