"""Piper: neural voices that an operator puts into a folder, `NAME.onnx` beside `NAME.onnx.json`."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import BaseModel, Field

from audio.child import ChildLimits
from audio.errors import EngineFailed
from audio.speech.engine import OnSamples, speak_in_child
from audio.speech.script import Sentence
from audio.speech.voices import Gender, Region, Voice, named

log = structlog.get_logger(__name__)

KEY = "piper"
_WORKER = Path(__file__).with_name("piper_worker.py")
_DESCRIPTION_MAX_BYTES = 1 << 20


class _Audio(BaseModel):
    sample_rate: int = Field(ge=8_000, le=48_000)


class _Espeak(BaseModel):
    voice: str


class _Language(BaseModel):
    code: str = ""


class _Description(BaseModel):
    """What a voice says of itself. `gender`, `region` and `title` are ours, for an operator to add."""

    audio: _Audio
    espeak: _Espeak
    language: _Language = _Language()
    gender: Gender | None = None
    region: Region | None = None
    title: str = Field(default="", max_length=100)

    @property
    def spoken(self) -> str:
        """The language without its country."""
        return (self.language.code or self.espeak.voice).replace("_", "-").partition("-")[0].lower()


@dataclass(frozen=True, slots=True)
class _Model:
    voice: Voice
    path: Path
    rate_hz: int


class PiperEngine:
    """Runs each voice in a process of its own: its GPL, its 100 MB and its crashes stay there."""

    key = KEY

    def __init__(self, folder: Path, limits: ChildLimits | None = None) -> None:
        self._folder = folder
        # A network reserves far more addresses than it fills.
        self._limits = limits or ChildLimits(wall_s=1800.0, cpu_s=3600, memory_mb=8192)

    def voices(self) -> Sequence[Voice]:
        """Those in the folder that can be read; a broken one is logged and left out."""
        return tuple(model.voice for model in self._models())

    def speak(self, sentences: Sequence[Sentence], voice: Voice, speed_wpm: int, on_samples: OnSamples) -> None:
        """Read aloud, a sentence at a time."""
        model = next((each for each in self._models() if each.voice.id == voice.id), None)
        if model is None:
            raise EngineFailed(engine="piper", detail=f"no voice {voice.name}")
        command = [sys.executable, "-I", str(_WORKER), str(model.path), str(speed_wpm)]
        speak_in_child("piper", command, sentences, rate_hz=model.rate_hz, on_samples=on_samples, limits=self._limits)

    def _models(self) -> list[_Model]:
        if importlib.util.find_spec("piper") is None:
            return []
        found = []
        for path in sorted(self._folder.glob("*.onnx")):
            try:
                found.append(_model(path))
            except (OSError, ValueError) as error:
                log.warning("speech.voice_unreadable", voice=path.name, error=str(error))
        return found


def _model(path: Path) -> _Model:
    beside = path.with_name(f"{path.name}.json")
    if beside.stat().st_size > _DESCRIPTION_MAX_BYTES:
        raise ValueError("the description is too long")
    says = _Description.model_validate_json(beside.read_bytes())
    voice = named(KEY, path.stem, says.spoken, says.gender, says.region, title=says.title or path.stem)
    return _Model(voice, path, says.audio.sample_rate)
