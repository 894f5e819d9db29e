"""Hearing a whole sound once: how loud, how long, what it looks like, and what ffmpeg said of it."""

import audioop
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from audio.child import ChildLimits
from audio.envelope import Envelope
from audio.errors import EngineFailed
from audio.ffmpeg import BYTES_PER_SECOND, RATE_HZ, Source, command, stream
from audio.loudness import FLOOR_LUFS, Loudness
from audio.waveform import Outline, Portrait

Heard = Callable[[float, float | None], None]
"""Told the seconds heard so far, and how many the container promises. What it raises stops the listening."""

_METER = "framelog=verbose"
_SUMMARY = r"^\[ebur128@{name} @ \w+\] Summary:"  # at the start of a line: what a file says of itself is indented
_LUFS = re.compile(r"I:\s+(-?[\d.]+|-?inf|nan) LUFS")
_PEAK = re.compile(r"Peak:\s+(-?[\d.]+|-?inf|nan) dBFS")
_DURATION = re.compile(rb"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_LOG_BYTES = 1 << 16
_SAMPLE_BYTES = 2


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
        return self.sample_count * _SAMPLE_BYTES / BYTES_PER_SECOND


@dataclass(frozen=True, slots=True)
class Listened(Measured):
    """The same, and what its band is like: the part of it that a profile lets through."""

    band_lufs: float
    band: Envelope


def measure(
    source: Source,
    *,
    given: bytes | IO[bytes] = b"",
    on_heard: Callable[[float], None] | None = None,
    limits: ChildLimits | None = None,
) -> Measured:
    """Listen to the whole of `source`. No samples at all means that ffmpeg heard nothing in it.

    `on_heard` is told the seconds heard so far.
    """
    outline = Outline()
    heard = 0

    def take(data: bytes) -> None:
        nonlocal heard
        heard += len(data)
        outline.add(data)
        if on_heard:
            on_heard(heard / BYTES_PER_SECOND)

    filters = f"ebur128@sound=peak=true:{_METER}"
    report = stream(command(source, "-f", "s16le", "pipe:1", filters=filters), take, limits, given=given)
    sample_count = heard // _SAMPLE_BYTES
    return Measured(_portrait(report.log, "sound", sample_count, outline), sample_count, report.log)


def listen(source: Source, band: str, *, on_heard: Heard | None = None, limits: ChildLimits | None = None) -> Listened:
    """Listen to `source` both as it came and through the filters `band`, in one pass."""
    outline, envelope = Outline(), Envelope()
    clock = _Promise()
    heard = 0
    waiting = b""

    def take(data: bytes) -> None:
        nonlocal heard, waiting
        data = waiting + data
        whole = len(data) - len(data) % (2 * _SAMPLE_BYTES)
        waiting = data[whole:]
        both = data[:whole]
        outline.add(audioop.tomono(both, _SAMPLE_BYTES, 1, 0))
        envelope.add(audioop.tomono(both, _SAMPLE_BYTES, 0, 1))
        heard += whole // (2 * _SAMPLE_BYTES)
        if on_heard:
            on_heard(heard / RATE_HZ, clock.duration_s)

    filters = (
        f"asplit[came][in];[came]ebur128@sound=peak=true:{_METER}[a];"
        f"[in]{band},ebur128@band={_METER}[b];[a][b]join=inputs=2:channel_layout=stereo"
    )
    report = stream(command(source, "-f", "s16le", "pipe:1", filters=filters), take, limits, on_log=clock.read)
    portrait = _portrait(report.log, "sound", heard, outline)
    band_lufs = _decibels(_LUFS, _summary(report.log, "band")) if heard else FLOOR_LUFS
    return Listened(portrait, heard, report.log, band_lufs, envelope)


class _Promise:
    """How long the container says it lasts, as soon as ffmpeg has said so."""

    def __init__(self) -> None:
        self.duration_s: float | None = None
        self._log = b""

    def read(self, log: bytes) -> None:
        if self.duration_s is None and len(self._log) < _LOG_BYTES:
            self._log += log
            if found := _DURATION.search(self._log):
                hours, minutes, seconds = found.groups()
                self.duration_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _portrait(log: str, meter: str, sample_count: int, outline: Outline) -> Portrait:
    if not sample_count:
        return Portrait(Loudness(FLOOR_LUFS, FLOOR_LUFS), 0, ())
    summary = _summary(log, meter)
    loudness = Loudness(_decibels(_LUFS, summary), _decibels(_PEAK, summary))
    return Portrait(loudness, round(sample_count * 1000 / RATE_HZ), outline.peaks())


def _summary(log: str, meter: str) -> str:
    """What a meter said at the end, and all that follows."""
    return re.split(_SUMMARY.format(name=meter), log, maxsplit=1, flags=re.MULTILINE)[-1]


def _decibels(pattern: re.Pattern[str], summary: str) -> float:
    found = pattern.search(summary)
    if not found:
        raise EngineFailed(engine="ffmpeg", detail=summary.strip().rpartition("\n")[2])
    value = float(found.group(1))
    return max(value, FLOOR_LUFS) if value == value else FLOOR_LUFS  # noqa: PLR0124 - NaN is what differs from itself
