"""Where a message holds: its polygons, circles and codes against the outlines and codes of our areas.

An area is reached as a whole when its outline meets the shape, and of nested outlines the smallest count: sound does
not stop at a line. A speaker that stands inside the shape is reached wherever its area's outline is, or is not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import asin, cos, degrees, radians, sin
from typing import Any, Final, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from controller.areas.tree import ancestors, codes_of
from controller.cap.message import Circle, Place, Point, Polygon
from schedules.types import AreaCode, DeviceId

EARTH_RADIUS_KM: Final = 6371.0088
"""The mean radius (IUGG)."""
_POLE_DEG: Final = 89.9
_DATE_LINE_DEG: Final = 180.0
BORDER_DEG: Final = 0.0005
"""Some fifty metres."""
GEOCODE_NAMES: Final = frozenset({"vn.dvhc", "dvhc", "gso", "nso"})
"""Names under which a geocode is one of this country's administrative units; compared in lower case."""


@dataclass(frozen=True, slots=True)
class Outlined:
    """An area of ours as a target."""

    code: AreaCode
    path: str
    outline: BaseGeometry | None = None
    """In degrees, longitude first, as GeoJSON has it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A speaker whose position is known."""

    id: DeviceId
    path: str
    """Of its area."""
    at: Point


@dataclass(frozen=True, slots=True)
class Targets:
    """Who is reached: areas, of which none lies within another, and speakers outside all of them."""

    areas: frozenset[AreaCode] = frozenset()
    speakers: frozenset[DeviceId] = frozenset()

    def __bool__(self) -> bool:
        """Whether anybody is."""
        return bool(self.areas or self.speakers)


@dataclass(frozen=True, slots=True)
class Reached:
    """Who a message's places reach, and whether some of what it names is not ours."""

    targets: Targets
    beyond: bool
    """Some code or shape lies outside the atlas altogether."""
    placed: bool
    """Whether the message says where at all; words alone are for people."""


def outline_of(geojson: dict[str, Any]) -> BaseGeometry:
    """The outline of an area from its stored GeoJSON."""
    return _sound(shape(geojson))


def _sound(geometry: BaseGeometry) -> BaseGeometry:
    """The geometry, or the hull around it where its lines cross: rather a little more than a quarrel over inside."""
    return geometry if geometry.is_valid else geometry.convex_hull


def _widened(geometry: BaseGeometry, by_deg: float) -> BaseGeometry:
    with np.errstate(
        invalid="ignore"
    ):  # GEOS passes through infinities where a sliver has no width; its answer is sound
        return geometry.buffer(by_deg)


class Shape(Protocol):
    """A part of the earth that a message names."""

    @property
    def extent(self) -> BaseGeometry:
        """A box in degrees around all of it."""

    def meets(self, outline: BaseGeometry) -> bool:
        """Whether they have more than a border in common."""

    def covers(self, outline: BaseGeometry) -> bool:
        """Whether all of the outline lies in it."""

    def holds(self, point: Point) -> bool:
        """Whether the point lies in it."""


class PolygonShape:
    """A polygon. Its sides are straight in degrees, as everybody draws them.

    Neighbours share a border, and no two maps draw it alike: within `BORDER_DEG` of the edge nothing is decided by it.
    """

    def __init__(self, polygon: Polygon) -> None:
        self._inside = _sound(shapely.Polygon([(point.lon, point.lat) for point in polygon.points]))
        core = _widened(self._inside, -BORDER_DEG)
        self._core = self._inside if core.is_empty else core
        self._with_border = _widened(self._inside, BORDER_DEG)
        for each in (self._inside, self._core, self._with_border):
            shapely.prepare(each)

    @property
    def extent(self) -> BaseGeometry:
        """A box in degrees around all of it."""
        return shapely.box(*self._with_border.bounds)

    def meets(self, outline: BaseGeometry) -> bool:
        """Whether they have more than a border in common."""
        return bool(self._core.intersects(outline))

    def covers(self, outline: BaseGeometry) -> bool:
        """Whether all of the outline lies in it."""
        return bool(self._with_border.covers(outline))

    def holds(self, point: Point) -> bool:
        """Whether the point lies in it."""
        return bool(self._inside.intersects(shapely.Point(point.lon, point.lat)))


