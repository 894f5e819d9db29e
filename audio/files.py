"""Writing files that are either whole or not there."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from audio.errors import Unwritable

_SCRATCH = ".making-"


@contextlib.contextmanager
def scratch(workdir: Path) -> Iterator[Path]:
    """A folder for what is made on the way; gone afterwards, however it ends. A refusing disk becomes `Unwritable`."""
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=workdir) as folder:
            yield Path(folder)
    except OSError as error:
        raise Unwritable(detail=error.strerror or str(error)) from error


def sweep(workdir: Path) -> None:
    """Remove what an earlier process left half made in `workdir`; for the start, before anything is made."""
    for left in workdir.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """Write a file and see it safely on the disk."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def publish(made: Path, workdir: Path) -> tuple[Path, str]:
    """Give a finished file its content's name inside `workdir`; return its path and sha256."""
    with made.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path = workdir / f"{digest}{made.suffix}"
    made.replace(path)
    folder = os.open(workdir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path, digest
