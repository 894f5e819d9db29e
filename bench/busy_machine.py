"""What is heard while the machine has other work: PulseAudio, the player, its decoder and its journal beside burners.

For each load of both cores, first with the disk to itself, then with a slow one (`tests.support.slow_disk`: writers
that fsync, the clip never read from memory, and where `disk_throttled` 512 KiB/s for all of it): how often and for how
long the device stood still, how much of the programme the record on the disk says was silence (`gaps_ms`), and how much
silence an ear at the monitor found (`heard_silence_ms`): the record must not say less. `disk_wait_*` is how long one of
the writers' blocks of 64 KiB took to be durable and read again. The limit to compare with is no under-run at all up to
80 %. Ends with 1 where there was one, or a record was untrue.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import structlog

from device_agent.journal import Journal
from device_agent.ledger import Ledger
from tests.support.house import House, at_work
from tests.support.pulse import PulseServer, ears
from tests.support.recordings import make_recording
from tests.support.slow_disk import slow_disk
from tests.support.sound import RATE_HZ, Samples

LOADS_PERCENT = (0, 50, 80, 100, 300)
BORNE_PERCENT = 80
SECONDS = 20.0
OPUS = ("-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg")
WINDOW = RATE_HZ // 100
RECORD_ERROR_MS = 20
"""A window of silence that begins or ends inside another."""


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


async def played(folder: Path, server: PulseServer, programme: Path, percent: int) -> dict[str, Any]:
    with ears(server.address, server.sinks) as (ear,), burning(percent):
        async with aclosing(await Ledger.open(folder / "journal.sqlite3", now=datetime.now(UTC))) as ledger:
            journal = await Journal.open(ledger)
            house = House(folder, server.address, server.sinks[0], programme, lasts_s=SECONDS, kept=journal)
            async with at_work(house):
                await house.until(house.on_air("tin"))
                before = house.player.status
                psutil.cpu_percent()
                await house.until(lambda: journal.waiting, within_s=SECONDS + 60)
                busy = psutil.cpu_percent()
                status = house.player.status
            batch = await journal.pending()
        assert batch
        record = batch.records[0]
        assert record.started_at
        assert record.ended_at
        inside = timedelta(seconds=0.2)
        heard = silence_ms(ear.between(record.started_at + inside, record.ended_at - inside).samples)
    lasted_ms = (record.ended_at - record.started_at) / timedelta(milliseconds=1)
    gaps_ms = round(lasted_ms - record.played_ms)
    return {
        "load_percent": percent,
        "measured_percent": round(busy),
        "underruns": status.underruns - before.underruns,
        "underrun_ms": status.underrun_ms - before.underrun_ms,
        "gaps_ms": gaps_ms,
        "record_underruns": record.underruns,
        "record_underrun_ms": record.underrun_ms,
        "heard_silence_ms": heard,
        "start_error_ms": round(record.start_error_ms or 0, 3),
        "record": f"{record.outcome} {record.reason}".strip(),
        "record_is_true": heard <= gaps_ms + RECORD_ERROR_MS,
    }


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, PulseServer(Path(name) / "pulse") as server:
        results = [measured(Path(name), server, slow=slow) for slow in (False, True)]
    for result in results:
        print(json.dumps(result))
    sys.exit(any(result["underruns_to_80_percent"] or result["records_untrue"] for result in results))


def measured(folder: Path, server: PulseServer, *, slow: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"bench": "busy_machine", "disk": "slow" if slow else "own"}
    loads: list[dict[str, Any]] = []
    for percent in LOADS_PERCENT:
        place = Path(tempfile.mkdtemp(dir=folder))
        programme = make_recording(place / "programme", *OPUS, seconds=SECONDS)
        if slow:
            with slow_disk(place, [programme]) as disk:
                found = asyncio.run(played(place, server, programme, percent))
            found |= {"disk_wait_p50_ms": disk.wait_median_ms, "disk_wait_max_ms": disk.wait_max_ms}
            result["disk_throttled"] = disk.throttled
        else:
            found = asyncio.run(played(place, server, programme, percent))
        loads.append(found)
        sys.stderr.write(f"{found}\n")
    borne = [each for each in loads if each["load_percent"] <= BORNE_PERCENT]
    return result | {
        "underruns_to_80_percent": sum(each["underruns"] for each in borne),
        "records_untrue": sum(not each["record_is_true"] for each in loads),
        "limit_underruns": 0,
        "loads": loads,
    }


if __name__ == "__main__":
    main()
