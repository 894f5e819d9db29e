"""A worn card: writers that never rest, and a kernel that leaves this process and its children little of it."""

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

BYTES_PER_S = 512 * 1024
"""Of reading, and of writing: what is left of a worn card."""
_BLOCK_BYTES = 64 * 1024
_WRITERS = 4
_CGROUPS = Path("/sys/fs/cgroup/blkio")


@dataclass
class SlowDisk:
    """How it is slow, and how long each block took to be durable and read again."""

    throttled: bool
    waits_s: list[float] = field(default_factory=list)

    @property
    def wait_median_ms(self) -> int:
        return round(1000 * statistics.median(self.waits_s))

    @property
    def wait_max_ms(self) -> int:
        return round(1000 * max(self.waits_s))


@contextmanager
def slow_disk(folder: Path, forgotten: Sequence[Path] = ()) -> Iterator[SlowDisk]:
    """Make the disk under `folder` slow; files in `forgotten` are never read from memory.

    Writers write, fsync and read there as fast as they are let. Where a blkio cgroup can be made (version 1, as root),
    this process and whatever it starts have `BYTES_PER_S` together; elsewhere `throttled` is false, the writers alone
    stand in the way.
    """
    for path in forgotten:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    with ExitStack() as stack:
        disk = SlowDisk(throttled=stack.enter_context(_throttled(folder)))
        waits = stack.enter_context(_writing(folder, forgotten))
        yield disk
        disk.waits_s += waits()


@contextmanager
def _throttled(folder: Path) -> Iterator[bool]:
    group = _CGROUPS / f"loa-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        yield False
        return
    home = _CGROUPS / _own_group().lstrip("/") / "cgroup.procs"
    try:
        for way in ("read", "write"):
            (group / f"blkio.throttle.{way}_bps_device").write_text(f"{_disk(folder)} {BYTES_PER_S}")
        (group / "cgroup.procs").write_text(str(os.getpid()))
        yield True
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                home.write_text(pid)
        group.rmdir()


def _own_group() -> str:
    lines = (line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines())
    return next(path for _, controllers, path in lines if "blkio" in controllers.split(","))


def _disk(folder: Path) -> str:
    """The number of the whole disk: a partition cannot be throttled."""
    device = folder.stat().st_dev
    about = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    return ((about.parent if (about / "partition").exists() else about) / "dev").read_text().strip()


@contextmanager
def _writing(folder: Path, forgotten: Sequence[Path]) -> Iterator[Callable[[], list[float]]]:
    over = multiprocessing.Event()
    with ExitStack() as stack:
        ends: list[Connection] = []
        for number in range(_WRITERS):
            told, tells = multiprocessing.Pipe(duplex=False)
            work = (folder / f"writer-{number}", forgotten, over, tells)
            writer = multiprocessing.Process(target=_write, args=work, daemon=True)
            writer.start()
            stack.callback(writer.join)
            ends.append(told)
        stack.callback(over.set)

        def waits() -> list[float]:
            over.set()
            return [wait_s for end in ends for wait_s in end.recv()]

        yield waits


def _write(path: Path, forgotten: Sequence[Path], over: Event, tells: Connection) -> None:
    waits: list[float] = []
    with path.open("w+b") as file, ExitStack() as stack:
        others = [stack.enter_context(each.open("rb")) for each in forgotten]
        while not over.is_set():
            began = time.monotonic()
            os.pwrite(file.fileno(), os.urandom(_BLOCK_BYTES), 0)
            os.fsync(file.fileno())
            for each in (file, *others):
                os.posix_fadvise(each.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            os.pread(file.fileno(), _BLOCK_BYTES, 0)
            waits.append(time.monotonic() - began)
    tells.send(waits)
