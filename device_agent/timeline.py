"""Which frame of a stream sounds when: learnt from what the sink says it has consumed."""

import statistics
from collections import deque
from typing import Final

from device_agent.sinks import RATE_HZ, Position

_WINDOW: Final = 15
"""0.3 s of readings: a device that drifts by 100 ppm moves by 15 µs until their median follows."""
_STALL_S: Final = 0.005
_CONFIRM: Final = 3
_AGREE_S: Final = 0.002


class Timeline:
    """Relates frame numbers to monotonic time by the median of recent readings.

    An odd reading is jitter of the reading; several in a row that agree mean that the device stood still or caught up,
    and from then on only they count. When a whole window is odd, whatever it says, nothing before it holds any more.
    """

    def __init__(self) -> None:
        self._offsets: deque[float] = deque(maxlen=_WINDOW)
        self._odd: list[float] = []
        self._offset: float | None = None
        self._read_s: float | None = None

    @property
    def known(self) -> bool:
        """Whether the device has begun to consume, so that the questions below have an answer."""
        return self._offset is not None

    def observe(self, position: Position) -> float:
        """Take a reading; returns for how many seconds the device was found to have stood still, mostly 0."""
        if position.frames == 0 or position.mono_s == self._read_s:
            return 0.0
        self._read_s = position.mono_s
        offset = position.mono_s - position.frames / RATE_HZ
        stalled = 0.0
        if self._offset is not None and abs(offset - self._offset) > _STALL_S:
            self._odd.append(offset)
            last = self._odd[-_CONFIRM:]
            if len(self._odd) < _WINDOW and (len(last) < _CONFIRM or max(last) - min(last) > _AGREE_S):
                return 0.0
            stalled = max(0.0, statistics.median(last) - self._offset)
            self._offsets.clear()
            self._offsets.extend(last)
        else:
            self._offsets.append(offset)
        self._odd.clear()
        self._offset = statistics.median(self._offsets)
        return stalled

    def instant(self, frame: int) -> float:
        """The monotonic time at which a frame sounds."""
        return self._now_known() + frame / RATE_HZ

    def frame_at(self, mono_s: float) -> int:
        """The frame that sounds at a monotonic instant."""
        return round((mono_s - self._now_known()) * RATE_HZ)

    def _now_known(self) -> float:
        if self._offset is None:
            raise RuntimeError("asked before the device consumed anything")
        return self._offset
