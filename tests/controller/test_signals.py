"""Signals and sirens, looked up and heard by people."""

from pathlib import Path

import httpx
import pytest

from audio.ffmpeg import recording
from audio.listen import measure
from audio.signals import ABOUT, Signal, Use, length_ms
from tests.support.controller import House

COMMUNE = "07339"


@pytest.fixture
async def officer(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE)
    return await house.signed_in(COMMUNE)


async def test_every_signal_is_listed_with_its_meaning_in_both_languages(officer: httpx.AsyncClient):
    listed = {each["kind"]: each for each in (await officer.get("/api/v1/signals")).json()["items"]}

    assert list(listed) == [signal.value for signal in Signal]
    for signal in Signal:
        said = listed[signal.value]
        assert (said["meaning_vi"], said["meaning_en"]) == (ABOUT[signal].meaning_vi, ABOUT[signal].meaning_en)
        assert said["duration_ms"] == length_ms(signal)
        assert said["use"] == ABOUT[signal].use


@pytest.mark.parametrize("signal", [Signal.TEST_RISING, Signal.FLOOD_2])
async def test_a_signal_is_heard_as_loud_as_it_is(signal: Signal, officer: httpx.AsyncClient, tmp_path: Path):
    heard = await officer.get(f"/api/v1/signals/{signal}.opus")
    (tmp_path / "heard.opus").write_bytes(heard.content)
    measured = measure(recording(tmp_path / "heard.opus"))

    assert heard.headers["content-type"].startswith("audio/ogg")
    assert measured.sample_count == length_ms(signal) * 48
    assert abs(measured.loudness.integrated_lufs - (-10 if ABOUT[signal].use is Use.ALARM else -16)) < 1


async def test_a_part_of_a_signal_can_be_asked_for(officer: httpx.AsyncClient):
    """Some browsers play nothing that cannot be asked for in parts."""
    whole = (await officer.get("/api/v1/signals/opening.opus")).content
    part = await officer.get("/api/v1/signals/opening.opus", headers={"Range": "bytes=10-19"})

    assert (part.status_code, part.content) == (206, whole[10:20])


@pytest.mark.parametrize("path", ["/api/v1/signals", "/api/v1/signals/opening.opus"])
async def test_only_who_is_signed_in_hears_them(path: str, house: House):
    assert (await house.browser().get(path)).status_code == 401


async def test_a_signal_that_does_not_exist_is_refused(officer: httpx.AsyncClient):
    assert (await officer.get("/api/v1/signals/../secret.opus")).status_code == 404
    assert (await officer.get("/api/v1/signals/bell.opus")).status_code == 422
