"""A sound card made of nothing but a clock: consumes samples in real time and keeps what sounded.

For machines without sound, the demo and the tests. It is honest about lateness: when samples come too late the position
stands still, and silence is what is kept for that while.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position
from device_agent.sinks.sounded import SoundedFiles

_LATE_S: Final = 0.0005


class WavSink:
    """Plays at the pace of the monotonic clock into `files`."""

    def __init__(
        self,
        files: SoundedFiles,
        *,
        buffer_ms: int = 120,
        mono: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._files = files
        self._buffer_frames = buffer_ms * RATE_HZ // 1000
        self._mono = mono
        self._sleep = sleep
        self._accepted = 0
        self._kept = 0
        self._anchor_frames = 0
        self._anchor_s = mono()
        self._queued: deque[tuple[bytes, str | None]] = deque()
        self._last_of: str | None = None

    @property
    def name(self) -> str:
        """Always `wav`."""
        return "wav"

    @property
    def latency_ms(self) -> float:
        """What is queued now."""
        return (self._accepted - self._played(self._mono())) * 1000 / RATE_HZ

    def write(self, frames: bytes, of: str | None = None) -> None:
        """Queue frames, waiting while more than the buffer is queued."""
        count = len(frames) // FRAME_BYTES
        now = self._mono()
        self._stall_if_late(now, of)
        while (excess := self._accepted + count - self._played(now) - self._buffer_frames) > 0:
            self._sleep(excess / RATE_HZ)
            now = self._mono()
        self._queued.append((frames, of))
        self._accepted += count
        self._keep(now)

    def consumed(self) -> Position:
        """Frames whose time has come."""
        now = self._mono()
        self._keep(now)
        return Position(self._played(now), now)

    def close(self) -> None:
        """Keep what sounded until now and finish the file."""
        self._keep(self._mono())
        self._files.close()

    def _played(self, now: float) -> int:
        return min(self._accepted, self._anchor_frames + int((now - self._anchor_s) * RATE_HZ))

    def _instant(self, frame: int) -> float:
        return self._anchor_s + (frame - self._anchor_frames) / RATE_HZ

    def _stall_if_late(self, now: float, of: str | None) -> None:
        """When the queue ran dry, time goes on without samples: what comes now sounds from now on."""
        late = now - self._instant(self._accepted)
        if late <= _LATE_S and self._accepted:
            return
        self._keep(now)
        if self._accepted and of is not None and of == self._last_of:
            gap = bytes(int(late * RATE_HZ) * FRAME_BYTES)
            self._files.take(gap, self._last_of, first_mono_s=self._instant(self._accepted), now_mono_s=now)
        self._anchor_frames, self._anchor_s = self._accepted, now

    def _keep(self, now: float) -> None:
        """Hand on what has sounded since the last time."""
        played = self._played(now)
        while self._kept < played:
            frames, of = self._queued.popleft()
            take = min(len(frames) // FRAME_BYTES, played - self._kept)
            self._files.take(frames[: take * FRAME_BYTES], of, first_mono_s=self._instant(self._kept), now_mono_s=now)
            if take * FRAME_BYTES < len(frames):
                self._queued.appendleft((frames[take * FRAME_BYTES :], of))
            self._kept += take
            self._last_of = of
