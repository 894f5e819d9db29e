"""The library: found with and without marks, sorted, shown where it is used, used again, put away and taken back."""

import re
from datetime import timedelta
from types import ModuleType

import httpx
import pytest
from sqlalchemy import select

from controller.announcements.models import Announcement, Status
from controller.areas.models import Area
from controller.playlists.models import ItemKind, Playlist, PlaylistItem
from controller.web.pages import library, playlists
from tests.support import broadcasts
from tests.support.controller import House

ANY = {"If-Match": "*"}
TOKEN = "01m8c8yky6jr36cqbvdg984rh3"


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    await house.commune("07339", speakers=2)
    return await house.in_person("07339", "lan")


async def announcement(lan: httpx.AsyncClient, title: str, **more: object) -> str:
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


@pytest.mark.parametrize("words", ["MÁY BƠM", "may bom", "water pump"])
async def test_it_is_found_by_what_it_says(lan: httpx.AsyncClient, words: str):
    second = {"language": "en", "text": "The water pump is repaired."}
    await announcement(lan, "Lịch cấp nước", text="Chiều mai sửa máy bơm.", second=second)
    await announcement(lan, "Tiêm chủng")
    page = (await lan.get("/library", params={"q": words})).text
    assert "Lịch cấp nước" in page
    assert "Tiêm chủng" not in page


@pytest.mark.parametrize(("path", "module"), [("/library", library), ("/playlists", playlists)])
async def test_what_is_found_beyond_the_page_is_not_left_out_in_silence(
    lan: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str, module: ModuleType
):
    monkeypatch.setattr(module, "ROWS", 2)
    made = [await announcement(lan, f"Lịch cấp nước {number}") for number in range(2)]
    for token, id_ in zip((TOKEN, TOKEN[::-1]), made, strict=True):
        await programme(lan, token, id_, title="Bản tin cấp nước")
    assert "Chỉ liệt kê" not in (await lan.get(path, params={"q": "cap nuoc"})).text
    monkeypatch.setattr(module, "ROWS", 1)
    page = (await lan.get(path, params={"q": "cap nuoc"})).text
    assert "Chỉ liệt kê 1 mục mới nhất" in page


async def test_a_category_shows_only_its_own(lan: httpx.AsyncClient):
    await announcement(lan, "Lịch cấp nước", category="Đời sống")
    await announcement(lan, "Tiêm chủng", category="Y tế")
    page = (await lan.get("/library", params={"category": "Y tế"})).text
    assert "Tiêm chủng" in page
    assert "Lịch cấp nước" not in page


async def programme(lan: httpx.AsyncClient, token: str, *announcements: str, title: str = "Bản tin sáng") -> str:
    """A playlist that reads these announcements; its id."""
    body = {"token": token, "title": title}
    for place, id_ in enumerate(announcements):
        body |= {f"item-{place}-kind": "announcement", f"item-{place}-announcement": id_}
    kept = await lan.post("/playlists", data=body)
    assert kept.status_code == 303, kept.text
    return token


