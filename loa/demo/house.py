"""The processes of the demo, and the order in which they come and go."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from loa.brokers import Broker
from loa.nodes import ControllerNode, Node

GRACE_S = 5.0
_RESTART_AFTER_S = 1.0
_RESTART_AT_MOST_EVERY_S = 30.0


class DemoError(Exception):
    """The demo cannot go on; the sentence is for the person at the terminal."""


class House:
    """Everything that runs. `stop` ends every process, politely first, for certain in the end."""

    def __init__(self, broker: Broker, controller: ControllerNode) -> None:
        self.broker = broker
        self.controller = controller
        self.agents: list[Node] = []
        self._fell_at: dict[str, float] = {}
        self._falls: dict[str, int] = {}

    def look_after(self) -> list[str]:
        """Start again what has ended, as systemd would; returns what there is to say about it."""
        said = []
        if not self.broker.running:
            self.broker.start()
            said.append("The broker had ended and was started again.")
        for node in (self.controller, *self.agents):
            if node.running or node.child is None:
                continue
            now = time.monotonic()
            if node.name not in self._fell_at:
                self._fell_at[node.name] = now
                said.append(f"{node.name} ended with status {node.child.returncode}. {node.last_words()}")
            falls = self._falls.get(node.name, 0)
            if now - self._fell_at[node.name] >= min(_RESTART_AFTER_S * 2**falls, _RESTART_AT_MOST_EVERY_S):
                self._falls[node.name] = falls + 1
                del self._fell_at[node.name]
                node.start()
        return said

    def stop(self) -> None:
        """End all, in the reverse order of coming: the speakers' last words still arrive; the broker goes last."""
        try:
            _end_together(self.agents)
            _end_together([self.controller])
            self.broker.stop()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End all at once."""
        for node in (*self.agents, self.controller):
            node.kill()
        self.broker.kill()


def _end_together(nodes: Sequence[Node]) -> None:
    for node in nodes:
        node.terminate()
    deadline = time.monotonic() + GRACE_S
    for node in nodes:
        node.stop(grace_s=max(0.0, deadline - time.monotonic()))


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
