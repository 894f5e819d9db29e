"""Sounds of our own: chimes around a programme and the technician's test tone.

Computed, never recorded, so that nobody's rights are in them; the same bytes every time. Standard library only:
the speaker's agent makes its test tone here. All are mono, 48 kHz, signed 16-bit little-endian.
"""

import array
import math
import sys
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

RATE_HZ = 48_000

_FULL_SCALE = 32_767
_PARTIALS = ((1.0, 1.0, 1.0), (2.0, 0.35, 0.6), (3.0, 0.12, 0.35), (4.2, 0.05, 0.2))
"""A soft bell: (multiple of the note, strength, how long it rings beside the first)."""
_STRIKE_S = 0.006
_INAUDIBLE = 1e-4
_RELEASE_S = 0.08


class ChimeKind(StrEnum):
    """What a chime announces."""

    OPENING = "opening"
    """Three rising notes: a programme begins."""
    CLOSING = "closing"
    """The same notes falling: it is over."""
    ATTENTION = "attention"
    """A longer two-tone call, 4.5 s (EN 50849 asks for 4 to 10), before what must not be missed."""


_NOTES_HZ = {"sol": 391.995, "do": 523.251, "mi": 659.255, "sol'": 783.991}
_SCORES: dict[ChimeKind, tuple[tuple[float, float], ...]] = {
    ChimeKind.OPENING: ((0.0, _NOTES_HZ["do"]), (0.45, _NOTES_HZ["mi"]), (0.9, _NOTES_HZ["sol'"])),
    ChimeKind.CLOSING: ((0.0, _NOTES_HZ["sol'"]), (0.45, _NOTES_HZ["mi"]), (0.9, _NOTES_HZ["do"])),
    ChimeKind.ATTENTION: tuple((0.5 * beat, _NOTES_HZ["sol'" if beat % 2 == 0 else "do"]) for beat in range(7)),
}
_LENGTH_S = {ChimeKind.OPENING: 2.5, ChimeKind.CLOSING: 2.5, ChimeKind.ATTENTION: 4.5}
_RING_S = {ChimeKind.OPENING: 0.55, ChimeKind.CLOSING: 0.55, ChimeKind.ATTENTION: 0.35}
_PEAK = 0.58


@lru_cache(maxsize=len(ChimeKind))
def chime(kind: ChimeKind = ChimeKind.OPENING) -> bytes:
    """The samples of a chime."""
    length = int(_LENGTH_S[kind] * RATE_HZ)
    mix = [0.0] * length
    for start_s, note_hz in _SCORES[kind]:
        _strike(mix, int(start_s * RATE_HZ), note_hz, _RING_S[kind])
    loudest = max(map(abs, mix))
    release = int(_RELEASE_S * RATE_HZ)
    for step in range(release):
        mix[length - 1 - step] *= step / release
    return _samples(_PEAK / loudest * value for value in mix)


def _strike(mix: list[float], start: int, note_hz: float, ring_s: float) -> None:
    rise = int(_STRIKE_S * RATE_HZ)
    for multiple, strength, ringing in _PARTIALS:
        turn = math.tau * note_hz * multiple / RATE_HZ
        decay = math.exp(-1 / (ring_s * ringing * RATE_HZ))
        level = strength
        audible = min(len(mix) - start, int(math.log(_INAUDIBLE / strength) / math.log(decay)))
        for step in range(audible):
            mix[start + step] += level * math.sin(turn * step) * (step / rise if step < rise else 1.0)
            level *= decay


def tone(seconds: float) -> bytes:
    """A technician's test: a 1 kHz beep in the first half of every second, unlike anything that is broadcast."""
    count = max(0, round(seconds * RATE_HZ))
    second = _beep()
    whole, rest = divmod(2 * count, len(second))
    return second * whole + second[:rest]


@lru_cache(maxsize=1)
def _beep(pitch_hz: int = 1000, level: float = 0.25) -> bytes:
    half = RATE_HZ // 2
    edge = RATE_HZ // 100
    return _samples(
        level * math.sin(math.tau * pitch_hz * step / RATE_HZ) * min(1.0, step / edge, (half - step) / edge)
        if step < half
        else 0.0
        for step in range(RATE_HZ)
    )


def _samples(values: Iterable[float]) -> bytes:
    made = array.array("h", (round(_FULL_SCALE * value) for value in values))
    if sys.byteorder == "big":
        made.byteswap()
    return made.tobytes()
