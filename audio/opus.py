"""The few functions of libopus that live speech needs, through ctypes: no child, no wheel, a fraction of a ms a frame.

A frame is 20 ms, mono, 16-bit little-endian PCM. One thread at a time for each stream.
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int16, c_int32, c_void_p
from ctypes.util import find_library
from functools import cache
from typing import Final

from audio.errors import AudioError

FRAME_MS: Final = 20
RATE_HZ: Final = 48_000
FRAME: Final = RATE_HZ * FRAME_MS // 1000
PACKET_MAX_BYTES: Final = 1275
"""The longest packet of one frame (RFC 6716, 3.2.1)."""
_SAMPLE_BYTES: Final = 2
_OK: Final = 0
_VOIP: Final = 2048
"""`OPUS_APPLICATION_VOIP`: made for speech."""
_SET_BITRATE, _SET_COMPLEXITY = 4002, 4010
_COMPLEXITY: Final = 5
"""Of 10: as good to the ear at this rate as the highest, for half the work."""


class OpusMissing(AudioError):
    """No libopus on this machine, or one that refuses. Facts: `detail`."""

    code = "live_unavailable"
    vi = "Máy này chưa có libopus. Hãy cài: «sudo apt install libopus0» ({detail})."
    en = "libopus is not installed: sudo apt install libopus0 ({detail})"


class BadFrame(AudioError):
    """No Opus of 20 ms, or no PCM of 20 ms. Facts: `detail`."""

    code = "bad_frame"
    vi = "Khung âm thanh hỏng: {detail}."
    en = "A broken frame of sound: {detail}"


@cache
def _library() -> ctypes.CDLL:
    name = find_library("opus") or "libopus.so.0"
    try:
        opus = ctypes.CDLL(name)
    except OSError as error:
        raise OpusMissing(detail=str(error)) from error
    opus.opus_decoder_create.argtypes = (c_int32, c_int, POINTER(c_int))
    opus.opus_decoder_create.restype = c_void_p
    opus.opus_decoder_destroy.argtypes = (c_void_p,)
    opus.opus_decoder_destroy.restype = None
    opus.opus_decode.argtypes = (c_void_p, c_char_p, c_int32, POINTER(c_int16), c_int, c_int)
    opus.opus_decode.restype = c_int
    opus.opus_encoder_create.argtypes = (c_int32, c_int, c_int, POINTER(c_int))
    opus.opus_encoder_create.restype = c_void_p
    opus.opus_encoder_destroy.argtypes = (c_void_p,)
    opus.opus_encoder_destroy.restype = None
    opus.opus_encode.argtypes = (c_void_p, c_char_p, c_int, c_char_p, c_int32)
    opus.opus_encode.restype = c_int
    opus.opus_encoder_ctl.restype = c_int  # variadic: what follows the request is given its type in the call
    return opus


class Decoder:
    """Decodes one stream, mono at 48 kHz."""

    def __init__(self) -> None:
        self._opus = _library()
        error = c_int()
        self._state = self._opus.opus_decoder_create(RATE_HZ, 1, byref(error))
        if error.value != _OK or not self._state:
            raise OpusMissing(detail=f"error {error.value}")
        self._pcm = (c_int16 * FRAME)()

    def decode(self, opus: bytes) -> bytes:
        """Return 20 ms of samples; of an empty frame what it may have been. Raises `BadFrame`."""
        frames = self._opus.opus_decode(self._state, opus or None, len(opus), self._pcm, FRAME, 0)
        if frames <= 0:
            raise BadFrame(detail=f"libopus error {frames}")
        return bytes(memoryview(self._pcm).cast("B")[: frames * _SAMPLE_BYTES])

    def __del__(self) -> None:
        if state := getattr(self, "_state", None):
            self._opus.opus_decoder_destroy(state)


class Encoder:
    """Encodes one stream of speech, mono, at a rate that Opus knows (8, 12, 16, 24 or 48 kHz). Raises `OpusMissing`."""

    def __init__(self, rate_hz: int = RATE_HZ, *, bits_per_s: int = 32_000) -> None:
        self._opus = _library()
        error = c_int()
        self._state = self._opus.opus_encoder_create(rate_hz, 1, _VOIP, byref(error))
        if error.value != _OK or not self._state:
            raise OpusMissing(detail=f"error {error.value}")
        self._frame = rate_hz * FRAME_MS // 1000
        self._packet = ctypes.create_string_buffer(PACKET_MAX_BYTES)
        for request, value in ((_SET_BITRATE, bits_per_s), (_SET_COMPLEXITY, _COMPLEXITY)):
            self._opus.opus_encoder_ctl(c_void_p(self._state), c_int(request), c_int32(value))

    @property
    def frame_bytes(self) -> int:
        """How many bytes 20 ms of samples are."""
        return self._frame * _SAMPLE_BYTES

    def encode(self, pcm: bytes) -> bytes:
        """Return the packet of 20 ms of samples. Raises `BadFrame`."""
        if len(pcm) != self.frame_bytes:
            raise BadFrame(detail=f"{len(pcm)} bytes of PCM instead of {self.frame_bytes}")
        size = self._opus.opus_encode(self._state, pcm, self._frame, self._packet, PACKET_MAX_BYTES)
        if size <= 0:
            raise BadFrame(detail=f"libopus error {size}")
        return self._packet.raw[:size]

    def __del__(self) -> None:
        if state := getattr(self, "_state", None):
            self._opus.opus_encoder_destroy(state)
