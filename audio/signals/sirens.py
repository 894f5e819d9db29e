"""The voice of danger: a motor siren's wail, and the patterns in which it calls.

The rule counts calls and their seconds; that the voice wails is ours, after the sirens people know. One wail of five
seconds is computed while it first sounds, kept (half a megabyte) and repeated: it ends in the phase in which it began.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

from audio.signals.kinds import Signal
from audio.signals.samples import BYTES_PER_MS, FULL_SCALE, PER_MS, RATE_HZ, little_endian, swell

_EDGE = 30 * PER_MS
_LEVEL = 0.605
"""Comes to −10 LUFS, six above speech at the same volume: it calls, words explain. A horn driver's rated power is
that of noise with 6 dB between effective value and peak; this stays below it for as long as it lasts."""

_OVERTONES = 6
"""As many as stay below 6 kHz."""
_TABLE_BITS, _PHASE_BITS = 13, 32
_TURN = 1 << _PHASE_BITS
_SHIFT = _PHASE_BITS - _TABLE_BITS
_CHUNK_MS = 250


@dataclass(frozen=True, slots=True)
class _Voice:
    """From low to high and back, evenly to the ear, again and again."""

    low_hz: float
    high_hz: float
    period_ms: int

    def pitch_hz(self, ms: int) -> float:
        return self.low_hz * math.pow(self.high_hz / self.low_hz, swell(2 * ms, self.period_ms))


@dataclass(frozen=True, slots=True)
class _Pattern:
    calls: int
    call_ms: int
    gap_ms: int
    voice: _Voice

    @property
    def length_ms(self) -> int:
        return self.calls * self.call_ms + (self.calls - 1) * self.gap_ms


_WAIL = _Voice(400.0, 900.0, 5000)
_STEADY = _Voice(480.0, 480.0, 1000)
_PATTERNS = {
    Signal.STORM: _Pattern(3, 20_000, 10_000, _WAIL),
    Signal.FLOOD_2: _Pattern(2, 10_000, 10_000, _WAIL),
    Signal.FLOOD_3: _Pattern(5, 30_000, 5_000, _WAIL),
    Signal.ALL_CLEAR: _Pattern(1, 60_000, 0, _STEADY),
}


def length_ms(signal: Signal) -> int:
    """How long a siren sounds, from its first call to the end of its last."""
    return _PATTERNS[signal].length_ms


def play(signal: Signal) -> Iterator[bytes]:
    """A siren."""
    pattern = _PATTERNS[signal]
    for number in range(pattern.calls):
        if number:
            yield from _silence(pattern.gap_ms)
        yield from _call(pattern.voice, pattern.call_ms)


def _silence(ms: int) -> Iterator[bytes]:
    for start_ms in range(0, ms, _CHUNK_MS):
        yield bytes(min(_CHUNK_MS, ms - start_ms) * BYTES_PER_MS)


def _call(voice: _Voice, ms: int) -> Iterator[bytes]:
    """The voice, swelling out of silence and back into it."""
    for start_ms in range(0, ms, _CHUNK_MS):
        chunk = _sung(voice, start_ms % voice.period_ms)
        if start_ms == 0:
            chunk = _faded(chunk, falling=False)
        if start_ms + _CHUNK_MS >= ms:
            chunk = _faded(chunk, falling=True)
        yield chunk


def _faded(chunk: bytes, *, falling: bool) -> bytes:
    samples = [int.from_bytes(chunk[at : at + 2], "little", signed=True) for at in range(0, len(chunk), 2)]
    for step in range(_EDGE):
        at = len(samples) - 1 - step if falling else step
        samples[at] = round(samples[at] * swell(step, _EDGE))
    return little_endian(samples)


@lru_cache(maxsize=_WAIL.period_ms // _CHUNK_MS)
def _sung(voice: _Voice, from_ms: int) -> bytes:
    """A chunk of the voice, computed when it is first wanted, so that the first call begins at once."""
    turn, phases = _one_turn(), _phases(voice)
    samples: list[int] = []
    for begin, end in pairwise(phases[from_ms : from_ms + _CHUNK_MS + 1]):
        samples += [turn[(at & _TURN - 1) >> _SHIFT] for at in range(begin, end, (end - begin) // PER_MS)]
    return little_endian(samples)


@lru_cache(maxsize=1)
def _phases(voice: _Voice) -> list[int]:
    """Where the wheel stands at each millisecond, in whole numbers; tuned by a hair to end as it began."""
    steps = [round(voice.pitch_hz(ms) * _TURN / RATE_HZ) for ms in range(voice.period_ms)]
    hair = -PER_MS * sum(steps) % _TURN // (PER_MS * voice.period_ms)
    return list(accumulate((PER_MS * (step + hair) for step in steps), initial=0))


@lru_cache(maxsize=1)
def _one_turn() -> list[int]:
    """One turn of the siren's wheel: overtones that fall off slowly, their phases spread to keep the peak low."""
    size = 1 << _TABLE_BITS
    loud = [overtone**-1.0 for overtone in range(1, _OVERTONES + 1)]
    wave = [
        sum(
            level * math.sin(math.tau * overtone * at / size - math.pi * overtone * overtone / _OVERTONES)
            for overtone, level in enumerate(loud, start=1)
        )
        for at in range(size)
    ]
    peak = max(map(abs, wave))
    return [round(FULL_SCALE * _LEVEL * value / peak) for value in wave]
