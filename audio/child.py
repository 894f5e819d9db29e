"""Running one child process: bounded in time, memory and output, and never left behind."""

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audio.sandbox import enter

_CHUNK_BYTES = 1 << 16
_LOG_HEAD_BYTES = 1 << 18
_LOG_TAIL_BYTES = 1 << 15
_OPEN_FILES = 64
_ASK_EVERY_S = 0.2
_STOPPED_BY_KERNEL = (-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """How much a child may use before it is stopped. `quiet_s` is how long it may neither write nor say anything."""

    wall_s: float = 1800.0
    quiet_s: float = 120.0
    cpu_s: int = 1800
    memory_mb: int = 1536


@dataclass(frozen=True, slots=True)
class ChildReport:
    """How a child ended. A negative `status` is the signal that ended it."""

    status: int
    log: str
    timed_out: bool = False

    @property
    def exhausted(self) -> bool:
        """Whether a limit stopped it: the time on the wall, or the kernel's of processor and memory."""
        return self.timed_out or self.status in _STOPPED_BY_KERNEL

    @property
    def last_line(self) -> str:
        """What it said last: the best short reason there is."""
        lines = self.log.strip().splitlines()
        return lines[-1].strip() if lines else f"status {self.status}"


class _Log:
    """The beginning and the end of what a child wrote to stderr; a hostile file may provoke gigabytes."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        room = _LOG_HEAD_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        del self._tail[:-_LOG_TAIL_BYTES]

    def text(self) -> str:
        return (self._head + self._tail).decode("utf-8", "replace")


def run(
    command: Sequence[str],
    *,
    on_output: Callable[[bytes], object],
    on_log: Callable[[bytes], object] | None = None,
    given: bytes | IO[bytes] = b"",
    limits: ChildLimits | None = None,
    readable: Sequence[Path] | None = None,
    on_wait: Callable[[], object] | None = None,
) -> ChildReport:
    """Run `command` to its end, handing on its stdout, and what it says on stderr, as they come.

    `given` is what it reads from stdin: bytes, or an open pipe. With `readable` the kernel shuts it in, where it can:
    these files and the machine's software, no writing, no network (`audio.sandbox`). While nothing comes, `on_wait` is
    called several times a second. Whatever it or `on_output` raises stops the child and passes through, as does a
    KeyboardInterrupt.
    """
    limits = limits or ChildLimits()
    with (
        _stdin(given) as stdin,
        _start(command, stdin) if readable is None else _shut_in(command, stdin, readable) as process,
    ):
        try:
            _confine(process.pid, limits)
            return _follow(process, on_output, on_log, limits, on_wait)
        finally:
            process.kill()


@contextlib.contextmanager
def _stdin(given: bytes | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(given, bytes):
        yield given
        return
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        yield stdin


def _start(command: Sequence[str], stdin: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
        start_new_session=True,
    )


def _shut_in(command: Sequence[str], stdin: IO[bytes], readable: Sequence[Path]) -> subprocess.Popen[bytes]:
    """Start the child from a thread that shut itself in before: the child inherits its walls, we do not."""
    with ThreadPoolExecutor(1, "sandbox") as cell:
        cell.submit(enter, readable).result()
        return cell.submit(_start, command, stdin).result()


def _follow(
    process: subprocess.Popen[bytes],
    on_output: Callable[[bytes], object],
    on_log: Callable[[bytes], object] | None,
    limits: ChildLimits,
    on_wait: Callable[[], object] | None,
) -> ChildReport:
    log = _Log()

    def note(data: bytes) -> None:
        log.add(data)
        if on_log:
            on_log(data)

    takers: dict[IO[bytes], Callable[[bytes], object]] = {}
    if process.stdout is not None and process.stderr is not None:
        takers = {process.stdout: on_output, process.stderr: note}
    deadline = time.monotonic() + limits.wall_s
    with selectors.DefaultSelector() as selector:
        for pipe, taker in takers.items():
            selector.register(pipe, selectors.EVENT_READ, taker)
        while selector.get_map():
            ready = _output(selector, min(time.monotonic() + limits.quiet_s, deadline), on_wait)
            if not ready:
                process.kill()
                return ChildReport(process.wait(), log.text(), timed_out=True)
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK_BYTES)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
    return ChildReport(process.wait(), log.text())


def _output(
    selector: selectors.BaseSelector, until: float, on_wait: Callable[[], object] | None
) -> list[tuple[selectors.SelectorKey, int]]:
    """Wait until then for something to read; an empty list when nothing came."""
    while (left_s := until - time.monotonic()) > 0:
        if ready := selector.select(min(left_s, _ASK_EVERY_S) if on_wait else left_s):
            return ready
        if on_wait:
            on_wait()
    return []


def _confine(pid: int, limits: ChildLimits) -> None:
    """Set the limits from outside: code between fork and exec is not safe in a process with threads."""
    if sys.platform != "linux":
        return
    memory = limits.memory_mb << 20
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (memory, memory))
        resource.prlimit(pid, resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    except ProcessLookupError:
        return  # It has ended already: `_follow` tells how.
