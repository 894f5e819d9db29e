"""A user of one commune sees and changes nothing of another, through any endpoint."""

import httpx
import pytest

from tests.support.controller import House

ANY = {"If-Match": "*"}


@pytest.fixture
async def neighbour(either_house: House) -> httpx.AsyncClient:
    """Somebody of commune 07444; commune 07339 has a speaker, a hamlet and a group."""
    house = either_house
    await house.commune("07339", speakers=1)
    await house.commune("07444", speakers=1)
    await house.area("07339-1", parent="07339")
    return await house.signed_in("07444", "neighbour")


@pytest.fixture
async def owner(either_house: House, neighbour: httpx.AsyncClient) -> httpx.AsyncClient:
    return await either_house.signed_in("07339", "owner")


async def test_lists_hold_only_ones_own(neighbour: httpx.AsyncClient, owner: httpx.AsyncClient):
    await owner.post("/api/v1/groups", json={"name": "Nhà văn hoá", "device_ids": ["07339-1"]})
    devices = (await neighbour.get("/api/v1/devices")).json()["items"]
    assert [device["id"] for device in devices] == ["07444-1"]
    assert [area["code"] for area in (await neighbour.get("/api/v1/areas")).json()["items"]] == ["07444"]
    assert (await neighbour.get("/api/v1/groups")).json()["items"] == []


async def test_what_is_not_ones_own_does_not_exist(neighbour: httpx.AsyncClient, owner: httpx.AsyncClient):
    group = (await owner.post("/api/v1/groups", json={"name": "Nhà văn hoá", "device_ids": ["07339-1"]})).json()["id"]
    for path, body in (
        ("/api/v1/devices/07339-1", {"name": "mine now"}),
        ("/api/v1/areas/07339", {"name": "mine now"}),
        ("/api/v1/areas/07339-1", {"policy": {"max_volume": 1}}),
        ("/api/v1/areas/24", {"policy": {"max_volume": 1}}),
        ("/api/v1/areas/VN", {"name": "mine now"}),
        (f"/api/v1/groups/{group}", {"device_ids": []}),
    ):
        read = await neighbour.get(path)
        unknown = await neighbour.get(path.rsplit("/", 1)[0] + "/nothing")
        assert read.status_code == 404, path
        assert read.json() == unknown.json(), "what is hidden looks like what never was"
        assert (await neighbour.patch(path, json=body, headers=ANY)).status_code == 404, path
    assert (await neighbour.delete(f"/api/v1/groups/{group}", headers=ANY)).status_code == 404
    assert (await neighbour.delete("/api/v1/areas/07339-1", headers=ANY)).status_code == 404


async def test_nothing_can_be_put_into_anothers_area(neighbour: httpx.AsyncClient):
    for path, body, field in (
        ("/api/v1/devices", {"id": "x", "name": "x", "area_code": "07339"}, "area_code"),
        ("/api/v1/areas", {"code": "x", "name": "x", "kind": "thôn", "parent_code": "07339"}, "parent_code"),
        ("/api/v1/groups", {"name": "x", "area_code": "07339"}, "area_code"),
        ("/api/v1/groups", {"name": "x", "device_ids": ["07444-1", "07339-1"]}, "device_ids.1"),
    ):
        answer = await neighbour.post(path, json=body)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_speaker_cannot_be_moved_out_of_ones_area(neighbour: httpx.AsyncClient):
    answer = await neighbour.patch("/api/v1/devices/07444-1", json={"area_code": "07339"}, headers=ANY)
    assert answer.json()["errors"][0]["field"] == "area_code"


async def test_filters_do_not_widen_the_view(neighbour: httpx.AsyncClient):
    assert (await neighbour.get("/api/v1/devices", params={"area": "07339"})).status_code == 422
    assert (await neighbour.get("/api/v1/areas", params={"parent": "07339"})).json()["items"] == []
    for wildcard in ("%", "_", "07339", "' OR 1=1 --", "\\"):
        found = (await neighbour.get("/api/v1/devices", params={"q": wildcard})).json()["items"]
        assert "07339-1" not in {device["id"] for device in found}


async def test_a_code_that_begins_like_ones_own_is_not_ones_own(either_house: House):
    await either_house.commune("0744", speakers=1)
    await either_house.commune("07444", speakers=1)
    await either_house.commune("0744-a", speakers=1)
    await either_house.area("0744A", parent="0744")
    await either_house.area("0744a", parent="07444")
    someone = await either_house.signed_in("0744")
    assert [d["id"] for d in (await someone.get("/api/v1/devices")).json()["items"]] == ["0744-1"]
    assert [a["code"] for a in (await someone.get("/api/v1/areas")).json()["items"]] == ["0744", "0744A"]


async def test_the_country_sees_all(either_house: House, neighbour: httpx.AsyncClient):
    admin = await either_house.signed_in("VN", "admin")
    assert [d["id"] for d in (await admin.get("/api/v1/devices")).json()["items"]] == ["07339-1", "07444-1"]


async def test_nobody_sees_nothing(quiet_house: House):
    browser = quiet_house.browser()
    for method, path in (
        ("GET", "/api/v1/devices"),
        ("POST", "/api/v1/devices"),
        ("GET", "/api/v1/devices/x"),
        ("PATCH", "/api/v1/devices/x"),
        ("GET", "/api/v1/areas"),
        ("POST", "/api/v1/areas"),
        ("DELETE", "/api/v1/areas/VN"),
        ("GET", "/api/v1/groups"),
        ("POST", "/api/v1/groups"),
        ("GET", "/api/v1/tokens"),
        ("POST", "/api/v1/tokens"),
        ("DELETE", "/api/v1/session"),
    ):
        answer = await browser.request(method, path, headers=ANY, json={} if method in {"POST", "PATCH"} else None)
        assert answer.status_code in {401, 422}, (method, path)
        assert "items" not in answer.json()
