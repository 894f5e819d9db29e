"""What a voice is measured by, and engines that do as told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from audio.speech import OnSamples, Sentence, Studio, Voice
from tests.support.ears import from_bytes

_FRAME = 2048
_LOWEST_HZ, _HIGHEST_HZ = 60, 400


@dataclass
class Heard:
    """Takes samples, as `on_samples`."""

    raw: bytearray = field(default_factory=bytearray)
    rate_hz: int = 0

    def __call__(self, samples: bytes, rate_hz: int) -> None:
        assert len(samples) % 2 == 0
        assert self.rate_hz in {0, rate_hz}
        self.raw += samples
        self.rate_hz = rate_hz

    @property
    def samples(self) -> NDArray[np.float64]:
        return from_bytes(bytes(self.raw))

    @property
    def seconds(self) -> float:
        return len(self.raw) / 2 / self.rate_hz

    @property
    def pauses_s(self) -> list[float]:
        """Stretches of true silence longer than a tenth of a second."""
        return [length / self.rate_hz for length in _silent_runs(self.samples) if length > self.rate_hz / 10]


def said(text: str, voice: Voice, *, studio: Studio | None = None, **how: object) -> Heard:
    """What comes out when `voice` reads `text`."""
    heard = Heard()
    (studio or Studio()).speak(text, voice, heard, **how)  # type: ignore[arg-type]  # passed on as given
    return heard


def pitch_hz(heard: Heard) -> float:
    """The median fundamental of the voiced frames, by autocorrelation."""
    found = []
    for start in range(0, len(heard.samples) - _FRAME, _FRAME // 2):
        frame = heard.samples[start : start + _FRAME] * np.hanning(_FRAME)
        if np.sqrt(np.mean(frame**2)) < 0.02:
            continue
        alike = np.fft.irfft(np.abs(np.fft.rfft(frame, 2 * _FRAME)) ** 2)[:_FRAME]
        shortest, longest = heard.rate_hz // _HIGHEST_HZ, heard.rate_hz // _LOWEST_HZ
        period = shortest + int(np.argmax(alike[shortest:longest]))
        if alike[period] > 0.4 * alike[0]:
            found.append(heard.rate_hz / period)
    return float(np.median(found))


def _silent_runs(samples: NDArray[np.float64]) -> list[int]:
    edges = np.diff(np.concatenate(([0], (np.abs(samples) < 1e-4).astype(int), [0])))
    return list(np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1))


@dataclass
class FakeEngine:
    """Speaks whatever it is told to, or fails."""

    key: str
    voice: Voice
    act: Callable[[Sequence[Sentence], OnSamples], None]
    calls: int = 0

    def voices(self) -> Sequence[Voice]:
        return (self.voice,)

    def speak(self, sentences: Sequence[Sentence], _voice: Voice, _speed_wpm: int, on_samples: OnSamples) -> None:
        self.calls += 1
        self.act(sentences, on_samples)
