import math

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.cap.geometry import Atlas, CircleShape, PolygonShape, Reached, Targets, outline_of
from controller.cap.message import Circle, Named, Place, Point, Polygon
from schedules.types import AreaCode, DeviceId
from tests.support.cap import BAC_GIANG, outlined, standing


def box(west: float, south: float, east: float, north: float) -> Polygon:
    return Polygon(
        (
            Point(south, west),
            Point(south, east),
            Point(north, east),
            Point(north, west),
            Point(south, west),
        )
    )


def reached(*places: Place, atlas: Atlas = BAC_GIANG) -> Reached:
    return atlas.reached(places)


def by_code(*codes: str, name: str = "GSO") -> Place:
    return Place("", geocodes=tuple(Named(name, code) for code in codes))


def areas(*codes: str) -> Targets:
    return Targets(areas=frozenset(map(AreaCode, codes)))


def test_an_area_is_named_by_its_code():
    assert reached(by_code("07339")) == Reached(areas("07339"), beyond=False, placed=True)


def test_a_code_of_another_list_names_nothing():
    assert reached(by_code("07339", name="FIPS6")) == Reached(Targets(), beyond=False, placed=False)


def test_a_code_that_is_not_the_senders_lies_beyond():
    assert reached(by_code("01")) == Reached(Targets(), beyond=True, placed=True)


def test_a_larger_area_reaches_what_is_the_senders_of_it():
    commune = Atlas(areas=(outlined("/24/07339/"), outlined("/24/07340/"), outlined("/24/07339/07339-1/")))
    assert reached(by_code("24"), atlas=commune) == Reached(areas("07339", "07340"), beyond=True, placed=True)
    assert reached(by_code("VN"), atlas=commune).targets == areas("07339", "07340")


def test_of_nested_areas_the_outer_one_counts():
    assert reached(by_code("07339-1", "24", "07339")).targets == areas("24")


def test_words_alone_place_nothing():
    assert reached(Place("ven biển")) == Reached(Targets(), beyond=False, placed=False)


def test_a_polygon_reaches_the_smallest_outlines_that_it_meets():
    assert reached(Place("", polygons=(box(106.15, 21.35, 106.18, 21.4),))).targets == areas("07339")
    assert reached(Place("", polygons=(box(106.15, 21.35, 106.25, 21.4),))).targets == areas("07339", "07340")


def test_a_polygon_along_a_communes_border_does_not_wake_its_neighbour():
    for jitter in (0, 0.0003, -0.0003):
        drawn = box(106.0 - jitter, 21.3 - jitter, 106.2 + jitter, 21.5 + jitter)
        assert reached(Place("", polygons=(drawn,))).targets == areas("07339")


def test_a_polygon_over_all_of_it_reaches_the_whole():
    assert reached(Place("", polygons=(box(105, 20, 108, 22),))).targets == areas("24")


def test_where_no_smaller_outline_is_met_the_larger_counts():
    assert reached(Place("", polygons=(box(106.5, 21.2, 106.6, 21.25),))).targets == areas("24")


def test_a_speaker_inside_is_reached_whatever_its_areas_outline():
    atlas = Atlas(
        areas=(outlined("/24/07399/"),),
        speakers=(standing("in", "/24/07399/", 21.6, 106.8), standing("out", "/24/07399/", 21.6, 106.95)),
    )
    found = reached(Place("", polygons=(box(106.75, 21.5, 106.85, 21.65),)), atlas=atlas)
    assert found == Reached(Targets(speakers=frozenset({DeviceId("in")})), beyond=False, placed=True)


def test_a_speaker_in_an_area_that_is_reached_is_not_named_again():
    assert reached(Place("", polygons=(box(106.05, 21.35, 106.15, 21.45),))).targets == areas("07339")


def test_a_polygon_elsewhere_lies_beyond():
    assert reached(Place("", polygons=(box(10, 50, 11, 51),))) == Reached(Targets(), beyond=True, placed=True)


