"""Sound read a little faster or slower than it was made, so that a speaker keeps step with its neighbours.

The sample clocks of two cheap cards differ by up to some 100 ppm: 180 ms after half an hour. Reading 100 ppm faster is
a fifth of a thousandth of a semitone and inaudible, if it is done between the samples: by 8-point Lagrange
interpolation (Laakso et al., "Splitting the unit delay", 1996), whose error for what a horn can carry (up to 6 kHz)
lies below that of 16 bits. While nothing is to be corrected, samples pass through untouched.
"""

import audioop
import math
from functools import lru_cache
from typing import Final, Protocol

from device_agent.sinks import FRAME_BYTES

_POINTS: Final = range(-3, 5)
"""The frames around a point between two frames, relative to the left one."""
_BEFORE: Final = 4
_AFTER: Final = 6
_WIDE: Final = 4
_HEADROOM: Final = 4.0
"""Sums of eight products are made with two bits to spare."""
_HALF: Final = 1 << 13
_WANDER: Final = 0.06
"""Within so much of a frame the delay between two points is taken as a straight line: −77 dB of error at 5 kHz."""
_STEPS: Final = 24
"""In so many steps all of that is followed, and less of it in fewer: −66 dB at 5 kHz, −80 dB at 1 kHz."""
_LANDING: Final = 20e-6
"""How fast a fraction of a frame that is left over is worked off."""
_NORMS: Final = tuple(math.prod(k - m for m in _POINTS if m != k) for k in _POINTS)


class Source(Protocol):
    """What samples are read from."""

    @property
    def ended(self) -> bool:
        """Whether all has been read."""

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames: as many as are here now."""


class Elastic:
    """Reads from a source at a rate of its own; `position` says which frame of the source comes next."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._past = bytes(_BEFORE * FRAME_BYTES)
        self._ahead = b""
        self._taken = 0
        self._phase = 0.0

    @property
    def position(self) -> float:
        """How many frames of the source have been passed."""
        return self._taken + self._phase

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return not self._ahead and self._source.ended

    def read(self, frames: int, rate: float = 0.0) -> bytes:
        """Return up to `frames` frames, as many as can be made now; at 0.001 they pass 0.1 % faster than made."""
        blocks: list[bytes] = []
        while frames:
            untouched = not rate and not self._phase
            block = self._plain(frames) if untouched else self._between(frames, rate)
            blocks.append(block)
            if not block:
                break
            frames -= len(block) // FRAME_BYTES
        return b"".join(blocks)

    def skip(self, frames: int) -> int:
        """Leave out up to `frames` frames, as many as are here now; return how many."""
        return len(self._plain(frames)) // FRAME_BYTES

    def _plain(self, frames: int) -> bytes:
        self._look_ahead(frames)
        return self._take(frames)

    def _between(self, frames: int, rate: float) -> bytes:
        start = self._phase
        frames, end = self._glide(frames, rate) if rate else self._landing(frames)
        self._look_ahead(frames + _AFTER)
        here = len(self._ahead) // FRAME_BYTES
        if here < frames + _AFTER and not self._source.ended:
            return b""
        if here < frames:
            frames, end = here, start
        if not frames:
            return b""
        wide = audioop.lin2lin(self._past + self._ahead + bytes(_AFTER * FRAME_BYTES), FRAME_BYTES, _WIDE)
        steps = math.ceil(abs(end - start) / _WANDER * _STEPS)
        made = _glided(_delayed(wide, start, frames), _delayed(wide, end, frames), steps)
        whole = math.floor(end)
        self._take(frames + whole)
        self._phase = end - whole
        if self.ended:
            self._phase = 0.0
        made = audioop.mul(audioop.bias(made, _WIDE, _HALF), _WIDE, _HEADROOM)
        return audioop.lin2lin(made, _WIDE, FRAME_BYTES)

    def _glide(self, frames: int, rate: float) -> tuple[int, float]:
        """For how many frames to go on at this rate in one piece, and between which two frames that ends."""
        frames = max(1, min(frames, int(_WANDER / abs(rate))))
        return frames, self._phase + frames * rate

    def _landing(self, frames: int) -> tuple[int, float]:
        """The same on the way to the nearer whole frame, after which samples pass untouched again."""
        end = float(round(self._phase))
        to_go = math.ceil(abs(end - self._phase) / _LANDING)
        if to_go <= frames:
            return max(1, to_go), end
        return frames, self._phase + math.copysign(frames * _LANDING, end - self._phase)

    def _look_ahead(self, frames: int) -> None:
        missing = frames - len(self._ahead) // FRAME_BYTES
        if missing > 0:
            self._ahead += self._source.read(missing)

    def _take(self, frames: int) -> bytes:
        pcm, self._ahead = self._ahead[: frames * FRAME_BYTES], self._ahead[frames * FRAME_BYTES :]
        self._past = (self._past + pcm)[-_BEFORE * FRAME_BYTES :]
        self._taken += len(pcm) // FRAME_BYTES
        return pcm


def _delayed(wide: bytes, ahead: float, frames: int) -> bytes:
    """Return `frames` frames as they are `ahead` of a frame later, two bits quieter."""
    whole = math.floor(ahead)
    first = (_BEFORE + whole + _POINTS[0]) * _WIDE
    total = b""
    for number, weight in enumerate(_weights(ahead - whole)):
        if weight:
            at = first + number * _WIDE
            part = audioop.mul(wide[at : at + frames * _WIDE], _WIDE, weight / _HEADROOM)
            total = audioop.add(total, part, _WIDE) if total else part
    return total


def _weights(between: float) -> list[float]:
    """Lagrange's weights of the frames around a point that lies `between` (0 to 1) two frames."""
    if between == 0:
        return [float(k == 0) for k in _POINTS]
    product = math.prod([between - k for k in _POINTS])
    return [product / ((between - k) * norm) for k, norm in zip(_POINTS, _NORMS, strict=True)]


def _glided(one: bytes, other: bytes, steps: int) -> bytes:
    """Go over from one to the other, in so many small steps that they drown in the error of 16 bits of speech."""
    if one == other:
        return one
    difference = audioop.add(other, audioop.mul(one, _WIDE, -1), _WIDE)
    ramp = [audioop.mul(difference[step], _WIDE, weight) for step, weight in _ramp(len(one), steps)]
    return audioop.add(one, b"".join(ramp), _WIDE)


@lru_cache(maxsize=256)
def _ramp(size: int, steps: int) -> tuple[tuple[slice, float], ...]:
    """The steps from one to the other in so many bytes, and how much of the way is gone in the midst of each."""
    step = -(-size // (_WIDE * steps)) * _WIDE
    return tuple((slice(at, at + step), min(1.0, (at + step / 2) / size)) for at in range(0, size, step))
