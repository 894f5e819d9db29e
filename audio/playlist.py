"""A playlist becomes sound: one gapless file per uninterrupted stretch, with the place of every item in it.

Items begin on whole milliseconds: less than 1 ms of silence fills each up. The same items give the same bytes; a
stretch that is nothing but one clip is that clip, so that a speaker which has it fetches nothing.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal, assert_never

from audio import signals
from audio.child import ChildLimits
from audio.decode import decode_args
from audio.errors import EmptyPlaylist, ExerciseUnsaid, NotAudio, ProgrammeTooLong
from audio.ffmpeg import BYTES_PER_MS, pcm_file, recording, stream
from audio.files import publish, scratch
from audio.levelling import Treatment
from audio.listen import listen, measure
from audio.loudness import Loudness
from audio.mixing import BED_LEAD_MS, Bed, Part, Sound, fade, join, under
from audio.profiles import Profile, shape
from audio.render import render
from audio.signals import EXERCISE_WORDS, Signal

LONGEST_MS = 24 * 3600_000
"""Of all that a programme says itself, relays apart: 8 GB of samples on their way through the scratch folder."""

_UNTOUCHED = shape(Profile.AS_IS)
MarkKind = Literal["chime", "announcement", "pause", "relay"]


@dataclass(frozen=True, slots=True)
class ChimeItem:
    """One of our signals. `seconds` is how long an attention call lasts.

    `says` is the clip of `EXERCISE_WORDS`, without which no exercise is assembled.
    """

    item_id: str
    kind: Signal = Signal.OPENING
    title: str = ""
    seconds: float | None = None
    says: Path | None = None


@dataclass(frozen=True, slots=True)
class Underlay:
    """A finished clip, heard softly under another: `db` softer than its own loudness, looped or cut to length.

    −12 dB and less leave room for the voice above it.
    """

    path: Path
    db: float = -18.0


@dataclass(frozen=True, slots=True)
class ClipItem:
    """A finished clip, heard `repeat` times, `gap_ms` apart. A bed lies under all of it, gaps too."""

    path: Path
    title: str
    item_id: str
    repeat: int = 1
    gap_ms: int = 0
    fade_in_ms: int = 0
    fade_out_ms: int = 0
    bed: Underlay | None = None


@dataclass(frozen=True, slots=True)
class PauseItem:
    """Silence."""

    ms: int
    item_id: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class RelayItem:
    """Time that belongs to another station: it ends one stretch, and the next begins after it."""

    ms: int
    item_id: str
    title: str = ""


Item = ChimeItem | ClipItem | PauseItem | RelayItem


@dataclass(frozen=True, slots=True)
class MarkAt:
    """Where one item lies inside its stretch. A repeated clip has a mark each time, and one for each gap.

    With a bed, the first mark begins where the bed does, `BED_LEAD_MS` before the words, and the last ends with it.
    """

    item_id: str
    kind: MarkKind
    title: str
    at_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class StretchFile:
    """One file of uninterrupted sound: mono Ogg Opus. `at_ms` is where it lies in the playlist."""

    path: Path
    sha256: str
    size_bytes: int
    duration_ms: int
    marks: tuple[MarkAt, ...]
    at_ms: int
    loudness: Loudness


@dataclass(frozen=True, slots=True)
class RelayAt:
    """Where the time of another station lies in the playlist."""

    item_id: str
    title: str
    at_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """One sounding of one item. `clip` is the file that it is, if it is nothing more."""

    item_id: str
    kind: MarkKind
    title: str
    part: Part
    clip: Path | None = None

    @property
    def audible(self) -> bool:
        return self.part.sound is not None


def assemble(items: Sequence[Item], workdir: Path, *, limits: ChildLimits | None = None) -> list[StretchFile]:
    """Make the files of a playlist in `workdir`, in order; only relays need none. Blocks; call it in a thread.

    How long it is, is known before any of it is joined: a repeat costs nothing until then.
    """
    if all(isinstance(item, PauseItem) for item in items):
        raise EmptyPlaylist
    with scratch(workdir) as folder:
        bench = _Workbench(folder, limits)
        return [
            bench.stretch(at_ms, pieces, workdir)
            for at_ms, pieces in list(_stretches(items, bench))
            if any(piece.audible for piece in pieces)
        ]


def relays(items: Sequence[Item], stretches: Sequence[StretchFile]) -> tuple[tuple[RelayAt, ...], int]:
    """Return where each relay lies between these files of the playlist, and how long the whole lasts, in ms."""
    left = iter(stretches)
    found: list[RelayAt] = []
    at_ms = 0
    for apart, group in groupby(items, lambda item: isinstance(item, RelayItem)):
        run = list(group)
        if not apart and not all(isinstance(item, PauseItem) for item in run):
            stretch = next(left)
            at_ms = stretch.at_ms + stretch.duration_ms
            continue
        for item in run:
            if isinstance(item, RelayItem):
                found.append(RelayAt(item.item_id, item.title, at_ms, item.ms))
            if isinstance(item, RelayItem | PauseItem):
                at_ms += item.ms
    return tuple(found), at_ms


class _Workbench:
    """Where sounds lie decoded, each once however often it is heard, and become a stretch."""

    def __init__(self, folder: Path, limits: ChildLimits | None) -> None:
        self._folder = folder
        self._limits = limits
        self._ready: dict[Path | tuple[Signal, float | None], Sound] = {}

    def sound(self, of: Path | tuple[Signal, float | None]) -> Sound:
        """The samples of a clip, or of a signal as long as asked."""
        if of not in self._ready:
            path = self._folder / f"sound-{len(self._ready)}.pcm"
            with path.open("wb") as file:
                if isinstance(of, tuple):
                    kind, seconds = of
                    file.writelines(signals.samples(kind) if seconds is None else signals.attention(seconds))
                else:
                    report = stream(decode_args(of), file.write, self._limits)
                    if report.status != 0 or not file.tell():
                        raise NotAudio
                file.write(bytes(-file.tell() % BYTES_PER_MS))
                self._ready[of] = Sound(path, file.tell() // BYTES_PER_MS)
        return self._ready[of]

    def stretch(self, at_ms: int, pieces: Sequence[_Piece], workdir: Path) -> StretchFile:
        """One file of these pieces: the only clip itself, if there is nothing else."""
        marks = _marks(pieces)
        if len(pieces) == 1 and pieces[0].clip:
            made = self._folder / f"alone{pieces[0].clip.suffix}"
            shutil.copyfile(pieces[0].clip, made)
            loudness = measure(recording(made), limits=self._limits).loudness
        else:
            joined = self._folder / "joined.pcm"
            join((piece.part for piece in pieces), joined)
            source = pcm_file(joined)
            heard = listen(source, _UNTOUCHED.band, limits=self._limits)
            rendered = render(source, Treatment(heard, _UNTOUCHED), self._folder, limits=self._limits)
            made, loudness = rendered.path, rendered.loudness
        size_bytes = made.stat().st_size
        path, sha256 = publish(made, workdir)
        return StretchFile(path, sha256, size_bytes, sum(mark.duration_ms for mark in marks), marks, at_ms, loudness)


def _stretches(items: Sequence[Item], bench: _Workbench) -> Iterator[tuple[int, list[_Piece]]]:
    """Where each uninterrupted stretch begins, and its pieces; stops at the item that makes it too long."""
    at_ms = begun_ms = sounding_ms = 0
    pieces: list[_Piece] = []
    for item in items:
        if isinstance(item, RelayItem):
            yield begun_ms, pieces
            at_ms += item.ms
            begun_ms, pieces = at_ms, []
            continue
        for piece in _pieces(item, bench):
            pieces.append(piece)
            at_ms += piece.part.duration_ms
            sounding_ms += piece.part.duration_ms
            if sounding_ms > LONGEST_MS:
                raise ProgrammeTooLong(limit_h=LONGEST_MS / 3600_000)
    yield begun_ms, pieces


def _pieces(item: ChimeItem | ClipItem | PauseItem, bench: _Workbench) -> list[_Piece]:
    match item:
        case PauseItem():
            return [_Piece(item.item_id, "pause", item.title, Part(item.ms))]
        case ChimeItem():
            return _chime(item, bench)
        case ClipItem():
            readings = _readings(item, bench.sound(item.path))
            return _bedded(readings, item.bed, bench.sound(item.bed.path)) if item.bed else readings
        case _:
            assert_never(item)


def _chime(item: ChimeItem, bench: _Workbench) -> list[_Piece]:
    sound = bench.sound((item.kind, item.seconds))
    chime = _Piece(item.item_id, "chime", item.title, Part(sound.duration_ms, sound))
    if item.kind is not Signal.EXERCISE:
        return [chime]
    if item.says is None:
        raise ExerciseUnsaid(detail_vi="", detail_en="")
    words = bench.sound(item.says)
    return [chime, _Piece(item.item_id, "announcement", EXERCISE_WORDS, Part(words.duration_ms, words))]


def _readings(item: ClipItem, sound: Sound) -> list[_Piece]:
    """The clip each time it is heard, and the gaps between."""
    level = fade(sound.duration_ms, item.fade_in_ms, item.fade_out_ms)
    plain = not (item.fade_in_ms or item.fade_out_ms or item.bed)
    part = Part(sound.duration_ms, sound, fade=level)
    reading = _Piece(item.item_id, "announcement", item.title, part, item.path if plain else None)
    gap = _Piece(item.item_id, "pause", item.title, Part(item.gap_ms))
    again = [gap, reading] if item.gap_ms else [reading]
    return [reading, *again * (item.repeat - 1)]


def _bedded(readings: Sequence[_Piece], bed: Underlay, sound: Sound) -> list[_Piece]:
    """The readings over a bed that is heard alone before the first and after the last."""
    parts = [piece.part for piece in readings]
    parts[0] = replace(parts[0], lead_ms=BED_LEAD_MS, duration_ms=parts[0].duration_ms + BED_LEAD_MS)
    parts[-1] = replace(parts[-1], duration_ms=parts[-1].duration_ms + BED_LEAD_MS)
    begins, words = [0], []
    for part in parts:
        begin = begins[-1] + part.lead_ms
        if part.sound:
            words.append((begin, begin + part.sound.duration_ms))
        begins.append(begins[-1] + part.duration_ms)
    level = under(words, begins[-1], bed.db)
    return [
        replace(piece, part=replace(part, bed=Bed(sound, level, begin)))
        for piece, part, begin in zip(readings, parts, begins, strict=False)
    ]


def _marks(pieces: Sequence[_Piece]) -> tuple[MarkAt, ...]:
    marks: list[MarkAt] = []
    at_ms = 0
    for piece in pieces:
        marks.append(MarkAt(piece.item_id, piece.kind, piece.title, at_ms, piece.part.duration_ms))
        at_ms += piece.part.duration_ms
    return tuple(marks)
