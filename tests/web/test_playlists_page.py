"""Playlists on pages: kept once, changed without losing another's change, put away, taken back, aired many times."""

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from controller.broadcasts.models import Schedule
from controller.playlists.models import Playlist
from controller.playlists.sound import forget_rehearsals
from tests.support import broadcasts
from tests.support.broadcasts import settled
from tests.support.controller import House

TOKEN = "01m8c8yky6jr36cqbvdg984rh3"
CHIME = {"item-0-kind": "chime", "item-0-chime": "opening"}
PART = {"HX-Request": "true"}
FORM = {"token": TOKEN, "title": "Bản tin sáng", **CHIME}


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    await house.commune("07339", speakers=2)
    return await house.in_person("07339", "lan")


def mark(page: str) -> str:
    """What the form has seen of the playlist."""
    return re.findall(r'name="version" value="(\w+)"', page)[0]


async def kept(house: House) -> list[Playlist]:
    async with house.database.reading() as session:
        return list(await session.scalars(select(Playlist).where(Playlist.retired_at.is_(None))))


async def test_a_form_that_comes_twice_keeps_one_playlist(house: House, lan: httpx.AsyncClient):
    answers = [await lan.post("/playlists", data=FORM) for _ in range(2)]
    assert {answer.headers["location"] for answer in answers} == {f"/playlists/{TOKEN}?kept=yes"}
    [row] = await kept(house)
    assert (row.title, [item.chime for item in row.items]) == ("Bản tin sáng", ["opening"])
    for words in ("TIN SÁNG", "tin sang", " Bản "):
        assert "Bản tin sáng" in (await lan.get("/playlists", params={"q": words})).text
    assert "Bản tin sáng" not in (await lan.get("/playlists", params={"q": "tối"})).text


async def test_what_is_wrong_is_marked_and_nothing_is_lost(house: House, lan: httpx.AsyncClient):
    station = {"item-1-kind": "relay", "item-1-url": "ftp://đài", "item-1-title": "Đài huyện", "item-1-minutes": "15"}
    answer = await lan.post("/playlists", data=FORM | station | {"title": ""})
    assert answer.status_code == 422
    assert 'id="error-title"' in answer.text
    assert 'id="error-item-1-url"' in answer.text
    assert 'value="ftp://đài"' in answer.text
    assert 'value="Đài huyện"' in answer.text
    assert await kept(house) == []


async def test_listening_keeps_nothing(house: House, lan: httpx.AsyncClient):
    answer = await lan.post("/playlists/hear", data=FORM, headers=PART)
    assert answer.status_code == 200
    assert re.search(r"/playlists/sound/[0-9a-z]{26}|<audio", answer.text)
    assert await kept(house) == []
    assert (await lan.post("/playlists/hear", data={"token": TOKEN})).status_code == 422


async def rehearsed(house: House) -> list[Playlist]:
    async with house.database.reading() as session:
        return list(await session.scalars(select(Playlist).where(Playlist.retired_at.is_not(None))))


async def test_however_often_a_form_is_listened_to_it_leaves_one_rehearsal(house: House, lan: httpx.AsyncClient):
    heard = ""
    for seconds in (4, 5, 6):
        attention = {"item-0-kind": "chime", "item-0-chime": "attention", "item-0-seconds": str(seconds)}
        answer = await lan.post("/playlists/hear", data=FORM | attention | {"rehearsal": heard}, headers=PART)
        heard = re.findall(r'name="rehearsal" value="(\w+)"', answer.text)[0]
    [row] = await rehearsed(house)
    assert [item.pause_ms for item in row.items] == [6000]


async def test_old_rehearsals_are_forgotten_and_what_was_put_away_is_not(house: House, lan: httpx.AsyncClient):
    await lan.post("/playlists", data=FORM)
    house.clock.now += timedelta(minutes=1)
    await lan.post(f"/playlists/{TOKEN}/shelf")
    await lan.post("/playlists/hear", data=FORM | {"token": "01m8c8yky6jr36cqbvdg984rh9"}, headers=PART)
    assert await forget_rehearsals(house.database, house.clock.now) == 0
    house.clock.now += timedelta(days=2)
    assert await forget_rehearsals(house.database, house.clock.now - timedelta(days=1)) == 1
    assert [row.id for row in await rehearsed(house)] == [TOKEN]


async def test_a_playlist_that_was_put_away_is_no_rehearsal(house: House, lan: httpx.AsyncClient):
    await lan.post("/playlists", data=FORM)
    house.clock.now += timedelta(minutes=1)
    await lan.post(f"/playlists/{TOKEN}/shelf")
    other = {"item-0-chime": "closing", "token": "01m8c8yky6jr36cqbvdg984rh9", "rehearsal": TOKEN}
    await lan.post("/playlists/hear", data=FORM | other, headers=PART)
    assert {row.id: row.items[0].chime for row in await rehearsed(house)}[TOKEN] == "opening"


async def test_what_was_kept_and_changed_on_the_former_page_is_kept_when_asked_again(
    house: House, lan: httpx.AsyncClient
):
    await lan.post("/playlists", data=FORM)
    changed = FORM | {"title": "Bản tin tối", "item-0-chime": "closing"}
    answer = await lan.post("/playlists", data=changed)
    assert answer.status_code == 412
    assert 'value="Bản tin tối"' in answer.text
    assert f'action="/playlists/{TOKEN}"' in answer.text
    assert [row.title for row in await kept(house)] == ["Bản tin sáng"]
    await lan.post(f"/playlists/{TOKEN}", data=changed | {"version": mark(answer.text)})
    assert [(row.title, row.items[0].chime) for row in await kept(house)] == [("Bản tin tối", "closing")]


