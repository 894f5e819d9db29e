"""Reading a WAV file as it arrives: 16-bit mono PCM, of stated length or endless."""

import struct

_PCM, _EXTENSIBLE = 1, 0xFFFE
_MONO, _BITS = 1, 16
_HEADER_MAX_BYTES = 1 << 16
_UNKNOWN_LENGTHS = (0, 0xFFFFFFFF, 0x7FFFFFFF)
_RATES_HZ = range(8_000, 48_001)


class BrokenWav(ValueError):
    """Not a WAV file that we read, or one that was cut."""


class WavReader:
    """Takes bytes in pieces of any size and gives whole samples. With a rate, there is no header."""

    def __init__(self, rate_hz: int = 0) -> None:
        self.rate_hz = rate_hz
        self._kept = b""
        self._in_data = bool(rate_hz)
        self._left: int | None = None
        self._heard = False

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the samples that are complete now."""
        self._kept += data
        if not self._in_data and not self._header():
            return b""
        whole = len(self._kept) & ~1
        samples, self._kept = self._kept[:whole], self._kept[whole:]
        if self._left is not None:
            samples = samples[: self._left]
            self._left -= len(samples)
        self._heard = self._heard or bool(samples)
        return samples

    def end(self) -> None:
        """Say that no more comes. Raises `BrokenWav` when there should have been more."""
        if not self._heard:
            raise BrokenWav("no samples")
        if self._left or (self._left is None and self._kept):
            raise BrokenWav("cut short")

    def _header(self) -> bool:
        """Read on to the samples; whether they have begun."""
        if len(self._kept) > _HEADER_MAX_BYTES:
            raise BrokenWav("an endless header")
        if self._kept[:4] != b"RIFF"[: len(self._kept)] or self._kept[8:12] != b"WAVE"[: max(0, len(self._kept) - 8)]:
            raise BrokenWav("not a WAV file")
        at = 12
        while len(self._kept) >= at + 8:
            name, size_bytes = struct.unpack_from("<4sI", self._kept, at)
            if name == b"data":
                if not self.rate_hz:
                    raise BrokenWav("samples before their format")
                self._left = None if size_bytes in _UNKNOWN_LENGTHS else size_bytes & ~1
                self._kept = self._kept[at + 8 :]
                self._in_data = True
                return True
            if size_bytes > _HEADER_MAX_BYTES:
                raise BrokenWav("an endless header")
            if name == b"fmt " and len(self._kept) >= at + 24:
                self._format(at + 8)
            at += 8 + size_bytes + (size_bytes & 1)
        return False

    def _format(self, at: int) -> None:
        coding, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", self._kept, at)
        if coding not in {_PCM, _EXTENSIBLE} or channels != _MONO or bits != _BITS or rate_hz not in _RATES_HZ:
            raise BrokenWav(f"coding {coding}, {channels} channels, {bits} bits, {rate_hz} Hz: send 16-bit mono PCM")
        self.rate_hz = rate_hz
