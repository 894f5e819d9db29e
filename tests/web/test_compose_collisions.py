"""What would collide is said before it is sent, with what can be done about it, as on the form of a schedule."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support import broadcasts
from tests.support.controller import House

COMMUNE = "07339"
TOKEN = "01m8c8yky6jr36cqbvdg984rh4"
MORNING = datetime(2026, 11, 20, 23, tzinfo=UTC)
PART = {"HX-Request": "true"}


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    """Somebody whose morning news is planned already."""
    await house.commune(COMMUNE, speakers=2)
    sound = await broadcasts.playlist(house, COMMUNE, title="Bản tin")
    await broadcasts.schedule(house, COMMUNE, sound, areas=(COMMUNE,), title="Bản tin", at=MORNING)
    return await house.in_person(COMMUNE, "lan")


async def form(house: House, **fields: str) -> dict[str, Any]:
    chosen = await broadcasts.playlist(house, COMMUNE, title="Cắt nước")
    at = {"when": "at", "day": "2026-11-21", "time": "06:00"}
    return {"token": TOKEN, "source": "playlist", "chosen_playlist": chosen, "area": COMMUNE, **at, **fields}


def offered(page: str) -> list[str]:
    return re.findall(r'name="choose" value="([^"]*)"', page)


def field(page: str, name: str) -> str:
    return re.findall(rf'name="{name}" value="([^"]*)"', page)[0]


async def sent(lan: httpx.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await lan.get("/api/v1/schedules")).json()["items"]
    return [row for row in rows if row["title"] == "Cắt nước"]


async def test_both_forms_offer_the_same(house: House, lan: httpx.AsyncClient):
    asked = await form(house)
    here = offered((await lan.post("/announce", data=asked, headers=PART)).text)
    said = {"what": f"playlist:{asked['chosen_playlist']}", "title": "Cắt nước", "resume": "rejoin"}
    assert here
    assert here == offered((await lan.post("/schedules", data=asked | said, headers=PART)).text)
    assert await sent(lan) == []


async def test_what_is_let_go_first_goes_first(house: House, lan: httpx.AsyncClient):
    asked = await form(house)
    [first] = [each for each in offered((await lan.post("/announce", data=asked, headers=PART)).text) if "rank" in each]
    answer = await lan.post("/announce", data=asked | {"choose": first}, headers=PART)
    assert await sent(lan) == [], "a choice is looked at before it is sent"
    agreed = {name: field(answer.text, name) for name in ("rank", "accepted")}
    assert f"rank:{agreed['rank']}" == first
    assert (await lan.post("/announce", data=asked | agreed)).status_code == 303
    assert [row["commune_rank"] for row in await sent(lan)] == [int(agreed["rank"])]


async def test_beginning_later_leaves_nothing_to_collide(house: House, lan: httpx.AsyncClient):
    asked = await form(house)
    [later] = [each for each in offered((await lan.post("/announce", data=asked, headers=PART)).text) if "time" in each]
    answer = await lan.post("/announce", data=asked | {"choose": later}, headers=PART)
    assert "Không còn trùng giờ" in answer.text
    assert field(answer.text, "time") == later.removeprefix("time:")
    assert await sent(lan) == []


async def test_what_was_to_go_out_now_waits_until_today_is_free(house: House, lan: httpx.AsyncClient):
    sound = await broadcasts.playlist(house, COMMUNE, title="Họp")
    await broadcasts.schedule(
        house, COMMUNE, sound, areas=(COMMUNE,), title="Họp", at=house.clock.now + timedelta(seconds=20)
    )
    asked = await form(house, when="now", day="", time="")
    [later] = [each for each in offered((await lan.post("/announce", data=asked, headers=PART)).text) if "time" in each]
    answer = await lan.post("/announce", data=asked | {"choose": later}, headers=PART)
    assert re.search(r'name="when" value="at" checked', answer.text)
    assert field(answer.text, "day") == "2026-11-20"


@pytest.mark.parametrize("choice", ["rank:x", "rank:99999", "time:x", "else"])
async def test_a_choice_that_was_not_offered_breaks_nothing(house: House, lan: httpx.AsyncClient, choice: str):
    answer = await lan.post("/announce", data=await form(house, choose=choice), headers=PART)
    assert answer.status_code in {200, 422}
    assert await sent(lan) == []
