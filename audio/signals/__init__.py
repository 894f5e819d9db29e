"""Sounds of our own: chimes, the attention call, the test tone, the sirens.

Computed, never recorded, so that nobody's rights are in them; the same bytes every time. Standard library only, and
in chunks, so that a siren of three minutes takes a speaker half a megabyte. Mono, 48 kHz, signed 16-bit little-endian.

A test cannot be taken for the real thing, because the two share nothing that an ear goes by:

| | sirens | tests and exercises |
|---|---|---|
| sounds without a break for | 10 s and more | less than a second |
| pitch | glides, or stays (all clear), at 400 to 900 Hz | steps between fixed notes, all of 1 kHz and more |
| onsets | one in 20 s or more | two or three in a second |

`tests/audio/test_signals.py` measures this, also through noise, echo and a horn's band.
"""

from collections.abc import Iterator

from audio.signals import bells, sirens
from audio.signals.kinds import ABOUT, EXERCISE_SAID, EXERCISE_WORDS, TEST_SAID, TEST_WORDS, About, Signal, Use

__all__ = [
    "ABOUT",
    "ATTENTION_MAX_S",
    "ATTENTION_MIN_S",
    "EXERCISE_SAID",
    "EXERCISE_WORDS",
    "TEST_SAID",
    "TEST_WORDS",
    "About",
    "Signal",
    "Use",
    "attention",
    "length_ms",
    "samples",
    "tone",
    "whole",
]

ATTENTION_MIN_S, ATTENTION_MAX_S = 4.0, 10.0
"""EN 50849 asks for an attention signal of 4 to 10 s before the first message."""


def samples(signal: Signal) -> Iterator[bytes]:
    """The sound of a signal, in chunks of at most 48 kB."""
    if signal is Signal.TEST_TONE:
        return bells.beeps(bells.BEEPS_MS)
    return sirens.play(signal) if ABOUT[signal].use is Use.ALARM else bells.play(signal)


def length_ms(signal: Signal) -> int:
    """How long a signal lasts."""
    if signal is Signal.TEST_TONE:
        return bells.BEEPS_MS
    return sirens.length_ms(signal) if ABOUT[signal].use is Use.ALARM else bells.length_ms(signal)


def whole(signal: Signal) -> bytes:
    """A signal in one piece: 96 kB a second, so rather not for a siren."""
    return b"".join(samples(signal))


def attention(seconds: float) -> Iterator[bytes]:
    """The attention call, as long as asked."""
    if not ATTENTION_MIN_S <= seconds <= ATTENTION_MAX_S:
        raise ValueError(f"an attention call lasts {ATTENTION_MIN_S:g} to {ATTENTION_MAX_S:g} s, not {seconds:g} s")
    return bells.call(round(seconds * 1000))


def tone(seconds: float) -> bytes:
    """A technician's test, as long as asked."""
    return b"".join(bells.beeps(max(0, round(seconds * 1000))))
