"""Announcements read by voices that come and go, with the words of their place."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from controller.announcements import workshop
from tests.support.broadcasts import settled
from tests.support.controller import House, open_house
from tests.support.speech_server import SpeechServer, speech_server, tone, wav

VOICES = [{"id": "ngoc", "gender": "female", "region": "southern", "title": "Ngọc"}]


@pytest.fixture
def service() -> Iterator[SpeechServer]:
    with speech_server(lambda _wish, handler: handler.send(b"", "text/plain", 500)) as server:
        yield server


@pytest.fixture
async def house(tmp_path: Path, service: SpeechServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A commune whose province has a speech service."""
    monkeypatch.setattr(workshop, "RETRY_AFTER_S", 0.01)
    async with open_house(tmp_path / "data", speech_url=service.url, speech_voices=VOICES) as opened:
        await opened.area("07339")
        yield opened


async def typed(who: httpx.AsyncClient, text: str, **more: object) -> str:
    wish = {"title": "Bản tin", "text": text, "area_code": "07339", **more}
    return (await who.post("/api/v1/announcements", json=wish)).headers["Location"]


async def test_a_service_that_is_down_fails_what_asked_for_it_and_nothing_else(house: House, service: SpeechServer):
    who = await house.signed_in("07339")
    voices = (await who.get("/api/v1/speech/voices")).json()["items"]
    assert "Ngọc: Giọng nữ, miền Nam" in {voice["name_vi"] for voice in voices}

    waiting = [await typed(who, f"Thôn {number} họp.", voice="http:ngoc") for number in range(3)]
    other = await typed(who, "Xã họp.", voice="espeak:vi+f3")
    failed = [await settled(who, each) for each in waiting]
    assert {(each["status"], each["error"]["code"]) for each in failed} == {("failed", "engine_failed")}
    assert (await settled(who, other))["status"] == "ready"
    assert len(service.asked) <= 6, "it rests instead of being asked again and again"


async def test_a_service_that_works_is_heard(house: House, service: SpeechServer):
    service.answer = lambda _wish, handler: handler.send(wav(tone(1.5)))
    who = await house.signed_in("07339")

    made = await settled(who, await typed(who, "Xã họp.", voice="http:ngoc"))
    assert made["status"] == "ready"
    assert service.asked[0]["text"] == "xã họp."


async def test_the_dictionary_is_heard_in_new_sound_and_changes_none_that_was_made(house: House):
    who = await house.signed_in("07339")
    first = await typed(who, "Mời bà con ra NVX họp.")
    before = await settled(who, first)
    entry = {"written": "NVX", "spoken": "nhà văn hoá xã Đông Cứu"}
    assert (await who.post("/api/v1/pronunciations", json=entry)).status_code == 201
    after = await settled(who, await typed(who, "Mời bà con ra NVX họp."))

    assert after["duration_ms"] > before["duration_ms"]
    assert (await settled(who, first))["clip"] == before["clip"]
