"""Choosing whom an alert addresses: by name, in the tree and by a drawing; what is chosen is counted and never lost."""

import html
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from controller.alerts.keeping import counting_of
from controller.areas.models import Area
from controller.devices.models import Device
from controller.web import targets
from protocol.messages import AlertPhase, AlertReport, AlertStanding
from tests.support.broadcasts import hear
from tests.support.controller import House, open_house

COMMUNE, EAST, WEST = "08001", "08001-d", "08001-t"
pytestmark = pytest.mark.asyncio(loop_scope="module")


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


AROUND_WEST_1 = json.dumps(box(106.115, 21.215, 106.125, 21.225))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("targets")
    async with open_house(folder, services=()) as opened:
        await opened.area(COMMUNE, name="Xã Tân Yên", policy={"release": "second_person"})
        await opened.area(WEST, parent=COMMUNE, name="Thôn Tây")
        await opened.area(EAST, parent=COMMUNE, name="Thôn Đông")
        await opened.area("08002", name="Xã Đông Hải")
        for device, area, name in (
            ("tay-1", WEST, "Loa Chợ"),
            ("tay-2", WEST, "Loa Đình"),
            ("dong-1", EAST, "Loa Trường học"),
        ):
            await opened.device(device, area, name)
        await opened.device("hai-1", "08002", "Loa Đông Hải")
        async with opened.database.transaction() as session:
            (await session.get_one(Area, EAST)).polygon = json.dumps(box(106.16, 21.2, 106.2, 21.24))
            for device, lon in (("tay-1", 106.12), ("tay-2", 106.13), ("dong-1", 106.18), ("hai-1", 107.0)):
                row = await session.get_one(Device, device)
                row.lat, row.lon = 21.22, lon
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def officer(house: House) -> httpx.AsyncClient:
    return await house.in_person(COMMUNE, "lan")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def group(officer: httpx.AsyncClient) -> str:
    wish = {"name": "Nhóm ven đê", "area_code": COMMUNE, "device_ids": ["dong-1"]}
    answer = await officer.post("/api/v1/groups", json=wish)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def chips(page: str) -> set[tuple[str, str]]:
    """What is chosen beside the tree, and in the tree."""
    beside = re.findall(r'<li data-kind="(\w+)" data-key="([^"]*)">', page)
    listed = re.findall(r'name="(area|group)" value="([^"]+)" checked> ?<span>', page)
    return {*beside, *listed}


def drawn(page: str) -> str:
    """What the form holds as drawn."""
    (value,) = re.findall(r'name="polygon" value="([^"]*)"', page)
    return html.unescape(value)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("thon dong", {("area", EAST)}),
        ("NHOM VEN", {("group", "")}),
        ("truong", {("device", "dong-1")}),
        ("đinh", {("device", "tay-2")}),
        ("dong hai", set()),  # another commune's
    ],
)
async def test_names_are_found_without_marks_and_within_ones_own_area(
    officer: httpx.AsyncClient, group: str, typed: str, found: set[tuple[str, str]]
):
    page = (await officer.get("/parts/targets", params={"q": typed})).text
    assert set(re.findall(r'data-kind="(\w+)" data-key="([^"]+)"', page)) == {
        (kind, key or group) for kind, key in found
    }
    assert ("Nothing is called so" in page or "Không có nơi nào" in page) is (not found)


async def test_a_speaker_that_is_chosen_in_many_ways_is_counted_once(officer: httpx.AsyncClient, group: str):
    everything = {"area": [EAST], "group": [group], "device": ["dong-1", "tay-1"], "polygon": AROUND_WEST_1}
    page = (await officer.post("/parts/targets/reach", data=everything)).text
    assert "2 cụm loa tại 2 địa bàn" in page
    assert "cụm loa" not in (await officer.post("/parts/targets/reach", data={})).text
    refused = (await officer.post("/parts/targets/reach", data={"area": ["08002"]})).text
    assert "Không có 08002" in refused


