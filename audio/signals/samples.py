"""From numbers to samples."""

import array
import math
import sys
from collections.abc import Iterable

RATE_HZ = 48_000
PER_MS = RATE_HZ // 1000
BYTES_PER_MS = 2 * PER_MS
FULL_SCALE = 32_767


def little_endian(values: Iterable[int]) -> bytes:
    """Signed 16-bit samples, the same on every machine."""
    made = array.array("h", values)
    if sys.byteorder == "big":
        made.byteswap()
    return made.tobytes()


def swell(step: int, steps: int) -> float:
    """From 0 to 1 without a corner: half a cosine, so that an edge does not click."""
    return 0.5 - 0.5 * math.cos(math.pi * step / steps)
