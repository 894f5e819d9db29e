"""Listening to what a speaker played: the recording is compared with the clip by cross-correlation."""

import json
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from audio.ffmpeg import executable

RATE_HZ = 48_000
Samples = NDArray[np.float32]
_SURE = 0.8


@dataclass(frozen=True)
class Recording:
    """One file that a speaker's sink kept: one uninterrupted stretch of sound."""

    path: Path
    occurrence: str
    first_sample_at: datetime
    samples: Samples

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE_HZ


@dataclass(frozen=True)
class Found:
    """Where a clip was found in a recording."""

    at: datetime
    """When the clip's first sample sounded."""
    likeness: float
    """Normalised correlation, 1 is identical up to loudness."""
    head: float
    tail: float
    """The same for the first and the last part: a cut clip shows here."""


def recordings(folder: Path) -> list[Recording]:
    """Every finished or growing recording of a speaker, oldest first."""
    found = []
    for about_path in sorted(folder.glob("*.json")):
        wav = about_path.with_suffix(".wav")
        about = json.loads(about_path.read_text())
        samples = np.frombuffer(wav.read_bytes()[44:], dtype="<i2").astype(np.float32) / 32768
        # The monotonic stamp is shared by all processes of a machine and knows no wall clock step.
        at = monotonic_to_utc(about["first_sample_mono_ns"] / 1e9)
        found.append(Recording(wav, about["occurrence"], at, samples))
    return found


def monotonic_to_utc(mono_s: float) -> datetime:
    """The true time of a monotonic reading, as this process sees it."""
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - mono_s)


def decode(clip: Path | bytes) -> Samples:
    """The samples of a clip, by ffmpeg."""
    data = clip if isinstance(clip, bytes) else clip.read_bytes()
    command = [
        str(executable()),
        "-v",
        "error",
        "-i",
        "pipe:0",
        "-ar",
        str(RATE_HZ),
        "-ac",
        "1",
        "-f",
        "f32le",
        "pipe:1",
    ]
    return np.frombuffer(subprocess.run(command, input=data, capture_output=True, check=True).stdout, dtype=np.float32)


def find(clip: Samples, recording: Recording) -> Found:
    """Locate `clip` in a recording."""
    lag = _lag(clip, recording.samples)
    part = min(len(clip), RATE_HZ)
    return Found(
        at=recording.first_sample_at + timedelta(seconds=lag / RATE_HZ),
        likeness=_likeness(clip, recording.samples, lag),
        head=_likeness(clip[:part], recording.samples, lag),
        tail=_likeness(clip[-part:], recording.samples, lag + len(clip) - part),
    )


def torn(clip: Samples, recording: Recording, expected_at: datetime) -> list[float | None]:
    """Where each tenth of a second of the clip sounded, in ms after its place; None: it did not. A tear shows here."""
    offsets: list[float | None] = []
    for begin in range(0, len(clip) - RATE_HZ // 10 + 1, RATE_HZ // 10):
        piece = clip[begin : begin + RATE_HZ // 10]
        found = find(piece, recording)
        place = expected_at + timedelta(seconds=begin / RATE_HZ)
        offsets.append(round((found.at - place) / timedelta(milliseconds=1), 1) if found.likeness > _SURE else None)
    return offsets


def _lag(clip: Samples, heard: Samples) -> int:
    return int(np.argmax(np.abs(correlate(heard, clip, mode="full", method="fft")))) - (len(clip) - 1)


def _likeness(clip: Samples, heard: Samples, lag: int) -> float:
    start, end = max(lag, 0), min(lag + len(clip), len(heard))
    if end <= start:
        return 0.0
    a = np.zeros(len(clip), dtype=np.float64)
    a[start - lag : end - lag] = heard[start:end]
    b = clip.astype(np.float64)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(abs(np.dot(a, b))) / norm if norm else 0.0
