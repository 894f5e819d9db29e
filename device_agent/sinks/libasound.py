"""The few functions of libasound that a playback stream needs, through ctypes: no wheel, no compiler."""

import ctypes
import errno
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint, c_ulong, c_void_p
from functools import cache
from typing import Final

from device_agent.sinks.errors import SinkBusy, SinkForbidden, SinkMissing, SinkUnavailable, SinkUnsuited

_PLAYBACK: Final = 0
_NONBLOCK: Final = 1
_S16LE: Final = 2
_INTERLEAVED: Final = 3
_PERIOD_US: Final = 10_000

_PCM: Final = c_void_p
_PARAMETERS: Final = c_void_p
_SIGNATURES: Final = {
    "snd_pcm_open": [POINTER(_PCM), c_char_p, c_int, c_int],
    "snd_pcm_hw_params_malloc": [POINTER(_PARAMETERS)],
    "snd_pcm_hw_params_any": [_PCM, _PARAMETERS],
    "snd_pcm_hw_params_set_access": [_PCM, _PARAMETERS, c_int],
    "snd_pcm_hw_params_set_format": [_PCM, _PARAMETERS, c_int],
    "snd_pcm_hw_params_set_channels": [_PCM, _PARAMETERS, c_uint],
    "snd_pcm_hw_params_set_rate": [_PCM, _PARAMETERS, c_uint, c_int],
    "snd_pcm_hw_params_set_period_time_near": [_PCM, _PARAMETERS, POINTER(c_uint), c_void_p],
    "snd_pcm_hw_params_set_buffer_time_near": [_PCM, _PARAMETERS, POINTER(c_uint), c_void_p],
    "snd_pcm_hw_params": [_PCM, _PARAMETERS],
    "snd_pcm_get_params": [_PCM, POINTER(c_ulong), POINTER(c_ulong)],
    "snd_pcm_sw_params_malloc": [POINTER(_PARAMETERS)],
    "snd_pcm_sw_params_current": [_PCM, _PARAMETERS],
    "snd_pcm_sw_params_get_boundary": [_PARAMETERS, POINTER(c_ulong)],
    "snd_pcm_sw_params_set_start_threshold": [_PCM, _PARAMETERS, c_ulong],
    "snd_pcm_sw_params": [_PCM, _PARAMETERS],
    "snd_pcm_start": [_PCM],
    "snd_pcm_prepare": [_PCM],
    "snd_pcm_writei": [_PCM, c_char_p, c_ulong],
    "snd_pcm_delay": [_PCM, POINTER(c_long)],
    "snd_pcm_close": [_PCM],
}


@cache
def library() -> ctypes.CDLL:
    """Load it. Raises `SinkUnavailable` where it is not installed."""
    try:
        lib = ctypes.CDLL("libasound.so.2")
    except OSError as error:
        raise SinkUnavailable(f"libasound is not installed: {error}") from error
    for name, arguments in _SIGNATURES.items():
        getattr(lib, name).argtypes = arguments
    lib.snd_pcm_writei.restype = c_long
    lib.snd_pcm_hw_params_free.argtypes = lib.snd_pcm_sw_params_free.argtypes = [_PARAMETERS]
    lib.snd_pcm_hw_params_free.restype = lib.snd_pcm_sw_params_free.restype = None
    lib.snd_strerror.argtypes, lib.snd_strerror.restype = [c_int], c_char_p
    # Instead of printing to stderr at each try, it calls this function of its own, which does nothing.
    lib.snd_lib_error_set_handler(lib.snd_asoundlib_version)
    return lib


def said(code: int) -> str:
    """What an error code means, in English."""
    text: bytes | None = library().snd_strerror(code)
    return (text or b"unknown").decode(errors="replace")


