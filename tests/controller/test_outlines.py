"""What maps draw of areas."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from controller.areas.outlines import OUTLINES_MAX, Ground, features

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[106.0, 21.0], [106.1, 21.0], [106.1, 21.1], [106.0, 21.1], [106.0, 21.0]]],
}
PLACES = st.tuples(st.floats(102.2, 109.4), st.floats(8.6, 23.3))


def drawn(*areas: Ground, standing: list[tuple[str, tuple[float, float]]]) -> dict[str, Any]:
    return {each["properties"]["code"]: each for each in features(areas, standing)["features"]}


def test_an_outline_is_drawn_as_it_is_known():
    found = drawn(Ground("1", "Tân Yên", "/1/", json.dumps(SQUARE)), standing=[])
    assert shape(found["1"]["geometry"]).equals(shape(SQUARE))
    assert found["1"]["properties"] == {"code": "1", "name": "Tân Yên", "hull": False}


def test_an_area_without_outline_and_speakers_is_not_drawn():
    assert drawn(Ground("1", "Tân Yên", "/1/", None), standing=[("/2/", (106.0, 21.0))]) == {}


@given(st.lists(PLACES, min_size=1, max_size=20))
def test_without_an_outline_it_is_the_ground_around_its_speakers_and_those_below(places: list[tuple[float, float]]):
    area, hamlet = Ground("1", "Tân Yên", "/1/", None), Ground("2", "Thôn Đông", "/1/2/", None)
    found = drawn(area, hamlet, standing=[("/1/2/", place) for place in places])
    for each in found.values():
        ground = shape(each["geometry"])
        assert ground.is_valid
        assert all(ground.contains(Point(place).buffer(0.001)) for place in places)
    assert list(found) == ["1", "2"]


def test_of_very_many_the_first_are_drawn():
    many = [Ground(str(n), "", f"/{n}/", json.dumps(SQUARE)) for n in range(OUTLINES_MAX + 1)]
    assert len(drawn(*many, standing=[])) == OUTLINES_MAX
