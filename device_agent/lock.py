"""One agent a state directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device_agent.errors import AlreadyRunning, ConfigError


@contextmanager
def only_instance(state_dir: Path) -> Iterator[None]:
    """Hold the state directory, made when it is not there. Raises `AlreadyRunning`, or `ConfigError` when it cannot be.

    A killed agent holds nothing.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(state_dir / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError((f"state_dir {state_dir} cannot be used: {error.strerror}",)) from error
    owner = state_dir.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(handle, owner.st_uid, owner.st_gid)  # an administrator enrols what another user will run
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another agent is running on {state_dir}") from None
        yield
    finally:
        os.close(handle)
