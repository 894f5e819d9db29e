import asyncio

import httpx
import pytest

from tests.support.controller import House

SPEAKER = "/api/v1/devices/07339-1"


@pytest.fixture
async def lan(either_house: House) -> httpx.AsyncClient:
    await either_house.commune("07339", speakers=3)
    return await either_house.signed_in("07339", "lan")


@pytest.mark.parametrize("path", [SPEAKER, "/api/v1/areas/07339"])
async def test_an_edit_must_name_the_version_it_edits(lan: httpx.AsyncClient, path: str):
    read = (await lan.get(path)).headers["ETag"]
    missing = await lan.patch(path, json={"name": "mới"})
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")

    edited = await lan.patch(path, json={"name": "mới"}, headers={"If-Match": read})
    assert edited.status_code == 200, edited.text
    assert edited.headers["ETag"] != read
    assert (await lan.get(path)).headers["ETag"] == edited.headers["ETag"]

    stale = await lan.patch(path, json={"name": "cũ"}, headers={"If-Match": read})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (await lan.get(path)).json()["name"] == "mới"


async def test_a_groups_version_grows_with_its_members(lan: httpx.AsyncClient):
    made = await lan.post("/api/v1/groups", json={"name": "x", "device_ids": ["07339-1"]})
    path, read = made.headers["Location"], made.headers["ETag"]
    assert (await lan.get(path)).headers["ETag"] == read
    edited = await lan.patch(path, json={"device_ids": ["07339-2", "07339-3"]}, headers={"If-Match": read})
    assert edited.json()["device_ids"] == ["07339-2", "07339-3"]
    assert edited.headers["ETag"] != read
    assert (await lan.delete(path, headers={"If-Match": read})).status_code == 412
    assert (await lan.delete(path, headers={"If-Match": edited.headers["ETag"]})).status_code == 204
    assert (await lan.get(path)).status_code == 404


async def test_of_simultaneous_edits_of_one_version_one_succeeds(lan: httpx.AsyncClient):
    read = (await lan.get(SPEAKER)).headers["ETag"]
    edits = (lan.patch(SPEAKER, json={"name": f"tên {n}"}, headers={"If-Match": read}) for n in range(5))
    answers = await asyncio.gather(*edits)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert (await lan.get(SPEAKER)).json()["name"] == winner.json()["name"]


async def test_only_a_strong_exact_tag_matches(lan: httpx.AsyncClient):
    for header in ('W/"1"', '"', "1", '"1', "", '"0", "9"'):
        answer = await lan.patch(SPEAKER, json={"name": "x"}, headers={"If-Match": header})
        assert answer.status_code == 412, header


async def test_a_list_or_a_star_matches(lan: httpx.AsyncClient):
    for version, header in enumerate(('"1"', '"7", "2"', "*"), start=1):
        answer = await lan.patch(SPEAKER, json={"name": f"x{version}"}, headers={"If-Match": header})
        assert answer.status_code == 200, header


async def test_an_edit_that_changes_nothing_keeps_the_version(lan: httpx.AsyncClient):
    read = (await lan.get(SPEAKER)).headers["ETag"]
    same = await lan.patch(SPEAKER, json={"name": "07339-1"}, headers={"If-Match": read})
    assert same.headers["ETag"] == read
