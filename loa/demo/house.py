"""The processes of the demo, and the order in which they come and go."""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from loa.brokers import Broker
from loa.process import Child

GRACE_S = 5.0
_RESTART_AFTER_S = 1.0


class DemoError(Exception):
    """The demo cannot go on; the sentence is for the person at the terminal."""


@dataclass(slots=True)
class _Kept:
    """A process that is started again when it ends, as systemd would."""

    name: str
    command: list[str]
    env: dict[str, str]
    child: Child
    ended_at: float | None = None
    restarts: int = 0


class House:
    """Everything that runs. Leaving it ends every process, politely first, for certain in the end."""

    def __init__(self, data_dir: Path, broker: Broker) -> None:
        self.logs = data_dir / "logs"
        self.broker = broker
        self._kept: list[_Kept] = []

    def start(self, name: str, *arguments: str, env: dict[str, str] | None = None) -> Child:
        """Start `loa <arguments>` and keep it running."""
        command = [sys.executable, "-m", "loa", *arguments]
        child = Child(name, command, log=self.logs / f"{name}.log", env=env)
        self._kept.append(_Kept(name, command, env or {}, child))
        return child

    def look_after(self) -> list[str]:
        """Start again what has ended; returns what there is to say about it."""
        said = []
        if not self.broker.running:
            self.broker.start()
            said.append("The broker had ended and was started again.")
        for kept in self._kept:
            if kept.child.returncode is None:
                continue
            now = time.monotonic()
            if kept.ended_at is None:
                kept.ended_at = now
                said.append(f"{kept.name} ended with status {kept.child.returncode}. {kept.child.last_words(1)}")
            elif now - kept.ended_at >= _RESTART_AFTER_S * min(2**kept.restarts, 30):
                kept.restarts += 1
                kept.ended_at = None
                kept.child = Child(kept.name, kept.command, log=self.logs / f"{kept.name}.log", env=kept.env)
        return said

    def stop(self) -> None:
        """End all, in the reverse order of coming: the speakers' last words still arrive; the broker goes last."""
        try:
            children = [kept.child for kept in self._kept]
            _end_together(children[1:])
            _end_together(children[:1])
            self.broker.stop()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End all at once."""
        for kept in self._kept:
            kept.child.kill()
        self.broker.kill()


def _end_together(children: list[Child]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + GRACE_S
    for child in children:
        child.stop(grace_s=max(0.0, deadline - time.monotonic()))


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder's lock; it vanishes with its process, however that ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(
                f"A demo (process {_holder(lock)}) already runs on {data_dir}. "
                "Stop it, or choose another folder with --data-dir."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "unknown"
