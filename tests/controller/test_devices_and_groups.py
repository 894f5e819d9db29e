from collections.abc import Sequence

import httpx
import pytest

from controller.events import DeviceChanged, Event, GroupChanged
from tests.support.controller import House

ANY = {"If-Match": "*"}


@pytest.fixture
async def lan(either_house: House) -> httpx.AsyncClient:
    """Somebody of commune 07339 with two hamlets and a speaker in each."""
    await either_house.commune("07339")
    for hamlet in ("dong", "tay"):
        await either_house.area(hamlet, parent="07339")
        await either_house.device(f"{hamlet}-1", hamlet)
    return await either_house.signed_in("07339", "lan")


@pytest.fixture
def told(either_house: House, lan: httpx.AsyncClient) -> list[Event]:
    """What processors were told, in order."""
    events: list[Event] = []

    async def remember(_session: object, some: Sequence[Event]) -> None:
        events.extend(some)

    either_house.database.before_commit.append(remember)
    return events


async def test_a_speaker_is_registered_edited_retired_and_brought_back(
    either_house: House, lan: httpx.AsyncClient, told: list[Event]
):
    wish = {"id": "tan-yen-1", "name": "Cụm loa UBND", "area_code": "07339", "lat": 21.35, "lon": 106.1}
    made = await lan.post("/api/v1/devices", json=wish)
    assert made.status_code == 201
    assert made.json() == {
        **wish,
        "note": "",
        "status": "active",
        "registered_at": "2026-11-20T05:00:00Z",
        "retired_at": None,
    }
    path = made.headers["Location"]
    assert (await lan.get(path)).json() == made.json()
    retired = (await lan.patch(path, json={"status": "retired"}, headers=ANY)).json()
    assert (retired["status"], retired["retired_at"]) == ("retired", "2026-11-20T05:00:00Z")
    active = (await lan.get("/api/v1/devices", params={"status": "active"})).json()["items"]
    assert "tan-yen-1" not in {device["id"] for device in active}
    back = (await lan.patch(path, json={"status": "active", "lat": None, "lon": None}, headers=ANY)).json()
    assert (back["status"], back["retired_at"], back["lat"]) == ("active", None, None)
    assert told == [DeviceChanged("tan-yen-1")] * 3


async def test_an_edit_without_a_change_is_not_told(lan: httpx.AsyncClient, told: list[Event]):
    assert (await lan.patch("/api/v1/devices/dong-1", json={"name": "dong-1"}, headers=ANY)).status_code == 200
    assert told == []


async def test_speakers_are_listed_by_area(lan: httpx.AsyncClient):
    for area, ids in (("07339", ["dong-1", "tay-1"]), ("tay", ["tay-1"])):
        items = (await lan.get("/api/v1/devices", params={"area": area})).json()["items"]
        assert [device["id"] for device in items] == ids


async def test_a_group_tells_who_joined_and_who_left(lan: httpx.AsyncClient, told: list[Event]):
    made = (await lan.post("/api/v1/groups", json={"name": "Chợ", "device_ids": ["dong-1", "dong-1"]})).json()
    assert (made["area_code"], made["device_ids"]) == ("07339", ["dong-1"])
    path = f"/api/v1/groups/{made['id']}"
    await lan.patch(path, json={"device_ids": ["tay-1"]}, headers=ANY)
    await lan.patch(path, json={"device_ids": ["tay-1"], "note": "bên sông"}, headers=ANY)
    assert (await lan.delete(path, headers=ANY)).status_code == 204
    assert told == [
        GroupChanged(made["id"], frozenset({"dong-1"})),
        GroupChanged(made["id"], frozenset({"dong-1", "tay-1"})),
        GroupChanged(made["id"], frozenset({"tay-1"})),
    ]


async def test_a_speaker_that_moves_away_leaves_the_groups_of_its_old_area(lan: httpx.AsyncClient, told: list[Event]):
    groups = {}
    for area in ("dong", "07339"):
        wish = {"name": area, "area_code": area, "device_ids": ["dong-1"]}
        groups[area] = (await lan.post("/api/v1/groups", json=wish)).json()["id"]
    told.clear()
    moved = await lan.patch("/api/v1/devices/dong-1", json={"area_code": "tay"}, headers=ANY)
    assert moved.json()["area_code"] == "tay"
    members = {area: (await lan.get(f"/api/v1/groups/{key}")).json()["device_ids"] for area, key in groups.items()}
    assert members == {"dong": [], "07339": ["dong-1"]}
    assert set(told) == {GroupChanged(groups["dong"], frozenset({"dong-1"})), DeviceChanged("dong-1")}


async def test_what_a_processor_cannot_do_undoes_the_change(either_house: House, lan: httpx.AsyncClient):
    async def fail(_session: object, _events: object) -> None:
        raise RuntimeError("no plan")

    either_house.database.before_commit.append(fail)
    wish = {"id": "tan-yen-9", "name": "x", "area_code": "07339"}
    assert (await lan.post("/api/v1/devices", json=wish)).status_code == 500
    assert (await lan.get("/api/v1/devices/tan-yen-9")).status_code == 404
