"""Groups on pages: made once, filled by ticking, changed without losing another's change, dissolved, taken back."""

import re

import httpx
import pytest

from controller.accounts.roles import Role
from tests.support import broadcasts
from tests.support.controller import House

COMMUNE = "07339"
TOKEN = "01m8c8yky6jr36cqbvdg984rh3"
FORM: dict[str, str | list[str]] = {"token": TOKEN, "name": "Chợ", "device": [f"{COMMUNE}-1"]}
HERE = f"/groups/{TOKEN}"
DISSOLVE = {"do": "dissolve"}


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE, speakers=3)
    return await house.in_person(COMMUNE, "lan")


async def members(lan: httpx.AsyncClient) -> list[str]:
    found: list[str] = (await lan.get(f"/api/v1{HERE}")).json()["device_ids"]
    return found


def version(page: str) -> str:
    return re.findall(r'name="version" value="(\d+)"', page)[0]


async def change(lan: httpx.AsyncClient, **fields: str | list[str]) -> httpx.Response:
    return await lan.post(HERE, data=FORM | {"version": version((await lan.get(HERE)).text)} | fields)


async def test_a_form_that_comes_twice_makes_one_group(lan: httpx.AsyncClient):
    assert "Chưa có nhóm nào" in (await lan.get("/groups")).text
    answers = [await lan.post("/groups", data=FORM) for _ in range(2)]
    assert {answer.headers["location"] for answer in answers} == {f"{HERE}?kept=yes"}
    assert await members(lan) == [f"{COMMUNE}-1"]
    listed = (await lan.get("/groups")).text
    assert listed.count("data-group=") == 1
    assert HERE in (await lan.get("/groups", params={"q": "cho"})).text
    assert HERE not in (await lan.get("/groups", params={"q": "đê"})).text


async def test_what_was_changed_after_going_back_is_not_lost_unseen(lan: httpx.AsyncClient):
    await lan.post("/groups", data=FORM)
    answer = await lan.post("/groups", data=FORM | {"name": "Chợ lớn"})
    assert answer.status_code == 412
    assert 'value="Chợ lớn"' in answer.text
    assert f'action="{HERE}"' in answer.text


async def test_a_place_that_is_ticked_becomes_the_speakers_that_it_has(lan: httpx.AsyncClient):
    answer = await lan.post("/groups", data=FORM | {"device": [], "area": COMMUNE})
    assert answer.status_code == 303, answer.text
    assert await members(lan) == [f"{COMMUNE}-1", f"{COMMUNE}-2", f"{COMMUNE}-3"]


async def test_a_group_is_made_for_a_place_below_and_only_of_its_speakers(house: House, lan: httpx.AsyncClient):
    assert 'name="area_code"' not in (await lan.get("/groups/new")).text, "nothing to choose between"
    await house.area("dong", parent=COMMUNE, name="Thôn Đông")
    await house.device("dong-1", "dong")
    new = (await lan.get("/groups/new")).text
    assert re.findall(r'<option value="([^"]+)"( selected)?', new) == [(COMMUNE, " selected"), ("dong", "")]

    refused = await lan.post("/groups", data=FORM | {"area_code": "dong"})
    assert refused.status_code == 422
    assert 'id="error-targets"' in refused.text
    assert '<option value="dong" selected' in refused.text
    await lan.post("/groups", data=FORM | {"area_code": "dong", "device": ["dong-1"]})
    made = (await lan.get(f"/api/v1{HERE}")).json()
    assert (made["area_code"], made["device_ids"]) == ("dong", ["dong-1"])
    assert "Thôn Đông" in (await lan.get(HERE)).text


async def test_no_group_is_made_for_a_neighbours_place(house: House, lan: httpx.AsyncClient):
    await house.area("07340")
    answer = await lan.post("/groups", data=FORM | {"area_code": "07340"})
    assert answer.status_code == 422
    program = await lan.post("/api/v1/groups", json={"name": "Chợ", "area_code": "07340"})
    assert program.json()["errors"][0]["field"] == "area_code"


@pytest.mark.parametrize(
    ("fields", "wrong"), [({"name": " "}, "name"), ({"device": []}, "targets"), ({"device": ["no"]}, "targets")]
)
async def test_what_is_wrong_is_marked_and_nothing_is_made(lan: httpx.AsyncClient, fields: dict[str, str], wrong: str):
    answer = await lan.post("/groups", data=FORM | fields)
    assert answer.status_code == 422
    assert f'id="error-{wrong}"' in answer.text
    assert "data-group=" not in (await lan.get("/groups")).text


