"""What maps draw of areas: their outlines, or the ground that their speakers stand on."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import ancestors

MARGIN_DEG: Final = 0.00135
"""150 m north and south, as far as a horn carries; from east to west at most a tenth less in this country."""
COARSE_DEG: Final = 0.0001
"""Some ten metres: finer than a finger on a screen."""
DIGITS: Final = 5
"""Of a degree that are drawn: a metre."""
OUTLINES_MAX: Final = 500
"""On one map; the widest areas first."""
_AREAS_MAX: Final = 5000


@dataclass(frozen=True, slots=True)
class Ground:
    """An area that may be drawn."""

    code: str
    name: str
    path: str
    polygon: str | None
    """GeoJSON, as it is stored."""


Position = tuple[float, float]
"""Longitude and latitude in degrees, as GeoJSON has them."""


def features(areas: Iterable[Ground], standing: Iterable[tuple[str, Position]]) -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection of areas by their outlines, each before those within it.

    An area without an outline is drawn as the hull of its speakers, given by the path of their area; without speakers
    it is left out.
    """
    there, within = defaultdict[str, list[Position]](list), defaultdict[str, list[Position]](list)
    for path, position in standing:
        there[path].append(position)
    for path, positions in there.items():
        for above in ancestors(path):
            within[above] += positions
    drawn: list[dict[str, Any]] = []
    for area in areas:
        geometry = _geometry(area, within)
        if geometry is not None and len(drawn) < OUTLINES_MAX:
            properties = {"code": area.code, "name": area.name, "hull": area.polygon is None}
            drawn.append({"type": "Feature", "properties": properties, "geometry": mapping(_light(geometry))})
    return {"type": "FeatureCollection", "features": drawn}


async def readable(session: AsyncSession, viewer: Viewer) -> Sequence[Ground]:
    """Return the viewer's areas, the widest first."""
    columns = (Area.code, Area.name, Area.path, Area.polygon)
    statement = AreaRepository(session).readable(viewer).with_only_columns(*columns)
    return [Ground(*row) for row in await session.execute(statement.order_by(Area.depth, Area.path).limit(_AREAS_MAX))]


def _geometry(area: Ground, within: Mapping[str, list[Position]]) -> BaseGeometry | None:
    if area.polygon is not None:
        return shape(json.loads(area.polygon))
    points = within.get(area.path)
    if not points:
        return None
    ground: Any = shapely.multipoints(shapely.points(points))  # all at once: a MultiPoint makes each by itself
    hull: BaseGeometry = ground.convex_hull.buffer(MARGIN_DEG, quad_segs=4)
    return hull


def _light(geometry: BaseGeometry) -> BaseGeometry:
    """Return it without what nobody sees."""
    light: BaseGeometry = shapely.transform(geometry.simplify(COARSE_DEG), lambda places: np.round(places, DIGITS))
    return light
