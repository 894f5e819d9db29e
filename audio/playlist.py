"""A playlist becomes sound: one gapless file per uninterrupted stretch, with the place of every item in it.

Short stretches are assembled with pydub in memory (5.8 MB a minute). A longer one is laid end to end on disk
instead, so that three hours of music take no more memory than three minutes, only scratch space.
Items begin on whole milliseconds: less than 1 ms of silence fills each up.
"""

import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

from audio.child import ChildLimits
from audio.chime import ChimeKind, chime
from audio.decode import decode_args
from audio.errors import EmptyPlaylist, NotAudio
from audio.ffmpeg import BYTES_PER_MS, RATE_HZ, pcm_file, stream
from audio.files import publish, scratch
from audio.listen import measure
from audio.loudness import Loudness
from audio.render import render

IN_MEMORY_MAX_MS = 10 * 60_000
MarkKind = Literal["chime", "announcement", "pause", "relay"]


@dataclass(frozen=True, slots=True)
class ChimeItem:
    """One of our chimes."""

    item_id: str
    kind: ChimeKind = ChimeKind.OPENING
    title: str = ""


@dataclass(frozen=True, slots=True)
class ClipItem:
    """A finished clip, heard `repeat` times in a row."""

    path: Path
    title: str
    item_id: str
    repeat: int = 1


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
    """Where one item lies inside its stretch. A repeated clip has a mark each time."""

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
class _Piece:
    """One sounding of one item. `samples` is a raw file of a whole number of milliseconds; None is silence."""

    item_id: str
    kind: MarkKind
    title: str
    duration_ms: int
    samples: Path | None


def assemble(
    items: Sequence[Item],
    workdir: Path,
    *,
    limits: ChildLimits | None = None,
    in_memory_max_ms: int = IN_MEMORY_MAX_MS,
) -> list[StretchFile]:
    """Make the files of a playlist in `workdir`, in order. Blocks; call it in a thread."""
    if not any(isinstance(item, ChimeItem | ClipItem) for item in items):
        raise EmptyPlaylist
    stretches: list[StretchFile] = []
    with scratch(workdir) as folder:
        bench = _Workbench(folder, limits)
        for number, (at_ms, pieces) in enumerate(_stretches(items, bench)):
            if not any(piece.samples for piece in pieces):
                continue
            joined = folder / f"stretch-{number}.pcm"
            in_memory = sum(piece.duration_ms for piece in pieces) <= in_memory_max_ms
            (_join_in_memory if in_memory else _join_on_disk)(pieces, joined)
            place = folder / f"stretch-{number}"
            place.mkdir()
            stretches.append(_encode(joined, pieces, at_ms, folder=place, workdir=workdir, limits=limits))
            joined.unlink()
    return stretches


class _Workbench:
    """Decodes each sound once, however often it is heard."""

    def __init__(self, folder: Path, limits: ChildLimits | None) -> None:
        self._folder = folder
        self._limits = limits
        self._ready: dict[Path | ChimeKind, Path] = {}

    def chime(self, kind: ChimeKind) -> Path:
        if kind not in self._ready:
            path = self._new_path()
            path.write_bytes(chime(kind))
            self._ready[kind] = _filled_up(path)
        return self._ready[kind]

    def clip(self, clip: Path) -> Path:
        if clip not in self._ready:
            path = self._new_path()
            with path.open("wb") as file:
                report = stream(decode_args(clip), file.write, self._limits)
            if report.status != 0 or not path.stat().st_size:
                raise NotAudio
            self._ready[clip] = _filled_up(path)
        return self._ready[clip]

    def _new_path(self) -> Path:
        return self._folder / f"sound-{len(self._ready)}.pcm"


def _filled_up(path: Path) -> Path:
    missing = -path.stat().st_size % BYTES_PER_MS
    with path.open("ab") as file:
        file.write(bytes(missing))
    return path


def _stretches(items: Sequence[Item], bench: _Workbench) -> Iterator[tuple[int, list[_Piece]]]:
    """Where each uninterrupted stretch begins, and its pieces."""
    at_ms = begun_ms = 0
    pieces: list[_Piece] = []
    for item in items:
        if isinstance(item, RelayItem):
            yield begun_ms, pieces
            at_ms += item.ms
            begun_ms, pieces = at_ms, []
            continue
        for piece in _pieces(item, bench):
            pieces.append(piece)
            at_ms += piece.duration_ms
    yield begun_ms, pieces


def _pieces(item: ChimeItem | ClipItem | PauseItem, bench: _Workbench) -> list[_Piece]:
    match item:
        case PauseItem():
            return [_Piece(item.item_id, "pause", item.title, item.ms, None)]
        case ChimeItem():
            return [_sounding(item.item_id, "chime", item.title, bench.chime(item.kind))]
        case ClipItem():
            return [_sounding(item.item_id, "announcement", item.title, bench.clip(item.path))] * item.repeat
        case _:
            assert_never(item)


def _sounding(item_id: str, kind: MarkKind, title: str, samples: Path) -> _Piece:
    return _Piece(item_id, kind, title, samples.stat().st_size // BYTES_PER_MS, samples)


def _join_in_memory(pieces: Sequence[_Piece], to: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydub warns of a missing ffmpeg on PATH; it is only given samples here
        from pydub import (  # type: ignore[import-untyped] # noqa: PLC0415 - slow, and absent from the speaker
            AudioSegment,
        )

    stretch = AudioSegment.empty().set_frame_rate(RATE_HZ).set_sample_width(2)
    for piece in pieces:
        if piece.samples:
            sound = AudioSegment(piece.samples.read_bytes(), sample_width=2, frame_rate=RATE_HZ, channels=1)
        else:
            sound = AudioSegment.silent(piece.duration_ms, frame_rate=RATE_HZ)
        stretch = stretch.append(sound, crossfade=0)
    to.write_bytes(stretch.raw_data)


def _join_on_disk(pieces: Sequence[_Piece], to: Path) -> None:
    with to.open("wb") as stretch:
        for piece in pieces:
            if piece.samples:
                with piece.samples.open("rb") as sound:
                    shutil.copyfileobj(sound, stretch, 1 << 20)
            else:
                stretch.seek(piece.duration_ms * BYTES_PER_MS, 1)
        stretch.truncate()


def _encode(
    joined: Path,
    pieces: Sequence[_Piece],
    at_ms: int,
    *,
    folder: Path,
    workdir: Path,
    limits: ChildLimits | None,
) -> StretchFile:
    source = pcm_file(joined)
    made = render(source, measure(source, limits=limits).loudness, folder, limits=limits)
    size_bytes = made.path.stat().st_size
    path, sha256 = publish(made.path, workdir)
    return StretchFile(path, sha256, size_bytes, made.duration_ms, _marks(pieces), at_ms, made.loudness)


def _marks(pieces: Sequence[_Piece]) -> tuple[MarkAt, ...]:
    marks: list[MarkAt] = []
    at_ms = 0
    for piece in pieces:
        marks.append(MarkAt(piece.item_id, piece.kind, piece.title, at_ms, piece.duration_ms))
        at_ms += piece.duration_ms
    return tuple(marks)
