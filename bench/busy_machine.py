"""What is heard while the machine has other work: PulseAudio, the player and its decoder beside burners.

For each load of both cores: how often and for how long samples were lacking, by the state's count and by the record's,
how much of the programme the record says was silence (`gaps_ms`), and how much silence an ear at the monitor found
(`heard_silence_ms`): the record must not say less. The limit to compare with is nothing at all, up to 80 %.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil
import structlog

from tests.support.house import House, at_work
from tests.support.pulse import PulseServer, ears
from tests.support.recordings import make_recording
from tests.support.sound import RATE_HZ, Samples

LOADS_PERCENT = (0, 50, 80, 100, 300)
SECONDS = 20.0
OPUS = ("-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg")
WINDOW = RATE_HZ // 100


def burn(share: float) -> None:
    """Take so much of a core, in slices of 20 ms."""
    while True:
        until = time.monotonic() + 0.02 * share
        while time.monotonic() < until:
            pass
        time.sleep(0.02 * (1 - share))


@contextmanager
def burning(percent: int):
    cores = os.cpu_count() or 1
    whole, rest = divmod(percent * cores, 100)
    shares = [*(1.0 for _ in range(whole)), rest / 100] if percent % 100 == 0 else [percent / 100] * cores
    workers = [multiprocessing.Process(target=burn, args=(share,), daemon=True) for share in shares if share]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def silence_ms(samples: Samples) -> int:
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    return int((np.abs(windows).max(axis=1) < 1e-4).sum()) * 10


async def played(folder: Path, server: PulseServer, programme: Path, percent: int) -> dict[str, float]:
    with ears(server.address, server.sinks) as (ear,), burning(percent):
        house = House(folder, server.address, server.sinks[0], programme, lasts_s=SECONDS)
        async with at_work(house):
            await house.until(house.on_air("tin"))
            before = house.player.status
            psutil.cpu_percent()
            await house.until(lambda: house.journal.rows and house.journal.rows[0].outcome, within_s=SECONDS + 60)
            busy = psutil.cpu_percent()
        row, status = house.journal.rows[0], house.player.status
        assert row.started_at
        assert row.ended_at
        assert row.quality
        heard = ear.between(row.started_at + timedelta(seconds=0.2), row.ended_at - timedelta(seconds=0.2))
    lasted_ms = (row.ended_at - row.started_at) / timedelta(milliseconds=1)
    return {
        "load_percent": percent,
        "measured_percent": round(busy),
        "underruns": status.underruns - before.underruns,
        "underrun_ms": status.underrun_ms - before.underrun_ms,
        "gaps_ms": round(lasted_ms - row.played_ms),
        "record_underruns": row.quality.underruns,
        "record_underrun_ms": row.quality.underrun_ms,
        "heard_silence_ms": silence_ms(heard.samples),
        "start_error_ms": round(row.start_error_ms or 0, 3),
        "record": f"{row.outcome} {row.reason}".strip(),
    }


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, PulseServer(Path(name) / "pulse") as server:
        folder = Path(name)
        programme = make_recording(folder / "programme", *OPUS, seconds=SECONDS)
        found = []
        for percent in LOADS_PERCENT:
            found.append(asyncio.run(played(folder, server, programme, percent)))
            sys.stderr.write(f"{found[-1]}\n")
    quiet = [each for each in found if each["load_percent"] <= 80]
    print(
        json.dumps(
            {
                "bench": "busy_machine",
                "underruns_to_80_percent": sum(each["underruns"] for each in quiet),
                "limit_underruns": 0,
                "loads": found,
            }
        )
    )


if __name__ == "__main__":
    main()