def test_lines_that_cross_are_taken_as_the_hull_around_them():
    tie = Polygon(
        (Point(21.35, 106.05), Point(21.45, 106.35), Point(21.35, 106.35), Point(21.45, 106.05), Point(21.35, 106.05))
    )
    assert reached(Place("", polygons=(tie,))).targets == areas("07339", "07340")


def test_a_polygon_without_an_inside_still_meets_what_it_lies_on():
    line = Polygon((Point(21.4, 106.1), Point(21.4, 106.1), Point(21.4, 106.15), Point(21.4, 106.1)))
    assert reached(Place("", polygons=(line,))).targets == areas("07339")


def test_a_circle_reaches_what_lies_within_its_radius():
    east_edge = Point(21.4, 106.2)
    west_of_it = Circle(Point(21.4, 106.1), 10.0)
    assert reached(Place("", circles=(west_of_it,))).targets == areas("07339")
    km = CircleShape(Circle(Point(21.4, 106.1), 10.5))
    assert km.holds(east_edge)
    assert not CircleShape(west_of_it).holds(east_edge)


def test_a_circle_of_no_radius_is_the_point():
    assert reached(Place("", circles=(Circle(Point(21.4, 106.1), 0.0),))).targets == areas("07339")


def test_a_circle_around_the_earth_reaches_everything():
    assert reached(Place("", circles=(Circle(Point(-21.4, -73.9), 20_038.0),))).targets == areas("24")


def haversine_km(a: Point, b: Point) -> float:
    lat, other = math.radians(a.lat), math.radians(b.lat)
    half = (
        math.sin((other - lat) / 2) ** 2
        + math.cos(lat) * math.cos(other) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    )
    return 2 * 6371.0088 * math.asin(min(1.0, math.sqrt(half)))


POINTS = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@settings(deadline=None)
@given(POINTS, POINTS, st.floats(0.001, 20_000))
def test_a_circle_holds_just_what_is_near_enough_on_the_sphere(centre: Point, other: Point, radius_km: float):
    distance_km = haversine_km(centre, other)
    if abs(distance_km - radius_km) > 0.01:
        assert CircleShape(Circle(centre, radius_km)).holds(other) == (distance_km < radius_km)


@settings(deadline=None)
@given(st.lists(POINTS, min_size=3, max_size=12))
def test_no_polygon_however_drawn_is_a_failure(points: list[Point]):
    drawn = PolygonShape(Polygon((*points, points[0])))
    assert all(drawn.holds(point) for point in points if abs(point.lat) > 1e-6 or abs(point.lon) > 1e-6)


def test_what_a_person_draws_takes_in_whole_areas_and_speakers_that_stand_in_it_and_wakes_nobody_around():
    assert BAC_GIANG.inside(shapely.box(106.05, 21.35, 106.15, 21.45)) == Targets(
        speakers=frozenset({DeviceId("tan-yen-1")})
    )
    assert BAC_GIANG.inside(shapely.box(106.0, 21.3, 106.2, 21.5)) == areas("07339")
    assert BAC_GIANG.inside(shapely.box(105.7, 21.0, 107.1, 21.8)) == Targets(areas=frozenset({AreaCode("24")}))
    assert not BAC_GIANG.inside(shapely.box(106.05, 21.35, 106.09, 21.39))
    assert not Atlas(areas=()).inside(shapely.box(105, 20, 108, 22))


@settings(deadline=None)
@given(st.lists(POINTS, min_size=3, max_size=12))
def test_nothing_a_person_draws_is_a_failure(points: list[Point]):
    ring = [(point.lon, point.lat) for point in (*points, points[0])]
    found = BAC_GIANG.inside(outline_of({"type": "Polygon", "coordinates": [ring]}))
    assert found.areas <= {area.code for area in BAC_GIANG.areas}


def test_outlines_come_from_geojson():
    outline = outline_of({"type": "Polygon", "coordinates": [[[106, 21], [107, 21], [107, 22], [106, 22], [106, 21]]]})
    assert PolygonShape(box(106.4, 21.4, 106.5, 21.5)).meets(outline)


@pytest.mark.parametrize(
    "geojson", [{"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]]}]
)
def test_an_outline_whose_lines_cross_is_mended(geojson: dict[str, object]):
    assert outline_of(geojson).is_valid
