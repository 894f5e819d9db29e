"""Shapes of areas."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from controller.areas.models import CONTACT_MAX, Area
from controller.areas.policy import AreaPolicy
from controller.http.fields import AreaCodeField, In, Line, Note
from controller.text import Text
from schedules.types import SpeakerPolicy

_RING_MIN = 4
_FAR = 1e9
_BAD_RING = Text("A ring needs at least four [longitude, latitude] points, the last the same as the first")


class Polygon(In):
    """A GeoJSON Polygon or MultiPolygon (RFC 7946)."""

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any] = Field(min_length=1, max_length=5000)

    @field_validator("coordinates")
    @classmethod
    def _rings_close(cls, coordinates: list[Any], info: Any) -> list[Any]:
        polygons = [coordinates] if info.data.get("type") == "Polygon" else coordinates
        if not all(isinstance(polygon, list) and polygon and all(map(_is_ring, polygon)) for polygon in polygons):
            raise ValueError(_BAD_RING)
        return coordinates


def _is_ring(ring: Any) -> bool:
    return isinstance(ring, list) and len(ring) >= _RING_MIN and all(map(_is_point, ring)) and ring[0] == ring[-1]


def _is_point(point: Any) -> bool:
    if not (isinstance(point, list) and len(point) in {2, 3} and all(type(part) in {int, float} for part in point)):
        return False
    longitude, latitude = point[:2]
    finite = all(abs(part) <= _FAR for part in point)  # of nothing that is not a number, nor of endless digits
    return finite and abs(longitude) <= 180 and abs(latitude) <= 90  # noqa: PLR2004 degrees


Contact = Annotated[Note, Field(max_length=CONTACT_MAX)]
"""Who answers in an area, and by which telephone."""


class AreaIn(In):
    """A new area below one that is there."""

    code: AreaCodeField
    name: Line
    kind: Line = Field(max_length=64)
    parent_code: AreaCodeField
    polygon: Polygon | None = None
    contact: Contact = ""
    policy: AreaPolicy = AreaPolicy()


class AreaEdit(In):
    """What to change; absent stays."""

    name: Line | None = None
    kind: Line | None = Field(default=None, max_length=64)
    polygon: Polygon | None = None
    contact: Contact | None = None
    policy: AreaPolicy | None = None


class AreaOut(BaseModel):
    """An area."""

    code: str
    name: str
    kind: str
    parent_code: str | None
    path: str
    depth: int

    @classmethod
    def of(cls, area: Area) -> "AreaOut":
        """Show an area."""
        return cls(
            code=area.code,
            name=area.name,
            kind=area.kind,
            parent_code=area.parent_code,
            path=area.path,
            depth=area.depth,
        )


class AreaDetail(AreaOut):
    """An area with its outline, what it says, and what holds below it."""

    polygon: Polygon | None
    contact: str
    policy: AreaPolicy
    effective: SpeakerPolicy

    @classmethod
    def seen(cls, area: Area, effective: SpeakerPolicy) -> "AreaDetail":
        """Show an area in full."""
        return cls(
            **AreaOut.of(area).model_dump(),
            polygon=Polygon.model_validate(json.loads(area.polygon)) if area.polygon else None,
            contact=area.contact,
            policy=AreaPolicy.model_validate(area.policy),
            effective=effective,
        )
