"""A data folder belongs to the services that work in it or to one restore, never to both."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.errors import Conflict
from controller.text import Text


class InUse(Conflict):
    """Somebody works in the data folder, or its database, who must not be disturbed."""

    code = "in_use"
    title = Text("The service is running: stop it first (systemctl stop loa-controller), then do this again.")


class BeingReplaced(Conflict):
    """A restore puts another service into the data folder."""

    code = "being_replaced"
    title = Text("A backup is being restored here: wait for its end, then start.")


@contextmanager
def working_in(data_dir: Path) -> Iterator[None]:
    """Work in a data folder, beside other services perhaps. Raises `BeingReplaced`."""
    with _locked(data_dir, fcntl.LOCK_SH, BeingReplaced):
        yield


@contextmanager
def replacing(data_dir: Path) -> Iterator[None]:
    """Keep every service out of a data folder. Raises `InUse` where there is one."""
    with _locked(data_dir, fcntl.LOCK_EX, InUse):
        yield


@contextmanager
def _locked(folder: Path, how: int, refusal: type[Conflict]) -> Iterator[None]:
    """Lock the folder itself. The kernel lets go of it however the process ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise refusal from error
        yield
    finally:
        os.close(descriptor)
