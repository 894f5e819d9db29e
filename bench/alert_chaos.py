"""A thousand random lives of alerts on one speaker, each held against what must be heard.

Raise, update, prolong, cancel, all-clear, expire, kill, start of the board, cut link, broker that loses everything,
duplicate, delay, replay, clock that is wrong for a while, lost sink, in any order. `faults` must be 0; a seed that
fails is said on standard error, and the tests can repeat it. Beside it stands how much time was simulated.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from tests.support.alert_chaos import OPERATIONS, Life, describe
from tests.support.alerted import instant_words

SEQUENCES = 1000
TOGETHER = 10
"""Sequences that a process lives at a time."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of one sequence."""

    simulated_s: float
    heard: int
    faults: int
    story: str


async def _live(seeds: Iterable[int], folder: Path) -> list[Lived]:
    lived = []
    for seed in seeds:
        (folder / str(seed)).mkdir()
        life = Life(seed, folder / str(seed))
        found = await life.live()
        story = describe(life, found) + "\n" if found else ""
        lived.append(Lived(life.speaker.now_s, len(life.speaker.sounded()), len(found), story))
    return lived


def lives(seeds: range) -> list[Lived]:
    """Live these sequences, in a process of their own."""
    structlog.configure(processors=[_nothing])
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, pytest.MonkeyPatch.context() as patch:
        instant_words(patch)
        return asyncio.run(_live(seeds, Path(name)))


def main() -> None:
    began, lived = time.monotonic(), list[Lived]()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        some = [pool.submit(lives, range(first, first + TOGETHER)) for first in range(0, SEQUENCES, TOGETHER)]
        for done in as_completed(some):
            for life in done.result():
                lived.append(life)
                sys.stderr.write(life.story)
    faults = sum(life.faults for life in lived)
    result = {
        "bench": "alert_chaos",
        "sequences": len(lived),
        "operations": len(lived) * OPERATIONS,
        "sounds_heard": sum(life.heard for life in lived),
        "faults": faults,
        "simulated_hours": round(sum(life.simulated_s for life in lived) / 3600, 1),
        "took_s": round(time.monotonic() - began),
    }
    print(json.dumps(result))
    sys.exit(bool(faults))


def _nothing(*_: object) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    main()
