"""Clips on disk, named by their sha256.

A file bears its clip's name only after every byte was hashed and the disk has it; half a download is a `.part` that
nothing plays. At each start a file is hashed once more before it counts as here.
"""

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from device_agent.errors import CacheFull, DiskFull, DownloadError, HashMismatch
from device_agent.files import sync_folder
from protocol.messages import ClipRef

log = structlog.get_logger(__name__)

MIB = 1024 * 1024
RESERVE_BYTES = 32 * MIB
"""Left free for the journal: sound can be fetched again, records cannot."""
_READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in the cache."""

    name: str
    size_bytes: int
    used_at: float


def evictions(
    kept: Iterable[Kept], needed: Collection[str], *, incoming_bytes: int, limit_bytes: int
) -> tuple[str, ...] | None:
    """Return what must go, least recently used first, so that `incoming_bytes` fit; None when they cannot.

    What the plan needs never goes.
    """
    kept = tuple(kept)
    excess = sum(file.size_bytes for file in kept) + incoming_bytes - limit_bytes
    gone = []
    for file in sorted(kept, key=lambda file: (file.used_at, file.name)):
        if excess <= 0:
            break
        if file.name not in needed:
            gone.append(file.name)
            excess -= file.size_bytes
    return tuple(gone) if excess <= 0 else None


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class ClipCache:
    """The clips that are here, whole and verified."""

    def __init__(self, folder: Path, *, limit_bytes: int, free_bytes: Callable[[Path], int] = _free_bytes) -> None:
        self.limit_bytes = limit_bytes
        self._folder = folder
        self._free_bytes = free_bytes
        self._verified: dict[str, int] = {}

    def path(self, sha256: str) -> Path | None:
        """The whole, verified file; None while it is not here."""
        size = self._verified.get(sha256)
        if size is None:
            return None
        file = self._folder / sha256
        try:
            if file.stat().st_size == size:
                return file
        except OSError:
            pass
        del self._verified[sha256]
        return None

    def part(self, sha256: str) -> Path:
        """Where a download of the clip grows. The folder is made when it is gone."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{sha256}.part"

    async def recognise(self, clip: ClipRef) -> bool:
        """Whether a file that lies here is the clip; a wrong one is thrown away."""
        file = self._folder / clip.sha256
        digest, size = await asyncio.to_thread(hash_file, file)
        if size == clip.size_bytes and digest.hexdigest() == clip.sha256:
            self._verified[clip.sha256] = size
            return True
        if size:
            log.warning("cached_clip_broken", clip=clip.sha256)
            await asyncio.to_thread(file.unlink, missing_ok=True)
        return False

    async def put(self, clip: ClipRef, content: bytes, needed: Collection[str]) -> None:
        """Keep a clip that arrived whole. Raises a `DownloadError` where there is no room for it."""
        self.make_room(clip, needed)
        part = self.part(clip.sha256)
        try:
            await asyncio.to_thread(part.write_bytes, content)
        except OSError as error:
            raise disk_error(error) from error
        await self.adopt(clip, part, hashlib.sha256(content).hexdigest())

    async def adopt(self, clip: ClipRef, part: Path, digest: str) -> None:
        """Make a finished download the clip. Raises `HashMismatch` and throws it away when it is something else."""
        if digest != clip.sha256:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise HashMismatch(f"{clip.sha256}: other bytes arrived")
        try:
            await asyncio.to_thread(_settle, part, self._folder / clip.sha256)
        except OSError as error:
            raise disk_error(error) from error
        self._verified[clip.sha256] = clip.size_bytes

    def make_room(self, clip: ClipRef, needed: Collection[str]) -> None:
        """Drop what must go for a clip to fit. Raises `CacheFull` or `DiskFull` when that is not enough."""
        own_part = f"{clip.sha256}.part"
        kept = [file for file in self._kept() if file.name != own_part]
        kept_names = {name for sha256 in needed for name in (sha256, f"{sha256}.part")}
        gone = evictions(kept, kept_names, incoming_bytes=clip.size_bytes, limit_bytes=self.limit_bytes)
        if gone is None:
            raise CacheFull(f"the plan needs more than {self.limit_bytes // MIB} MB of sound")
        for name in gone:
            self._drop(name)
        short = clip.size_bytes + RESERVE_BYTES - self._free_bytes(self.part(clip.sha256).parent)
        if short <= 0:
            return
        spare = sorted(
            (file for file in self._kept() if file.name not in {*kept_names, own_part}), key=lambda f: f.used_at
        )
        for file in spare:
            self._drop(file.name)
            short -= file.size_bytes
            if short <= 0:
                return
        raise DiskFull(f"{short // MIB + 1} MB more are needed on the disk")

    def touch(self, names: Iterable[str]) -> None:
        """Mark clips as used, so that they go last."""
        for name in names:
            try:
                os.utime(self._folder / name)
            except OSError:
                continue

    def size_bytes(self) -> int:
        """All that lies here, half downloads included."""
        return sum(file.size_bytes for file in self._kept())

    def _kept(self) -> list[Kept]:
        try:
            with os.scandir(self._folder) as entries:
                found = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
        except FileNotFoundError:
            return []
        return [Kept(name, stat.st_size, stat.st_mtime) for name, stat in found]

    def _drop(self, name: str) -> None:
        self._verified.pop(name, None)
        (self._folder / name).unlink(missing_ok=True)
        log.info("clip_evicted", clip=name)


def hash_file(file: Path) -> tuple["hashlib._Hash", int]:
    """Return the running sha256 and the size of a file; of nothing when there is none."""
    digest, size = hashlib.sha256(), 0
    try:
        with file.open("rb") as stream:
            while block := stream.read(_READ_BYTES):
                digest.update(block)
                size += len(block)
    except OSError:
        return hashlib.sha256(), 0
    return digest, size


def disk_error(error: OSError) -> DownloadError:
    """Say what a failed write means."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull("the disk is full")
    return DownloadError(f"cannot write to the cache: {error.strerror}")


def _settle(part: Path, final: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(final)
    sync_folder(final.parent)
