"""espeak-ng from pip: always there, quick, small, understandable rather than beautiful."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from audio.child import ChildLimits
from audio.errors import SpeechMissing
from audio.speech.engine import OnSamples, speak_in_child
from audio.speech.script import Sentence
from audio.speech.voices import Gender, Region, Voice, named

KEY = "espeak"
_RATE_HZ = 22_050
_WORKER = Path(__file__).with_name("espeak_worker.py")


def _voice(name: str, language: str, gender: Gender, region: Region | None = None) -> Voice:
    return named(KEY, name, language, gender, region)


NORTH = _voice("vi", "vi", Gender.MALE, Region.NORTHERN)
NORTH_FEMALE = _voice("vi+f3", "vi", Gender.FEMALE, Region.NORTHERN)
CENTRAL = _voice("vi-vn-x-central+Nguyen", "vi", Gender.MALE, Region.CENTRAL)
CENTRAL_FEMALE = _voice("vi-vn-x-central+f3", "vi", Gender.FEMALE, Region.CENTRAL)
SOUTH = _voice("vi-vn-x-south+Nguyen", "vi", Gender.MALE, Region.SOUTHERN)
SOUTH_FEMALE = _voice("vi-vn-x-south+f3", "vi", Gender.FEMALE, Region.SOUTHERN)
ENGLISH = _voice("en-us", "en", Gender.MALE)
ENGLISH_FEMALE = _voice("en-us+f3", "en", Gender.FEMALE)

VOICES = (
    NORTH,
    NORTH_FEMALE,
    CENTRAL,
    CENTRAL_FEMALE,
    SOUTH,
    SOUTH_FEMALE,
    ENGLISH,
    ENGLISH_FEMALE,
    _voice("cmn", "cmn", Gender.MALE),
    _voice("cmn+f3", "cmn", Gender.FEMALE),
    _voice("yue", "yue", Gender.MALE),
    _voice("yue+f3", "yue", Gender.FEMALE),
)
"""Variants chosen by measure among espeak-ng's: of the women's, `f3` moves through the widest range of tones (4.7 to
6.5 semitones over ma, má, mà, mả, mã, mạ, where the brighter ones do 2 to 4), and tones are what tells Vietnamese
words apart; `Nguyen` gives the central and southern men the range of the northern one (6 to 8 semitones, not 4).
espeak-ng has none of Tày, Thái, Mông, Khmer, Chăm, Gia Rai or Ê Đê: there a recording serves."""


class EspeakEngine:
    """Runs espeak-ng in its own process: its GPL, its memory and its crashes stay there."""

    key = KEY

    def __init__(self, limits: ChildLimits | None = None) -> None:
        self._limits = limits or ChildLimits(wall_s=120.0, cpu_s=120, memory_mb=512)

    def voices(self) -> Sequence[Voice]:
        """All of them, where the package is installed."""
        return VOICES if _installed() else ()

    def speak(self, sentences: Sequence[Sentence], voice: Voice, speed_wpm: int, on_samples: OnSamples) -> None:
        """Read aloud; 750 times faster than a person would."""
        if not _installed():
            raise SpeechMissing
        command = [sys.executable, "-I", str(_WORKER), voice.name, str(speed_wpm)]
        speak_in_child("espeak-ng", command, sentences, rate_hz=_RATE_HZ, on_samples=on_samples, limits=self._limits)


def _installed() -> bool:
    return importlib.util.find_spec("espeakng_loader") is not None
