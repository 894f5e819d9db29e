"""Shapes of speakers."""

from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from controller.authority.authority import CONTROLLER_NAME
from controller.devices.models import DeviceStatus
from controller.http.fields import AreaCodeField, In, Line, Note
from controller.text import Text


def _not_ours(device_id: str) -> str:
    if device_id.startswith(CONTROLLER_NAME):
        raise ValueError(Text("%(controller_name)s is the service's own name", controller_name=CONTROLLER_NAME))
    return device_id


DeviceIdField = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", examples=["tan-yen-1"]), AfterValidator(_not_ours)
]
"""A speaker's id: it stands in topics, certificates and file names, so there are no capitals."""
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class _Place(In):
    lat: Latitude | None = None
    lon: Longitude | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise ValueError(Text("Give both latitude and longitude"))
        return self


class DeviceIn(_Place):
    """A speaker to register."""

    id: DeviceIdField
    name: Line
    area_code: AreaCodeField
    note: Note = ""


class DeviceEdit(_Place):
    """What to change; absent stays. Another `area_code` moves the speaker; `status` retires it or brings it back."""

    name: Line | None = None
    area_code: AreaCodeField | None = None
    note: Note | None = None
    status: DeviceStatus | None = None


class DeviceOut(BaseModel):
    """A registered speaker. How it is at the moment is told elsewhere."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    area_code: str
    lat: float | None
    lon: float | None
    note: str
    status: DeviceStatus
    registered_at: AwareDatetime
    retired_at: AwareDatetime | None
