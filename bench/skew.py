"""How far apart two players on one machine sound what belongs to the same instant, on two null sinks of a PulseAudio.

Each start is a chirp at a planned instant, found by cross-correlation in what both monitors recorded; the monitors
share one server, so what they have in common cancels out. Once quiet, once with every core kept busy; `not_heard` are
starts that a recording has not whole. Beside it Snapcast as it is documented and as it was measured for this project,
which needs a server while it plays.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from scipy.signal import chirp

from device_agent.decoder import Samples
from device_agent.player import Player
from device_agent.sinks.pulse import PulseSink
from tests.support.pulse import Ear, ears, null_sinks
from tests.support.sound import RATE_HZ, find

STARTS = 30
EVERY_S = 1.0
LENGTH_S = 0.4
SETTLING_S = 3.0
LEAD_S = 0.6
HEARD = 0.5


def main() -> None:
    quiet = asyncio.run(skews_ms())
    with busy_cores():
        busy = asyncio.run(skews_ms())
    result = {
        "bench": "skew",
        "starts": len(quiet),
        **summary(quiet),
        **{f"busy_{name}": value for name, value in summary(busy).items()},
        "peer_snapcast_documented_ms": 0.2,
        "peer_snapcast_measured_max_ms": 0.28,
    }
    print(json.dumps(result))


def summary(skews_ms: list[float | None]) -> dict[str, float]:
    apart = np.abs([skew for skew in skews_ms if skew is not None])
    return {
        "not_heard": len(skews_ms) - len(apart),
        "p50_ms": round(float(np.percentile(apart, 50)), 3),
        "p99_ms": round(float(np.percentile(apart, 99)), 3),
        "max_ms": round(float(apart.max()), 3),
    }


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy with something else."""
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(os.cpu_count() or 1)]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.join()


def _burn() -> None:
    while True:
        pass


async def skews_ms() -> list[float | None]:
    """Start the same on both again and again; by how much the second was later, each time."""
    at_s = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ
    sweep = (chirp(at_s, 300, LENGTH_S, 6000) * 12_000).astype("<i2")
    with (
        tempfile.TemporaryDirectory(prefix="loa-bench-") as name,
        null_sinks(Path(name), 2) as (server, sinks),
        ears(server, sinks) as listeners,
    ):
        players = [_player(server, sink) for sink in sinks]
        for player in players:
            player.start()
        try:
            await asyncio.sleep(SETTLING_S)
            begins = []
            for number in range(STARTS):
                at, utc = time.monotonic() + LEAD_S, datetime.now(UTC) + timedelta(seconds=LEAD_S)
                for player in players:
                    player.play(Samples(sweep.tobytes()), at_mono_s=at, of=f"{number}", gain=1.0)
                begins.append(utc)
                await asyncio.sleep(EVERY_S)
            await asyncio.sleep(EVERY_S)
        finally:
            for player in players:
                await player.aclose()
        samples = sweep.astype(np.float32) / 32768
        return [_apart_ms(listeners, samples, utc) for utc in begins]


def _player(server: str, sink: str) -> Player:
    return Player(lambda: PulseSink(server=server, device=sink))


def _apart_ms(listeners: list[Ear], samples: np.ndarray, begins: datetime) -> float | None:
    around = timedelta(seconds=0.25)
    found = [find(samples, ear.between(begins - around, begins + 3 * around)) for ear in listeners]
    if min(each.likeness for each in found) < HEARD:
        sys.stderr.write(f"not heard: {found}\n")
        return None
    return (found[1].at - found[0].at) / timedelta(milliseconds=1)


if __name__ == "__main__":
    main()
