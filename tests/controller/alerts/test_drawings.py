"""Whom a drawing addresses."""

import json
from typing import Any

import pytest

from controller.areas.models import Area
from controller.devices.models import Device
from tests.support.alert_desk import COMMUNE, Desk, told
from tests.support.controller import House


def drawn(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


async def stands(house: House, device: str, lat: float, lon: float) -> None:
    async with house.database.transaction() as session:
        row = await session.get_one(Device, device)
        row.lat, row.lon = lat, lon


async def test_a_drawing_addresses_the_speakers_in_it_and_names_them_before_the_release(
    house: House, maker: Desk, releaser: Desk
) -> None:
    await house.commune("07340", speakers=1)
    for device, lon in ((f"{COMMUNE}-1", 106.1), (f"{COMMUNE}-2", 106.3), ("07340-1", 106.1)):
        await stands(house, device, 21.4, lon)
    shape = drawn(106.0, 21.3, 106.2, 21.5)
    draft = await maker.draft(targets=[], polygon=shape)
    assert draft["targets"] == [{"kind": "device", "key": f"{COMMUNE}-1"}]
    assert draft["polygon"] == shape
    audience = await maker.get(f"/api/v1/alerts/{draft['id']}/audience")
    assert (audience["speakers"], audience["names"]) == (1, [f"{COMMUNE}-1"])
    await releaser.release(draft)
    said = await told(house, f"device:{COMMUNE}-1")
    assert said is not None
    assert [alert.id for alert in said.alerts] == [draft["id"]]


async def test_what_is_named_besides_a_drawing_is_addressed_with_it_and_each_speaker_once(
    house: House, maker: Desk
) -> None:
    for device in (f"{COMMUNE}-1", f"{COMMUNE}-2"):
        await stands(house, device, 21.4, 106.1)
    named = [{"kind": "device", "key": f"{COMMUNE}-{number}"} for number in (2, 3)]
    draft = await maker.draft(targets=named, polygon=drawn(106.0, 21.3, 106.2, 21.5))
    assert [each["key"] for each in draft["targets"]] == [f"{COMMUNE}-{number}" for number in (1, 2, 3)]
    assert (await maker.get(f"/api/v1/alerts/{draft['id']}/audience"))["speakers"] == 3


async def test_a_drawing_takes_in_whole_areas_until_other_targets_are_chosen(house: House, maker: Desk) -> None:
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).polygon = json.dumps(drawn(106.0, 21.3, 106.2, 21.5))
    draft = await maker.draft(targets=[], polygon=drawn(105.9, 21.2, 106.3, 21.6))
    assert draft["targets"] == [{"kind": "area", "key": COMMUNE}]
    one = [{"kind": "device", "key": f"{COMMUNE}-3"}]
    answer = await maker.client.put(f"/api/v1/alerts/{draft['id']}/targets", json={"targets": one})
    assert (answer.json()["targets"], answer.json()["polygon"]) == (one, None)


@pytest.mark.parametrize(
    ("polygon", "targets"),
    [
        pytest.param(drawn(1, 1, 2, 2), [], id="nobody stands in it"),
        pytest.param(drawn(1, 1, 2, 2), [{"kind": "area", "key": COMMUNE}], id="named, but nobody stands in it"),
        pytest.param(drawn(106.1, 21.4, 106.10001, 21.40001), [], id="too small"),
        pytest.param(
            {"type": "Polygon", "coordinates": [[[106, 21], [107, 22], [107, 21], [106, 22], [106, 21]]]},
            [],
            id="sides that cross",
        ),
        pytest.param(None, [], id="nowhere"),
        pytest.param(
            {"type": "Polygon", "coordinates": drawn(0, 0, 9, 9)["coordinates"] + drawn(1, 1, 2, 2)["coordinates"]},
            [],
            id="a hole",
        ),
        pytest.param({"type": "Polygon", "coordinates": [[[0, 0], *[[1, 1]] * 1000, [0, 0]]]}, [], id="too fine"),
        pytest.param(
            {"type": "MultiPolygon", "coordinates": [drawn(1, 1, 2, 2)["coordinates"]] * 101}, [], id="too many parts"
        ),
        pytest.param({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, [], id="a line"),
    ],
)
async def test_a_drawing_that_says_nothing_certain_is_refused(maker: Desk, polygon: Any, targets: Any) -> None:
    wish = {"area_code": COMMUNE, "headline": "Lũ", "signal": "flood-3", "targets": targets, "polygon": polygon}
    refusal = await maker.post("/api/v1/alerts", 422, **wish)
    assert refusal["errors"]
    assert (await maker.get("/api/v1/alerts"))["items"] == []
