"""PulseAudio, or PipeWire in its clothes, through libpulse-simple: no wheel, no compiler, 31 MB of process."""

import ctypes
import time
from collections.abc import Callable
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from typing import Final

from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position, SinkLost, SinkUnavailable

_PLAYBACK: Final = 1
_S16LE: Final = 3
_ANY: Final = 0xFFFFFFFF
_BUFFER_MS: Final = 80


class _SampleSpec(Structure):
    _fields_ = (("format", c_int), ("rate", c_uint32), ("channels", c_uint8))


class _BufferAttr(Structure):
    _fields_ = (
        ("maxlength", c_uint32),
        ("tlength", c_uint32),
        ("prebuf", c_uint32),
        ("minreq", c_uint32),
        ("fragsize", c_uint32),
    )


@cache
def _library() -> ctypes.CDLL:
    try:
        lib = ctypes.CDLL("libpulse-simple.so.0")
    except OSError as error:
        raise SinkUnavailable(f"libpulse is not installed: {error}") from error
    lib.pa_simple_new.restype = c_void_p
    lib.pa_simple_new.argtypes = [
        c_char_p,
        c_char_p,
        c_int,
        c_char_p,
        c_char_p,
        POINTER(_SampleSpec),
        c_void_p,
        POINTER(_BufferAttr),
        POINTER(c_int),
    ]
    lib.pa_simple_write.argtypes = [c_void_p, c_char_p, c_size_t, POINTER(c_int)]
    lib.pa_simple_get_latency.restype = c_uint64
    lib.pa_simple_get_latency.argtypes = [c_void_p, POINTER(c_int)]
    lib.pa_simple_free.argtypes = [c_void_p]
    lib.pa_simple_free.restype = None
    return lib


@cache
def _words() -> ctypes.CDLL:
    lib = ctypes.CDLL("libpulse.so.0")
    lib.pa_strerror.restype = c_char_p
    lib.pa_strerror.argtypes = [c_int]
    return lib


def _said(error: c_int) -> str:
    text: bytes | None = _words().pa_strerror(error.value)
    return (text or b"unknown").decode(errors="replace")


class PulseSink:
    """One playback stream on a PulseAudio server; `device` names its sink, None takes the default one."""

    def __init__(
        self,
        *,
        server: str | None = None,
        device: str | None = None,
        buffer_ms: int = _BUFFER_MS,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lib = _library()
        self._mono = mono
        self._device = device
        self._written = 0
        self._latency_us = buffer_ms * 1000
        target = buffer_ms * RATE_HZ // 1000 * FRAME_BYTES
        spec = _SampleSpec(_S16LE, RATE_HZ, 1)
        buffers = _BufferAttr(_ANY, target, _ANY, target // 4, _ANY)
        error = c_int(0)
        self._stream: c_void_p | None = c_void_p(
            self._lib.pa_simple_new(
                server.encode() if server else None,
                b"loa",
                _PLAYBACK,
                device.encode() if device else None,
                b"broadcast",
                byref(spec),
                None,
                byref(buffers),
                byref(error),
            )
        )
        if not self._stream:
            self._stream = None
            raise SinkUnavailable(f"PulseAudio: {_said(error)}")

    @property
    def name(self) -> str:
        """`pulse`, with the device where one was chosen."""
        return f"pulse:{self._device}" if self._device else "pulse"

    @property
    def latency_ms(self) -> float:
        """As the server reported it last."""
        return self._latency_us / 1000

    def write(self, frames: bytes, of: str | None = None) -> None:  # noqa: ARG002 -- this sink keeps nothing
        """Queue frames on the server."""
        error = c_int(0)
        if self._lib.pa_simple_write(self._stream, frames, len(frames), byref(error)) < 0:
            raise SinkLost(f"PulseAudio: {_said(error)}")
        self._written += len(frames) // FRAME_BYTES

    def consumed(self) -> Position:
        """Frames written, less those still on their way to the horn."""
        error = c_int(0)
        before = self._mono()
        latency = self._lib.pa_simple_get_latency(self._stream, byref(error))
        after = self._mono()
        if error.value:
            raise SinkLost(f"PulseAudio: {_said(error)}")
        self._latency_us = latency
        return Position(max(0, self._written - latency * RATE_HZ // 1_000_000), (before + after) / 2)

    def close(self) -> None:
        """End the stream at once; what is queued is dropped."""
        if self._stream is not None:
            self._lib.pa_simple_free(self._stream)
            self._stream = None
