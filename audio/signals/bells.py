"""Notes that are struck and ring out: chimes, the attention call; and the technician's beep."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from audio.signals.kinds import Signal
from audio.signals.samples import BYTES_PER_MS, FULL_SCALE, PER_MS, RATE_HZ, little_endian, swell

_BLOCK_MS = 50
"""Notes are struck on this grid, and chimes come in such blocks."""
_BLOCK = _BLOCK_MS * PER_MS
_STRIKE = 6 * PER_MS
_INAUDIBLE = 1e-4
_RELEASE = 2 * _BLOCK

Partials = tuple[tuple[float, float, float], ...]
_BELL: Partials = ((1.0, 1.0, 1.0), (2.0, 0.35, 0.6), (3.0, 0.12, 0.35), (4.2, 0.05, 0.2))
"""A soft bell: (multiple of the note, strength, how long it rings beside the first)."""
_GLASS: Partials = ((1.0, 1.0, 1.0), (2.0, 0.12, 0.5))
"""Thin and high, with nothing of a siren's voice; all of it below 6 kHz."""

_DO, _MI, _SOL = 523.251, 659.255, 783.991
_HIGH_NOTES_HZ = (1046.502, 1318.510, 1567.982, 2093.005)


@dataclass(frozen=True, slots=True)
class _Score:
    """Which notes are struck when, by which instrument."""

    notes: tuple[tuple[int, float], ...]
    length_ms: int
    instrument: Partials
    ring_s: float
    level: float
    """Of one strike; chosen so that the whole comes to −16 LUFS."""


def _melody(notes_hz: Iterable[float], apart_ms: int) -> tuple[tuple[int, float], ...]:
    return tuple((number * apart_ms, pitch_hz) for number, pitch_hz in enumerate(notes_hz))


def _call(length_ms: int) -> _Score:
    beats = (length_ms - 1000) // 500
    return _Score(_melody([(_SOL, _DO)[beat % 2] for beat in range(beats)], 500), length_ms, _BELL, 0.35, 0.392)


_EXERCISE_HZ = (*_HIGH_NOTES_HZ, *_HIGH_NOTES_HZ[::-1]) * 2
_SCORES = {
    Signal.OPENING: _Score(_melody((_DO, _MI, _SOL), 450), 2500, _BELL, 0.55, 0.355),
    Signal.CLOSING: _Score(_melody((_SOL, _MI, _DO), 450), 2500, _BELL, 0.55, 0.355),
    Signal.ATTENTION: _call(4500),
    Signal.TEST_RISING: _Score(_melody(_HIGH_NOTES_HZ, 350), 2200, _GLASS, 0.15, 0.44),
    Signal.TEST_FALLING: _Score(_melody(_HIGH_NOTES_HZ[::-1], 350), 2200, _GLASS, 0.15, 0.44),
    Signal.EXERCISE: _Score(_melody(_EXERCISE_HZ, 350), 6400, _GLASS, 0.15, 0.44),
}


def length_ms(signal: Signal) -> int:
    """How long a chime lasts."""
    return _SCORES[signal].length_ms


def play(signal: Signal) -> Iterator[bytes]:
    """A chime."""
    return _play(_SCORES[signal])


def call(length_ms: int) -> Iterator[bytes]:
    """The attention call: its last note rings out for a second."""
    return _play(_call(length_ms))


def _play(score: _Score) -> Iterator[bytes]:
    length = score.length_ms * PER_MS
    ringing: list[_Partial] = []
    for start in range(0, length, _BLOCK):
        struck = [0.0] * _BLOCK
        new = [
            partial
            for at_ms, pitch_hz in score.notes
            if at_ms * PER_MS == start
            for partial in _strike(score, pitch_hz)
        ]
        for partial in new:
            partial.add_to(struck)
        for step in range(_STRIKE):
            struck[step] *= swell(step, _STRIKE)
        for partial in ringing:
            partial.add_to(struck)
        ringing = [partial for partial in (*ringing, *new) if partial.audible]
        if start + _BLOCK > length - _RELEASE:
            struck = [
                value * swell(min(_RELEASE, length - start - step), _RELEASE) for step, value in enumerate(struck)
            ]
        yield little_endian(round(FULL_SCALE * value) for value in struck[: length - start])


class _Partial:
    """A sine that dies away, by the recurrence of a resonator: two multiplications a sample."""

    def __init__(self, pitch_hz: float, level: float, ring_s: float) -> None:
        decay = math.exp(-1 / (ring_s * RATE_HZ))
        turn = math.tau * pitch_hz / RATE_HZ
        self._pull, self._loss = 2 * decay * math.cos(turn), decay * decay
        self._now, self._next = 0.0, level * decay * math.sin(turn)
        self._left = int(math.log(_INAUDIBLE / level) / math.log(decay))

    @property
    def audible(self) -> bool:
        return self._left > 0

    def add_to(self, mix: list[float]) -> None:
        pull, loss, now, after = self._pull, self._loss, self._now, self._next
        for step in range(len(mix)):
            mix[step] += now
            now, after = after, pull * after - loss * now
        self._now, self._next = now, after
        self._left -= len(mix)


def _strike(score: _Score, pitch_hz: float) -> list[_Partial]:
    return [
        _Partial(pitch_hz * multiple, score.level * strength, score.ring_s * ringing)
        for multiple, strength, ringing in score.instrument
    ]


BEEPS_MS = 5000
_BEEP_HZ = 1000
_BEEP_LEVEL = 0.25


def beeps(length_ms: int) -> Iterator[bytes]:
    """A 1 kHz beep in the first half of every second, unlike anything that is broadcast."""
    for start_ms in range(0, length_ms, 1000):
        yield _second()[: (length_ms - start_ms) * BYTES_PER_MS]


@lru_cache(maxsize=1)
def _second() -> bytes:
    beep, edge = RATE_HZ // 2, 10 * PER_MS
    level = FULL_SCALE * _BEEP_LEVEL
    return little_endian(
        round(level * math.sin(math.tau * _BEEP_HZ * step / RATE_HZ) * swell(min(step, beep - step, edge), edge))
        for step in range(beep)
    ) + bytes(2 * (RATE_HZ - beep))
