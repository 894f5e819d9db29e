"""Speakers whose sample clocks are not true, and a programme in which every second can be found again when it sounds.

The programme is a pulse at each whole second. Where its middle comes out of the player, to a fraction of a frame, and
when that frame really sounds on this device, tells how far from its instant the speaker is: no word of the player's own
is needed for that.
"""

import audioop
import math
import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from device_agent.player import Player
from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position
from tests.support.commune_speaker import ManualClock

_WIDTH_FRAMES = 6
_HALF = 8 * _WIDTH_FRAMES
_PULSE = array("h", [round(20_000 * math.exp(-((at / _WIDTH_FRAMES) ** 2) / 2)) for at in range(-_HALF, _HALF + 1)])
STEP_S = 0.02


class Pulses:
    """A sound with a pulse in the middle of each second of it."""

    failed = False

    def __init__(self, seconds: int, *, from_s: float = 0) -> None:
        self._at = round(from_s * RATE_HZ)
        self._end = seconds * RATE_HZ
        before = RATE_HZ // 2 - _HALF
        second = bytes(before * FRAME_BYTES) + _PULSE.tobytes()
        self._second = second + bytes(RATE_HZ * FRAME_BYTES - len(second))

    @property
    def ended(self) -> bool:
        return self._at >= self._end

    def read(self, frames: int) -> bytes:
        parts = b""
        while frames and not self.ended:
            inside = self._at % RATE_HZ
            count = min(frames, RATE_HZ - inside, self._end - self._at)
            parts += self._second[inside * FRAME_BYTES : (inside + count) * FRAME_BYTES]
            self._at += count
            frames -= count
        return parts

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class DriftingSink:
    """A device with a clock of its own, a buffer, and an uncertain word on where it stands. Finds the pulses."""

    mono: Callable[[], float]
    ppm: float = 0.0
    jitter_s: Callable[[], float] = lambda: 0.0
    buffer_ms: float = 120.0
    name: str = "drifting"
    written: int = 0
    stood_still: float = 0.0
    pulses: list[float] = field(default_factory=list)
    """When the middle of each really sounded, in monotonic time."""

    def __post_init__(self) -> None:
        self.opened_at = self.mono()
        self._pulse = array("h")

    @property
    def latency_ms(self) -> float:
        return (self.written - self.frame_at(self.mono())) * 1000 / RATE_HZ

    @property
    def hungry(self) -> bool:
        return self.latency_ms < self.buffer_ms

    def write(self, frames: bytes, of: str | None = None) -> None:
        del of
        if audioop.max(frames, FRAME_BYTES):
            self._pulse.frombytes(frames)
        elif self._pulse:
            total = sum(self._pulse)
            middle = sum(at * value for at, value in enumerate(self._pulse)) / total
            self.pulses.append(self.instant(self.written - len(self._pulse) + middle))
            self._pulse = array("h")
        self.written += len(frames) // FRAME_BYTES

    def stall(self, seconds: float) -> None:
        """Stand still for so long: everything after sounds later."""
        self.stood_still += seconds

    def consumed(self) -> Position:
        now = self.mono()
        return Position(max(0, min(self.written, int(self.frame_at(now + self.jitter_s())))), now)

    def frame_at(self, mono_s: float) -> float:
        return (mono_s - self.opened_at - self.stood_still) * RATE_HZ * (1 + self.ppm * 1e-6)

    def instant(self, frame: float) -> float:
        return self.opened_at + self.stood_still + frame / RATE_HZ / (1 + self.ppm * 1e-6)

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Pole:
    """A player on such a device."""

    clock: ManualClock
    ppm: float = 0.0
    jitter_s: Callable[[], float] = lambda: 0.0

    def __post_init__(self) -> None:
        self.player = Player(self._open, mono=self.clock.mono)

    def _open(self) -> DriftingSink:
        self.sink = DriftingSink(self.clock.mono, self.ppm, self.jitter_s)
        return self.sink

    def feed(self) -> None:
        """Write until its buffer is full, as the player's thread does."""
        self.player.step()
        while self.sink.hungry:
            self.player.step()

    def errors_s(self, at_mono_s: float, *, from_s: float = 0) -> list[float]:
        """How late each pulse sounded of a programme whose beginning belongs at an instant."""
        pulses = [sounded - at_mono_s + from_s - 0.5 for sounded in self.sink.pulses]
        return [late - round(late) for late in pulses]


def uncertain(seed: int, *, sd_s: float = 0.000_3) -> Callable[[], float]:
    """Readings as real servers give them: mostly good, one in fifty far off."""
    dice = random.Random(seed)
    return lambda: dice.gauss(0, sd_s) if dice.random() < 0.98 else dice.uniform(-0.008, 0.008)


def pass_time(poles: list[Pole], seconds: float) -> None:
    """Let time pass for all of them."""
    clock = poles[0].clock
    for _ in range(round(seconds / STEP_S)):
        clock.advance(STEP_S)
        for pole in poles:
            pole.feed()
