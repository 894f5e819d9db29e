"""A sink for tests: obeys a clock that the test moves, and fails when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, field

from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position, SinkLost


@dataclass
class FakeSink:
    """Plays in step with `mono`; `write` takes everything and never blocks.

    What was heard is in `heard`, frame by frame, with what each run of frames belonged to in `runs`.
    """

    mono: Callable[[], float]
    fail_after: int | None = None
    """Frames after which the device is gone."""
    name: str = "fake"
    latency_ms: float = 40.0
    heard: bytearray = field(default_factory=bytearray)
    runs: list[tuple[str | None, int]] = field(default_factory=list)
    stalled_s: float = 0.0
    closed: bool = False

    def __post_init__(self) -> None:
        self.opened_at = self.mono()

    def write(self, frames: bytes, of: str | None = None) -> None:
        """Take the frames, or fail as told."""
        if self.fail_after is not None and self.written + len(frames) // FRAME_BYTES > self.fail_after:
            raise SinkLost("the fake was told to fail")
        if self.runs and self.runs[-1][0] == of:
            self.runs[-1] = (of, self.runs[-1][1] + len(frames) // FRAME_BYTES)
        else:
            self.runs.append((of, len(frames) // FRAME_BYTES))
        self.heard += frames

    @property
    def written(self) -> int:
        """Frames accepted so far."""
        return len(self.heard) // FRAME_BYTES

    def stall(self, seconds: float) -> None:
        """Pretend that the device stood still for so long: everything after sounds later."""
        self.stalled_s += seconds

    def consumed(self) -> Position:
        """As far as a device with this latency would have come by now."""
        now = self.mono()
        elapsed = now - self.opened_at - self.latency_ms / 1000 - self.stalled_s
        return Position(max(0, min(self.written, round(elapsed * RATE_HZ))), now)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