HOSTILE = {
    "self-crossing": json.dumps(
        {"type": "Polygon", "coordinates": [[[106, 21], [107, 22], [107, 21], [106, 22], [106, 21]]]}
    ),
    "too small": json.dumps(box(106.12, 21.22, 106.12001, 21.22001)),
    "no area": json.dumps({"type": "Polygon", "coordinates": [[[106, 21], [106.1, 21.1], [106.2, 21.2], [106, 21]]]}),
    "thousands of corners": json.dumps(
        {"type": "Polygon", "coordinates": [[[106, 21], *[[106 + n / 10_000, 21.5] for n in range(4000)], [106, 21]]]}
    ),
    "elsewhere": json.dumps(box(106.9, 21.1, 107.1, 21.3)),
    "no JSON": "{'",
    "deep": "[" * 50_000,
    "endless digits": json.dumps(box(106, 21, 107, 22)).replace("107", "1" * 400),
    "another shape": json.dumps({"type": "Point", "coordinates": [106, 21]}),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_drawing_that_cannot_be_taken_is_refused_with_a_reason_and_nothing_is_lost(
    officer: httpx.AsyncClient, group: str, name: str
):
    form = {
        "kind": "exercise",
        "headline": "Vỡ đê",
        "text": "Bà con lên chỗ cao.",
        "area": [WEST],
        "group": [group],
        "device": ["dong-1"],
        "polygon": HOSTILE[name],
    }
    answer = await officer.post("/emergency", data=form)
    assert answer.status_code == 422
    assert re.search(r'class="error" role="alert"><svg.*?</svg><span>[^<]{10,}</span>', answer.text)
    assert chips(answer.text) == {("area", WEST), ("group", group), ("device", "dong-1"), ("polygon", "")}
    assert drawn(answer.text) == HOSTILE[name]
    assert 'value="Vỡ đê"' in answer.text
    live = await officer.post("/parts/targets/reach", data=form)
    assert live.status_code == 200
    assert 'class="error"' in live.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("self-crossing", "cắt nhau"),
        ("too small", "quá nhỏ"),
        ("thousands of corners", "1000 đỉnh"),
        ("elsewhere", "không có cụm loa nào"),
    ],
)
async def test_what_is_wrong_with_a_drawing_is_said(officer: httpx.AsyncClient, name: str, said: str):
    answer = await officer.post("/emergency", data={"headline": "Lũ", "polygon": HOSTILE[name]})
    assert said in answer.text


async def test_a_draft_is_opened_again_with_all_that_was_chosen_and_a_refusal_keeps_the_new_choice(
    officer: httpx.AsyncClient, group: str
):
    form = {"headline": "Vỡ đê", "area": [EAST], "group": [group], "device": ["tay-2"], "polygon": AROUND_WEST_1}
    answer = await officer.post("/emergency", data=form)
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    page = (await officer.get(where)).text
    assert chips(page) == {("area", EAST), ("group", group), ("device", "tay-2"), ("polygon", "")}
    assert json.loads(drawn(page)) == json.loads(AROUND_WEST_1)
    assert "tới 3 cụm loa tại 2 địa bàn" in page

    worse = {"area": [WEST], "group": [group], "polygon": HOSTILE["self-crossing"]}
    refused = await officer.post(f"{where}/targets", data=worse)
    assert refused.status_code == 422
    assert chips(refused.text) == {("area", WEST), ("group", group), ("polygon", "")}
    assert "cắt nhau" in refused.text

    assert (await officer.post(f"{where}/targets", data={"device": ["tay-1"]})).status_code == 303
    page = (await officer.get(where)).text
    assert chips(page) == {("device", "tay-1")}
    assert "tới 1 cụm loa" in page