class CircleShape:
    """A circle on the sphere: outlines are seen from its centre, in an azimuthal equidistant projection."""

    def __init__(self, circle: Circle) -> None:
        self._centre = circle.centre
        self._radius_km = max(circle.radius_km, 1e-6)

    @property
    def extent(self) -> BaseGeometry:
        """A box in degrees around all of it: a band, where it reaches a pole or the other side of the date line."""
        lat_deg = degrees(self._radius_km / EARTH_RADIUS_KM)
        south, north = self._centre.lat - lat_deg, self._centre.lat + lat_deg
        if south <= -_POLE_DEG or north >= _POLE_DEG:
            return shapely.box(-_DATE_LINE_DEG, south, _DATE_LINE_DEG, north)
        lon_deg = degrees(asin(sin(radians(lat_deg)) / cos(radians(self._centre.lat))))
        west, east = self._centre.lon - lon_deg, self._centre.lon + lon_deg
        if west <= -_DATE_LINE_DEG or east >= _DATE_LINE_DEG:
            west, east = -_DATE_LINE_DEG, _DATE_LINE_DEG
        return shapely.box(west, south, east, north)

    def meets(self, outline: BaseGeometry) -> bool:
        """Whether they have a point in common."""
        return self._from_here(outline).distance(shapely.Point(0, 0)) <= self._radius_km

    def covers(self, outline: BaseGeometry) -> bool:
        """Whether all of the outline lies in it."""
        corners = shapely.get_coordinates(self._from_here(outline))
        return bool((np.hypot(corners[:, 0], corners[:, 1]) <= self._radius_km).all())

    def holds(self, point: Point) -> bool:
        """Whether the point lies in it."""
        return self.meets(shapely.Point(point.lon, point.lat))

    def _from_here(self, outline: BaseGeometry) -> BaseGeometry:
        seen: BaseGeometry = shapely.transform(outline, self._project)
        return seen

    def _project(self, places_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Longitude and latitude as kilometres east and north of the centre, in true distance and direction."""
        lon = np.radians(places_deg[:, 0] - self._centre.lon)
        lat = np.radians(places_deg[:, 1])
        sin_here, cos_here = sin(radians(self._centre.lat)), cos(radians(self._centre.lat))
        east = np.cos(lat) * np.sin(lon)
        north = cos_here * np.sin(lat) - sin_here * np.cos(lat) * np.cos(lon)
        up = sin_here * np.sin(lat) + cos_here * np.cos(lat) * np.cos(lon)
        across = np.hypot(east, north)
        distance_km = EARTH_RADIUS_KM * np.arctan2(across, up)
        scale = np.divide(distance_km, across, out=np.full_like(across, EARTH_RADIUS_KM), where=across > 0)
        return np.column_stack((east * scale, north * scale))


@dataclass(frozen=True)
class Atlas:
    """Our areas and speakers, of one sender or of all."""

    areas: Sequence[Outlined]
    speakers: Sequence[Standing] = ()
    _below: dict[str, list[Outlined]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        known = {area.path for area in self.areas}
        for area in self.areas:
            above = next((path for path in reversed(ancestors(area.path)[:-1]) if path in known), "")
            self._below.setdefault(above, []).append(area)

    @cached_property
    def _by_code(self) -> dict[str, Outlined]:
        return {area.code: area for area in self.areas}

    @cached_property
    def _at_or_below(self) -> dict[str, set[AreaCode]]:
        """The area of a code, or our topmost ones within it where it is larger than the atlas."""
        found: dict[str, set[AreaCode]] = {}
        for area in self._below.get("", ()):
            for code in codes_of(area.path):
                found.setdefault(code, set()).add(area.code)
        return found | {area.code: {area.code} for area in self.areas}

    def reached(self, places: Iterable[Place], *, geocode_names: frozenset[str] = GEOCODE_NAMES) -> Reached:
        """Who is reached by any of `places`."""
        areas: set[AreaCode] = set()
        speakers: set[DeviceId] = set()
        beyond = placed = False
        for place in places:
            for code in [each.value for each in place.geocodes if each.name.lower() in geocode_names]:
                placed = True
                areas |= self._at_or_below.get(code, set())
                beyond = beyond or code not in self._by_code
            for drawn in _shapes(place):
                placed = True
                met = {area.code for area in self._met(drawn, "", self._near(drawn), areas)}
                heard = {speaker.id for speaker in self._speakers_near(drawn) if drawn.holds(speaker.at)}
                beyond = beyond or not (met or heard)
                areas |= met
                speakers |= heard
        return Reached(self._tidied(areas, speakers), beyond=beyond, placed=placed)

    def inside(self, drawn: BaseGeometry) -> Targets:
        """Who lies or stands inside what a person drew: areas that lie in it whole, and speakers by their position.

        Unlike a warning of others, which rather wakes a whole commune, it means those whom its author sees in it.
        """
        tree, _ = self._outlines
        outlined = [area for area in self.areas if area.outline is not None]
        areas = {outlined[at].code for at in tree.query(_widened(drawn, BORDER_DEG), predicate="covers")}
        speakers = {self.speakers[at].id for at in self._positions.query(drawn, predicate="intersects")}
        return self._tidied(areas, speakers)

    def _met(self, drawn: Shape, above: str, near: set[str], already: set[AreaCode]) -> list[Outlined]:
        """The areas below `above` that are reached: the smallest outlines, or a whole that is covered."""
        found: list[Outlined] = []
        for area in self._below.get(above, ()):
            if area.outline is None:
                found += self._met(drawn, area.path, near, already)
            elif area.path not in near:
                continue
            elif area.code in already or drawn.covers(area.outline):
                found.append(area)
            elif drawn.meets(area.outline):
                found += self._met(drawn, area.path, near, already) or [area]
        return found

    def _near(self, drawn: Shape) -> set[str]:
        tree, paths = self._outlines
        return {paths[at] for at in tree.query(drawn.extent)}

    def _speakers_near(self, drawn: Shape) -> Iterable[Standing]:
        return (self.speakers[at] for at in self._positions.query(drawn.extent))

    @cached_property
    def _outlines(self) -> tuple[shapely.STRtree, list[str]]:
        drawn = [(area.outline, area.path) for area in self.areas if area.outline is not None]
        return shapely.STRtree([outline for outline, _ in drawn]), [path for _, path in drawn]

    @cached_property
    def _positions(self) -> shapely.STRtree:
        return shapely.STRtree([shapely.Point(each.at.lon, each.at.lat) for each in self.speakers])

    def _tidied(self, areas: set[AreaCode], speakers: set[DeviceId]) -> Targets:
        paths = {self._by_code[code].path: code for code in areas}
        outer = {path: code for path, code in paths.items() if not any(up in paths for up in ancestors(path)[:-1])}
        alone = {
            speaker.id
            for speaker in self.speakers
            if speaker.id in speakers and not any(up in outer for up in ancestors(speaker.path))
        }
        return Targets(frozenset(outer.values()), frozenset(alone))


def _shapes(place: Place) -> Iterable[Shape]:
    yield from map(PolygonShape, place.polygons)
    yield from map(CircleShape, place.circles)
