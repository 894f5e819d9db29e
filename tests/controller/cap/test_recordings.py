"""Warnings that bring a recording: it is what is heard, and a voice stands in where it cannot be had."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from controller.alerts.keeping import alerting
from controller.alerts.models import AlertRow
from controller.announcements import making
from controller.announcements.models import Announcement
from controller.broadcasting import making_sound, planning
from controller.cap.models import CapSender
from controller.cap.room import room_of
from controller.cap.service import CapService
from tests.support.broadcasts import settled
from tests.support.cap import NOON, cap, info
from tests.support.controller import House, open_house
from tests.support.feeds import Answer, WebServer
from tests.support.recordings import make_recording

RECORDED_MS = range(2_800, 3_800)
"""What becomes of three seconds of sound; the voice takes longer for its words."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    services = (planning, alerting, making_sound)
    async with open_house(tmp_path / "data", services=services, now=NOON, cap_networks=("127.0.0.1/32",)) as opened:
        await opened.commune("07339", speakers=1)
        yield opened


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_recording(tmp_path_factory.mktemp("sound") / "a.opus", "-b:a", "24k", seconds=3.0).read_bytes()


def warning(*, uri: str = "", inline: bytes = b"", digest: str = "", language: str = "vi-VN") -> bytes:
    held = f"<derefUri>{base64.b64encode(inline).decode()}</derefUri>" if inline else ""
    parts = f"<uri>{uri}</uri>" * bool(uri) + held + f"<digest>{digest}</digest>" * bool(digest)
    return cap(
        info(
            language=language,
            more=f"<resource><resourceDesc>lời đọc</resourceDesc><mimeType>audio/ogg</mimeType>{parts}</resource>",
        )
    )


async def heard(house: House, message: bytes) -> dict[str, Any]:
    """What is heard of a message, when its sound is made."""
    sender = CapSender(title="KTTV", area_code="07339")
    async with house.database.transaction() as session:
        session.add(sender)
    async with house.database.transaction() as session:
        row = await session.get_one(CapSender, sender.id)
        await CapService(session, room_of(house.runtime)(session)).take(row, message, now=NOON)
    async with house.database.reading() as session:
        words = await session.scalar(select(AlertRow.announcement_id))
    made: dict[str, Any] = await settled(await house.signed_in("07339"), f"/api/v1/announcements/{words}")
    assert made["status"] == "ready", made
    assert made["text"].startswith("Cảnh báo lũ quét.")
    return made


async def test_a_recording_inside_the_message_is_heard(house: House, sound: bytes) -> None:
    assert (await heard(house, warning(inline=sound)))["duration_ms"] in RECORDED_MS


async def test_a_recording_at_an_address_is_fetched_once_and_heard(house: House, sound: bytes) -> None:
    async with WebServer().running() as server:
        server.answers["/a.opus"] = Answer(sound)
        told = hashlib.sha1(sound, usedforsecurity=False).hexdigest()
        made = await heard(house, warning(uri=server.url("/a.opus"), digest=told))
    assert (made["duration_ms"] in RECORDED_MS, server.targets) == (True, ["/a.opus"])


@pytest.mark.parametrize("what", ["not there", "another", "no sound", "broken off", "too much"])
async def test_where_it_cannot_be_had_or_played_the_voice_reads(
    house: House, sound: bytes, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        "another": Answer(sound),
        "no sound": Answer(b"<html>"),
        "broken off": Answer(sound, whole=False),
        "too much": Answer(sound),
    }
    if what == "too much":
        monkeypatch.setattr(making, "RECORDING", making.Limits(max_duration_s=1.0))
    async with WebServer().running() as server:
        server.answers |= {"/a.opus": answers[what]} if what in answers else {}
        digest = "0" * 40 if what == "another" else ""
        made = await heard(house, warning(uri=server.url("/a.opus"), digest=digest))
    assert server.targets == ["/a.opus"]
    assert made["duration_ms"] > RECORDED_MS.stop


async def test_an_address_inside_our_own_network_is_not_asked(house: House) -> None:
    made = await heard(house, warning(uri="http://10.0.0.1/a.opus"))
    assert made["duration_ms"] > RECORDED_MS.stop


async def test_a_recording_in_a_language_that_no_voice_reads_does_not_take_the_place_of_other_words(
    house: House, sound: bytes
) -> None:
    vietnamese, hmong = info(), warning(inline=sound, language="mww").decode()
    other = hmong[hmong.index("<info>") : hmong.index("</info>") + len("</info>")]
    assert (await heard(house, cap(vietnamese, other)))["duration_ms"] > RECORDED_MS.stop


async def test_who_changes_the_words_hears_the_new_ones(house: House, sound: bytes) -> None:
    made = await heard(house, warning(inline=sound))
    who = await house.signed_in("07339", "lan")
    path = f"/api/v1/announcements/{made['id']}"
    edit = {"text": made["text"] + " Mang theo đèn pin, nước uống và áo mưa."}
    assert (await who.patch(path, json=edit, headers={"If-Match": "*"})).status_code == 409, "an alert says them"
    (alert,) = (await who.get("/api/v1/alerts")).json()["items"]
    assert (await who.post(f"/api/v1/alerts/{alert['id']}/discard")).is_success
    assert (await who.patch(path, json=edit, headers={"If-Match": "*"})).status_code in {200, 202}
    assert (await settled(who, path))["duration_ms"] > RECORDED_MS.stop
    async with house.database.reading() as session:
        assert (await session.get_one(Announcement, made["id"])).source is None
