"""Whom a live session reaches: quiet hours, shares, many speakers; late sound, and browsers that cannot encode."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.opus import Decoder
from controller.devices.models import Device
from controller.live.arriving import BELIEVED_AFTER_MS, LATE_MS, PCM_HZ, Lateness, Piece, SoundFormat
from controller.live.keeping import desk_of
from protocol.live import FrameKey
from tests.controller.test_live import LOUD, WISH, Wire, pressed, wire
from tests.support.controller import NOON, House

__all__ = ["wire"]

NOON_QUIET = {"quiet_hours": [{"start": "11:00", "end": "13:00"}]}
ONE_O_CLOCK = NOON + timedelta(hours=1)


# --- what comes late


@given(st.lists(st.integers(0, 900), min_size=1, max_size=200), st.integers(0, 2**31))
def test_on_an_uneven_network_nothing_is_late(ways_ms: list[int], began_ms: int):
    lateness = Lateness()
    assert not any(lateness.is_late(began_ms + 20 * n, 20.0 * n + way) for n, way in enumerate(ways_ms))


def test_what_a_hanging_line_brings_at_once_is_the_past_but_for_its_end():
    lateness = Lateness()
    assert not any(lateness.is_late(20 * n, 20.0 * n + 30) for n in range(100))
    back_ms = 2000.0 + 5000.0
    burst = [20 * n for n in range(100, 350)]
    passed = [said for said in burst if not lateness.is_late(said, back_ms)]
    assert passed
    assert all(back_ms - said <= LATE_MS + 30 + 25 for said in passed)
    assert not lateness.is_late(7000, 7030.0), "what is said now is heard"


def test_a_clock_that_jumped_is_believed_after_a_while():
    lateness = Lateness()
    lateness.is_late(10_000, 0.0)
    late = [lateness.is_late(n * 20, 20.0 * n) for n in range(400)]
    assert late == sorted(late, reverse=True)
    assert sum(late) == pytest.approx(BELIEVED_AFTER_MS / 20, abs=1)


@pytest.mark.parametrize(
    ("size", "sound"), [(0, SoundFormat.OPUS), (5, SoundFormat.OPUS), (1281, SoundFormat.OPUS), (646, SoundFormat.PCM)]
)
def test_what_is_no_piece_of_speech_is_dropped(size: int, sound: SoundFormat):
    assert Piece.parse(bytes(size), sound) is None


# --- browsers that cannot encode


async def test_samples_are_encoded_and_sound_as_they_did(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house, sound="pcm_s16le_16000")
    wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(PCM_HZ) / PCM_HZ)
    pcm = wave.astype("<i2").tobytes()
    await press.desk.look()
    for at in range(0, len(pcm), 640):
        quiet_house.clock.advance(timedelta(milliseconds=20))
        await press.desk.take(press.speaking, LOUD, pcm[at : at + 640])
    key, decoder = FrameKey.of(wire.words(quiet_house)[0].frame_key), Decoder()
    heard = np.frombuffer(b"".join(decoder.decode(each.opened(key).opus) for each in wire.frames), "<i2")
    assert len(wire.frames) == 50
    spectrum = np.abs(np.fft.rfft(heard[24_000:]))
    assert int(np.argmax(spectrum)) * 2 == pytest.approx(440, abs=4)


async def test_samples_of_another_length_are_dropped(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house, sound="pcm_s16le_16000")
    for size in (0, 2, 638, 1920):
        await press.desk.take(press.speaking, LOUD, bytes(size))
    assert not wire.frames


# --- quiet hours


async def village(house: House, **policies: Any) -> Any:
    """A commune with one speaker of its own and one in each hamlet; its officer."""
    await house.commune("07339", speakers=1)
    for hamlet, policy in policies.items():
        await house.area(hamlet, parent="07339", name=f"Thôn {hamlet}", policy=policy)
        await house.device(f"loa-{hamlet}", hamlet)
    return await house.signed_in("07339")


async def test_before_the_press_it_is_said_who_is_in_quiet_hours_and_until_when(quiet_house: House, wire: Wire):
    officer = await village(quiet_house, dong=NOON_QUIET, tay={})
    said = (await officer.get("/api/v1/live-sessions/reach")).json()
    assert (said["speakers"], said["reachable"]) == (3, 2)
    (place,) = said["quiet"]
    assert (place["name"], place["speakers"]) == ("Thôn dong", 1)
    assert datetime.fromisoformat(place["until"]) == ONE_O_CLOCK
    chosen = (await officer.get("/api/v1/live-sessions/reach", params={"target": ["area:tay"]})).json()
    assert (chosen["speakers"], chosen["reachable"], chosen["quiet"]) == (1, 1, [])


async def test_where_some_are_in_quiet_hours_it_asks_and_then_speaks_to_the_rest(quiet_house: House, wire: Wire):
    officer = await village(quiet_house, dong=NOON_QUIET, tay={})
    wish = {**WISH, "targets": [{"kind": "area", "key": "dong"}, {"kind": "device", "key": "loa-tay"}]}
    asked = await officer.post("/api/v1/live-sessions", json=wish)
    assert (asked.status_code, asked.json()["code"]) == (409, "some_quiet_hours")
    begun = await officer.post("/api/v1/live-sessions", json={**wish, "without_quiet": True})
    assert begun.status_code == 201, begun.text
    assert begun.json()["targets"] == [{"kind": "device", "key": "loa-tay"}]
    await desk_of(quiet_house.runtime).look()
    assert {topic for topic, _ in wire.said} == {"loa/1/devices/loa-tay/live"}


@pytest.mark.parametrize("agreed", [{}, {"without_quiet": True}], ids=["unasked", "agreed"])
async def test_where_all_are_in_quiet_hours_nobody_speaks_whatever_was_agreed_to(
    quiet_house: House, wire: Wire, agreed: dict[str, bool]
):
    officer = await village(quiet_house, dong=NOON_QUIET)
    wish = {**WISH, "targets": [{"kind": "area", "key": "dong"}], **agreed}
    refused = await officer.post("/api/v1/live-sessions", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (409, "quiet_hours")
    assert not wire.said


async def test_nobody_asks_about_a_neighbour(quiet_house: House, wire: Wire):
    officer = await village(quiet_house)
    await quiet_house.commune("07340")
    refused = await officer.get("/api/v1/live-sessions/reach", params={"target": ["area:07340"]})
    assert refused.status_code == 422


# --- shares


async def test_the_officers_of_one_area_leave_room_for_those_of_others(quiet_house: House, wire: Wire):
    await quiet_house.commune("07339")
    await quiet_house.commune("07340")
    officer, other = await quiet_house.signed_in("07339"), await quiet_house.signed_in("07340")
    at_once = quiet_house.runtime.settings.live_at_once
    begun = [await officer.post("/api/v1/live-sessions", json=WISH) for _ in range(at_once + 1)]
    assert [answer.status_code for answer in begun] == [201] * at_once + [503]
    assert begun[-1].json()["code"] == "too_many_live_sessions_here"
    assert str(at_once) in begun[-1].json()["detail"]
    theirs = {**WISH, "area_code": "07340", "targets": [{"kind": "area", "key": "07340"}]}
    assert (await other.post("/api/v1/live-sessions", json=theirs)).status_code == 201
    await officer.post(f"/api/v1/live-sessions/{begun[0].json()['id']}/end")
    await desk_of(quiet_house.runtime).look()
    assert (await officer.post("/api/v1/live-sessions", json=WISH)).status_code == 201


# --- targets are no speakers


async def test_a_commune_of_two_thousand_speakers_is_one_target(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house)
    async with quiet_house.database.transaction() as session:
        session.add_all(
            Device(id=f"loa-{n}", name=f"Loa {n}", area_code="07339", registered_at=NOON) for n in range(1998)
        )
    heard = (await press.officer.get(f"/api/v1/live-sessions/{press.speaking.id}/listeners")).json()
    assert (heard["speakers"], heard["hearing"], len(heard["not_hearing"])) == (2000, 0, 100)
    await press.speak(1)
    assert len(wire.frames) == 50, "each frame is published once"


async def test_seventeen_targets_are_too_many(quiet_house: House, wire: Wire):
    await quiet_house.commune("07339", speakers=17)
    officer = await quiet_house.signed_in("07339")
    targets = [{"kind": "device", "key": f"07339-{n}"} for n in range(1, 18)]
    assert (await officer.post("/api/v1/live-sessions", json={**WISH, "targets": targets})).status_code == 422
    assert (await officer.post("/api/v1/live-sessions", json={**WISH, "targets": targets[:16]})).status_code == 201
