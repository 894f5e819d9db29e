"""From what an officer has (a text, a recording) to a clip that can go on air."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audio.child import ChildLimits
from audio.errors import NotAudio, NothingToSay, Silent, TooBig, TooLong, TooMuchText, TooShort, Truncated
from audio.ffmpeg import Source, pcm_file, recording
from audio.files import publish, scratch
from audio.loudness import SILENT_BELOW_LUFS, Loudness, Measured, measure
from audio.render import render
from audio.speech import DEFAULT_SPEED_WPM, MAX_CHARS, EspeakEngine, SpeechEngine, Voice
from audio.text import for_reading
from audio.truncation import ends_early

Stage = Literal["speaking", "listening", "encoding"]
Progress = Callable[[Stage, float], None]
"""Told the stage and the seconds of sound done in it (0 where unknown). What it raises cancels the work."""

MIN_DURATION_S = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What one announcement may be."""

    max_duration_s: float = 3 * 3600.0
    max_bytes: int = 500 * 1_000_000
    child: ChildLimits = field(default_factory=ChildLimits)


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A finished clip: mono Ogg Opus, named by its content."""

    path: Path
    sha256: str
    size_bytes: int
    duration_ms: int
    loudness: Loudness


def clip_from_text(
    text: str,
    voice: Voice,
    workdir: Path,
    *,
    speed_wpm: int = DEFAULT_SPEED_WPM,
    engine: SpeechEngine | None = None,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
) -> ClipFile:
    """Speak `text` and make a clip of it in `workdir`. Blocks; call it in a thread."""
    limits = limits or Limits()
    if len(text) > MAX_CHARS:
        raise TooMuchText(limit_chars=MAX_CHARS)
    words = for_reading(text)
    if not words:
        raise NothingToSay
    with scratch(workdir) as folder:
        if on_progress:
            on_progress("speaking", 0.0)
        spoken = (engine or EspeakEngine()).speak(words, voice, speed_wpm, folder / "spoken.pcm")
        source = pcm_file(spoken.path, spoken.rate_hz)
        measured = _listen(source, limits, on_progress)
        return _finish(source, measured, folder=folder, workdir=workdir, limits=limits, on_progress=on_progress)


def clip_from_file(
    path: Path,
    workdir: Path,
    limits: Limits | None = None,
    *,
    on_progress: Progress | None = None,
) -> ClipFile:
    """Make a clip in `workdir` from a recording of whatever kind. Blocks; the memory stays flat however long it is."""
    limits = limits or Limits()
    if path.stat().st_size > limits.max_bytes:
        raise TooBig(limit_mb=limits.max_bytes / 1e6)
    with scratch(workdir) as folder:
        source = recording(path)
        measured = _listen(source, limits, on_progress, path)
        return _finish(source, measured, folder=folder, workdir=workdir, limits=limits, on_progress=on_progress)


def _listen(source: Source, limits: Limits, on_progress: Progress | None, upload: Path | None = None) -> Measured:
    """Hear it all once, and refuse what is not fit to become a clip."""

    def progress(heard_s: float) -> None:
        if heard_s > limits.max_duration_s + 0.05:
            raise TooLong(limit_min=limits.max_duration_s / 60)
        if on_progress:
            on_progress("listening", heard_s)

    measured = measure(source, on_progress=progress, limits=limits.child)
    if upload and ends_early(measured, upload):
        raise Truncated
    if not measured.sample_count:
        raise NotAudio
    if measured.duration_s < MIN_DURATION_S:
        raise TooShort(limit_s=MIN_DURATION_S)
    if measured.loudness.integrated_lufs < SILENT_BELOW_LUFS:
        raise Silent(lufs=measured.loudness.integrated_lufs, limit_lufs=SILENT_BELOW_LUFS)
    return measured


def _finish(
    source: Source,
    measured: Measured,
    *,
    folder: Path,
    workdir: Path,
    limits: Limits,
    on_progress: Progress | None,
) -> ClipFile:
    def attempt(_number: int) -> None:
        if on_progress:
            on_progress("encoding", 0.0)

    made = render(source, measured.loudness, folder, on_attempt=attempt, limits=limits.child)
    size_bytes = made.path.stat().st_size
    path, sha256 = publish(made.path, workdir)
    return ClipFile(path, sha256, size_bytes, made.duration_ms, made.loudness)
