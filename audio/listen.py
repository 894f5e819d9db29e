"""Hearing a whole sound once: how loud, how long, what it looks like, and what ffmpeg said of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from audio.child import ChildLimits
from audio.errors import EngineFailed
from audio.ffmpeg import BYTES_PER_SECOND, RATE_HZ, Source, command, stream
from audio.loudness import FLOOR_LUFS, Loudness
from audio.waveform import Outline, Portrait

_SUMMARY = re.compile(r"I:\s+(-?[\d.]+|-?inf|nan) LUFS.*Peak:\s+(-?[\d.]+|-?inf|nan) dBFS", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Measured:
    """One pass over a whole sound."""

    portrait: Portrait
    sample_count: int
    log: str

    @property
    def loudness(self) -> Loudness:
        """How loud it is."""
        return self.portrait.loudness

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
    outline = Outline()

    def count(data: bytes) -> None:
        nonlocal heard_bytes
        heard_bytes += len(data)
        outline.add(data)
        if on_progress:
            on_progress(heard_bytes / BYTES_PER_SECOND)

    listen = command(source, "-f", "s16le", "pipe:1", filters="ebur128=peak=true:framelog=verbose")
    report = stream(listen, count, limits)
    if not heard_bytes:
        return Measured(Portrait(Loudness(FLOOR_LUFS, FLOOR_LUFS), 0, ()), 0, report.log)
    summary = report.log.rpartition("Summary:")[2]
    found = _SUMMARY.search(summary)
    if not found:
        raise EngineFailed(engine="ffmpeg", detail=report.last_line)
    integrated, peak = (_decibels(text) for text in found.groups())
    sample_count = heard_bytes // 2
    portrait = Portrait(Loudness(integrated, peak), round(sample_count * 1000 / RATE_HZ), outline.peaks())
    return Measured(portrait, sample_count, report.log)


def _decibels(text: str) -> float:
    value = float(text)
    return max(value, FLOOR_LUFS) if value == value else FLOOR_LUFS  # noqa: PLR0124 - NaN is what differs from itself