async def test_a_tree_that_leaves_areas_out_says_so_and_shows_those_that_are_chosen(
    officer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(targets, "AREAS_MAX", 2)
    answer = await officer.post("/emergency", data={"headline": "", "area": [WEST]})
    assert answer.status_code == 422
    assert answer.text.count('class="depth-') == 2
    assert "chỉ hiện 2 địa bàn đầu tiên" in answer.text
    assert ("area", WEST) in chips(answer.text)


async def test_the_map_brings_what_may_be_chosen_and_in_which_areas_each_speaker_lies(officer: httpx.AsyncClient):
    feed = (await officer.get("/parts/targets/map.json")).json()
    assert {each["id"]: each["areas"][-1] for each in feed["speakers"]} == {
        "tay-1": WEST,
        "tay-2": WEST,
        "dong-1": EAST,
    }
    assert [each["properties"]["code"] for each in feed["outlines"]["features"]] == [COMMUNE, EAST, WEST]
    narrow = (await officer.get("/parts/targets/map.json", params={"issuer": EAST})).json()
    assert [each["id"] for each in narrow["speakers"]] == ["dong-1"]
    assert (await officer.get("/parts/targets/map.json", params={"issuer": "08002"})).status_code == 404


async def let_go(officer: httpx.AsyncClient, where: str) -> None:
    """Release what the page shows."""
    seen = re.search(r'name="seen" value="([^"]+)"', (await officer.get(where)).text)
    assert seen is not None
    assert (await officer.post(f"{where}/release", data={"seen": seen[1]})).status_code == 303


async def test_the_map_of_an_alert_tells_how_far_it_has_come_on_each_speaker(house: House, officer: httpx.AsyncClient):
    form = {"headline": "Lũ", "area": [EAST], "polygon": AROUND_WEST_1}
    where = (await officer.post("/emergency", data=form)).headers["location"]
    alert = where.rsplit("/", 1)[1]
    feed = (await officer.get(f"/parts/alerts/{alert}/map.json")).json()
    assert {each["id"]: each["tone"] for each in feed["speakers"]} == {"tay-1": "away", "dong-1": "away"}
    assert feed["polygon"] == json.loads(AROUND_WEST_1)
    assert [each["properties"]["code"] for each in feed["outlines"]["features"]] == [EAST]

    second = await house.in_person(COMMUNE, "minh")
    await let_go(second, where)
    await counting_of(house.runtime).count()
    tones = {
        AlertPhase.RECEIVED: "wait",
        AlertPhase.SOUNDING: "air",
        AlertPhase.FINISHED: "good",
    }
    for phase, tone in tones.items():
        standing = AlertStanding(alert=alert, revision=1, phase=phase, at=house.clock())
        await hear(house, AlertReport(device="tay-1", standings=(standing,)), "tay-1")
        answer = (await officer.get(f"/parts/alerts/{alert}/map.json", params={"drawn": "false"})).json()
        assert answer == {"released": True, "tones": {"tay-1": tone, "dong-1": "away"}}
    standing = AlertStanding(alert=alert, revision=1, phase=AlertPhase.FAILED, at=house.clock())
    await hear(house, AlertReport(device="dong-1", standings=(standing,)), "dong-1")
    answer = (await officer.get(f"/parts/alerts/{alert}/map.json", params={"drawn": "false"})).json()
    assert answer["tones"]["dong-1"] == "bad"
    stranger = await house.in_person("08002", "xa")
    assert (await stranger.get(f"/parts/alerts/{alert}/map.json")).status_code == 404


async def test_whoever_lies_below_sees_their_own_ground_of_an_alert_from_above(
    house: House, officer: httpx.AsyncClient
):
    where = (await officer.post("/emergency", data={"headline": "Bão", "area": [COMMUNE]})).headers["location"]
    second = await house.in_person(COMMUNE, "binh")
    await let_go(second, where)
    await counting_of(house.runtime).count()
    below = await house.in_person(EAST, "thon")
    feed = (await below.get(f"/parts/alerts/{where.rsplit('/', 1)[1]}/map.json")).json()
    assert [each["id"] for each in feed["speakers"]] == ["dong-1"]
    assert [each["properties"]["code"] for each in feed["outlines"]["features"]] == [EAST]
