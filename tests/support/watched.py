"""What a piece of work takes: time on the wall, processor time, and the most memory, its children's included."""

import os
import re
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_EVERY_S = 0.1


@contextmanager
def watched() -> Iterator[dict[str, Any]]:
    """Yield `load` as it is, and in the end `s`, `cpu_s` and the proportional memory (PSS) at its highest.

    `peak_mb` is of this process and its children together, `children_peak_mb` of the children alone: their `ru_maxrss`
    would begin with what this process had at the fork.
    """
    figures: dict[str, Any] = {"load": round(os.getloadavg()[0], 2)}
    stop = threading.Event()
    peak_kb = children_peak_kb = 0

    def watch() -> None:
        nonlocal peak_kb, children_peak_kb
        while not stop.wait(_EVERY_S):
            children_kb = sum(map(pss_kb, children()))
            children_peak_kb = max(children_peak_kb, children_kb)
            peak_kb = max(peak_kb, children_kb + pss_kb(os.getpid()))

    watcher = threading.Thread(target=watch)
    begun, used = time.monotonic(), cpu_s()
    watcher.start()
    try:
        yield figures
    finally:
        figures |= {"s": round(time.monotonic() - begun, 2), "cpu_s": round(cpu_s() - used, 2)}
        stop.set()
        watcher.join()
        figures |= {"peak_mb": round(peak_kb / 1024, 1), "children_peak_mb": round(children_peak_kb / 1024, 1)}


def cpu_s() -> float:
    uses = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def children() -> list[int]:
    """Of this process, whatever thread started them."""
    found: list[int] = []
    for tasks in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (tasks / "children").read_text().split())
        except OSError:
            continue
    return found


def pss_kb(pid: int) -> int:
    try:
        return int(re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)[0])
    except (OSError, IndexError):
        return 0
