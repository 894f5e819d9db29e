"""A sound card through libasound, without a sound server between."""

import ctypes
import errno
import time
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint, c_ulong, c_void_p
from functools import cache
from typing import Final

import structlog

from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position, SinkLost, SinkUnavailable

log = structlog.get_logger(__name__)

_PLAYBACK: Final = 0
_S16LE: Final = 2
_INTERLEAVED: Final = 3
_BUFFER_MS: Final = 100


@cache
def _library() -> ctypes.CDLL:
    try:
        lib = ctypes.CDLL("libasound.so.2")
    except OSError as error:
        raise SinkUnavailable(f"libasound is not installed: {error}") from error
    lib.snd_pcm_open.argtypes = [POINTER(c_void_p), c_char_p, c_int, c_int]
    lib.snd_pcm_set_params.argtypes = [c_void_p, c_int, c_int, c_uint, c_uint, c_int, c_uint]
    lib.snd_pcm_writei.argtypes = [c_void_p, c_char_p, c_ulong]
    lib.snd_pcm_writei.restype = c_long
    lib.snd_pcm_delay.argtypes = [c_void_p, POINTER(c_long)]
    lib.snd_pcm_recover.argtypes = [c_void_p, c_int, c_int]
    lib.snd_pcm_drop.argtypes = [c_void_p]
    lib.snd_pcm_close.argtypes = [c_void_p]
    lib.snd_strerror.restype = c_char_p
    lib.snd_strerror.argtypes = [c_int]
    return lib


def _said(code: int) -> str:
    text: bytes | None = _library().snd_strerror(code)
    return (text or b"unknown").decode(errors="replace")


class AlsaSink:
    """A PCM of ALSA, such as `default` or `plughw:1`."""

    def __init__(
        self, device: str = "default", *, buffer_ms: int = _BUFFER_MS, mono: Callable[[], float] = time.monotonic
    ) -> None:
        self._lib = _library()
        self._device = device
        self._mono = mono
        self._written = 0
        self._delay = 0
        self._pcm = c_void_p()
        code = self._lib.snd_pcm_open(byref(self._pcm), device.encode(), _PLAYBACK, 0)
        if code < 0:
            raise SinkUnavailable(f"ALSA {device}: {_said(code)}")
        code = self._lib.snd_pcm_set_params(self._pcm, _S16LE, _INTERLEAVED, 1, RATE_HZ, 1, buffer_ms * 1000)
        if code < 0:
            self._lib.snd_pcm_close(self._pcm)
            raise SinkUnavailable(f"ALSA {device}: {_said(code)}")

    @property
    def name(self) -> str:
        """`alsa:` and the device."""
        return f"alsa:{self._device}"

    @property
    def latency_ms(self) -> float:
        """As the driver reported it last."""
        return self._delay * 1000 / RATE_HZ

    def write(self, frames: bytes, of: str | None = None) -> None:  # noqa: ARG002 -- this sink keeps nothing
        """Queue frames in the driver's buffer; an underrun is repaired, a card that was pulled out is a loss."""
        rest = frames
        while rest:
            took = self._lib.snd_pcm_writei(self._pcm, rest, len(rest) // FRAME_BYTES)
            if took < 0:
                self._recover(took)
                continue
            self._written += took
            rest = rest[took * FRAME_BYTES :]

    def _recover(self, code: int) -> None:
        if code == -errno.ENODEV or self._lib.snd_pcm_recover(self._pcm, code, 1) < 0:
            raise SinkLost(f"ALSA {self._device}: {_said(code)}")
        log.info("alsa.recovered", device=self._device, error=_said(code))

    def consumed(self) -> Position:
        """Frames written, less those that the driver still holds."""
        delay = c_long(0)
        code = self._lib.snd_pcm_delay(self._pcm, byref(delay))
        now = self._mono()
        if code == -errno.ENODEV:
            raise SinkLost(f"ALSA {self._device}: {_said(code)}")
        self._delay = max(0, delay.value) if code == 0 else 0
        return Position(max(0, self._written - self._delay), now)

    def close(self) -> None:
        """Drop what is queued and let the card go."""
        if self._pcm:
            self._lib.snd_pcm_drop(self._pcm)
            self._lib.snd_pcm_close(self._pcm)
            self._pcm = c_void_p()
