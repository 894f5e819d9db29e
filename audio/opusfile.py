"""A clip's samples by libopusfile, through ctypes: in this process, without the 30 MB of ffmpeg.

A clip is Ogg Opus, mono, in one piece; everything else, and a machine without the library, is ffmpeg's to read.
"""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int16, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Final

from audio.errors import EngineFailed, NotAudio
from audio.ffmpeg import RATE_HZ, real_file

_HOLE: Final = -3
"""`OP_HOLE`: a page is torn or missing; what follows it is sound again."""
_PACKET_MAX: Final = RATE_HZ * 120 // 1000
"""Samples in the longest packet of Opus (RFC 6716)."""
_PREROLL: Final = RATE_HZ * 200 // 1000
"""Samples decoded and thrown away before a beginning in the middle. Opus promises to have converged after 80 ms."""

_SIGNATURES: Final = {
    "op_open_file": (c_void_p, [c_char_p, POINTER(c_int)]),
    "op_link_count": (c_int, [c_void_p]),
    "op_channel_count": (c_int, [c_void_p, c_int]),
    "op_pcm_total": (c_int64, [c_void_p, c_int]),
    "op_pcm_seek": (c_int, [c_void_p, c_int64]),
    "op_set_dither_enabled": (None, [c_void_p, c_int]),
    "op_read": (c_int, [c_void_p, POINTER(c_int16), c_int, POINTER(c_int)]),
    "op_free": (None, [c_void_p]),
}


@cache
def library() -> ctypes.CDLL | None:
    """Load it; None where it is not installed."""
    try:
        lib = ctypes.CDLL("libopusfile.so.0")
    except OSError:
        return None
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class OpusFile:
    """A clip's samples from `from_ms` on, mono, 48 kHz, signed 16-bit little-endian. For one thread at a time."""

    def __init__(self, path: Path, *, from_ms: int = 0) -> None:
        """Open it. Raises `Unreadable`, `EngineFailed` without the library, `NotAudio` for what is no clip."""
        lib = library()
        if lib is None:
            raise EngineFailed(engine="libopusfile", detail="not installed")
        self._lib = lib
        status = c_int()
        self._file = c_void_p(lib.op_open_file(os.fsencode(real_file(path)), byref(status)))
        if not self._file:
            raise NotAudio
        self._samples = (c_int16 * _PACKET_MAX)()
        try:
            self._skip = self._begin(from_ms * RATE_HZ // 1000)
        except BaseException:
            self.close()
            raise

    def _begin(self, at: int) -> int:
        """Go to shortly before the sample `at`; return how many of the next ones are not wanted."""
        if self._lib.op_link_count(self._file) != 1 or self._lib.op_channel_count(self._file, -1) != 1:
            raise NotAudio
        # Noise that hides the rounding would differ at every beginning; 16 bits are quieter than any horn.
        self._lib.op_set_dither_enabled(self._file, 0)
        total: int = self._lib.op_pcm_total(self._file, -1)
        start = max(0, min(at, total) - _PREROLL)
        if start and (status := self._lib.op_pcm_seek(self._file, start)) != 0:
            raise EngineFailed(engine="libopusfile", detail=f"seek {status}")
        return at - start

    def read(self) -> bytes:
        """Return the samples of the next packet, or nothing at the end. Raises `EngineFailed` for a broken file."""
        while (count := self._lib.op_read(self._file, self._samples, _PACKET_MAX, None)) != 0:
            if count == _HOLE:
                continue
            if count < 0:
                raise EngineFailed(engine="libopusfile", detail=str(count))
            unwanted = min(count, self._skip)
            self._skip -= unwanted
            if unwanted < count:
                return bytes(memoryview(self._samples)[unwanted:count])
        return b""

    def close(self) -> None:
        """Let go of the file. Nothing is read after it."""
        self._lib.op_free(self._file)
