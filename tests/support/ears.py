"""An ear that is not ours: samples by numpy, loudness by pyloudnorm, position by cross-correlation."""

from pathlib import Path

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.signal import correlate, resample_poly

from audio.decode import pcm
from audio.ffmpeg import RATE_HZ

Samples = NDArray[np.float64]


def from_bytes(raw: bytes) -> Samples:
    """Signed 16-bit little-endian as −1 to 1."""
    return np.frombuffer(raw, "<i2").astype(np.float64) / 32768


def hear(clip: Path) -> Samples:
    """All samples of a clip."""
    return from_bytes(pcm(clip))


def loudness_lufs(samples: Samples) -> float:
    return float(pyloudnorm.Meter(RATE_HZ).integrated_loudness(samples))


def true_peak_dbtp(samples: Samples) -> float:
    return float(20 * np.log10(np.abs(resample_poly(samples, 4, 1)).max()))


def offset_samples(piece: Samples, whole: Samples) -> int:
    """Where `piece` lies inside `whole`, to the sample."""
    return int(np.argmax(correlate(whole, piece, mode="valid", method="fft")))


def likeness(piece: Samples, other: Samples) -> float:
    """1 for the same sound at whatever volume, 0 for another."""
    return float(np.dot(piece, other) / (np.linalg.norm(piece) * np.linalg.norm(other)))
