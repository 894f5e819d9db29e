"""Turns what should sound into the next frames of one endless stream, and the sink's progress into what sounded.

No thread, no clock, no device: the player calls it with both.
"""

import audioop
from collections.abc import Iterable
from dataclasses import dataclass, field

from device_agent.ports import Quality
from device_agent.sinks import FRAME_BYTES, RATE_HZ
from device_agent.steering import Steering
from device_agent.timeline import Timeline
from device_agent.voice import Cause, Sound, Stage, Voice

__all__ = ["Cause", "Ended", "Mixer", "Sound", "Sounding", "Started"]


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
    skipped_ms: int = 0
    """What was left out in its midst, so that it came back into step after a stall."""
    quality: Quality = field(default_factory=Quality)


@dataclass(frozen=True, slots=True)
class Sounding:
    """What is heard now."""

    airing: int
    played_ms: int
    """Sound that the sink consumed …"""
    reached_ms: int
    """… and where in it the listener is: further, when something was left out."""


class Mixer:
    """All voices of one stream: usually one, two for the 30 ms in which one gives way to the other."""

    def __init__(self) -> None:
        self._voices: list[Voice] = []
        self._steering = Steering()
        self._jumps: list[float] = []
        self._gaps: list[float] = []
        self.late_s = 0.0
        """How far what is being rendered is behind its instants: what the steering works on."""

    def add(self, voice: Voice) -> None:
        """Let a sound begin at its instant, or at once when that has passed; whatever sounds then fades out."""
        self._voices.append(voice)

    def stop(self, airing: int) -> None:
        """Fade a sound out, or forget it if it has not begun."""
        for voice in self._of(airing):
            voice.give_way()

    def stop_all(self) -> None:
        """Fade out everything."""
        for voice in self._voices:
            voice.give_way()

    def set_gain(self, airing: int, gain: float, over_s: float) -> None:
        """Move a sound's volume within some time; what waits begins with it."""
        for voice in self._of(airing):
            if voice.stage in {Stage.WAITING, Stage.SOUNDING}:
                voice.ramp(gain, round(over_s * 1000))

    def retime(self, airing: int, at_mono_s: float) -> None:
        """The instant of a sound's first sample lies elsewhere now."""
        for voice in self._of(airing):
            voice.at_mono_s = at_mono_s

    @property
    def idle(self) -> bool:
        """Whether nothing sounds or waits."""
        return not self._voices

    @property
    def audible(self) -> bool:
        """Whether some voice has begun and the sink has not consumed all of it."""
        return any(voice.stage is not Stage.WAITING and voice.placed for voice in self._voices)

    @property
    def next_at_mono_s(self) -> float | None:
        """When the next of those that wait begins: an amplifier wants to know ahead."""
        return min((voice.at_mono_s for voice in self._voices if voice.stage is Stage.WAITING), default=None)

    def take_jumps(self) -> list[float]:
        """Return by how many seconds something had to be set right at once, each time since it was last asked."""
        jumps, self._jumps = self._jumps, []
        return jumps

    def take_gaps(self) -> list[float]:
        """Return for how many seconds a sound had nothing to bring in its midst, each time since it was last asked."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def stalled(self, seconds: float) -> None:
        """The sink was found to have stood still: what is heard broke off."""
        if (voice := self._heard()) is not None:
            voice.stalled(seconds)

    def render(self, index: int, frames: int, timeline: Timeline) -> tuple[bytes, str | None]:
        """Return the stream's next frames from `index` on, at most `frames`, and what they belong to.

        Fewer are returned when a sound begins or ends inside, so that it lies at the very frame.
        """
        if timeline.known:
            frames = self._begin_due(index, frames, timeline)
        mixed = b""
        of: str | None = None
        self.late_s = 0.0
        for voice in [v for v in self._voices if v.stage in {Stage.SOUNDING, Stage.FADING}]:
            pcm = self._steered(voice, index, frames, timeline)
            if voice.stage is Stage.SOUNDING:
                pcm += bytes(frames * FRAME_BYTES - len(pcm))
            if pcm:
                of = voice.of
                mixed = _added(mixed, pcm)
        return (mixed, of) if mixed else (bytes(frames * FRAME_BYTES), None)

    def settle(self, position: int, timeline: Timeline) -> Iterable[Started | Ended]:
        """Say what the sink's progress to frame `position` means."""
        for voice in list(self._voices):
            if not voice.announced and voice.placed and position > voice.first_frame:
                first_mono_s = timeline.instant(voice.first_frame)
                voice.announced = True
                yield Started(voice.airing, first_mono_s)
            if voice.over(position):
                self._voices.remove(voice)
                yield self._ended(voice, voice.cause, position, timeline.instant(voice.end_frame))

    def lose(self, position: int, mono_s: float) -> Iterable[Ended]:
        """The sink is gone: nothing of what is here will sound any more."""
        voices, self._voices = self._voices, []
        for voice in voices:
            voice.close()
            done = voice.stage is Stage.DONE and (voice.cause != "completed" or voice.over(position))
            cause = voice.cause if done else "lost"
            yield self._ended(voice, cause, position, mono_s)

    def sounding(self, position: int) -> Sounding | None:
        """What is heard when the sink has consumed the stream up to `position`; None for silence."""
        voice = self._heard()
        if voice is None:
            return None
        return Sounding(voice.airing, voice.heard_ms(position), voice.reached_ms(position))

    def quality(self, position: int) -> Quality | None:
        """How well what is heard sounded so far; None for silence."""
        return voice.quality(position) if (voice := self._heard()) is not None else None

    def _heard(self) -> Voice | None:
        return next((voice for voice in reversed(self._voices) if voice.announced), None)

    def _of(self, airing: int) -> list[Voice]:
        return [voice for voice in self._voices if voice.airing == airing]

    def _steered(self, voice: Voice, index: int, frames: int, timeline: Timeline) -> bytes:
        late_s = voice.late_s(timeline.instant(index))
        if voice.stage is Stage.SOUNDING:
            self.late_s = late_s
            voice.rate = self._steering.rate(late_s, frames / RATE_HZ)
        pcm = voice.render(index, frames, late_s)
        if voice.jumped_s:
            self._jumps.append(voice.jumped_s)
            voice.jumped_s = 0.0
        if voice.starved_s:
            self._gaps.append(voice.starved_s)
            voice.starved_s = 0.0
        return pcm

    def _begin_due(self, index: int, frames: int, timeline: Timeline) -> int:
        """Begin what is due at `index`; return how many frames may be rendered before the next beginning."""
        for voice in [v for v in self._voices if v.stage is Stage.WAITING]:
            start = timeline.frame_at(voice.at_mono_s)
            if start <= index:
                for other in self._voices:
                    if other.stage is Stage.SOUNDING:
                        other.give_way()
                voice.begin(timeline.instant(index) - voice.at_mono_s)
            else:
                frames = min(frames, start - index)
        return frames

    @staticmethod
    def _ended(voice: Voice, cause: Cause, position: int, last_mono_s: float) -> Ended:
        played_ms = voice.heard_ms(position)
        skipped_ms = voice.reached_ms(position) - played_ms
        return Ended(
            voice.airing, cause, played_ms, last_mono_s if played_ms else None, skipped_ms, voice.quality(position)
        )


def _added(one: bytes, other: bytes) -> bytes:
    """Mix two pieces that begin together; the longer one goes on alone."""
    short, long = sorted((one, other), key=len)
    if not short:
        return long
    return audioop.add(short, long[: len(short)], FRAME_BYTES) + long[len(short) :]
