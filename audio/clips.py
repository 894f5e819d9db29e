"""From what an officer has (a text, a recording) to a clip that can go on air."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from audio.child import ChildLimits
from audio.errors import NotAudio, Silent, TooBig, TooLong, TooMuchText, TooShort, Truncated
from audio.ffmpeg import BYTES_PER_MS, Source, command, pcm_file, real_file, recording, stream
from audio.files import publish, scratch
from audio.levelling import Treatment
from audio.listen import Listened, listen
from audio.loudness import BAND_SILENT_BELOW_LUFS, SILENT_BELOW_LUFS, Loudness
from audio.profiles import Profile, Shape, shape
from audio.progress import Account, Progress
from audio.render import Rendered, render
from audio.speech import DEFAULT_SPEED_WPM, MAX_CHARS, Studio, Voice
from audio.truncation import ends_early
from audio.waveform import Portrait, joined

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
    """A recording, of whatever kind, or what lies between two moments of it (None: its end)."""

    path: Path
    from_ms: int = 0
    to_ms: int | None = None

    @property
    def whole(self) -> Path | None:
        """The file where all of it is heard: only then can be told that it ends before its sound does."""
        return self.path if self.to_ms is None and not self.from_ms else None


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
        job = _Job(folder, limits, Account(on_progress))
        if len(parts) == 1:
            heard, made = job.clip(parts[0], shape(profile))
        else:
            heard, made = job.joined(parts, pause_ms, shape(profile))
        size_bytes = made.path.stat().st_size
        path, sha256 = publish(made.path, workdir)
        return ClipFile(path, sha256, size_bytes, made.duration_ms, heard, made.portrait)


def _refuse_at_sight(part: Part, limits: Limits) -> None:
    match part:
        case FilePart():
            if real_file(part.path).stat().st_size > limits.max_bytes:
                raise TooBig(limit_mb=limits.max_bytes / 1e6)
        case TextPart():
            if len(part.text) > MAX_CHARS:
                raise TooMuchText(limit_chars=MAX_CHARS)


@dataclass(frozen=True, slots=True)
class _Job:
    """The making of one clip in a folder of its own."""

    folder: Path
    limits: Limits
    account: Account

    def clip(self, part: Part, how: Shape) -> tuple[Portrait, Rendered]:
        """One part, from its source to the finished clip."""
        source = self._source(part, self.account.part(0.0, 0.1))
        return self._render(source, how, _whole(part), self.account.part(0.1, 1.0))

    def joined(self, parts: Sequence[Part], pause_ms: int, how: Shape) -> tuple[Portrait, Rendered]:
        """Each part levelled by itself, laid one after the other, and encoded as a whole."""
        befores: list[Portrait] = []
        together = self.folder / "together.pcm"
        with together.open("wb") as samples:
            for number, part in enumerate(parts):
                account = self.account.part(0.6 * number / len(parts), 0.6 * (number + 1) / len(parts))
                if number:
                    samples.write(bytes(pause_ms * BYTES_PER_MS))
                befores.append(self._level(part, how, samples, account))
        _, made = self._render(pcm_file(together), shape(Profile.AS_IS), None, self.account.part(0.6, 1.0))
        return joined(befores), made

    def _level(self, part: Part, how: Shape, to: BinaryIO, account: Account) -> Portrait:
        source = self._source(part, account.part(0.0, 0.2))
        heard = self._listen(source, how, _whole(part), account.part(0.2, 0.6))
        filters = Treatment(heard, how).filters()
        stream(command(source, "-f", "s16le", "pipe:1", filters=filters), to.write, self.limits.child)
        account.tell("encoding", 1.0)
        return heard.portrait

    def _source(self, part: Part, account: Account) -> Source:
        """What ffmpeg shall read: a recording as it is, a text once it is spoken."""
        match part:
            case FilePart():
                return recording(part.path, from_ms=part.from_ms, to_ms=part.to_ms)
            case TextPart():
                account.tell("speaking", None)
                return _speak(part, self.folder / "spoken.pcm")

    def _render(self, source: Source, how: Shape, upload: Path | None, account: Account) -> tuple[Portrait, Rendered]:
        heard = self._listen(source, how, upload, account.part(0.0, 0.45))
        treatment = Treatment(heard, how)
        first, again = account.part(0.45, 0.95), account.part(0.95, 1.0)

        def told(number: int, seconds: float) -> None:
            (again if number else first).tell("encoding", min(1.0, seconds / heard.duration_s))

        made = render(source, treatment, self.folder, on_try=told, limits=self.limits.child)
        account.tell("encoding", 1.0)
        return heard.portrait, made

    def _listen(self, source: Source, how: Shape, upload: Path | None, account: Account) -> Listened:
        """Hear it all once, and refuse what is not fit to become a clip."""

        def told(heard_s: float, promised_s: float | None) -> None:
            if heard_s > self.limits.max_duration_s + 0.05:
                raise TooLong(limit_min=self.limits.max_duration_s / 60)
            account.tell("listening", min(1.0, heard_s / promised_s) if promised_s else None)

        heard = listen(source, how.band, on_heard=told, limits=self.limits.child)
        if upload and ends_early(heard, upload):
            raise Truncated
        if not heard.sample_count:
            raise NotAudio
        if heard.duration_s < MIN_DURATION_S:
            raise TooShort(limit_s=MIN_DURATION_S)
        lufs = heard.loudness.integrated_lufs
        if lufs < SILENT_BELOW_LUFS:
            raise Silent(lufs=lufs, limit_lufs=SILENT_BELOW_LUFS)
        if heard.band_lufs < BAND_SILENT_BELOW_LUFS:
            raise Silent(lufs=heard.band_lufs, limit_lufs=BAND_SILENT_BELOW_LUFS)
        return heard


def _whole(part: Part) -> Path | None:
    return part.whole if isinstance(part, FilePart) else None


def _speak(part: TextPart, to: Path) -> Source:
    """Have a text read into a file of samples."""
    studio = part.studio or Studio()
    spoken = studio.speak_to(to, part.text, part.voice, speed_wpm=part.speed_wpm, dictionary=part.dictionary)
    return pcm_file(spoken.path, spoken.rate_hz)
