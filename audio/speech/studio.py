"""All the voices of this machine behind one door: who reads, what when a voice is gone, what when an engine breaks."""

import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from audio.errors import EngineFailed, NothingToSay, NoVoice, SpeechMissing, TooMuchText
from audio.files import durable
from audio.speech.engine import OnSamples, SpeechEngine
from audio.speech.espeak import EspeakEngine
from audio.speech.script import DEFAULT_SPEED_WPM, script
from audio.speech.voices import VIETNAMESE, Voice, id_of

log = structlog.get_logger(__name__)

MAX_CHARS = 20_000
"""Of typed text."""
SLOWEST_WPM, FASTEST_WPM = 80, 300
_MAX_SPEECH_S = 3 * 3600
"""The longest that any clip may be; 20,000 characters at the slowest take little more than an hour."""
_SILENT_BELOW = 330
"""Of 32,767: −40 dBFS. What never rises above it is no speech."""
_FAILURES_TO_REST = 3
_REST_S = 60.0


@dataclass(frozen=True, slots=True)
class Casting:
    """Who will read. `missing` is the voice that was asked for when this machine has it not."""

    voice: Voice
    missing: str = ""

    @property
    def note_vi(self) -> str:
        """What an officer should know; empty when all is as asked."""
        return f"Máy này không có giọng {self.missing}; đọc bằng: {self.voice.vi}." if self.missing else ""

    @property
    def note_en(self) -> str:
        """The same in English."""
        return (
            f"The voice {self.missing} is not on this machine; reading with: {self.voice.en}." if self.missing else ""
        )


@dataclass(frozen=True, slots=True)
class Spoken:
    """Raw speech on disk: mono, signed 16-bit little-endian."""

    path: Path
    rate_hz: int


class Studio:
    """Engines side by side: one that is broken fails what asked for it, quickly, and nothing else."""

    def __init__(self, engines: Sequence[SpeechEngine] = (), clock: Callable[[], float] = time.monotonic) -> None:
        """Take engines beside espeak-ng, which is always there."""
        self._engines = {engine.key: _Fused(engine, clock) for engine in (EspeakEngine(), *engines)}

    def voices(self, language: str | None = None) -> tuple[Voice, ...]:
        """Who can read on this machine, the one to take unasked first."""
        every = (voice for each in self._engines.values() for voice in each.engine.voices())
        return tuple(voice for voice in every if language in {None, voice.language})

    def cast(self, wanted: str | None = None, language: str = VIETNAMESE) -> Casting:
        """Choose who reads; for a voice that is gone, the nearest one of its language."""
        if wanted is not None:
            known = {voice.id: voice for voice in self.voices()}
            if (voice := known.get(id_of(wanted))) is not None:
                return Casting(voice)
        able = self.voices(language)
        if not able:
            raise SpeechMissing if language == VIETNAMESE else NoVoice(language=language)
        return Casting(able[0], wanted or "")

    def speak(
        self,
        text: str,
        voice: Voice,
        on_samples: OnSamples,
        *,
        speed_wpm: int = DEFAULT_SPEED_WPM,
        dictionary: Mapping[str, str] | None = None,
    ) -> None:
        """Read `text` aloud, handing on samples as they come. Blocks; raises an `AudioError`, never makes silence."""
        if len(text) > MAX_CHARS:
            raise TooMuchText(limit_chars=MAX_CHARS)
        speed_wpm = min(max(speed_wpm, SLOWEST_WPM), FASTEST_WPM)
        sentences = script(text, voice.language, dictionary, speed_wpm)
        if not sentences:
            raise NothingToSay
        fused = self._engines.get(voice.engine)
        if fused is None:
            raise EngineFailed(engine=voice.engine, detail="not installed")
        ear = _Ear(on_samples)
        with fused:
            fused.engine.speak(sentences, voice, speed_wpm, ear)
            if not ear.heard:
                raise EngineFailed(engine=voice.engine, detail="only silence came")

    def speak_to(
        self,
        path: Path,
        text: str,
        voice: Voice,
        *,
        speed_wpm: int = DEFAULT_SPEED_WPM,
        dictionary: Mapping[str, str] | None = None,
    ) -> Spoken:
        """Read `text` aloud into a file."""
        rates: set[int] = set()
        with durable(path) as file:

            def take(samples: bytes, rate_hz: int) -> None:
                rates.add(rate_hz)
                file.write(samples)

            self.speak(text, voice, take, speed_wpm=speed_wpm, dictionary=dictionary)
        return Spoken(path, rates.pop())


class _Ear:
    """Passes samples on; knows whether anything was heard, and refuses what does not end."""

    def __init__(self, on_samples: OnSamples) -> None:
        self.heard = False
        self._on_samples = on_samples
        self._sample_count = 0

    def __call__(self, samples: bytes, rate_hz: int) -> None:
        self._sample_count += len(samples) // 2
        if self._sample_count > _MAX_SPEECH_S * rate_hz:
            raise TooMuchText(limit_chars=MAX_CHARS)
        self.heard = self.heard or max(map(abs, array("h", samples)), default=0) >= _SILENT_BELOW
        self._on_samples(samples, rate_hz)


class _Fused:
    """An engine and its fuse: after some failures in a row it rests, and whoever wants it is told so at once."""

    def __init__(self, engine: SpeechEngine, clock: Callable[[], float]) -> None:
        self.engine = engine
        self._clock = clock
        self._failures = 0
        self._rests_until = float("-inf")

    def __enter__(self) -> None:
        if self._clock() < self._rests_until:
            raise EngineFailed(engine=self.engine.key, detail="resting after several failures in a row")

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        if kind is None:
            self._failures = 0
        elif issubclass(kind, EngineFailed):
            self._failures += 1
            if self._failures >= _FAILURES_TO_REST:
                self._rests_until = self._clock() + _REST_S
                log.warning("speech.engine_rests", engine=self.engine.key, rest_s=_REST_S)
