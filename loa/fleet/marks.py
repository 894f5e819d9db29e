"""When each speaker got how far, in a file that several processes share: a double for each, 0 for not yet."""

import mmap
import struct
import time
from pathlib import Path
from typing import Final

KINDS: Final = ("configured", "raw", "verified", "acknowledged")
_DOUBLE: Final = struct.Struct("d")


class Marks:
    """Monotonic seconds by speaker and kind: one clock for all processes of a machine."""

    def __init__(self, path: Path, speakers: int) -> None:
        self._speakers = speakers
        size = len(KINDS) * speakers * _DOUBLE.size
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)

    def mark(self, number: int, kind: str) -> None:
        """Note the time, the first time only."""
        at = self._at(number, kind)
        if not _DOUBLE.unpack_from(self._map, at)[0]:
            _DOUBLE.pack_into(self._map, at, time.monotonic())

    def forget(self, *kinds: str) -> None:
        """Begin anew with these kinds."""
        width = self._speakers * _DOUBLE.size
        for kind in kinds:
            at = self._at(0, kind)
            self._map[at : at + width] = bytes(width)

    def times(self, kind: str) -> list[float]:
        """Return the time of each speaker, 0 for who is not there yet."""
        return [float(_DOUBLE.unpack_from(self._map, self._at(number, kind))[0]) for number in range(self._speakers)]

    def missing(self, kind: str) -> int:
        """Return how many are not there yet."""
        return self.times(kind).count(0.0)

    def _at(self, number: int, kind: str) -> int:
        return (KINDS.index(kind) * self._speakers + number) * _DOUBLE.size
