"""The few functions of libopus that decoding speech needs, through ctypes: no child, no wheel, 0.2 ms a frame."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int16, c_int32, c_void_p
from ctypes.util import find_library
from functools import cache
from typing import Final

from device_agent.errors import AgentError
from device_agent.sinks import FRAME_BYTES, RATE_HZ
from protocol.live import FRAME_MS

FRAME: Final = RATE_HZ * FRAME_MS // 1000
_OK: Final = 0


class NoOpus(AgentError):
    """This machine cannot decode live speech."""

    code = "live_unavailable"


class BadFrame(AgentError):
    """Signed, and no Opus of 20 ms all the same."""

    code = "bad_frame"


@cache
def _library() -> ctypes.CDLL:
    name = find_library("opus") or "libopus.so.0"
    try:
        opus = ctypes.CDLL(name)
    except OSError as error:
        raise NoOpus(f"libopus is not installed: sudo apt install libopus0 ({error})") from error
    opus.opus_decoder_create.argtypes = (c_int32, c_int, POINTER(c_int))
    opus.opus_decoder_create.restype = c_void_p
    opus.opus_decoder_destroy.argtypes = (c_void_p,)
    opus.opus_decoder_destroy.restype = None
    opus.opus_decode.argtypes = (c_void_p, c_char_p, c_int32, POINTER(c_int16), c_int, c_int)
    opus.opus_decode.restype = c_int
    return opus


class Decoder:
    """Decodes one stream, mono at 48 kHz. One thread at a time."""

    def __init__(self) -> None:
        self._opus = _library()
        error = c_int()
        self._state = self._opus.opus_decoder_create(RATE_HZ, 1, byref(error))
        if error.value != _OK or not self._state:
            raise NoOpus(f"libopus refuses: error {error.value}")
        self._pcm = (c_int16 * FRAME)()

    def decode(self, opus: bytes) -> bytes:
        """Return 20 ms of samples; of an empty frame what it may have been. Raises `BadFrame`."""
        frames = self._opus.opus_decode(self._state, opus or None, len(opus), self._pcm, FRAME, 0)
        if frames <= 0:
            raise BadFrame(f"libopus error {frames}")
        return bytes(memoryview(self._pcm).cast("B")[: frames * FRAME_BYTES])

    def __del__(self) -> None:
        if state := getattr(self, "_state", None):
            self._opus.opus_decoder_destroy(state)
