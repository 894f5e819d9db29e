"""Turns what should sound into the next frames of one endless stream, and the sink's progress into what sounded.

No thread, no clock, no device: the player calls it with both.
"""

import audioop
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Literal, Protocol

from device_agent.sinks import FRAME_BYTES, RATE_HZ
from device_agent.timeline import Timeline

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


@dataclass(frozen=True, slots=True)
class Started:
    """The sink consumed the first sample."""

    airing: int
    first_mono_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The sink consumed the last sample there will be."""

    airing: int
    cause: Cause
    played_ms: int
    last_mono_s: float | None
    """None when not one sample sounded."""


class _Stage(Enum):
    WAITING = auto()
    SOUNDING = auto()
    FADING = auto()
    DONE = auto()


@dataclass
class _Voice:
    """One sound on its way through the mixer."""

    airing: int
    of: str
    sound: Sound
    at_mono_s: float
    gain: float
    target: float
    step: float = 0.0
    stage: _Stage = _Stage.WAITING
    cause: Cause = "completed"
    runs: list[tuple[int, int]] = field(default_factory=list)
    """Where its frames lie in the stream: (first, count), more than one only when it starved between."""
    starved: int = 0
    announced: bool = False

    def render(self, index: int, frames: int) -> bytes:
        """Return up to `frames` frames with the volume applied, and note where they lie."""
        pcm = self.sound.read(frames)
        got = len(pcm) // FRAME_BYTES
        if got:
            self.starved = 0
            if self.runs and sum(self.runs[-1]) == index:
                self.runs[-1] = (self.runs[-1][0], self.runs[-1][1] + got)
            else:
                self.runs.append((index, got))
        if got < frames:
            self.starved += frames - got
            if self.sound.ended:
                self.finish("failed" if self.sound.failed else "completed")
            elif self.starved > _STARVED_FRAMES:
                self.finish("failed")
        shaped = self._shaped(pcm)
        if self.stage is _Stage.FADING and (self.gain == 0 or got < frames):
            self.finish("cut")
        return shaped

    def ramp(self, target: float, over_ms: int = FADE_MS) -> None:
        """Move the volume to `target` within some time, mostly that of a fade."""
        self.target = target
        self.step = abs(target - self.gain) / max(1, over_ms)

    def finish(self, cause: Cause) -> None:
        """No more frames of it will be rendered."""
        self.cause = cause if self.stage is not _Stage.FADING else "cut"
        self.stage = _Stage.DONE
        self.sound.close()

    def consumed(self, position: int) -> int:
        """How many of its frames the sink has played."""
        return sum(min(count, max(0, position - first)) for first, count in self.runs)

    def _shaped(self, pcm: bytes) -> bytes:
        if self.gain == self.target:
            return pcm if self.gain == 1 else audioop.mul(pcm, FRAME_BYTES, self.gain)
        blocks: list[bytes] = []
        for at in range(0, len(pcm), _BLOCK_FRAMES * FRAME_BYTES):
            self.gain = self._nearer()
            blocks.append(audioop.mul(pcm[at : at + _BLOCK_FRAMES * FRAME_BYTES], FRAME_BYTES, self.gain))
        return b"".join(blocks)

    def _nearer(self) -> float:
        if abs(self.target - self.gain) <= self.step * 1.01:
            return self.target
        return self.gain + (self.step if self.target > self.gain else -self.step)


class Mixer:
    """All voices of one stream: usually one, two for the 30 ms in which one gives way to the other."""

    def __init__(self) -> None:
        self._voices: list[_Voice] = []

    def add(self, airing: int, sound: Sound, *, of: str, at_mono_s: float, gain: float, fade_in: bool) -> None:
        """Let a sound begin at an instant, or at once when that has passed; whatever sounds then fades out."""
        voice = _Voice(airing, of, sound, at_mono_s, gain=0.0 if fade_in else gain, target=gain)
        voice.ramp(gain)
        self._voices.append(voice)

    def stop(self, airing: int) -> None:
        """Fade a sound out, or forget it if it has not begun."""
        for voice in self._voices:
            if voice.airing == airing:
                self._fade(voice)

    def stop_all(self) -> None:
        """Fade out everything."""
        for voice in self._voices:
            self._fade(voice)

    def set_gain(self, airing: int, gain: float, over_s: float) -> None:
        """Move a sound's volume within some time; what waits begins with it."""
        for voice in self._voices:
            if voice.airing == airing and voice.stage is _Stage.SOUNDING:
                voice.ramp(gain, round(over_s * 1000))
            elif voice.airing == airing and voice.stage is _Stage.WAITING:
                voice.target, voice.gain = gain, gain if voice.gain else 0.0
                voice.ramp(gain)

    def retime(self, airing: int, at_mono_s: float) -> None:
        """The instant of a sound's first sample lies elsewhere now."""
        for voice in self._voices:
            if voice.airing == airing:
                voice.at_mono_s = at_mono_s

    @property
    def idle(self) -> bool:
        """Whether nothing sounds or waits."""
        return not self._voices

    @property
    def audible(self) -> bool:
        """Whether some voice has begun and the sink has not consumed all of it."""
        return any(voice.stage is not _Stage.WAITING and voice.runs for voice in self._voices)

    def render(self, index: int, frames: int, timeline: Timeline) -> tuple[bytes, str | None]:
        """Return the stream's next frames from `index` on, at most `frames`, and what they belong to.

        Fewer are returned when a sound begins or ends inside, so that it lies at the very frame.
        """
        if timeline.known:
            frames = self._begin_due(index, frames, timeline)
        mixed = b""
        of: str | None = None
        for voice in [v for v in self._voices if v.stage in {_Stage.SOUNDING, _Stage.FADING}]:
            pcm = voice.render(index, frames)
            if voice.stage is _Stage.SOUNDING:
                pcm += bytes(frames * FRAME_BYTES - len(pcm))
            if pcm:
                of = voice.of
                mixed = _added(mixed, pcm)
        return (mixed, of) if mixed else (bytes(frames * FRAME_BYTES), None)

    def settle(self, position: int, timeline: Timeline) -> Iterable[Started | Ended]:
        """Say what the sink's progress to frame `position` means."""
        for voice in list(self._voices):
            played = voice.consumed(position)
            if played and not voice.announced:
                voice.announced = True
                yield Started(voice.airing, timeline.instant(voice.runs[0][0]))
            if voice.stage is _Stage.DONE and played == sum(count for _, count in voice.runs):
                self._voices.remove(voice)
                last = timeline.instant(sum(voice.runs[-1])) if voice.runs else None
                yield Ended(voice.airing, voice.cause, played * 1000 // RATE_HZ, last)

    def lose(self, position: int, mono_s: float) -> Iterable[Ended]:
        """The sink is gone: nothing of what is here will sound any more."""
        voices, self._voices = self._voices, []
        for voice in voices:
            voice.sound.close()
            played = voice.consumed(position)
            cause = voice.cause if voice.stage is _Stage.DONE else "lost"
            yield Ended(voice.airing, cause, played * 1000 // RATE_HZ, mono_s if played else None)

    def sounding(self, position: int) -> tuple[int, int] | None:
        """The airing that is heard now and how many ms of it were; None when the sink consumes silence."""
        for voice in reversed(self._voices):
            if voice.announced:
                return voice.airing, voice.consumed(position) * 1000 // RATE_HZ
        return None

    def _begin_due(self, index: int, frames: int, timeline: Timeline) -> int:
        """Begin what is due at `index`; return how many frames may be rendered before the next beginning."""
        for voice in [v for v in self._voices if v.stage is _Stage.WAITING]:
            start = timeline.frame_at(voice.at_mono_s)
            if start <= index:
                for other in self._voices:
                    if other.stage is _Stage.SOUNDING:
                        self._fade(other)
                voice.stage = _Stage.SOUNDING
            else:
                frames = min(frames, start - index)
        return frames

    @staticmethod
    def _fade(voice: _Voice) -> None:
        if voice.stage is _Stage.WAITING:
            voice.finish("cancelled")
        elif voice.stage is _Stage.SOUNDING:
            voice.stage = _Stage.FADING
            voice.ramp(0.0)
            if voice.gain == 0:
                voice.finish("cut")


def _added(one: bytes, other: bytes) -> bytes:
    """Mix two pieces that begin together; the longer one goes on alone."""
    short, long = sorted((one, other), key=len)
    if not short:
        return long
    return audioop.add(short, long[: len(short)], FRAME_BYTES) + long[len(short) :]