async def test_what_was_put_away_is_not_said_to_be_kept(house: House, lan: httpx.AsyncClient):
    await lan.post("/playlists", data=FORM)
    await lan.post(f"/playlists/{TOKEN}/shelf")
    again = await lan.post("/playlists", data=FORM)
    assert again.status_code == 412
    insisting = await lan.post(f"/playlists/{TOKEN}", data=FORM | {"version": mark(again.text)})
    assert insisting.status_code == 422
    assert "đã được cất đi" in insisting.text
    assert await kept(house) == []


async def test_a_sound_that_is_ready_meanwhile_is_nobodys_change(house: House, lan: httpx.AsyncClient):
    await lan.post("/playlists", data=FORM)
    version = mark((await lan.get(f"/playlists/{TOKEN}")).text)
    await settled(lan, f"/api/v1/playlists/{TOKEN}")
    answer = await lan.post(f"/playlists/{TOKEN}", data=FORM | {"title": "Bản tin tối", "version": version})
    assert answer.status_code == 303, answer.text


async def test_a_form_without_its_token_airs_nothing(house: House, lan: httpx.AsyncClient):
    chosen = await broadcasts.playlist(house, "07339", title="Bản tin sáng")
    form = {"source": "playlist", "chosen_playlist": chosen, "area": "07339", "when": "now", "accepted": ""}
    for token in ("", "x", "x" * 300, "../../etc"):
        answer = await lan.post("/announce", data=form | {"token": token})
        if accepted := re.findall(r'name="accepted" value="(\w+)"', answer.text):
            answer = await lan.post("/announce", data=form | {"token": token, "accepted": accepted[0]})
        assert answer.status_code == 422
        assert "Hãy tải lại trang" in answer.text
    async with house.database.reading() as session:
        assert list(await session.scalars(select(Schedule))) == []


async def test_anothers_change_is_not_overwritten_unasked(house: House, lan: httpx.AsyncClient):
    await lan.post("/playlists", data=FORM)
    shown = (await lan.get(f"/playlists/{TOKEN}")).text
    version = mark(shown)
    await lan.patch(f"/api/v1/playlists/{TOKEN}", json={"title": "Của Hoa"}, headers={"If-Match": "*"})
    mine = FORM | {"title": "Của Lan", "version": version}
    answer = await lan.post(f"/playlists/{TOKEN}", data=mine)
    assert answer.status_code == 412
    assert 'value="Của Lan"' in answer.text
    assert [row.title for row in await kept(house)] == ["Của Hoa"]
    again = mine | {"version": mark(answer.text)}
    assert (await lan.post(f"/playlists/{TOKEN}", data=again)).status_code == 303
    assert [row.title for row in await kept(house)] == ["Của Lan"]


async def test_what_was_put_away_can_be_taken_back(house: House, lan: httpx.AsyncClient):
    await lan.post("/playlists", data=FORM)
    away = await lan.post(f"/playlists/{TOKEN}/shelf")
    assert await kept(house) == []
    note = (await lan.get(away.headers["location"])).text
    assert "Đã cất «Bản tin sáng»" in note.replace("&#34;", '"')
    await lan.post(f"/playlists/{TOKEN}/shelf", data={"do": "take-back"})
    assert [row.title for row in await kept(house)] == ["Bản tin sáng"]


async def test_a_playlist_airs_as_often_as_it_is_sent_and_once_a_form(house: House, lan: httpx.AsyncClient):
    chosen = await broadcasts.playlist(house, "07339", title="Bản tin sáng")
    form = {
        "source": "playlist", "chosen_playlist": chosen, "area": "07339", "when": "at",
        "day": house.clock.now.date().replace(day=house.clock.now.day + 1).isoformat(),
    }  # fmt: skip
    for token, time in (("01m8c8yky6jr36cqbvdg984rh4", "06:00"), ("01m8c8yky6jr36cqbvdg984rh5", "17:00")):
        for _ in range(2):
            answer = await lan.post("/announce", data=form | {"token": token, "time": time, "accepted": ""})
            accepted = re.findall(r'name="accepted" value="(\w+)"', answer.text)
            if accepted:
                answer = await lan.post(
                    "/announce", data=form | {"token": token, "time": time, "accepted": accepted[0]}
                )
            assert answer.status_code == 303, answer.text
    async with house.database.reading() as session:
        rows = list(await session.scalars(select(Schedule).order_by(Schedule.first_local)))
    assert [(row.id[-1], row.first_local[11:16], row.playlist_id) for row in rows] == [
        ("4", "06:00", chosen),
        ("5", "17:00", chosen),
    ]


async def test_the_form_says_which_playlist_is_missing(lan: httpx.AsyncClient):
    form = {"token": TOKEN, "source": "playlist", "area": "07339", "when": "now"}
    nothing = await lan.post("/announce", data=form)
    gone = await lan.post("/announce", data=form | {"chosen_playlist": "01m8c8yky6jr36cqbvdg984rh9"})
    assert (nothing.status_code, gone.status_code) == (422, 422)
    assert "Hãy chọn một chương trình." in nothing.text
    assert "Chương trình này không còn" in gone.text
