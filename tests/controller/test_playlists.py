"""Playlists with all that they can hold: what they ask for, what they refuse, and what holds on to what."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from audio.mixing import BED_LEAD_MS
from audio.signals import EXERCISE_WORDS
from audio.speech import EspeakEngine
from controller.announcements import workshop
from controller.announcements.models import Announcement, Kind
from controller.broadcasting import making_sound, planning
from controller.playlists import recipe
from controller.playlists.models import ItemKind, PlaylistItem
from tests.support.broadcasts import settled
from tests.support.controller import House, open_house

COMMUNE = "07339"
ANY = {"If-Match": "*"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", services=(planning, making_sound)) as opened:
        await opened.commune(COMMUNE)
        yield opened


@pytest.fixture
async def officer(house: House) -> httpx.AsyncClient:
    return await house.signed_in(COMMUNE)


async def announce(client: httpx.AsyncClient, text: str) -> dict[str, Any]:
    made = await client.post("/api/v1/announcements", json={"title": text, "text": text, "area_code": COMMUNE})
    assert made.status_code == 202, made.text
    return await settled(client, made.headers["Location"])


async def ask(client: httpx.AsyncClient, *items: dict[str, Any]) -> httpx.Response:
    return await client.post("/api/v1/playlists", json={"title": "C", "area_code": COMMUNE, "items": list(items)})


async def assembled(client: httpx.AsyncClient, *items: dict[str, Any]) -> dict[str, Any]:
    made = await ask(client, *items)
    assert made.status_code == 201, made.text
    playlist = await settled(client, made.headers["Location"])
    assert playlist["status"] == "ready", playlist
    return playlist


def reading(announcement: dict[str, Any], **how: object) -> dict[str, Any]:
    return {"kind": "announcement", "announcement_id": announcement["id"], **how}


async def test_an_announcement_alone_airs_as_the_clip_it_is(officer: httpx.AsyncClient) -> None:
    """A speaker that has the clip fetches nothing, whoever airs it, however often."""
    news = await announce(officer, "Mời bà con đi họp")
    once = await assembled(officer, reading(news))
    again = await assembled(officer, reading(news))

    assert [stretch["clip"] for stretch in once["stretches"]] == [news["listen_url"].rpartition("/")[2]]
    assert once["stretches"] == again["stretches"]


async def test_a_title_read_twice_over_music_between_chimes(officer: httpx.AsyncClient) -> None:
    news, music = await announce(officer, "Mời bà con đi họp"), await announce(officer, "Lá lá la")
    over_music = reading(
        news, repeat=2, repeat_gap_ms=1500, fade_in_ms=50, fade_out_ms=80, bed_id=music["id"], bed_db=-20
    )
    playlist = await assembled(
        officer, {"kind": "chime", "chime": "test-rising"}, over_music, {"kind": "chime", "chime": "test-falling"}
    )

    assert over_music.items() <= playlist["items"][1].items()
    marks = playlist["stretches"][0]["marks"]
    assert [mark["kind"] for mark in marks] == ["chime", "announcement", "pause", "announcement", "chime"]
    assert marks[1]["duration_ms"] == pytest.approx(news["duration_ms"] + BED_LEAD_MS, abs=1)
    assert marks[2]["duration_ms"] == 1500


async def test_an_exercise_says_so_whoever_makes_it(officer: httpx.AsyncClient) -> None:
    news = await announce(officer, "Mời bà con ra khỏi nhà")

    playlist = await assembled(officer, {"kind": "chime", "chime": "exercise"}, reading(news))

    chime, words, said = playlist["stretches"][0]["marks"]
    assert (chime["kind"], words["kind"], words["title"]) == ("chime", "announcement", EXERCISE_WORDS)
    assert words["duration_ms"] > 500
    assert said["at_ms"] == chime["duration_ms"] + words["duration_ms"]


async def test_an_exercise_of_which_nothing_can_be_said_is_refused(
    officer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = await announce(officer, "Mời bà con ra khỏi nhà")
    monkeypatch.setattr(workshop, "RETRY_AFTER_S", 0.01)
    monkeypatch.setattr(EspeakEngine, "voices", lambda _engine: ())

    made = await ask(officer, {"kind": "chime", "chime": "exercise"}, reading(news))
    playlist = await settled(officer, made.headers["Location"])

    assert (playlist["status"], playlist["error"]["code"]) == ("failed", "exercise_unsaid")
    assert EXERCISE_WORDS in playlist["error"]["vi"]
    assert playlist["stretches"] == []


async def test_the_attention_call_has_a_length_to_choose(officer: httpx.AsyncClient) -> None:
    news = await announce(officer, "Mời bà con đi họp")
    call = {"kind": "chime", "chime": "attention", "seconds": 8}

    playlist = await assembled(officer, call, reading(news))

    assert playlist["items"][0]["seconds"] == 8
    assert playlist["stretches"][0]["marks"][0]["duration_ms"] == 8000


@pytest.mark.parametrize(
    ("chime", "seconds"), [("attention", 3.9), ("attention", 10.1), ("attention", "nan"), ("opening", 5)]
)
async def test_no_other_length_than_the_standards_and_of_no_other_chime(
    officer: httpx.AsyncClient, chime: str, seconds: object
) -> None:
    refused = await ask(officer, {"kind": "chime", "chime": chime, "seconds": seconds})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].endswith("seconds")


def test_the_words_of_an_exercise_are_read_as_the_announcement_after_them() -> None:
    items = [
        PlaylistItem(position=0, kind=ItemKind.CHIME, chime="exercise", pause_ms=0),
        *(_item(position, id_) for position, id_ in enumerate(("file", "english", "typed"), start=1)),
    ]
    held = {
        "file": _row("file", kind=Kind.FILE, voice=None),
        "english": _row("english", language="en", voice="espeak:en-us"),
        "typed": _row("typed", voice="espeak:vi+f3", speed_wpm=120),
    }

    steps = recipe.recipe(items, held)
    alone = recipe.recipe(items[:2], held)

    assert steps is not None
    assert alone is not None
    assert steps[0]["says"] == {"text": EXERCISE_WORDS, "voice": "espeak:vi+f3", "speed_wpm": 120}
    assert alone[0]["says"] == {"text": EXERCISE_WORDS, "voice": None, "speed_wpm": None}


def _item(position: int, announcement_id: str) -> PlaylistItem:
    return PlaylistItem(
        position=position, kind=ItemKind.ANNOUNCEMENT, announcement_id=announcement_id, repeat=1, pause_ms=0
    )


def _row(id_: str, *, kind: Kind = Kind.TEXT, language: str = "vi", **how: object) -> Announcement:
    return Announcement(id=id_, title=id_, kind=kind, language=language, clip_sha256="0" * 64, **how)


async def test_a_programme_of_more_than_a_day_is_refused_where_it_is_asked_for(officer: httpx.AsyncClient) -> None:
    news = await announce(officer, "Mời bà con đi họp")
    hours = reading(news, repeat=20, repeat_gap_ms=600_000)

    refused = await ask(officer, *[hours] * 8)

    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["field"] == "items"
    assert "24" in error["message"]


async def test_what_lies_under_a_playlist_is_held_by_it_and_heard_anew(officer: httpx.AsyncClient) -> None:
    news, music = await announce(officer, "Mời bà con đi họp"), await announce(officer, "Lá lá la")
    playlist = await assembled(officer, reading(news, bed_id=music["id"]))
    path, bed = f"/api/v1/playlists/{playlist['id']}", f"/api/v1/announcements/{music['id']}"
    before = playlist["stretches"][0]["clip"]

    assert (await officer.patch(bed, json={"retired": True}, headers=ANY)).status_code == 409
    assert (await officer.patch(bed, json={"text": "Tình tính tang"}, headers=ANY)).status_code == 200
    await settled(officer, bed)
    assert (await settled(officer, path))["stretches"][0]["clip"] != before
    assert (await officer.patch(path, json={"retired": True}, headers=ANY)).status_code == 200
    assert (await officer.patch(bed, json={"retired": True}, headers=ANY)).status_code == 200


@pytest.mark.parametrize(
    ("item", "field", "words"),
    [
        ({"kind": "chime", "chime": "storm"}, "items.0.chime.chime", "khẩn cấp"),
        ({"kind": "chime", "chime": "all-clear"}, "items.0.chime.chime", "khẩn cấp"),
        ({"kind": "chime", "chime": "bell"}, "items.0.chime.chime", "một trong"),
        ({"fade_in_ms": 10_001}, "items.0.announcement.fade_in_ms", "10000"),
        ({"fade_out_ms": -1}, "items.0.announcement.fade_out_ms", "từ 0"),
        ({"repeat_gap_ms": 600_001}, "items.0.announcement.repeat_gap_ms", "600000"),
        ({"bed_id": "none"}, "items.0.bed_id", "Không có bản tin"),
        ({"bed_db": -18}, "items.0.bed_db", "bed_id"),
        ({"bed_id": "none", "bed_db": -3}, "items.0.announcement.bed_db", "-12"),
        ({"bed_id": "none", "bed_db": -41}, "items.0.announcement.bed_db", "-40"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(
    officer: httpx.AsyncClient, item: dict[str, Any], field: str, words: str
) -> None:
    news = await announce(officer, "Mời bà con đi họp")
    said = {}
    for language in ("vi", "en"):
        officer.headers["Accept-Language"] = language
        refused = await ask(officer, item if "kind" in item else reading(news, **item))
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert error["field"] == field
        said[language] = error["message"]

    assert words in said["vi"]
    assert said["en"] != said["vi"]


def test_what_changes_nothing_does_not_change_the_recipe() -> None:
    """A gap without a repeat is none: the sound keeps its name, and nothing is sent again."""
    news = type("Row", (), {"clip_sha256": "a" * 64, "title": "t"})()

    def steps(**how: Any) -> recipe.Recipe | None:
        wishes = {"repeat": 1, "pause_ms": 0, "fade_in_ms": 0, "fade_out_ms": 0} | how
        item = PlaylistItem(position=0, kind=ItemKind.ANNOUNCEMENT, announcement_id="1", **wishes)
        return recipe.recipe([item], {"1": news})

    assert steps(pause_ms=1500) == steps()
    assert steps(repeat=2, pause_ms=1500) != steps(repeat=2)
    assert steps(fade_in_ms=5) != steps()


async def test_what_was_put_away_is_taken_back_with_its_sound(officer: httpx.AsyncClient):
    body = {"title": "Chuông", "area_code": COMMUNE, "items": [{"kind": "chime", "chime": "opening"}]}
    made = (await officer.post("/api/v1/playlists", json=body)).json()
    path = f"/api/v1/playlists/{made['id']}"
    assert (await officer.patch(path, json={"retired": True}, headers=ANY)).json()["retired"]
    refused = await officer.patch(path, json={"title": "Khác"}, headers=ANY)
    assert refused.status_code == 409
    back = await officer.patch(path, json={"retired": False}, headers=ANY)
    assert (back.status_code, back.json()["retired"], back.json()["title"]) == (200, False, "Chuông")


async def test_an_edit_that_is_refused_changes_nothing_at_all(officer: httpx.AsyncClient):
    body = {"title": "Chuông", "area_code": COMMUNE, "items": [{"kind": "chime", "chime": "opening"}]}
    made = (await officer.post("/api/v1/playlists", json=body)).json()
    wrong = {"title": "Khác", "items": [{"kind": "announcement", "announcement_id": "nothing"}]}
    refused = await officer.patch(f"/api/v1/playlists/{made['id']}", json=wrong, headers=ANY)
    assert refused.status_code == 422
    assert (await officer.get(f"/api/v1/playlists/{made['id']}")).json()["title"] == "Chuông"
