"""Text to speech behind a port, so that a better voice may take espeak-ng's place."""

import importlib.util
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from audio.child import ChildLimits, run
from audio.errors import EngineFailed, NothingToSay, SpeechMissing, TooMuchText
from audio.files import durable

MAX_CHARS = 20_000
"""Of typed text."""
_MAX_SPOKEN_CHARS = 8 * MAX_CHARS
"""Numbers grow when they are written out."""
DEFAULT_SPEED_WPM = 150
_RATE_HZ = 22_050
_MAX_SPEECH_BYTES = 2 * _RATE_HZ * 2 * 3600
_WORKER = Path(__file__).with_name("espeak_worker.py")


class Voice(StrEnum):
    """The three accents, by espeak-ng's names."""

    NORTH = "vi"
    CENTRAL = "vi-vn-x-central"
    SOUTH = "vi-vn-x-south"


@dataclass(frozen=True, slots=True)
class Spoken:
    """Raw speech on disk: mono, signed 16-bit little-endian."""

    path: Path
    rate_hz: int


class SpeechEngine(Protocol):
    """Reads text aloud into a file."""

    def speak(self, text: str, voice: Voice, speed_wpm: int, to: Path) -> Spoken:
        """Write the speech of `text` to `to`. Raises an `AudioError` when it cannot; blocks until done."""


class EspeakEngine:
    """espeak-ng from pip, in its own process: its GPL, its memory and its crashes stay there."""

    def __init__(self, limits: ChildLimits | None = None) -> None:
        self._limits = limits or ChildLimits(wall_s=120.0, cpu_s=120, memory_mb=512)

    def speak(self, text: str, voice: Voice, speed_wpm: int, to: Path) -> Spoken:
        """Read `text` aloud; 750 times faster than a person would."""
        if not text.strip():
            raise NothingToSay
        if len(text) > _MAX_SPOKEN_CHARS:
            raise TooMuchText(limit_chars=MAX_CHARS)
        if importlib.util.find_spec("espeakng_loader") is None:
            raise SpeechMissing
        command = [sys.executable, "-I", str(_WORKER), str(voice), str(speed_wpm)]
        with durable(to) as file:
            written = 0

            def take(samples: bytes) -> None:
                nonlocal written
                written += len(samples)
                if written > _MAX_SPEECH_BYTES:
                    raise TooMuchText(limit_chars=MAX_CHARS)
                file.write(samples)

            report = run(command, on_output=take, given=text.encode(), limits=self._limits)
        if report.status != 0 or report.timed_out:
            raise EngineFailed(engine="espeak-ng", detail="timeout" if report.timed_out else report.last_line)
        if not written:
            raise NothingToSay
        return Spoken(to, _RATE_HZ)
