"""Piper: neural voices that an operator puts into a folder, `NAME.onnx` beside `NAME.onnx.json`."""

import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from audio.child import ChildLimits
from audio.errors import EngineFailed
from audio.speech.engine import OnSamples, speak_in_child
from audio.speech.script import Sentence
from audio.speech.voices import Gender, Region, Voice, named

log = structlog.get_logger(__name__)

KEY = "piper"
_WORKER = Path(__file__).with_name("piper_worker.py")
_RATES_HZ = range(8_000, 48_001)
_CONFIG_MAX_BYTES = 1 << 20


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
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("speech.voice_unreadable", voice=path.name, error=str(error))
        return found


def _model(path: Path) -> _Model:
    """Read what a voice says of itself; `gender`, `region` and `title` are ours, for an operator to add."""
    beside = path.with_name(f"{path.name}.json")
    if beside.stat().st_size > _CONFIG_MAX_BYTES:
        raise ValueError("the description is too long")
    says: dict[str, Any] = json.loads(beside.read_text("utf-8"))
    language = (
        says.get("language", {}).get("code", "").partition("_")[0] or str(says["espeak"]["voice"]).partition("-")[0]
    )
    rate_hz = int(says["audio"]["sample_rate"])
    if rate_hz not in _RATES_HZ:
        raise ValueError(f"{rate_hz} Hz")
    gender = Gender(says["gender"]) if "gender" in says else None
    region = Region(says["region"]) if "region" in says else None
    title = str(says.get("title") or says.get("dataset") or path.stem)
    return _Model(named(KEY, path.stem, language, gender, region, title=title), path, rate_hz)
