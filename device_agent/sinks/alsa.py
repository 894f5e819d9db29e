"""A sound card through libasound, without a sound server between. It may vanish or hang without taking us along.

Only what a device answers at once is asked in the player's thread. Opening, starting and closing wait for a server
where ALSA leads to one, so they are errands that can be left behind.
"""

import errno
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from typing import Final

import structlog

from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position, SinkLost, SinkUnavailable
from device_agent.sinks.libasound import Pcm, said
from device_agent.sinks.patience import LIMIT_S, NAP_S, Errands, Patience

log = structlog.get_logger(__name__)

_BUFFER_MS: Final = 160
_OPEN_LIMIT_S: Final = 2.0
_SETTLE_S: Final = 0.1
"""Right after starting a driver may tell what it means to do: the PulseAudio plugin was 41 ms off for one reading."""
_NOT_NOW: Final = frozenset({-errno.EAGAIN, -errno.EINTR})
_RAN_DRY: Final = -errno.EPIPE
_UNKNOWN_YET: Final = frozenset({-errno.EIO, _RAN_DRY, *_NOT_NOW})
"""What the position's reading may fail with while nothing is wrong: the PulseAudio plugin says EIO until it knows."""


@cache
def _errands(device: str) -> Errands:
    """One at a time for a device, so that one that hangs costs one thread, however often it is tried."""
    return Errands(f"alsa:{device}")


def _close_again(late: "Future[Pcm]") -> None:
    if late.exception() is None:
        late.result().close()


class AlsaSink:
    """A PCM of ALSA, such as `default` or `plughw:1`."""

    def __init__(
        self,
        device: str = "default",
        *,
        buffer_ms: int = _BUFFER_MS,
        mono: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._device = device
        self._mono = mono
        self._sleep = sleep
        self._errands = _errands(device)
        if self._errands.stuck:
            raise SinkUnavailable(f"ALSA {device} still hangs")
        opening = self._errands.begin(lambda: Pcm(device, rate_hz=RATE_HZ, buffer_ms=buffer_ms))
        try:
            self._pcm = opening.result(_OPEN_LIMIT_S)
        except TimeoutError as error:
            opening.add_done_callback(_close_again)
            raise SinkUnavailable(f"ALSA {device} does not answer") from error
        self._written = 0
        self._unstarted: int | None = 0
        """Frames queued since it was prepared; None while it plays."""
        self._settled_at_s = 0.0
        self._delay = 0
        self._position = Position(0, mono())
        self._room, self._answers = Patience(mono), Patience(mono)

    @property
    def name(self) -> str:
        """`alsa:` and the device."""
        return f"alsa:{self._device}"

    @property
    def latency_ms(self) -> float:
        """As the driver reported it last."""
        return self._delay * 1000 / RATE_HZ

    def write(self, frames: bytes, of: str | None = None) -> None:  # noqa: ARG002 -- this sink keeps nothing
        """Queue frames in the driver's buffer. It starts when that is full, and again after it ran dry."""
        rest = frames
        self._room.renew()
        while rest:
            took = self._pcm.write(rest, len(rest) // FRAME_BYTES)
            if took > 0:
                self._room.renew()
                rest = rest[took * FRAME_BYTES :]
                self._count(took)
            elif took < 0 and took not in {_RAN_DRY, *_NOT_NOW}:
                raise self._lost(took)
            elif self._room.over():
                raise SinkLost(f"ALSA {self._device} takes no more samples: it hangs")
            elif took == _RAN_DRY:
                self._prepare()
            elif self._unstarted:
                self._start()
            else:
                self._sleep(max(NAP_S, len(rest) / FRAME_BYTES / RATE_HZ))

    def consumed(self) -> Position:
        """Frames written, less those that the driver still holds; the last known while it does not say."""
        if self._unstarted is not None or self._mono() < self._settled_at_s:
            return self._position
        code, delay = self._pcm.delay()
        now = self._mono()
        if code >= 0:
            self._answers.renew()
            self._delay = max(0, delay)
            self._position = Position(max(0, self._written - self._delay), now)
        elif code not in _UNKNOWN_YET or self._answers.over():
            raise self._lost(code)
        return self._position

    def close(self) -> None:
        """Drop what is queued and let the card go; one that hangs goes when it can."""
        was_stuck = self._errands.stuck
        closing = self._errands.begin(self._pcm.close)
        if not was_stuck:
            with suppress(TimeoutError):
                closing.result(LIMIT_S)

    def _count(self, took: int) -> None:
        self._written += took
        if self._unstarted is not None:
            self._unstarted += took
            if self._unstarted >= self._pcm.buffer_frames - self._pcm.period_frames:
                self._start()

    def _start(self) -> None:
        self._in_time(self._pcm.start)
        self._unstarted = None
        self._settled_at_s = self._mono() + _SETTLE_S
        self._answers.renew()

    def _prepare(self) -> None:
        """It stopped because all that was written had been played: what is written next sounds that much later."""
        self._in_time(self._pcm.prepare)
        log.info("alsa.ran_dry", device=self._device)
        self._unstarted = 0

    def _in_time(self, call: Callable[[], int]) -> None:
        try:
            code = self._errands.run(call)
        except TimeoutError as error:
            raise SinkLost(f"ALSA {self._device} does not answer: it hangs") from error
        if code < 0:
            raise self._lost(code)

    def _lost(self, code: int) -> SinkLost:
        return SinkLost(f"ALSA {self._device}: {said(code)}")
