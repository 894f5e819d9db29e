"""How loud a sound is, and the filters that bring it to what we air (EBU R128)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from audio.child import ChildLimits
from audio.errors import EngineFailed
from audio.ffmpeg import BYTES_PER_SECOND, Source, command, stream

TARGET_LUFS = -16.0
TOLERANCE_LU = 1.0
CEILING_DBTP = -2.0
SILENT_BELOW_LUFS = -50.0
_FLOOR_LUFS = -70.0

_SUMMARY = re.compile(r"I:\s+(-?[\d.]+|-?inf|nan) LUFS.*Peak:\s+(-?[\d.]+|-?inf|nan) dBFS", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Loudness:
    """Integrated loudness and true peak."""

    integrated_lufs: float
    true_peak_dbtp: float

    @property
    def fit_for_air(self) -> bool:
        """Within what we promise: −16 LUFS ±1, at most −2 dBTP."""
        return abs(self.integrated_lufs - TARGET_LUFS) <= TOLERANCE_LU and self.true_peak_dbtp <= CEILING_DBTP


@dataclass(frozen=True, slots=True)
class Measured:
    """One pass over a whole sound."""

    loudness: Loudness
    sample_count: int
    log: str

    @property
    def duration_s(self) -> float:
        """How long it really lasts, whatever its container says."""
        return self.sample_count * 2 / BYTES_PER_SECOND


def measure(
    source: Source,
    *,
    on_progress: Callable[[float], None] | None = None,
    limits: ChildLimits | None = None,
) -> Measured:
    """Listen to the whole of `source`. No samples at all means that ffmpeg heard nothing in it.

    `on_progress` gets the seconds heard so far; what it raises stops the listening.
    """
    heard_bytes = 0

    def count(data: bytes) -> None:
        nonlocal heard_bytes
        heard_bytes += len(data)
        if on_progress:
            on_progress(heard_bytes / BYTES_PER_SECOND)

    listen = command(source, "-f", "s16le", "pipe:1", filters="ebur128=peak=true:framelog=verbose")
    report = stream(listen, count, limits)
    if not heard_bytes:
        return Measured(Loudness(_FLOOR_LUFS, _FLOOR_LUFS), 0, report.log)
    summary = report.log.rpartition("Summary:")[2]
    found = _SUMMARY.search(summary)
    if not found:
        raise EngineFailed(engine="ffmpeg", detail=report.last_line)
    integrated, peak = (_decibels(text) for text in found.groups())
    return Measured(Loudness(integrated, peak), heard_bytes // 2, report.log)


def _decibels(text: str) -> float:
    value = float(text)
    return max(value, _FLOOR_LUFS) if value == value else _FLOOR_LUFS  # noqa: PLR0124 - NaN is what differs from itself


def adjust(gain_db: float, ceiling_db: float) -> str:
    """The filters that raise by a gain and hold the peaks under a ceiling, without moving anything in time."""
    limit = min(1.0, max(0.0625, 10 ** (ceiling_db / 20)))
    return f"volume={gain_db:.2f}dB,alimiter=limit={limit:.5f}:level=false:attack=3:release=60:latency=true"
