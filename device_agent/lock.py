"""One agent a state directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device_agent.errors import AlreadyRunning


@contextmanager
def only_instance(state_dir: Path) -> Iterator[None]:
    """Hold the state directory. Raises `AlreadyRunning`; a killed agent holds nothing."""
    handle = os.open(state_dir / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another agent is running on {state_dir}") from None
        yield
    finally:
        os.close(handle)
