"""PulseAudio, or PipeWire in its clothes: one stream whose server may die or hang without taking us along."""

import time
from collections.abc import Callable
from ctypes import byref, c_void_p
from typing import Final

from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position, SinkLost, SinkUnavailable, libpulse
from device_agent.sinks.patience import NAP_S, SHORTEST_NAP_S, Patience

_BUFFER_MS: Final = 160
_REQUEST_MS: Final = 20
"""Asked for early and in small pieces, 160 ms bore two busy cores. A server that may adjust its latency takes 50 ms at
a time instead, and ran dry."""
_WORTH_BYTES: Final = _REQUEST_MS * RATE_HZ // 1000 * FRAME_BYTES
"""Less than this is not written by itself: each time costs a small board."""
_OPEN_LIMIT_S: Final = 2.0
_NOWHERE: Final = "auto_null"
"""What PulseAudio and PipeWire put in the place of sinks that are gone: it takes samples, and nobody hears them."""


class PulseSink:
    """One playback stream on a PulseAudio server; `device` names its sink, None takes the default one.

    It stays with the sink it began with: when that goes, the stream ends and is lost, as the server may not move it to
    where nobody listens.
    """

    def __init__(
        self,
        *,
        server: str | None = None,
        device: str | None = None,
        buffer_ms: int = _BUFFER_MS,
        mono: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lib = libpulse.library()
        self._mono = mono
        self._sleep = sleep
        self._device = device
        self._taken: str | None = None
        self._context: c_void_p | None = None
        self._stream: c_void_p | None = None
        self._position = Position(0, mono())
        self._answer = (0, 0)
        self._room_from_s = mono()
        """Before that there can be no room: it is not asked for."""
        self._answers, self._room = Patience(mono), Patience(mono)
        self._latency_us = buffer_ms * 1000
        self._loop = libpulse.Loop()
        try:
            self._connect(server)
            self._begin(buffer_ms)
        except SinkUnavailable:
            self.close()
            raise

    @property
    def name(self) -> str:
        """`pulse`, with the device where one was chosen."""
        return f"pulse:{self._device}" if self._device else "pulse"

    @property
    def device(self) -> str | None:
        """The server's name for the sink that was taken."""
        return self._taken

    @property
    def latency_ms(self) -> float:
        """As the server reported it last."""
        return self._latency_us / 1000

    def write(self, frames: bytes, of: str | None = None) -> None:  # noqa: ARG002 -- this sink keeps nothing
        """Queue frames on the server."""
        rest = frames
        self._room.renew()
        if (wait_s := self._room_from_s - self._mono()) > 0:
            self._sleep(wait_s)
        while rest:
            with self._loop:
                took = self._write_what_fits(rest)
            if took:
                self._room.renew()
                rest = rest[took:]
            elif self._room.over():
                raise SinkLost("PulseAudio takes no more samples: it hangs")
            else:
                self._sleep(max(NAP_S, len(rest) / FRAME_BYTES / RATE_HZ))

    def consumed(self) -> Position:
        """Frames that the server had from us, less those still on their way to the horn, when it last said so."""
        with self._loop:
            self._raise_if_lost()
            self._take_answer()
            operation = self._lib.pa_stream_update_timing_info(self._stream, None, None)
            if operation:
                self._lib.pa_operation_unref(operation)
        return self._position

    def close(self) -> None:
        """End the stream at once; what is queued is dropped."""
        with self._loop:
            if self._stream:
                self._lib.pa_stream_disconnect(self._stream)
                self._lib.pa_stream_unref(self._stream)
            if self._context:
                self._lib.pa_context_disconnect(self._context)
                self._lib.pa_context_unref(self._context)
        self._stream = self._context = None
        self._loop.end()

    def _connect(self, server: str | None) -> None:
        with self._loop:
            self._context = c_void_p(self._lib.pa_context_new(self._loop.api, b"loa"))
            address = server.encode() if server else None
            if self._lib.pa_context_connect(self._context, address, libpulse.NO_AUTOSPAWN, None) < 0:
                raise SinkUnavailable(f"PulseAudio: {self._said()}")
        self._wait_for(lambda: int(self._lib.pa_context_get_state(self._context)), libpulse.CONTEXT_READY)

    def _begin(self, buffer_ms: int) -> None:
        target, request = (ms * RATE_HZ // 1000 * FRAME_BYTES for ms in (buffer_ms, _REQUEST_MS))
        spec = libpulse.SampleSpec(libpulse.S16LE, RATE_HZ, 1)
        buffers = libpulse.BufferAttr(libpulse.ANY, target, libpulse.ANY, request, libpulse.ANY)
        device = self._device.encode() if self._device else None
        flags = libpulse.EARLY_REQUESTS | libpulse.DONT_MOVE
        with self._loop:
            self._stream = c_void_p(self._lib.pa_stream_new(self._context, b"broadcast", byref(spec), None))
            if self._lib.pa_stream_connect_playback(self._stream, device, byref(buffers), flags, None, None) < 0:
                raise SinkUnavailable(f"PulseAudio: {self._said()}")
        self._wait_for(lambda: int(self._lib.pa_stream_get_state(self._stream)), libpulse.STREAM_READY)
        with self._loop:
            name: bytes | None = self._lib.pa_stream_get_device_name(self._stream)
        self._taken = name.decode(errors="replace") if name else None
        if self._taken == _NOWHERE:
            raise SinkUnavailable("PulseAudio has no sound card: check the plug, and pactl list short sinks")
        self._answers.renew()

    def _wait_for(self, state: Callable[[], int], ready: int) -> None:
        until = self._mono() + _OPEN_LIMIT_S
        while True:
            with self._loop:
                now = state()
                said = self._said() if now > ready else ""
            if now == ready:
                return
            if said:
                raise SinkUnavailable(f"PulseAudio: {said}")
            if self._mono() > until:
                raise SinkUnavailable("PulseAudio does not answer")
            self._sleep(SHORTEST_NAP_S)

    def _write_what_fits(self, frames: bytes) -> int:
        self._raise_if_lost()
        room = self._lib.pa_stream_writable_size(self._stream)
        if room == libpulse.FAILED_SIZE:
            raise SinkLost(f"PulseAudio: {self._said()}")
        size = min(len(frames), room // FRAME_BYTES * FRAME_BYTES)
        if size < min(len(frames), _WORTH_BYTES):
            return 0
        if self._lib.pa_stream_write(self._stream, frames, size, None, 0, 0) < 0:
            raise SinkLost(f"PulseAudio: {self._said()}")
        if (missing := _WORTH_BYTES - (room - size)) > 0:
            self._room_from_s = self._mono() + missing / FRAME_BYTES / RATE_HZ
        return int(size)

    def _take_answer(self) -> None:
        """Note where the server said it was, at the instant when it said so."""
        info = self._lib.pa_stream_get_timing_info(self._stream)
        told = info.contents if info else None
        if told is None or (told.sec, told.usec) == self._answer:
            if self._answers.over():
                raise SinkLost("PulseAudio gives no more answers: it hangs")
            return
        self._answers.renew()
        self._answer = (told.sec, told.usec)
        said_at_s = self._mono() - (time.time() - told.sec - told.usec / 1e6)
        frames = told.read_index // FRAME_BYTES - told.sink_usec * RATE_HZ // 1_000_000
        self._latency_us = told.sink_usec + max(0, told.write_index - told.read_index) * 1_000_000 // (
            RATE_HZ * FRAME_BYTES
        )
        self._position = Position(max(0, frames), said_at_s)

    def _raise_if_lost(self) -> None:
        if (
            self._lib.pa_context_get_state(self._context) != libpulse.CONTEXT_READY
            or self._lib.pa_stream_get_state(self._stream) != libpulse.STREAM_READY
        ):
            raise SinkLost(f"PulseAudio: {self._said()}")

    def _said(self) -> str:
        text: bytes | None = self._lib.pa_strerror(self._lib.pa_context_errno(self._context))
        return (text or b"unknown").decode(errors="replace")
