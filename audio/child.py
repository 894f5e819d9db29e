"""Running one child process: bounded in time, memory and output, and never left behind."""

import os
import resource
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

_CHUNK_BYTES = 1 << 16
_LOG_HEAD_BYTES = 1 << 15
_LOG_TAIL_BYTES = 1 << 15


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """How much a child may use before it is stopped."""

    wall_s: float = 1800.0
    cpu_s: int = 1800
    memory_mb: int = 1536


@dataclass(frozen=True, slots=True)
class ChildReport:
    """How a child ended. A negative `status` is the signal that ended it."""

    status: int
    log: str
    timed_out: bool = False

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
    given: bytes = b"",
    limits: ChildLimits | None = None,
) -> ChildReport:
    """Run `command` to its end, handing its stdout on as it comes.

    `given` is what it reads from stdin. Whatever `on_output` raises stops the child and passes through,
    as does a KeyboardInterrupt.
    """
    limits = limits or ChildLimits()
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        with subprocess.Popen(
            list(command),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
            start_new_session=True,
        ) as process:
            try:
                _confine(process.pid, limits)
                return _follow(process, on_output, time.monotonic() + limits.wall_s)
            finally:
                process.kill()


def _follow(process: subprocess.Popen[bytes], on_output: Callable[[bytes], object], deadline: float) -> ChildReport:
    log = _Log()
    takers: dict[IO[bytes], Callable[[bytes], object]] = {}
    if process.stdout is not None and process.stderr is not None:
        takers = {process.stdout: on_output, process.stderr: log.add}
    with selectors.DefaultSelector() as selector:
        for pipe, taker in takers.items():
            selector.register(pipe, selectors.EVENT_READ, taker)
        while selector.get_map():
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                process.kill()
                return ChildReport(process.wait(), log.text(), timed_out=True)
            for key, _ in selector.select(remaining_s):
                data = os.read(key.fd, _CHUNK_BYTES)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
    return ChildReport(process.wait(), log.text())


def _confine(pid: int, limits: ChildLimits) -> None:
    """Set the limits from outside: code between fork and exec is not safe in a process with threads."""
    if sys.platform != "linux":
        return
    memory = limits.memory_mb << 20
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (memory, memory))
        resource.prlimit(pid, resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    except ProcessLookupError:
        return  # It has ended already: `_follow` tells how.
