"""How far speakers with different sample clocks come apart while they play the same programme.

`max_ms` is simulated: the real player, mixer and timeline on two devices whose clocks differ by 100 ppm and whose word
on where they stand is uncertain, 30 minutes of programme, each second found again in what they wrote. `live_*` is real:
two PulseAudio servers, one of which lives by a clock that is 100 ppm fast (libfaketime), recorded at their monitors and
compared by cross-correlation. Beside each what the same difference does where nobody corrects it.

`--live-minutes 30` makes the live part as long as the simulated one. A look in which one of the recordings has not the
piece of the programme whole is `live_not_heard`. `live_machine_percent` is what all programs together took of the
machine meanwhile, this one included.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import structlog

from device_agent.decoder import Samples
from device_agent.player import Player
from device_agent.sinks.pulse import PulseSink
from tests.support.commune_speaker import ManualClock
from tests.support.drifting import Pole, Pulses, pass_time, uncertain
from tests.support.pulse import Ear, PulseServer
from tests.support.sound import RATE_HZ, find

PPM = 100
SIMULATED_MINUTES = 30
LIVE_MINUTES = 2.0
LOOK_EVERY_S = 5.0
LOOK_S = 1.5
HEARD = 0.5
LATENCY_SETTLES_S = 4.0
NOISE_S = 20
"""Then it repeats."""
FAST = {"FAKETIME": f"+0 x{1 + PPM * 1e-6}"}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--live-minutes", type=float, default=LIVE_MINUTES)
    minutes: float = options.parse_args().live_minutes
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    simulated = np.abs(simulated_apart_ms())
    psutil.cpu_percent()
    looks = asyncio.run(live_apart_ms(minutes * 60))
    machine_percent = psutil.cpu_percent()
    live = np.abs([each for each in looks if each is not None])
    result = {
        "bench": "drift",
        "ppm": PPM,
        "minutes": SIMULATED_MINUTES,
        "max_ms": round(float(simulated.max()), 3),
        "p99_ms": round(float(np.percentile(simulated, 99)), 3),
        "uncorrected_ms": round(SIMULATED_MINUTES * 60 * PPM / 1000, 1),
        "live_minutes": minutes,
        "live_looks": len(looks),
        "live_not_heard": len(looks) - len(live),
        "live_machine_percent": round(machine_percent),
        "live_max_ms": round(float(live.max()), 3) if len(live) else None,
        "live_p99_ms": round(float(np.percentile(live, 99)), 3) if len(live) else None,
        "live_p50_ms": round(float(np.median(live)), 3) if len(live) else None,
        "live_uncorrected_ms": round(minutes * 60 * PPM / 1000, 1),
        "target_max_ms": 2,
        "peer_snapcast_documented_ms": 0.2,
    }
    print(json.dumps(result))


def simulated_apart_ms() -> list[float]:
    """How far each second of the programme sounded apart on the two."""
    clock = ManualClock()
    poles = [Pole(clock, PPM / 2, uncertain(1)), Pole(clock, -PPM / 2, uncertain(2))]
    pass_time(poles, 1)
    seconds = SIMULATED_MINUTES * 60
    at = clock.mono() + 0.5
    for pole in poles:
        pole.player.play(Pulses(seconds), at_mono_s=at, of="a", gain=1.0)
    sys.stderr.write(f"{SIMULATED_MINUTES} minutes simulated\n")
    pass_time(poles, seconds + 2)
    one, other = (pole.errors_s(at) for pole in poles)
    assert len(one) == len(other) == seconds
    return [(a - b) * 1000 for a, b in zip(one, other, strict=True)]


async def live_apart_ms(seconds: float) -> list[float | None]:
    """The same on two real servers, as their monitors hear it."""
    noise = np.random.default_rng(1).normal(0, 3000, NOISE_S * RATE_HZ).clip(-20_000, 20_000)
    smooth = np.resize(np.convolve(noise, np.ones(12) / 6, "same").astype("<i2"), round((seconds + 5) * RATE_HZ))
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        servers = [
            stack.enter_context(PulseServer(folder / "true")),
            stack.enter_context(PulseServer(folder / "fast", env={**FAST, "LD_PRELOAD": faketime()})),
        ]
        ears = [
            stack.enter_context(Ear(each.address, each.sinks[0], ppm=ppm).listening())
            for each, ppm in zip(servers, (0, PPM), strict=True)
        ]
        players = [Player(lambda each=each: PulseSink(server=each.address)) for each in servers]  # type: ignore[misc] # mypy cannot infer a lambda with a default
        for player in players:
            player.start()
        try:
            await asyncio.sleep(LATENCY_SETTLES_S)
            at, begins = time.monotonic() + 1, datetime.now(UTC) + timedelta(seconds=1)
            for player in players:
                player.play(Samples(smooth.tobytes()), at_mono_s=at, of="noise", gain=1.0)
            apart: list[float | None] = []
            while (inside := time.monotonic() - at) < seconds:
                await asyncio.sleep(LOOK_EVERY_S)
                inside = time.monotonic() - at - LOOK_S * 2
                if inside > LOOK_S:
                    piece = smooth[round(inside * RATE_HZ) :][: round(LOOK_S / 3 * RATE_HZ)].astype(np.float32)
                    apart.append(seen_apart_ms(ears, piece, begins + timedelta(seconds=inside)))
                    late = [player.status.late_ms for player in players]
                    sys.stderr.write(f"{inside:6.1f} s: {apart[-1]} ms apart, late by their own account {late}\n")
        finally:
            for player in players:
                await player.aclose()
    return apart


def faketime() -> str:
    """The library that makes a program live by another clock."""
    return str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")))


def seen_apart_ms(ears: list[Ear], piece: np.ndarray, at: datetime) -> float | None:
    """By how much a piece of the programme sounded later from the second than from the first; None: not heard."""
    look = timedelta(seconds=LOOK_S / 3)
    found = [find(piece, ear.between(at - look, at + 2 * look)) for ear in ears]
    heard = min(each.likeness for each in found) > HEARD
    return (found[1].at - found[0].at) / timedelta(milliseconds=1) if heard else None


if __name__ == "__main__":
    main()
