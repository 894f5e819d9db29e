"""What comes from who speaks: how it is written, and what of it comes too late to be heard. Pure."""

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from protocol.live import OPUS_MAX_BYTES

PCM_HZ: Final = 16_000
"""Enough for horns, which carry up to 6 kHz, and 256 kbit/s."""
LATE_MS: Final = 1000.0
"""So much longer than the quickest a frame may be on its way. A phone's network comes back within less, or is gone."""
BELIEVED_AFTER_MS: Final = 4000.0
"""When all has been late for so long, not the network but the other clock has jumped."""
_DRIFT_MS: Final = 0.1
"""For each frame: two clocks may drift apart by half a percent."""
_QUIETEST: Final = 127


class SoundFormat(StrEnum):
    """What a browser sends, by what it can encode."""

    OPUS = "opus"
    """One packet of 20 ms: what its own encoder makes."""
    PCM = "pcm_s16le_16000"
    """20 ms of 16-bit samples at 16 kHz, mono, little-endian: for browsers without an encoder."""

    @property
    def longest_bytes(self) -> int:
        """The longest frame of this kind."""
        return OPUS_MAX_BYTES if self is SoundFormat.OPUS else PCM_HZ // 50 * 2


@dataclass(frozen=True, slots=True)
class Piece:
    """20 ms of what somebody says."""

    HEAD = struct.Struct("!BI")

    level_dbov: int
    """How loud it is (RFC 6464)."""
    said_ms: int
    """When it was said, by the clock of who speaks, whatever that counts from."""
    sound: bytes

    @classmethod
    def parse(cls, data: bytes, sound: SoundFormat) -> Self | None:
        """Read a message; None for one that is no piece of speech."""
        if not cls.HEAD.size < len(data) <= cls.HEAD.size + sound.longest_bytes:
            return None
        level, said_ms = cls.HEAD.unpack_from(data)
        return cls(-(level & _QUIETEST), said_ms, data[cls.HEAD.size :])


@dataclass(slots=True)
class Lateness:
    """Tells what one connection brings late. The clocks of its two ends need not agree.

    A connection that hangs for seconds brings everything at once when it goes on; nobody is to hear the past.
    """

    _quickest_ms: float | None = None
    _late_since_ms: float | None = None

    def is_late(self, said_ms: int, now_ms: float) -> bool:
        """Whether a piece that comes now was too long on its way."""
        way_ms = now_ms - said_ms
        quickest = way_ms if self._quickest_ms is None else min(way_ms, self._quickest_ms + _DRIFT_MS)
        if way_ms - quickest <= LATE_MS:
            self._quickest_ms, self._late_since_ms = quickest, None
            return False
        if self._late_since_ms is None:
            self._late_since_ms = now_ms
        if now_ms - self._late_since_ms < BELIEVED_AFTER_MS:
            return True
        self._quickest_ms, self._late_since_ms = way_ms, None
        return False
