"""The conductor over real threads, real decoders and a real sound server, with an ear at its monitor."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from device_agent.calls import MakeSound
from device_agent.decoder import Piece, prepare
from device_agent.sinks.pulse import PulseSink
from protocol.messages import Outcome
from schedules.types import Priority
from tests.support.children import running
from tests.support.house import House, at_work
from tests.support.pulse import Ear, PulseServer, ears
from tests.support.recordings import make_recording
from tests.support.sound import RATE_HZ, Recording, Samples, decode, find
from tests.support.starved import undisturbed

OPUS = ("-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg")
ROUTINE_HZ, LIVE_HZ, ALERT_HZ = 500, 1000, 2000
WINDOW = RATE_HZ // 100
MONITOR_LEAD_S = 0.010
QUIET = 1e-4


def file_sound(path: Path) -> MakeSound:
    return lambda from_ms, on_ready: prepare([Piece(path, from_ms=0 * from_ms)], on_ready)


def tones(samples: Samples) -> list[tuple[frozenset[int], float]]:
    """What was heard, as (tones, seconds), by windows of 10 ms."""
    at = np.arange(WINDOW) / RATE_HZ
    waves = {hz: np.exp(-2j * np.pi * hz * at) for hz in (ROUTINE_HZ, LIVE_HZ, ALERT_HZ)}
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    present = [frozenset(hz for hz, wave in waves.items() if abs(window @ wave) / WINDOW > 0.01) for window in windows]
    return [(which, sum(1 for _ in run) / 100) for which, run in groupby(present)]


async def test_an_alert_over_a_live_session_over_a_routine_item_and_back(tmp_path: Path) -> None:
    await undisturbed(_alert_over_live_over_routine, tmp_path)


async def _alert_over_live_over_routine(tmp_path: Path) -> None:
    sine = "sine=frequency={hz}:sample_rate=48000:duration={{seconds}}"
    files = {
        hz: make_recording(tmp_path / f"{hz}.opus", *OPUS, sound=sine.format(hz=hz), seconds=seconds)
        for hz, seconds in ((ROUTINE_HZ, 30), (LIVE_HZ, 4), (ALERT_HZ, 2))
    }
    with PulseServer(tmp_path / "pulse") as server, ears(server.address, server.sinks) as (ear,):
        house = House(tmp_path, server.address, server.sinks[0], files[ROUTINE_HZ], lasts_s=30)
        async with at_work(house):
            await house.until(house.on_air("tin"))
            house.call("chu-tich", "live", file_sound(files[LIVE_HZ]), lasts_s=60, priority=Priority.LIVE)
            await house.until(house.on_air("chu-tich"))
            await house.until(lambda: not running("ffmpeg"))
            house.call("bao-lu", "alert", file_sound(files[ALERT_HZ]), lasts_s=2, priority=Priority.EMERGENCY)
            await house.until(lambda: ("chu-tich", Outcome.COMPLETED) in house.outcomes)
            await house.until(lambda: house.outcomes[-1] == ("tin", None) and house.on_air("tin")())
            await house.until(lambda: house.conductor.state().position_ms > house.journal.rows[-1].play.from_ms + 400)
            await house.conductor.stop()
            ended_at = house.journal.rows[-1].ended_at
            assert ended_at is not None
            heard = ear.between(house.starts_at + timedelta(seconds=0.1), ended_at - timedelta(seconds=0.1))

    assert house.outcomes == [
        ("tin", Outcome.PRE_EMPTED),
        ("chu-tich", Outcome.PRE_EMPTED),
        ("bao-lu", Outcome.COMPLETED),
        ("chu-tich", Outcome.COMPLETED),
        ("tin", Outcome.STOPPED),
    ]
    parts = tones(heard.samples)
    alone = [next(iter(which)) for which, seconds in parts if len(which) == 1 and seconds > 0.1]
    assert [hz for hz, _ in groupby(alone)] == [ROUTINE_HZ, LIVE_HZ, ALERT_HZ, LIVE_HZ, ROUTINE_HZ]
    # A machine that was too busy to be heard says so itself.
    grace_s = 0.08 + house.player.status.underrun_ms / 1000 + 4 * len(house.broken_off)
    assert sum(seconds for which, seconds in parts if len(which) > 1) < 3 * 0.08, parts
    # Only when somebody stops speaking, which nobody knows ahead, is there a moment of silence.
    *silences, _ = sorted(seconds for which, seconds in parts if not which)
    assert sum(silences) < grace_s, parts
    alert = next(row for row in reversed(house.journal.rows) if row.play.kind == "alert")
    assert alert.played_ms == pytest.approx(2000, abs=20)
    assert abs(house.journal.rows[0].start_error_ms or 0) < 50


async def test_the_record_of_a_starved_speaker_says_what_the_ear_heard(tmp_path: Path) -> None:
    await undisturbed(_starved_speaker, tmp_path)


async def _starved_speaker(tmp_path: Path) -> None:
    programme = make_recording(tmp_path / "tin.opus", *OPUS, seconds=6)
    may_write = threading.Event()
    may_write.set()

    class Held(PulseSink):
        def write(self, frames: bytes, of: str | None = None) -> None:
            may_write.wait()
            super().write(frames, of)

    with PulseServer(tmp_path / "pulse") as server, ears(server.address, server.sinks) as (ear,):
        house = House(tmp_path, server.address, server.sinks[0], programme, lasts_s=6, sink_type=Held)
        async with at_work(house):
            for reached_ms in (1000, 3000):
                await house.until(lambda at=reached_ms: house.conductor.state().position_ms > at)
                may_write.clear()
                await house.until(lambda: np.abs(_last(ear, 0.3)).max() < QUIET)
                may_write.set()
            await house.until(lambda: house.outcomes == [("tin", Outcome.COMPLETED)])
            status = house.player.status
        (row,) = house.journal.rows
        assert row.started_at
        assert row.ended_at
        heard = ear.between(row.started_at + timedelta(seconds=0.1), row.ended_at - timedelta(seconds=0.1)).samples

    assert row.quality
    assert row.quality.underruns >= 2
    assert (row.quality.underruns, row.quality.underrun_ms) == (status.underruns, status.underrun_ms)
    sounded = np.abs(heard[: len(heard) // WINDOW * WINDOW].reshape(-1, WINDOW)).max(axis=1) > QUIET
    silent_ms = 10 * int((~sounded).sum())
    assert row.quality.underrun_ms == pytest.approx(silent_ms, abs=60)
    rms = np.sqrt((heard.astype(float) ** 2).sum() / (sounded.sum() * WINDOW))
    assert row.quality.level_dbfs == pytest.approx(20 * np.log10(rms), abs=0.5)


def _last(ear: Ear, seconds: float) -> Samples:
    now = datetime.now(UTC)
    return ear.between(now - timedelta(seconds=seconds), now).samples


async def test_a_killed_sound_server_is_told_and_the_rest_is_heard_when_it_is_back(tmp_path: Path) -> None:
    await undisturbed(_killed_sound_server, tmp_path)


async def _killed_sound_server(tmp_path: Path) -> None:
    programme = make_recording(tmp_path / "tin.opus", *OPUS, seconds=20)
    with PulseServer(tmp_path / "pulse") as server:
        house = House(tmp_path, server.address, server.sinks[0], programme, lasts_s=20)
        async with at_work(house):
            await house.until(house.on_air("tin"))
            await house.until(lambda: house.conductor.state().position_ms >= 2000)
            server.kill()
            killed_at = datetime.now(UTC)
            await house.until(lambda: house.conductor.state().state == "lost")
            await house.until(lambda: house.journal.rows[0].outcome is Outcome.INTERRUPTED)
            assert "sink_lost" in {problem.code for problem in house.conductor.problems()}
            broken = house.journal.rows[0]
            assert broken.reason == "sink_lost"
            assert broken.ended_at is not None
            # What is said to have sounded did, and nothing after the end.
            assert broken.ended_at <= killed_at + timedelta(milliseconds=200)
            assert broken.played_ms <= (killed_at - house.starts_at) / timedelta(milliseconds=1) + 200
            server.start()
            with ears(server.address, server.sinks) as (ear,):
                await house.until(lambda: house.on_air("tin")() and not house.conductor.problems())
                await house.until(lambda: house.outcomes == [("tin", Outcome.COMPLETED)])
                rest = house.journal.rows[-1]
                assert rest.started_at is not None
                assert rest.ended_at is not None
                heard = ear.between(rest.started_at, rest.ended_at)

    status = house.player.status
    too_busy_ms = status.underrun_ms + 100 * status.underruns
    assert rest.play.from_ms + rest.played_ms == pytest.approx(20_000, abs=150 + too_busy_ms)
    assert rest.ended_at == pytest.approx(house.starts_at + timedelta(seconds=20), abs=timedelta(milliseconds=300))
    assert abs((_begins(decode(programme), heard) - house.starts_at).total_seconds()) < 0.03


def _begins(programme: Samples, heard: Recording) -> datetime:
    """When the programme began, by where half a second of its rest lies that was heard well."""
    best = None
    for start in range(0, len(heard.samples) - RATE_HZ // 2, RATE_HZ // 2):
        part = heard.samples[start : start + RATE_HZ // 2]
        found = find(part, Recording(Path(), "", datetime.fromtimestamp(0, UTC), programme))
        if best is None or found.likeness > best[0]:
            best = found.likeness, start / RATE_HZ - found.at.timestamp()
    assert best is not None
    assert best[0] > 0.9
    return heard.first_sample_at + timedelta(seconds=best[1] + MONITOR_LEAD_S)
