"""The real audio path: a PulseAudio server, its null sink, and an ear at the monitor."""

from pathlib import Path

import numpy as np
import pytest

from device_agent.sinks import SinkUnavailable
from device_agent.sinks.choose import open_sink
from device_agent.sinks.pulse import PulseSink
from tests.support.pulse import PulseServer, null_sinks
from tests.support.starved import undisturbed
from tests.support.take import SWEEP, undisturbed_take


async def test_a_sound_reaches_the_horn_whole_at_its_instant(tmp_path: Path) -> None:
    await undisturbed(_a_sweep_is_heard, tmp_path)


async def _a_sweep_is_heard(tmp_path: Path) -> None:
    with PulseServer(tmp_path) as server:
        take = await undisturbed_take(lambda: PulseSink(server=server.address, device=server.sinks[0]), server)
    assert take.said_late_s == pytest.approx(0, abs=0.02)
    assert (take.ended.cause, take.ended.played_ms) == ("completed", 1000)
    assert np.corrcoef(take.heard(), SWEEP)[0, 1] > 0.99
    assert take.heard_late_s == pytest.approx(0, abs=0.025)


def test_no_server_is_said_to_be_no_server(tmp_path: Path) -> None:
    with pytest.raises(SinkUnavailable):
        PulseSink(server=f"unix:{tmp_path}/nobody")


def test_auto_takes_the_sound_server_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with null_sinks(tmp_path / "pulse", 1) as (server, _):
        monkeypatch.setenv("PULSE_SERVER", server)
        sink = open_sink("auto", state_dir=tmp_path)
        assert sink.name == "pulse"
        sink.close()