class Pcm:
    """An open PCM for mono 48 kHz, prepared but not started. It never waits for its device, but a plugin's may.

    Its calls return what libasound returns: below 0 an error. Only opening raises `SinkUnavailable`.
    """

    def __init__(self, device: str, *, rate_hz: int, buffer_ms: int) -> None:
        self._lib = library()
        self._device = device
        self._pcm = _PCM()
        self.buffer_frames = self.period_frames = 0
        self._good(self._lib.snd_pcm_open(byref(self._pcm), device.encode(), _PLAYBACK, _NONBLOCK))
        try:
            self._choose(rate_hz, buffer_ms * 1000)
            self._never_start_by_itself()
        except SinkUnavailable:
            self.close()
            raise

    def start(self) -> int:
        """Begin to play what is queued."""
        return int(self._lib.snd_pcm_start(self._pcm))

    def prepare(self) -> int:
        """After an underrun, make ready for samples again."""
        return int(self._lib.snd_pcm_prepare(self._pcm))

    def write(self, frames: bytes, count: int) -> int:
        """Queue what fits; returns how many frames that were."""
        return int(self._lib.snd_pcm_writei(self._pcm, frames, count))

    def delay(self) -> tuple[int, int]:
        """Return 0 or an error, and how many frames lie between the last one queued and the horn."""
        frames = c_long(0)
        return int(self._lib.snd_pcm_delay(self._pcm, byref(frames))), frames.value

    def close(self) -> None:
        """Drop what is queued and let the device go."""
        self._lib.snd_pcm_close(self._pcm)

    def _choose(self, rate_hz: int, buffer_us: int) -> None:
        lib, pcm, chosen = self._lib, self._pcm, _PARAMETERS()
        period, buffer = c_uint(_PERIOD_US), c_uint(buffer_us)
        lib.snd_pcm_hw_params_malloc(byref(chosen))
        try:
            self._good(lib.snd_pcm_hw_params_any(pcm, chosen))
            for code in (
                lib.snd_pcm_hw_params_set_access(pcm, chosen, _INTERLEAVED),
                lib.snd_pcm_hw_params_set_format(pcm, chosen, _S16LE),
                lib.snd_pcm_hw_params_set_channels(pcm, chosen, 1),
                lib.snd_pcm_hw_params_set_rate(pcm, chosen, rate_hz, 0),
            ):
                if code == -errno.EINVAL:
                    raise SinkUnsuited(self._device)
                self._good(code)
            self._good(lib.snd_pcm_hw_params_set_period_time_near(pcm, chosen, byref(period), None))
            self._good(lib.snd_pcm_hw_params_set_buffer_time_near(pcm, chosen, byref(buffer), None))
            self._good(lib.snd_pcm_hw_params(pcm, chosen))
        finally:
            lib.snd_pcm_hw_params_free(chosen)
        sizes = c_ulong(), c_ulong()
        self._good(lib.snd_pcm_get_params(pcm, byref(sizes[0]), byref(sizes[1])))
        self.buffer_frames, self.period_frames = (size.value for size in sizes)

    def _never_start_by_itself(self) -> None:
        """Starting may wait for a plugin's server, so it is called for, where waiting has an end."""
        lib, chosen, never = self._lib, _PARAMETERS(), c_ulong()
        lib.snd_pcm_sw_params_malloc(byref(chosen))
        try:
            self._good(lib.snd_pcm_sw_params_current(self._pcm, chosen))
            self._good(lib.snd_pcm_sw_params_get_boundary(chosen, byref(never)))
            self._good(lib.snd_pcm_sw_params_set_start_threshold(self._pcm, chosen, never))
            self._good(lib.snd_pcm_sw_params(self._pcm, chosen))
        finally:
            lib.snd_pcm_sw_params_free(chosen)

    def _good(self, code: int) -> None:
        if code >= 0:
            return
        match -code:
            case errno.EBUSY:
                raise SinkBusy(self._device)
            case errno.EACCES | errno.EPERM:
                raise SinkForbidden(self._device)
            case errno.ENOENT | errno.ENODEV | errno.ENXIO:
                raise SinkMissing(self._device)
            case _:
                raise SinkUnavailable(f"ALSA {self._device}: {said(code)}")
