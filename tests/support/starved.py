"""Whether the machine had time: what is heard in real time proves nothing while nobody got a processor."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

_PRESSURE = Path("/proc/pressure/cpu")
_TRIES = 5
_STARVED_SHARE = 0.1
"""Of the time of a try, in which somebody waited for a processor: then a try that failed is repeated."""


def waited_s() -> float:
    """For how long in all somebody on this machine waited for a processor, or else the threads of this process."""
    try:
        some = _PRESSURE.read_text().splitlines()[0]
        return int(some.rpartition("total=")[2]) / 1e6
    except OSError:
        waits = (task.read_text().split()[1] for task in Path("/proc/self/task").glob("*/schedstat"))
        return sum(int(wait) for wait in waits) / 1e9


async def undisturbed(attempt: Callable[[Path], Awaitable[None]], folder: Path) -> None:
    """Make an attempt in a folder of its own, again where it failed while the machine had no time for it."""
    for number in range(1, _TRIES + 1):
        (own := folder / f"try-{number}").mkdir()
        began_s, waited_before_s = time.monotonic(), waited_s()
        try:
            await attempt(own)
        except (AssertionError, TimeoutError):
            share = (waited_s() - waited_before_s) / (time.monotonic() - began_s)
            if number == _TRIES or share < _STARVED_SHARE:
                raise
        else:
            return
