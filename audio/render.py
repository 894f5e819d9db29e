"""From any source to what goes over the wire: mono Ogg Opus, loud enough, never too loud."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audio.child import ChildLimits
from audio.errors import EngineFailed
from audio.ffmpeg import Source, command, recording, stream
from audio.files import durable
from audio.listen import measure
from audio.loudness import CEILING_DBTP, TARGET_LUFS, TOLERANCE_LU, Loudness, adjust
from audio.waveform import Portrait

MEDIA_TYPE = "audio/ogg; codecs=opus"
_OPUS = (
    "-c:a", "libopus", "-b:a", "32k", "-vbr", "constrained", "-compression_level", "3", "-frame_duration", "20",
    "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
    "-f", "ogg", "pipe:1",
)  # fmt: skip
_ATTEMPTS = 5
_PATIENCE = 2
"""After so many tries, inside the promise is good enough: each costs a pass over hours of sound."""
_HEADROOM_DB = 2.0
"""Opus overshoots the limiter by about this much."""
_MARGIN_DB = 0.1
"""How far two good meters disagree."""
_EXTRA_PART, _EXTRA_MAX_DB = 0.8, 2.0
"""A limiter swallows a part of every correction."""
_STEP_DOWN = 1.3
"""… and Opus wins back a part of every lower ceiling."""
_WISH_LU = 0.7
_MAX_GAIN_DB = 60.0
_MUCH_HELD_DB = 10.0
_SWALLOWED_PART = 0.3
_OVERSHOT_PART = 0.12


@dataclass(frozen=True, slots=True)
class Rendered:
    """An encoded file and how loud it came out."""

    path: Path
    portrait: Portrait

    @property
    def loudness(self) -> Loudness:
        """How loud it came out."""
        return self.portrait.loudness

    @property
    def duration_ms(self) -> int:
        """To the nearest millisecond, without the padding of the codec."""
        return self.portrait.duration_ms


def render(
    source: Source,
    before: Loudness,
    folder: Path,
    *,
    on_attempt: Callable[[int], None] | None = None,
    limits: ChildLimits | None = None,
) -> Rendered:
    """Encode `source` into `folder`, listen to the result, and correct it until it is fit for air.

    What cannot be brought there (isolated cracks in silence) keeps its nearest try: the peak comes first, and
    the loudness is reported as it is.
    """
    gain_db, ceiling_db = _first_guess(before)
    tries: list[Rendered] = []
    for attempt in range(_ATTEMPTS):
        if on_attempt:
            on_attempt(attempt)
        filters = adjust(gain_db, ceiling_db)
        made = _encode(source, filters, folder / f"try-{attempt}.opus", limits)
        tries.append(made)
        slack_lu = TOLERANCE_LU - _MARGIN_DB if attempt >= _PATIENCE else _WISH_LU
        if _within(made.loudness, slack_lu):
            break
        missing_lu = TARGET_LUFS - made.loudness.integrated_lufs
        extra_db = max(-_EXTRA_MAX_DB, min(_EXTRA_MAX_DB, _EXTRA_PART * missing_lu))
        gain_db = min(_MAX_GAIN_DB, gain_db + missing_lu + extra_db)
        over_db = made.loudness.true_peak_dbtp - CEILING_DBTP + _MARGIN_DB
        if over_db > 0:
            ceiling_db -= _STEP_DOWN * over_db + 2 * _MARGIN_DB
    return min(tries, key=_distance)


def _first_guess(before: Loudness) -> tuple[float, float]:
    """Gain and ceiling that suit most speech at once: the more a limiter has to hold, the more it and Opus change."""
    gain_db = TARGET_LUFS - before.integrated_lufs
    ceiling_db = CEILING_DBTP - _HEADROOM_DB
    held_db = min(_MUCH_HELD_DB, max(0.0, before.true_peak_dbtp + gain_db - ceiling_db))
    return gain_db + _SWALLOWED_PART * held_db, ceiling_db - _OVERSHOT_PART * held_db


def _encode(source: Source, filters: str, path: Path, limits: ChildLimits | None) -> Rendered:
    with durable(path) as file:
        report = stream(command(source, *_OPUS, filters=filters), file.write, limits)
    measured = measure(recording(path), limits=limits)
    if not measured.sample_count:
        raise EngineFailed(engine="ffmpeg", detail=report.last_line)
    return Rendered(path, measured.portrait)


def _within(loudness: Loudness, slack_lu: float) -> bool:
    """Fit for air by another meter too."""
    return (
        abs(loudness.integrated_lufs - TARGET_LUFS) <= slack_lu and loudness.true_peak_dbtp <= CEILING_DBTP - _MARGIN_DB
    )


def _distance(made: Rendered) -> tuple[float, float]:
    too_high_db = max(0.0, made.loudness.true_peak_dbtp - CEILING_DBTP)
    return too_high_db, abs(made.loudness.integrated_lufs - TARGET_LUFS)
