"""When each speaker got how far, in a file that several processes share: a double for each, 0 for not yet."""

import mmap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

KINDS: Final = ("configured", "raw", "verified", "acknowledged")
_DOUBLE_BYTES: Final = 8


class Marks:
    """Monotonic seconds by speaker and kind: one clock for all processes of a machine."""

    def __init__(self, path: Path, speakers: int) -> None:
        self._speakers = speakers
        size = len(KINDS) * speakers * _DOUBLE_BYTES
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._at = memoryview(mmap.mmap(file.fileno(), size)).cast("d")
        self._rows = {kind: place * speakers for place, kind in enumerate(KINDS)}

    def mark(self, number: int, kind: str) -> None:
        """Note the time, the first time only."""
        place = self._rows[kind] + number
        if not self._at[place]:
            self._at[place] = time.monotonic()

    def forget(self, *kinds: str) -> None:
        """Begin anew with these kinds."""
        none = memoryview(bytes(self._speakers * _DOUBLE_BYTES)).cast("d")
        for kind in kinds:
            self._at[self._rows[kind] : self._rows[kind] + self._speakers] = none

    def times(self, kind: str) -> Sequence[float]:
        """Return the time of each speaker, 0 for who is not there yet."""
        return self._at[self._rows[kind] : self._rows[kind] + self._speakers].tolist()

    def missing(self, kind: str) -> int:
        """Return how many are not there yet."""
        return list(self.times(kind)).count(0.0)