async def test_a_group_gets_another_name_and_other_speakers(lan: httpx.AsyncClient):
    await lan.post("/groups", data=FORM)
    answer = await change(lan, name="Chợ lớn", device=[f"{COMMUNE}-2", f"{COMMUNE}-3"])
    assert answer.headers["location"] == f"{HERE}?kept=yes"
    assert "Chợ lớn" in (await lan.get(HERE)).text
    assert await members(lan) == [f"{COMMUNE}-2", f"{COMMUNE}-3"]


async def test_of_a_change_that_is_refused_nothing_is_kept(lan: httpx.AsyncClient):
    await lan.post("/groups", data=FORM)
    answer = await change(lan, name="Chợ lớn", device=["no"])
    assert answer.status_code == 422
    assert 'value="Chợ lớn"' in answer.text
    assert "Chợ lớn" not in (await lan.get("/groups")).text


async def test_who_saves_last_is_told_what_was_changed_meanwhile(lan: httpx.AsyncClient):
    await lan.post("/groups", data=FORM)
    late = version((await lan.get(HERE)).text)
    await change(lan, name="Chợ lớn")
    answer = await lan.post(HERE, data=FORM | {"version": late, "name": "Chợ quê"})
    assert answer.status_code == 412
    assert 'value="Chợ quê"' in answer.text
    assert "Chợ lớn" in (await lan.get("/groups")).text
    again = await lan.post(HERE, data=FORM | {"version": version(answer.text), "name": "Chợ quê"})
    assert again.status_code == 303


async def test_a_group_that_was_dissolved_comes_back_as_it_was(lan: httpx.AsyncClient):
    await lan.post("/groups", data=FORM | {"device": [f"{COMMUNE}-1", f"{COMMUNE}-2"], "note": "sáng"})
    gone = await lan.post(HERE, data=DISSOLVE)
    assert (await lan.get(HERE)).status_code == 404
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'type="hidden" name="(token|name|note|area_code|device)" value="([^"]*)"', gone.text
    ):
        fields.setdefault(name, []).append(value)
    assert (await lan.post("/groups", data=fields)).headers["location"] == f"{HERE}?kept=yes"
    back = (await lan.get(f"/api/v1{HERE}")).json()
    assert (back["name"], back["note"]) == ("Chợ", "sáng")
    assert back["device_ids"] == [f"{COMMUNE}-1", f"{COMMUNE}-2"]


async def test_a_group_that_a_schedule_addresses_stays_and_says_where(house: House, lan: httpx.AsyncClient):
    await lan.post("/groups", data=FORM)
    sound = await broadcasts.playlist(house, COMMUNE)
    wish = {
        "title": "Chợ phiên",
        "playlist_id": sound,
        "area_code": COMMUNE,
        "targets": [{"kind": "group", "key": TOKEN}],
        "first_local": "2026-11-23T17:30:00",
    }
    made = (await lan.post("/api/v1/schedules", json=wish)).json()["id"]
    page = (await lan.get(HERE)).text
    assert f'href="/schedules/{made}"' in page
    assert 'value="dissolve"' not in page
    refused = await lan.post(HERE, data=DISSOLVE)
    assert refused.status_code == 409
    assert "Chợ phiên" in refused.text
    assert (await lan.delete(f"/api/v1{HERE}", headers={"If-Match": "*"})).json()["code"] == "group_in_use"
    await lan.post(f"/schedules/{made}/withdraw")
    assert (await lan.delete(f"/api/v1{HERE}", headers={"If-Match": "*"})).status_code == 204


async def test_who_changes_no_groups_reads_who_is_in_them(house: House, lan: httpx.AsyncClient):
    await lan.post("/groups", data=FORM)
    reader = await house.in_person(COMMUNE, "binh", roles=[Role.BROADCASTER])
    page = (await reader.get(HERE)).text
    assert f"<li>{COMMUNE}-1</li>" in page
    assert "<form" not in page.partition('id="group-title"')[2].partition("</main>")[0]
    assert (await reader.post(HERE, data=DISSOLVE)).status_code == 403
