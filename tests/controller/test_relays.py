"""Relays from the API to the signed plan: what they say, what they refuse, and what stands in for a silent station."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from controller.announcements.models import Announcement
from controller.broadcasting import making_sound, planning
from controller.content.repository import ClipRepository
from controller.planning.compile import Sound
from controller.playlists.models import Playlist
from controller.playlists.schemas import ItemIn
from protocol.messages import Relay, Stretch
from tests.support.broadcasts import hear, plan_of, replan, settled
from tests.support.controller import House, open_house
from tests.support.eventually import becomes
from tests.support.speaker import state_of

COMMUNE, SPEAKER = "07339", "07339-1"
ANY = {"If-Match": "*"}
VOV = {"kind": "relay", "url": "https://vov.example.vn/vov1.m3u8", "duration_ms": 1_800_000, "title": "VOV1"}
CHIME = {"kind": "chime"}
CHIME_MS = 2500


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", services=(planning, making_sound)) as opened:
        await opened.commune(COMMUNE, speakers=1)
        await replan(opened, SPEAKER)
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


async def air(client: httpx.AsyncClient, playlist: dict[str, Any], **more: Any) -> dict[str, Any]:
    wish = {"title": "Sáng", "playlist_id": playlist["id"], "area_code": COMMUNE}
    made = await client.post("/api/v1/schedules", json={**wish, "targets": [{"kind": "area", "key": COMMUNE}], **more})
    assert made.status_code == 201, made.text
    scheduled: dict[str, Any] = made.json()
    return scheduled


def clip_of(announcement: dict[str, Any]) -> str:
    return str(announcement["listen_url"].rpartition("/")[2])


async def test_a_relay_and_what_stands_in_for_it_reach_the_signed_plan(
    house: House, officer: httpx.AsyncClient
) -> None:
    music = await announce(officer, "Nhạc chờ")
    playlist = await assembled(officer, CHIME, VOV | {"announcement_id": music["id"]}, CHIME)
    scheduled = await air(officer, playlist)

    plan = await plan_of(house, SPEAKER)
    (occurrence,) = plan.occurrences
    assert occurrence.schedule_id == scheduled["id"]
    assert occurrence.relays == (
        Relay(
            item_id="2",
            title="VOV1",
            at_ms=CHIME_MS,
            duration_ms=1_800_000,
            url="https://vov.example.vn/vov1.m3u8",
            fallback=clip_of(music),
        ),
    )
    assert [stretch.at_ms for stretch in occurrence.stretches] == [0, CHIME_MS + 1_800_000]
    assert occurrence.duration_ms == playlist["duration_ms"] == 2 * CHIME_MS + 1_800_000
    assert {clip.sha256 for clip in plan.clips} == {clip_of(music), *(each.clip for each in occurrence.stretches)}
    (fallback,) = (clip for clip in plan.clips if clip.sha256 == clip_of(music))
    assert (await house.browser().get(fallback.url)).status_code == 200


async def test_relays_alone_are_a_programme_without_files(house: House, officer: httpx.AsyncClient) -> None:
    vov2 = VOV | {"title": "VOV2", "duration_ms": 600_000}
    playlist = await assembled(officer, VOV, {"kind": "pause", "pause_ms": 3000}, vov2)

    assert (playlist["stretches"], playlist["listen_url"]) == ([], None)
    assert [(each["title"], each["at_ms"]) for each in playlist["relays"]] == [("VOV1", 0), ("VOV2", 1_803_000)]
    assert playlist["duration_ms"] == 2_403_000
    await air(officer, playlist)
    plan = await plan_of(house, SPEAKER)
    assert [len(each.relays) for each in plan.occurrences] == [2]
    assert plan.clips == ()


async def test_a_playlist_says_its_relays_as_they_were_asked_for(officer: httpx.AsyncClient) -> None:
    playlist = await assembled(officer, CHIME, VOV)

    assert VOV.items() <= playlist["items"][1].items()
    assert playlist["items"][1]["announcement_id"] is None
    assert playlist["items"][0]["url"] is None


async def test_what_stands_in_is_held_and_its_new_sound_is_planned(house: House, officer: httpx.AsyncClient) -> None:
    music = await announce(officer, "Nhạc chờ")
    playlist = await assembled(officer, VOV | {"announcement_id": music["id"]})
    scheduled = await air(officer, playlist)
    path = f"/api/v1/announcements/{music['id']}"

    assert (await officer.patch(path, json={"retired": True}, headers=ANY)).status_code == 409
    assert (await officer.patch(path, json={"text": "Nhạc khác"}, headers=ANY)).status_code == 200
    anew = clip_of(await settled(officer, path))
    assert anew != clip_of(music)

    async def planned() -> bool:
        return [clip.sha256 for clip in (await plan_of(house, SPEAKER)).clips] == [anew]

    assert await becomes(planned)
    (occurrence,) = (await plan_of(house, SPEAKER)).occurrences
    assert occurrence.relays[0].fallback == anew
    gone = await officer.delete(f"/api/v1/schedules/{scheduled['id']}", headers=ANY)
    assert gone.status_code in {200, 204}, gone.text
    put_away = await officer.patch(f"/api/v1/playlists/{playlist['id']}", json={"retired": True}, headers=ANY)
    assert put_away.status_code == 200, put_away.text
    assert (await officer.patch(path, json={"retired": True}, headers=ANY)).status_code == 200


async def test_what_stands_in_is_kept_as_long_as_a_playlist_or_a_plan_needs_it(
    house: House, officer: httpx.AsyncClient
) -> None:
    music = await announce(officer, "Nhạc chờ")
    clip = clip_of(music)
    playlist = await assembled(officer, VOV | {"announcement_id": music["id"]})

    async def kept(after: timedelta) -> bool:
        async with house.database.reading() as session:
            return clip in await ClipRepository(session).needed(house.clock.now + after)

    async def put_away(model: type[Announcement] | type[Playlist], id_: str) -> None:
        async with house.database.transaction() as session:
            (await session.get_one(model, id_)).retired_at = house.clock.now

    await put_away(Announcement, music["id"])
    assert await kept(timedelta(days=3))
    await air(officer, playlist)
    await put_away(Playlist, playlist["id"])
    assert await kept(timedelta(0))
    assert not await kept(timedelta(days=3))
    async with house.database.transaction() as session:
        await ClipRepository(session).forget([clip])
    async with house.database.reading() as session:
        assert (await session.get_one(Playlist, playlist["id"])).sound_key is None


async def test_a_speaker_without_what_stands_in_is_not_ready(house: House, officer: httpx.AsyncClient) -> None:
    music = await announce(officer, "Nhạc chờ")
    await air(officer, await assembled(officer, VOV | {"announcement_id": music["id"]}))
    version = (await plan_of(house, SPEAKER)).version

    async def ready(*missing: str) -> int:
        await hear(house, state_of(SPEAKER, "s", plan_version=version, missing=missing), SPEAKER)
        (occurrence,) = (await officer.get("/api/v1/occurrences")).json()["items"]
        return int(occurrence["ready"])

    assert [await ready(clip_of(music)), await ready()] == [0, 1]


async def test_an_airing_names_the_stations_that_it_relays(officer: httpx.AsyncClient) -> None:
    await air(officer, await assembled(officer, CHIME, VOV))

    (occurrence,) = (await officer.get("/api/v1/occurrences")).json()["items"]
    assert occurrence["relays"] == [{"title": "VOV1", "at_ms": CHIME_MS, "duration_ms": 1_800_000}]
    assert "tiếp âm VOV1" in (await officer.get("/parts/day")).text


async def test_a_programme_that_relays_a_station_cannot_begin_again(officer: httpx.AsyncClient) -> None:
    playlist = await assembled(officer, CHIME, VOV)
    wish = {"title": "Sáng", "playlist_id": playlist["id"], "area_code": COMMUNE}
    said = {}
    for language in ("vi", "en"):
        refused = await officer.post(
            "/api/v1/schedules",
            json={**wish, "targets": [{"kind": "area", "key": COMMUNE}], "resume": "restart"},
            headers={"Accept-Language": language},
        )
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert error["field"] == "resume"
        said[language] = error["message"]
    assert "tiếp âm" in said["vi"]
    assert "relays" in said["en"]

    schedule = await air(officer, playlist)
    edited = await officer.patch(f"/api/v1/schedules/{schedule['id']}", json={"resume": "restart"}, headers=ANY)
    assert edited.status_code == 422, edited.text


async def test_planning_again_says_the_same_of_a_relay(house: House, officer: httpx.AsyncClient) -> None:
    await air(officer, await assembled(officer, CHIME, VOV))
    before = await plan_of(house, SPEAKER)

    await replan(house, SPEAKER)

    assert await plan_of(house, SPEAKER) == before


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"url": "ftp://vov.example.vn/live"}, "items.0.relay.url", "http://"),
        ({"url": "file:///etc/passwd"}, "items.0.relay.url", "http://"),
        ({"url": "vov.example.vn/live"}, "items.0.relay.url", "http://"),
        ({"url": "https:///live"}, "items.0.relay.url", "máy chủ"),
        ({"url": "https://vov.example.vn:99999/live"}, "items.0.relay.url", "cổng"),
        ({"url": "https://[::1/live"}, "items.0.relay.url", "máy chủ"),
        ({"url": "https://-x-/live"}, "items.0.relay.url", "máy chủ"),
        ({"url": "https://user:secret@vov.example.vn/live"}, "items.0.relay.url", "mật khẩu"),
        ({"url": "https://user@vov.example.vn/live"}, "items.0.relay.url", "mật khẩu"),
        ({"url": "https://vov.example.vn/đài 1"}, "items.0.relay.url", "dấu"),
        ({"url": "https://vov.example.vn/\nlive"}, "items.0.relay.url", "dấu"),
        ({"url": "https://vov.example.vn/" + "x" * 2000}, "items.0.relay.url", "2000"),
        ({"duration_ms": 9_999}, "items.0.relay.duration_ms", "10000"),
        ({"duration_ms": 7_200_001}, "items.0.relay.duration_ms", "7200000"),
        ({"title": " "}, "items.0.relay.title", "ít nhất 1"),
        ({"announcement_id": "none"}, "items.0.announcement_id", "Không có bản tin"),
    ],
)
async def test_a_relay_that_cannot_be_is_refused_by_its_field(
    officer: httpx.AsyncClient, change: dict[str, Any], field: str, words: str
) -> None:
    said = {}
    for language in ("vi", "en"):
        officer.headers["Accept-Language"] = language
        refused = await ask(officer, VOV | change)
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert error["field"] == field
        assert "secret" not in refused.text
        said[language] = error["message"]

    assert words in said["vi"]
    assert said["en"] != said["vi"]


async def test_more_than_a_day_of_relays_is_refused(officer: httpx.AsyncClient) -> None:
    officer.headers["Accept-Language"] = "vi"
    two_hours = VOV | {"duration_ms": 7_200_000}

    assert (await ask(officer, *[two_hours] * 12)).status_code == 201
    refused = await ask(officer, *[two_hours] * 12, VOV)
    assert refused.status_code == 422
    assert "24 giờ" in refused.text


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" HTTP://Vov.example.vn/Live ", "http://Vov.example.vn/Live"),
        ("http://192.168.1.9:8000/xa", "http://192.168.1.9:8000/xa"),
        ("https://[2001:db8::1]:8443/a.m3u8?k=1", "https://[2001:db8::1]:8443/a.m3u8?k=1"),
    ],
)
def test_an_address_is_kept_as_speakers_open_it(written: str, kept: str) -> None:
    assert TypeAdapter(ItemIn).validate_python(VOV | {"url": written}).url == kept


@given(st.one_of(st.text(), st.text().map("http://".__add__), st.from_regex(r"https?://[^/]{0,20}(/.*)?")))
def test_whatever_address_is_taken_can_stand_in_a_plan(written: str) -> None:
    try:
        item = TypeAdapter(ItemIn).validate_python(VOV | {"url": written})
    except ValidationError:
        return
    assert Relay(item_id="1", at_ms=0, duration_ms=1, url=item.url).url == item.url
    assert "@" not in item.url.split("/")[2]


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from(["b", "c", "d", None])), st.randoms())
def test_the_clips_of_a_sound_are_its_files_and_what_stands_in(files: list[str], fallbacks: Any, shuffle: Any) -> None:
    stretches = [Stretch(clip=letter * 64, at_ms=0, duration_ms=1) for letter in files]
    relays = [
        Relay(item_id="r", at_ms=0, duration_ms=1, url="http://x", fallback=letter and letter * 64)
        for letter in fallbacks
    ]
    wanted = Sound(tuple(stretches), tuple(relays)).clips
    shuffle.shuffle(stretches)
    shuffle.shuffle(relays)

    assert Sound(tuple(stretches), tuple(relays)).clips == wanted
    assert wanted == {letter * 64 for letter in [*files, *fallbacks] if letter}
