"""The real audio path: a PulseAudio server, its null sink, and an ear at the monitor."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import chirp, correlate

from device_agent.decoder import Samples
from device_agent.mixer import Ended, Started
from device_agent.player import Player, PlayerEvent, SinkChanged
from device_agent.sinks import RATE_HZ, SinkUnavailable
from device_agent.sinks.choose import open_sink
from device_agent.sinks.pulse import PulseSink
from tests.support.pulse import ears, null_sinks

MONITOR_LEAD_S = 0.010
"""The monitor of a null sink is ahead of what the server calls sounding, by a constant."""


async def test_a_sound_reaches_the_horn_whole_at_its_instant(tmp_path: Path) -> None:
    at_s = np.arange(RATE_HZ) / RATE_HZ
    sweep = (chirp(at_s, 300, 1, 5000) * 12_000).astype("<i2")
    events: asyncio.Queue[PlayerEvent] = asyncio.Queue()
    with null_sinks(tmp_path, 1) as (server, (name,)), ears(server, [name]) as (ear,):
        player = Player(lambda: PulseSink(server=server, device=name))
        player.listen(events.put_nowait)
        player.start()
        try:
            async with asyncio.timeout(20):
                assert isinstance(await events.get(), SinkChanged)
                at = time.monotonic() + 1.5
                begins = datetime.now(UTC) + timedelta(seconds=1.5)
                player.play(Samples(sweep.tobytes()), at_mono_s=at, of="sweep", gain=1.0)
                started, ended = await events.get(), await events.get()
                assert isinstance(started, Started)
                assert started.first_mono_s == pytest.approx(at, abs=0.02)
                assert isinstance(ended, Ended)
                assert (ended.cause, ended.played_ms) == ("completed", 1000)
        finally:
            await player.aclose()
        heard = ear.between(begins - timedelta(seconds=0.5), begins + timedelta(seconds=1.2))
    likeness = correlate(heard.samples, sweep.astype(np.float32) / 32768, mode="valid", method="fft")
    best = int(np.argmax(likeness))
    found = heard.samples[best : best + RATE_HZ]
    assert np.corrcoef(found, sweep)[0, 1] > 0.99
    error_s = (heard.first_sample_at - begins).total_seconds() + best / RATE_HZ + MONITOR_LEAD_S
    assert abs(error_s) < 0.025


def test_no_server_is_said_to_be_no_server(tmp_path: Path) -> None:
    with pytest.raises(SinkUnavailable):
        PulseSink(server=f"unix:{tmp_path}/nobody")


def test_auto_takes_the_sound_server_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with null_sinks(tmp_path / "pulse", 1) as (server, _):
        monkeypatch.setenv("PULSE_SERVER", server)
        sink = open_sink("auto", state_dir=tmp_path)
        assert sink.name == "pulse"
        sink.close()