async def sent(lan: httpx.AsyncClient, playlist: str, first: str = "2026-11-20T13:00", **more: str) -> str:
    """A schedule that airs a playlist; its id."""
    where = {"area_code": "07339", "targets": [{"kind": "area", "key": "07339"}]}
    body = {"title": "Tin chiều", "playlist_id": playlist, "first_local": first, **where, **more}
    answer = await lan.post("/api/v1/schedules", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def users(page: str) -> list[str]:
    """Where the page says that an announcement is still used."""
    [told] = re.findall(r'id="refused">(.*?)</div>', page, re.DOTALL)
    return re.findall(r'<a href="([^"]+)"', told)


async def test_what_a_playlist_holds_says_where_and_cannot_be_put_away(house: House, lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước")
    await programme(lan, TOKEN, id_)
    page = (await lan.get("/library")).text
    assert f'href="/playlists/{TOKEN}">Bản tin sáng' in page
    refusal = await lan.post(f"/library/{id_}/shelf")
    assert refusal.status_code == 409
    assert users(refusal.text) == [f"/playlists/{TOKEN}"]
    assert (await of(house, id_)).retired_at is None


async def test_what_was_sent_and_is_over_is_put_away_with_its_playlist_and_comes_back_with_it(
    house: House, lan: httpx.AsyncClient
):
    id_ = await announcement(lan, "Lịch cấp nước")
    await sent(lan, await programme(lan, TOKEN, id_))
    house.clock.advance(timedelta(hours=5))
    answer = await lan.post(f"/library/{id_}/shelf")
    assert answer.status_code == 303, answer.text
    told = (await lan.get(answer.headers["location"])).text
    assert "Cất cùng với nó 1 chương trình" in told
    assert "Hoàn tác" in told
    assert f"/playlists/{TOKEN}" not in (await lan.get("/playlists")).text
    assert f"/playlists/{TOKEN}" not in told

    await lan.post(f"/library/{id_}/shelf", data={"do": "take-back"})
    assert f"/playlists/{TOKEN}" in (await lan.get("/playlists")).text
    assert f'data-announcement="{id_}"' in (await lan.get("/library")).text


@pytest.mark.parametrize("rule", ["", "FREQ=DAILY", "FREQ=DAILY;UNTIL=20261122T060000Z"])
async def test_what_will_be_heard_again_stays_until_it_is_over(house: House, lan: httpx.AsyncClient, rule: str):
    id_ = await announcement(lan, "Lịch cấp nước")
    schedule = await sent(lan, await programme(lan, TOKEN, id_), **({"rrule": rule} if rule else {}))
    refusal = await lan.post(f"/library/{id_}/shelf")
    assert refusal.status_code == 409
    assert users(refusal.text) == [f"/schedules/{schedule}", f"/playlists/{TOKEN}"]
    assert (await lan.patch(f"/api/v1/playlists/{TOKEN}", json={"retired": True}, headers=ANY)).status_code == 409

    house.clock.advance(timedelta(days=3))
    ends = rule != "FREQ=DAILY"
    assert (await lan.post(f"/library/{id_}/shelf")).status_code == (303 if ends else 409)


async def test_a_playlist_with_more_in_it_is_kept_by_hand_and_named(house: House, lan: httpx.AsyncClient):
    id_, other = await announcement(lan, "Lịch cấp nước"), await announcement(lan, "Tiêm chủng")
    await sent(lan, await programme(lan, TOKEN, id_, other))
    house.clock.advance(timedelta(hours=5))
    assert users((await lan.post(f"/library/{id_}/shelf")).text) == [f"/playlists/{TOKEN}"]
    put_away = await lan.patch(f"/api/v1/playlists/{TOKEN}", json={"retired": True}, headers=ANY)
    assert put_away.status_code == 200, "what it aired is over"
    assert (await lan.post(f"/library/{id_}/shelf")).status_code == 303


async def test_what_an_older_version_still_airs_stays(house: House, lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước")
    first, second = [await broadcasts.playlist(house, "07339", title=title) for title in ("Cũ", "Mới")]
    async with house.database.transaction() as session:
        session.add(PlaylistItem(playlist_id=first, position=0, kind=ItemKind.ANNOUNCEMENT, announcement_id=id_))
        row = await session.get_one(Announcement, id_)
        row.status, row.clip_sha256 = Status.READY, None
    schedule = await sent(lan, first, rrule="FREQ=DAILY")
    async with house.database.transaction() as session:
        (await session.get_one(Area, "07339")).policy = {"approval": "second_person"}
    edited = await lan.patch(f"/api/v1/schedules/{schedule}", json={"playlist_id": second}, headers=ANY)
    assert edited.json()["approval"] == "draft"
    async with house.database.transaction() as session:
        (await session.get_one(Playlist, first)).retired_at = house.clock.now
    assert users((await lan.post(f"/library/{id_}/shelf")).text) == [f"/schedules/{schedule}"]


async def test_what_an_alert_says_stays_and_a_program_is_told_why(lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Sơ tán")
    where = {"targets": [{"kind": "area", "key": "07339"}]}
    alert = await lan.post(
        "/api/v1/alerts", json={"area_code": "07339", "headline": "Lũ", "announcement_id": id_, **where}
    )
    assert alert.is_success, alert.text
    assert users((await lan.post(f"/library/{id_}/shelf")).text) == [f"/emergency/{alert.json()['id']}"]


async def test_a_program_is_told_by_name_what_still_uses_it(lan: httpx.AsyncClient):
    id_ = await announcement(lan, "Lịch cấp nước")
    await programme(lan, TOKEN, id_)
    refusal = await lan.patch(f"/api/v1/announcements/{id_}", json={"retired": True}, headers=ANY)
    assert (refusal.status_code, refusal.json()["code"]) == (409, "still_used")
    assert "“Bản tin sáng”" in refusal.json()["detail"]


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
