"""Shapes of groups."""

from pydantic import BaseModel, Field

from controller.devices.schemas import DeviceIdField
from controller.http.fields import AreaCodeField, In, Line, Note

MEMBERS_MAX = 10_000


class GroupIn(In):
    """A new group. Its speakers lie in its area (absent: your own) or below it."""

    name: Line
    area_code: AreaCodeField | None = None
    note: Note = ""
    device_ids: list[DeviceIdField] = Field(default=[], max_length=MEMBERS_MAX)


class GroupEdit(In):
    """What to change; absent stays. `device_ids` replaces all members."""

    name: Line | None = None
    note: Note | None = None
    device_ids: list[DeviceIdField] | None = Field(default=None, max_length=MEMBERS_MAX)


class GroupOut(BaseModel):
    """A group."""

    id: str
    name: str
    area_code: str
    note: str


class GroupDetail(GroupOut):
    """A group with its speakers."""

    device_ids: list[str]
