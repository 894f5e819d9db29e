"""One sweep played into a real sink and heard at its monitor, in a take in which the machine had time for it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.signal import chirp, correlate

from device_agent.decoder import Samples
from device_agent.mixer import Ended, Started
from device_agent.player import Player, PlayerEvent, SinkChanged
from device_agent.sinks import RATE_HZ, Sink
from tests.support.pulse import PulseServer, ears

SWEEP = (chirp(np.arange(RATE_HZ) / RATE_HZ, 300, 1, 5000) * 12_000).astype("<i2")
_TAKES = 5
_MONITOR_LEAD_S = 0.010
"""The monitor of a null sink is ahead of what the server calls sounding, by a constant."""
_IN_S = 1.5


@dataclass(frozen=True)
class Take:
    """What the player said of the sweep, and what was heard of it."""

    underruns: int
    said_late_s: float
    ended: Ended
    heard_late_s: float
    recording: NDArray[np.float32]
    found_at: int
    """Where the recording is likest to the sweep."""

    def heard(self, margin: int = 0) -> NDArray[np.float32]:
        """What sounded, with some frames before and behind it."""
        return self.recording[self.found_at - margin : self.found_at + len(SWEEP) + margin]


async def undisturbed_take(open_sink: Callable[[], Sink], server: PulseServer) -> Take:
    """Play the sweep until no under-run was counted: a server that gets no processor proves nothing about a player."""
    takes = [await _take(open_sink, server)]
    while takes[-1].underruns and len(takes) < _TAKES:
        takes.append(await _take(open_sink, server))
    return takes[-1]


async def _take(open_sink: Callable[[], Sink], server: PulseServer) -> Take:
    events: asyncio.Queue[PlayerEvent] = asyncio.Queue()
    with ears(server.address, server.sinks[:1]) as (ear,):
        player = Player(open_sink)
        player.listen(events.put_nowait)
        player.start()
        try:
            async with asyncio.timeout(20):
                assert isinstance(await events.get(), SinkChanged)
                at, begins = time.monotonic() + _IN_S, datetime.now(UTC) + timedelta(seconds=_IN_S)
                player.play(Samples(SWEEP.tobytes()), at_mono_s=at, of="sweep", gain=1.0)
                started, ended = await events.get(), await events.get()
            assert isinstance(started, Started)
            assert isinstance(ended, Ended)
            underruns = player.status.underruns
        finally:
            await player.aclose()
        heard = ear.between(begins - timedelta(seconds=0.5), begins + timedelta(seconds=1.2))
    likeness = correlate(heard.samples, SWEEP.astype(np.float32) / 32768, mode="valid", method="fft")
    best = int(np.argmax(likeness))
    late_s = (heard.first_sample_at - begins).total_seconds() + best / RATE_HZ + _MONITOR_LEAD_S
    return Take(underruns, started.first_mono_s - at, ended, late_s, heard.samples, best)
