"""The library: found with and without marks, sorted, shown where it is used, used again, put away and taken back."""

import re

import httpx
import pytest
from sqlalchemy import select

from controller.announcements.models import Announcement
from tests.support.controller import House

TOKEN = "01m8c8yky6jr36cqbvdg984rh3"


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    await house.commune("07339", speakers=2)
    return await house.in_person("07339", "lan")


async def announcement(lan: httpx.AsyncClient, title: str, **more: str) -> str:
    body = {"title": title, "text": "Kính thưa bà con.", "area_code": "07339", **more}
    answer = await lan.post("/api/v1/announcements", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def of(house: House, id_: str) -> Announcement:
    async with house.database.reading() as session:
        row = await session.scalar(select(Announcement).where(Announcement.id == id_))
    assert row is not None
    return row


@pytest.mark.parametrize("words", ["LỊCH CẤP NƯỚC", "lich cap nuoc", " cấp ", "đời sống", "doi song"])
async def test_it_is_found_with_and_without_marks(lan: httpx.AsyncClient, words: str):
    await announcement(lan, "Lịch cấp nước", category="Đời sống")
    await announcement(lan, "Tiêm chủng")
    page = (await lan.get("/library", params={"q": words})).text
    assert "Lịch cấp nước" in page
    assert "Tiêm chủng" not in page


async def test_a_category_shows_only_its_own(lan: httpx.AsyncClient):
    await announcement(lan, "Lịch cấp nước", category="Đời sống")
    await announcement(lan, "Tiêm chủng", category="Y tế")
    page = (await lan.get("/library", params={"category": "Y tế"})).text
    assert "Tiêm chủng" in page
    assert "Lịch cấp nước" not in page


async def test_what_a_playlist_holds_says_where_and_cannot_be_put_away(house: House, lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước")
    kept = await lan.post(
        "/playlists",
        data={"token": TOKEN, "title": "Bản tin sáng", "item-0-kind": "announcement", "item-0-announcement": id_},
    )
    assert kept.status_code == 303
    page = (await lan.get("/library")).text
    assert f'href="/playlists/{TOKEN}">Bản tin sáng' in page
    assert f'action="/library/{id_}/shelf"' not in page
    assert (await lan.post(f"/library/{id_}/shelf")).status_code == 409
    assert (await of(house, id_)).retired_at is None


async def test_what_is_put_away_leaves_the_library_and_comes_back(house: House, lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước")
    answer = await lan.post(f"/library/{id_}/shelf", data={"do": "put-away"})
    told = (await lan.get(answer.headers["location"])).text
    assert "Hoàn tác" in told
    assert f'data-announcement="{id_}"' not in told
    assert f'data-announcement="{id_}"' in (await lan.get("/library", params={"shelf": "away"})).text

    for _ in range(2):  # pressed twice, it is back once
        await lan.post(f"/library/{id_}/shelf", data={"do": "take-back"})
    assert f'data-announcement="{id_}"' in (await lan.get("/library")).text
    assert (await of(house, id_)).retired_at is None


async def test_a_title_changed_meanwhile_by_somebody_else_is_not_lost(house: House, lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước")
    [version] = re.findall(r'name="version" value="(\d+)"', (await lan.get("/library")).text)
    wish = {"version": version, "title": "Lịch cấp nước tuần này", "category": "Y tế"}
    assert (await lan.post(f"/library/{id_}", data=wish)).status_code == 303
    assert (await lan.post(f"/library/{id_}", data=wish | {"title": "Khác"})).status_code == 412
    row = await of(house, id_)
    assert (row.title, row.category) == ("Lịch cấp nước tuần này", "Y tế")


async def test_a_neighbour_neither_sees_nor_touches_it(house: House, lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước")
    await house.commune("07340")
    neighbour = await house.in_person("07340", "minh")
    assert "Lịch cấp nước" not in (await neighbour.get("/library")).text
    assert "Kính thưa bà con.</textarea>" not in (await neighbour.get("/", params={"announcement": id_})).text
    assert (await neighbour.post(f"/library/{id_}/shelf")).status_code == 404


async def test_using_it_again_fills_the_form_and_other_words_leave_it_where_it_is(house: House, lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước", category="Đời sống")
    page = (await lan.get("/", params={"announcement": id_})).text
    assert "Kính thưa bà con.</textarea>" in page
    assert f'name="announcement" value="{id_}"' in page
    [spoken] = re.findall(r'name="spoken" value="(\w+)"', page)
    [voice] = re.findall(r'<select name="voice">\s*<option value="([^"]+)"', page)
    form = {"token": TOKEN, "source": "text", "title": "Lịch cấp nước", "text": "Kính thưa bà con.", "voice": voice}
    form |= {"announcement": id_, "reused": id_, "spoken": spoken, "speed_wpm": "", "profile": "horn"}

    part = {"HX-Request": "true"}
    same = (await lan.post("/announce/listen", data=form, headers=part)).text
    assert f'name="announcement" value="{id_}"' in same
    other = (await lan.post("/announce/listen", data=form | {"text": "Lời khác."}, headers=part)).text
    assert f'name="announcement" value="{id_}"' not in other
    assert (await of(house, id_)).retired_at is None
