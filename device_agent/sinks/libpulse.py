"""The few functions of libpulse that a playback stream needs, through ctypes: no wheel, no compiler.

Nothing here calls back into Python: libpulse's own thread does the work, and its state is looked at under its lock.
"""

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_int, c_int64, c_long, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from typing import Final

from device_agent.sinks.errors import SinkUnavailable

S16LE: Final = 3
ANY: Final = 0xFFFFFFFF
NO_AUTOSPAWN: Final = 0x0001
DONT_MOVE: Final = 0x0200
EARLY_REQUESTS: Final = 0x4000
CONTEXT_READY: Final = 4
STREAM_READY: Final = 2
FAILED_SIZE: Final = c_size_t(-1).value

_TIME = getattr(ctypes, "c_time_t", c_long)
"""Python 3.12 knows its size: on 32-bit Debian it grew between 12 and 13, where Python did, too."""


class SampleSpec(Structure):
    """`pa_sample_spec`."""

    _fields_ = (("format", c_int), ("rate", c_uint32), ("channels", c_uint8))


class BufferAttr(Structure):
    """`pa_buffer_attr`."""

    _fields_ = (
        ("maxlength", c_uint32),
        ("tlength", c_uint32),
        ("prebuf", c_uint32),
        ("minreq", c_uint32),
        ("fragsize", c_uint32),
    )


class TimingInfo(Structure):
    """`pa_timing_info`: what the server said of the stream at `sec` and `usec`."""

    _fields_ = (
        ("sec", _TIME),
        ("usec", _TIME),
        ("synchronized_clocks", c_int),
        ("sink_usec", c_uint64),
        ("source_usec", c_uint64),
        ("transport_usec", c_uint64),
        ("playing", c_int),
        ("write_index_corrupt", c_int),
        ("write_index", c_int64),
        ("read_index_corrupt", c_int),
        ("read_index", c_int64),
    )


_SIGNATURES: Final = {
    "pa_threaded_mainloop_new": (c_void_p, []),
    "pa_threaded_mainloop_start": (c_int, [c_void_p]),
    "pa_threaded_mainloop_stop": (None, [c_void_p]),
    "pa_threaded_mainloop_free": (None, [c_void_p]),
    "pa_threaded_mainloop_lock": (None, [c_void_p]),
    "pa_threaded_mainloop_unlock": (None, [c_void_p]),
    "pa_threaded_mainloop_get_api": (c_void_p, [c_void_p]),
    "pa_context_new": (c_void_p, [c_void_p, c_char_p]),
    "pa_context_connect": (c_int, [c_void_p, c_char_p, c_int, c_void_p]),
    "pa_context_get_state": (c_int, [c_void_p]),
    "pa_context_errno": (c_int, [c_void_p]),
    "pa_context_disconnect": (None, [c_void_p]),
    "pa_context_unref": (None, [c_void_p]),
    "pa_stream_new": (c_void_p, [c_void_p, c_char_p, POINTER(SampleSpec), c_void_p]),
    "pa_stream_connect_playback": (c_int, [c_void_p, c_char_p, POINTER(BufferAttr), c_int, c_void_p, c_void_p]),
    "pa_stream_get_state": (c_int, [c_void_p]),
    "pa_stream_get_device_name": (c_char_p, [c_void_p]),
    "pa_stream_writable_size": (c_size_t, [c_void_p]),
    "pa_stream_write": (c_int, [c_void_p, c_char_p, c_size_t, c_void_p, c_int64, c_int]),
    "pa_stream_update_timing_info": (c_void_p, [c_void_p, c_void_p, c_void_p]),
    "pa_stream_get_timing_info": (POINTER(TimingInfo), [c_void_p]),
    "pa_stream_disconnect": (c_int, [c_void_p]),
    "pa_stream_unref": (None, [c_void_p]),
    "pa_operation_unref": (None, [c_void_p]),
    "pa_strerror": (c_char_p, [c_int]),
}


@cache
def library() -> ctypes.CDLL:
    """Load it. Raises `SinkUnavailable` where it is not installed."""
    try:
        lib = ctypes.CDLL("libpulse.so.0")
    except OSError as error:
        raise SinkUnavailable(f"libpulse is not installed: {error}") from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Loop:
    """libpulse's own thread. Inside `with loop:` everything is answered without waiting for a server."""

    def __init__(self) -> None:
        self._lib = library()
        self._loop = c_void_p(self._lib.pa_threaded_mainloop_new())
        self.api = c_void_p(self._lib.pa_threaded_mainloop_get_api(self._loop))
        self._lib.pa_threaded_mainloop_start(self._loop)

    def __enter__(self) -> None:
        """Keep its thread out."""
        self._lib.pa_threaded_mainloop_lock(self._loop)

    def __exit__(self, *_: object) -> None:
        """Let it in again."""
        self._lib.pa_threaded_mainloop_unlock(self._loop)

    def end(self) -> None:
        """End the thread; it never waits for the server, so neither does this."""
        self._lib.pa_threaded_mainloop_stop(self._loop)
        self._lib.pa_threaded_mainloop_free(self._loop)
