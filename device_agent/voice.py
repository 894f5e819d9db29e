"""One sound on its way through the mixer: kept to its instants, faded, made louder, counted as the sink consumes it."""

import audioop
import math
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Literal, Protocol

from device_agent.elastic import Elastic
from device_agent.meter import dbfs
from device_agent.ports import Quality
from device_agent.sinks import FRAME_BYTES, RATE_HZ
from device_agent.steering import HARD_LIMIT_S

FADE_MS: Final = 30
_BLOCK_FRAMES: Final = RATE_HZ // 1000
"""A ramp moves in steps of 1 ms."""
_STARVED_FRAMES: Final = 5 * RATE_HZ
"""A sound that brings nothing for so long is given up."""

Cause = Literal["completed", "cut", "cancelled", "failed", "lost"]


class Sound(Protocol):
    """Samples on demand. The player's thread reads; it must never have to wait."""

    @property
    def ended(self) -> bool:
        """Whether all has been read."""

    @property
    def failed(self) -> bool:
        """Whether it ended before its time, because of an error."""

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames: as many as are here now."""

    def close(self) -> None:
        """Let go of what produces it."""


class Stage(Enum):
    """How far a voice has come."""

    WAITING = auto()
    SOUNDING = auto()
    FADING = auto()
    DONE = auto()


@dataclass(slots=True)
class _Run:
    """Frames of the stream and the frames of the sound that lie there: a few more or fewer when it is in a hurry."""

    first: int
    frames: int
    begins: float
    content: float
    before: float
    """How much of the sound the runs before it hold."""
    energy: float
    """Its frames times the square of their RMS …"""
    energy_before: float = 0.0
    """… and the same of the runs before it."""
    gaps: int = 0
    """How often, up to its first frame, the sound had nothing to bring …"""
    gap_frames: int = 0
    """… and how much silence lies there instead."""

    def share_until(self, position: int) -> float:
        """How much of it lies before a frame of the stream: from 0 to 1."""
        return min(1.0, max(0, position - self.first) / self.frames)

    def content_until(self, position: int) -> float:
        """How much of its content lies before a frame of the stream."""
        return self.content * self.share_until(position)

    def goes_on_as(self, other: "_Run") -> bool:
        """Whether the other follows without a gap on either side, and neither is in a hurry."""
        follows = self.first + self.frames == other.first and self.begins + self.content == other.begins
        return follows and self.content == self.frames and other.content == other.frames


class Voice:
    """A sound with its volume and its place in the stream.

    `at_mono_s` is the instant of its first sample; frame p belongs p / 48,000 s later. A voice that `joins` is in the
    midst of something: when it begins late, the beginning is left out. One that does not stay `in_step` is heard whole,
    however late the rest of it becomes.
    """

    def __init__(
        self, airing: int, sound: Sound, *, of: str, at_mono_s: float, gain: float, joins: bool, in_step: bool
    ) -> None:
        self.airing = airing
        self.of = of
        self.at_mono_s = at_mono_s
        self.stage = Stage.WAITING
        self.cause: Cause = "completed"
        self.announced = False
        self.rate = 0.0
        self.jumped_s = 0.0
        """By how much it was set right at once, until the mixer has taken note."""
        self.starved_s = 0.0
        """How long it had nothing to bring, when it brings something again, until the mixer has taken note."""
        self._sound = sound
        self._elastic = Elastic(sound)
        self._joins = joins
        self._in_step = in_step
        self._gain = 0.0 if joins else gain
        self._target = gain
        self._ramp_step = 0.0
        self._runs: deque[_Run] = deque()
        self._starved = 0
        self._stalls = 0
        self._stalled_s = 0.0
        self._accepted_late_s = 0.0
        self._jumping = False
        self.ramp(gain)

    # --- orders

    def begin(self, late_s: float) -> None:
        """Sound from now on; its instant has passed by `late_s`."""
        self.stage = Stage.SOUNDING
        if late_s > HARD_LIMIT_S:
            if self._joins:
                self._jumping = True
            else:
                self._accepted_late_s = late_s

    def ramp(self, target: float, over_ms: int = FADE_MS) -> None:
        """Move the volume to `target` within some time, mostly that of a fade."""
        if self.stage is Stage.WAITING and not self._joins:
            self._gain = target
        self._target = target
        self._ramp_step = abs(target - self._gain) / max(1, over_ms)

    def give_way(self) -> None:
        """Fade out; what has not begun is called off."""
        if self.stage is Stage.WAITING:
            self.finish("cancelled")
        elif self.stage is Stage.SOUNDING:
            self.stage = Stage.FADING
            self.ramp(0.0)
            if self._gain == 0:
                self.finish("cut")

    def finish(self, cause: Cause) -> None:
        """No more frames of it will be rendered."""
        self.cause = cause if self.stage is not Stage.FADING else "cut"
        self.stage = Stage.DONE
        self.close()

    def close(self) -> None:
        """Let go of what produces it."""
        self._sound.close()

    # --- samples

    def late_s(self, instant_s: float) -> float:
        """By how much its next frame would be late if it sounded at `instant_s`."""
        return instant_s - (self.at_mono_s + self._accepted_late_s + self._elastic.position / RATE_HZ)

    def render(self, index: int, frames: int, late_s: float) -> bytes:
        """Return up to `frames` frames for the stream from `index` on, and note where they lie."""
        leaving = self._set_right(late_s)
        lead = self._jump(frames, late_s) if self._jumping and not leaving else 0
        begins = self._elastic.position
        pcm = b"" if self._jumping and not leaving else self._elastic.read(frames - lead, self.rate)
        got = len(pcm) // FRAME_BYTES
        shaped = self._shaped(pcm)
        if leaving:
            shaped = _faded_out(shaped)
        if got:
            self._note(index + lead, got, begins, got * audioop.rms(shaped, FRAME_BYTES) ** 2)
        self._feel_hunger(frames - lead, got)
        if self.stage is Stage.FADING and (self._gain == 0 or got < frames):
            self.finish("cut")
        return bytes(lead * FRAME_BYTES) + shaped

    def _set_right(self, late_s: float) -> bool:
        """Decide to jump when too far from its instants; says whether this is the last piece before the jump."""
        if self._jumping or self.stage is not Stage.SOUNDING or abs(late_s) <= HARD_LIMIT_S:
            return False
        if not self._in_step:
            self._accepted_late_s += late_s
            return False
        self._jumping = True
        self.jumped_s = late_s
        return not self._starved

    def _jump(self, frames: int, late_s: float) -> int:
        """Go to where it should be: leave out what is late, or wait; returns for how many frames to wait."""
        if late_s < 0:
            lead = min(frames, round(-late_s * RATE_HZ))
            self._jumping = lead == frames
        else:
            lead, wanted = 0, round(late_s * RATE_HZ)
            self._jumping = self._elastic.skip(wanted) < wanted and not self._elastic.ended
        if not self._jumping:
            self._gain = 0.0
            self.ramp(self._target)
        return lead

    def _feel_hunger(self, frames: int, got: int) -> None:
        if got:
            self._starved = 0
        if got < frames:
            self._starved += frames - got
            if self._elastic.ended:
                self.finish("failed" if self._sound.failed else "completed")
            elif self._starved > _STARVED_FRAMES:
                self.finish("failed")

    def _shaped(self, pcm: bytes) -> bytes:
        if self._gain == self._target:
            return pcm if self._gain == 1 else audioop.mul(pcm, FRAME_BYTES, self._gain)
        blocks: list[bytes] = []
        for at in range(0, len(pcm), _BLOCK_FRAMES * FRAME_BYTES):
            self._gain = self._nearer()
            blocks.append(audioop.mul(pcm[at : at + _BLOCK_FRAMES * FRAME_BYTES], FRAME_BYTES, self._gain))
        return b"".join(blocks)

    def _nearer(self) -> float:
        if abs(self._target - self._gain) <= self._ramp_step * 1.01:
            return self._target
        return self._gain + (self._ramp_step if self._target > self._gain else -self._ramp_step)

    # --- what sounded

    def stalled(self, seconds: float) -> None:
        """The sink stood still in its midst."""
        self._stalls += 1
        self._stalled_s += seconds

    @property
    def placed(self) -> bool:
        """Whether some of it is in the stream."""
        return bool(self._runs)

    @property
    def first_frame(self) -> int:
        """Where in the stream it began, as long as that has not been announced."""
        return self._runs[0].first

    @property
    def end_frame(self) -> int:
        """Where in the stream its last frame so far lies; 0 when there is none."""
        return self._runs[-1].first + self._runs[-1].frames if self._runs else 0

    def heard_ms(self, position: int) -> int:
        """How much of it the sink has played when it has consumed the stream up to `position`."""
        run = self._run_at(position)
        return _ms(run.before + run.content_until(position)) if run else 0

    def reached_ms(self, position: int) -> int:
        """The same with what was left out: where in the sound the listener is."""
        run = self._run_at(position)
        return _ms(run.begins + run.content_until(position)) if run else 0

    def quality(self, position: int) -> Quality:
        """How well it sounded as far as the sink has consumed the stream."""
        run = self._run_at(position)
        if run is None:
            return Quality()
        content = run.before + run.content_until(position)
        energy = run.energy_before + run.energy * run.share_until(position)
        return Quality(
            underruns=self._stalls + run.gaps,
            underrun_ms=round(self._stalled_s * 1000) + _ms(run.gap_frames),
            level_dbfs=dbfs(math.sqrt(energy / content)),
        )

    def over(self, position: int) -> bool:
        """Whether all there will be has been consumed."""
        return self.stage is Stage.DONE and position >= self.end_frame

    def _run_at(self, position: int) -> _Run | None:
        # At the very frame where the next run begins nothing of it was heard yet: all of this one was.
        while self.announced and len(self._runs) > 1 and self._runs[1].first < position:
            self._runs.popleft()
        return self._runs[0] if self._runs and position > self._runs[0].first else None

    def _note(self, index: int, frames: int, begins: float, energy: float) -> None:
        run = _Run(index, frames, begins, self._elastic.position - begins, 0.0, energy)
        last = self._runs[-1] if self._runs else None
        if last is not None and last.goes_on_as(run):
            last.frames += frames
            last.content += run.content
            last.energy += run.energy
            return
        if last is not None:
            run.before = last.before + last.content
            run.energy_before = last.energy_before + last.energy
            run.gaps = last.gaps + (1 if self._starved else 0)
            run.gap_frames = last.gap_frames + self._starved
            self.starved_s = self._starved / RATE_HZ
        self._runs.append(run)


def _ms(frames: float) -> int:
    return round(frames) * 1000 // RATE_HZ


def _faded_out(pcm: bytes) -> bytes:
    """Fade one piece out, from its first to its last sample."""
    size = _BLOCK_FRAMES * FRAME_BYTES
    starts = range(0, len(pcm), size)
    return b"".join(audioop.mul(pcm[at : at + size], FRAME_BYTES, 1 - at / len(pcm)) for at in starts)
