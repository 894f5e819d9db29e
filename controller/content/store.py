"""Files named by the hash of their bytes. A name that exists holds those bytes, whole."""

import hashlib
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that are safely on disk."""

    sha256: str
    size_bytes: int
    path: Path


class ContentStore:
    """A folder `ab/cd/{sha256}`. Blocking: call it from a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._naming = threading.Lock()

    def path(self, sha256: str) -> Path:
        """Where the bytes of that hash lie, or would."""
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def has(self, sha256: str, size_bytes: int | None = None) -> bool:
        """Whether the bytes are here, of the length they should have."""
        try:
            found = self.path(sha256).stat()
        except OSError:
            return False
        return size_bytes is None or found.st_size == size_bytes

    def content(self, sha256: str) -> bytes | None:
        """Return the bytes, or None where they are not here."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, data: bytes) -> Stored:
        """Keep some bytes."""
        return self.put_stream(io.BytesIO(data))

    def put_file(self, source: Path) -> Stored:
        """Keep a copy of a file."""
        with source.open("rb") as data:
            return self.put_stream(data)

    def put_stream(self, source: BinaryIO) -> Stored:
        """Keep a copy of everything that can be read."""
        file, name = tempfile.mkstemp(dir=self._incoming)
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(file, "wb") as out:
                while chunk := source.read(COPY_BYTES):
                    digest.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            return self._keep(Path(name), digest.hexdigest(), size)
        finally:
            Path(name).unlink(missing_ok=True)

    def remove(self, sha256: str) -> None:
        """Forget the bytes of a hash, if they are here."""
        self.path(sha256).unlink(missing_ok=True)

    def remove_untouched(self, sha256: str, *, since_s: float) -> bool:
        """Forget the bytes of a hash unless they were put, again or for the first time, at this moment or later."""
        with self._naming:
            path = self.path(sha256)
            if not path.exists() or path.stat().st_mtime >= since_s:
                return False
            path.unlink()
            return True

    def hashes(self) -> Iterator[str]:
        """Every hash whose bytes are here."""
        for path in self._root.glob("??/??/*"):
            if len(path.name) == hashlib.sha256().digest_size * 2:
                yield path.name

    def sweep_incoming(self) -> None:
        """Remove what a crash left half-written. Call it before anything is put."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._incoming)
        self._incoming.mkdir(parents=True, exist_ok=True)

    def _keep(self, temporary: Path, sha256: str, size_bytes: int) -> Stored:
        target = self.path(sha256)
        with self._naming:
            if self.has(sha256, size_bytes):
                os.utime(target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(target)
                _sync_folder(target.parent)
        return Stored(sha256, size_bytes, target)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
