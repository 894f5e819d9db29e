"""From what an officer has (a text, a recording) to a clip that can go on air."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audio.child import ChildLimits
from audio.errors import NotAudio, Silent, TooBig, TooLong, TooMuchText, TooShort, Truncated
from audio.ffmpeg import Source, pcm_file, real_file, recording
from audio.files import publish, scratch
from audio.listen import Measured, measure
from audio.loudness import SILENT_BELOW_LUFS, Loudness
from audio.profiles import Profile
from audio.render import Rendered, render
from audio.speech import DEFAULT_SPEED_WPM, MAX_CHARS, Studio, Voice
from audio.truncation import ends_early
from audio.waveform import Portrait

Stage = Literal["speaking", "listening", "encoding"]
Progress = Callable[[Stage, float | None], None]
"""Told the stage, and how much of the whole work is done (0 to 1, never less than before; None while the length is
unknown). What it raises cancels the work."""

MIN_DURATION_S = 0.5
PAUSE_MS = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one announcement may be."""

    max_duration_s: float = 3 * 3600.0
    max_bytes: int = 500 * 1_000_000
    child: ChildLimits = field(default_factory=ChildLimits)


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text that a voice reads. `dictionary` says how words of this place are spoken."""

    text: str
    voice: Voice
    speed_wpm: int = DEFAULT_SPEED_WPM
    studio: Studio | None = None
    dictionary: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FilePart:
    """A recording, of whatever kind."""

    path: Path


Part = TextPart | FilePart


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A finished clip: mono Ogg Opus, named by its content. `before` is the source as it came, `after` the clip."""

    path: Path
    sha256: str
    size_bytes: int
    duration_ms: int
    before: Portrait
    after: Portrait

    @property
    def loudness(self) -> Loudness:
        """How loud the clip is."""
        return self.after.loudness


def clip_from_text(
    text: str,
    voice: Voice,
    workdir: Path,
    *,
    speed_wpm: int = DEFAULT_SPEED_WPM,
    studio: Studio | None = None,
    profile: Profile = Profile.HORN,
    dictionary: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
) -> ClipFile:
    """Speak `text` and make a clip of it in `workdir`. Blocks; call it in a thread."""
    part = TextPart(text, voice, speed_wpm, studio, dictionary or {})
    return clip_from_parts([part], workdir, profile=profile, limits=limits, on_progress=on_progress)


def clip_from_file(
    path: Path,
    workdir: Path,
    limits: Limits | None = None,
    *,
    profile: Profile = Profile.HORN,
    on_progress: Progress | None = None,
) -> ClipFile:
    """Make a clip in `workdir` from a recording of whatever kind. Blocks; the memory stays flat however long it is."""
    return clip_from_parts([FilePart(path)], workdir, profile=profile, limits=limits, on_progress=on_progress)


def clip_from_parts(
    parts: Sequence[Part],
    workdir: Path,
    *,
    pause_ms: int = PAUSE_MS,
    profile: Profile = Profile.HORN,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
) -> ClipFile:
    """Make one clip of one or several parts, such as two languages, a pause between them. Each is levelled by itself.

    Blocks; call it in a thread.
    """
    limits = limits or Limits()
    for part in parts:
        _refuse_at_sight(part, limits)
    with scratch(workdir) as folder:
        (part,) = parts
        source = _source(part, folder / "spoken.pcm", on_progress)
        measured = _listen(source, limits, on_progress, part.path if isinstance(part, FilePart) else None)
        if on_progress:
            on_progress("encoding", None)
        made = render(source, measured.loudness, folder, limits=limits.child)
        return _published(made, measured.portrait, workdir)


def _refuse_at_sight(part: Part, limits: Limits) -> None:
    match part:
        case FilePart():
            if real_file(part.path).stat().st_size > limits.max_bytes:
                raise TooBig(limit_mb=limits.max_bytes / 1e6)
        case TextPart():
            if len(part.text) > MAX_CHARS:
                raise TooMuchText(limit_chars=MAX_CHARS)


def _source(part: Part, spoken: Path, on_progress: Progress | None) -> Source:
    """What ffmpeg shall read: a recording as it is, a text once it is spoken."""
    match part:
        case FilePart():
            return recording(part.path)
        case TextPart():
            if on_progress:
                on_progress("speaking", None)
            return _speak(part, spoken)


def _speak(part: TextPart, to: Path) -> Source:
    """Have a text read into a file of samples."""
    studio = part.studio or Studio()
    spoken = studio.speak_to(to, part.text, part.voice, speed_wpm=part.speed_wpm, dictionary=part.dictionary)
    return pcm_file(spoken.path, spoken.rate_hz)


def _listen(source: Source, limits: Limits, on_progress: Progress | None, upload: Path | None = None) -> Measured:
    """Hear it all once, and refuse what is not fit to become a clip."""

    def progress(heard_s: float) -> None:
        if heard_s > limits.max_duration_s + 0.05:
            raise TooLong(limit_min=limits.max_duration_s / 60)
        if on_progress:
            on_progress("listening", None)

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


def _published(made: Rendered, before: Portrait, workdir: Path) -> ClipFile:
    size_bytes = made.path.stat().st_size
    path, sha256 = publish(made.path, workdir)
    return ClipFile(path, sha256, size_bytes, made.duration_ms, before, made.portrait)
