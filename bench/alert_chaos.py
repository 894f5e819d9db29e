"""A thousand random lives of alerts on one speaker, each held against what must be heard.

Raise, update, prolong, cancel, all-clear, kill, cut link, duplicate, replay, step of the clock, lost sink, in any
order. `faults` must be 0; a seed that fails is said on standard error, and the tests can repeat it. The limit beside it
is the time that was simulated.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import pytest
import structlog

from tests.support.alert_chaos import OPERATIONS, Life, describe
from tests.support.alerted import instant_words

SEQUENCES = 1000


async def lives(folder: Path) -> tuple[int, float, int]:
    faults, simulated_s, heard = 0, 0.0, 0
    for seed in range(SEQUENCES):
        (folder / str(seed)).mkdir()
        life = Life(seed, folder / str(seed))
        found = await life.live()
        faults += len(found)
        simulated_s += life.speaker.now_s
        heard += len(life.speaker.sounded())
        if found:
            sys.stderr.write(describe(life, found) + "\n")
    return faults, simulated_s, heard


def main() -> None:
    structlog.configure(processors=[_nothing])
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, pytest.MonkeyPatch.context() as patch:
        instant_words(patch)
        faults, simulated_s, heard = asyncio.run(lives(Path(name)))
    result = {
        "bench": "alert_chaos",
        "sequences": SEQUENCES,
        "operations": SEQUENCES * OPERATIONS,
        "sounds_heard": heard,
        "faults": faults,
        "simulated_hours": round(simulated_s / 3600, 1),
        "took_s": round(time.monotonic() - began),
    }
    print(json.dumps(result))
    sys.exit(bool(faults))


def _nothing(*_: object) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    main()
