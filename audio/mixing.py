"""Sounds end to end, faded, and over a bed, by pydub.

At most a second at a time, so that hours take no more memory than minutes. Everything lies on whole milliseconds.
"""

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from audio.ffmpeg import BYTES_PER_MS, RATE_HZ

if TYPE_CHECKING:
    from pydub import AudioSegment  # type: ignore[import-untyped]

BED_LEAD_MS = 2000
"""How long a bed is heard alone before the first word, and after the last."""
_BED_RISE_MS = 800
_DUCK_MS = 400
_LOOP_MS = 1000
_SECOND_MS = 1000
_SLICE_MS = 20
"""pydub fades by the sample in slices this short, and by the millisecond, audibly, in long ones."""
_INAUDIBLE_DB = -120.0


@dataclass(frozen=True, slots=True)
class Sound:
    """A raw file of a whole number of milliseconds."""

    path: Path
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Level:
    """A level that moves in straight lines from point to point: (millisecond, part of full strength)."""

    points: tuple[tuple[int, float], ...]

    def at(self, ms: int) -> float:
        """The level at a moment; before the first point and after the last it stays."""
        after = bisect_right(self.points, (ms, float("inf")))
        if after in {0, len(self.points)}:
            return self.points[max(0, after - 1)][1]
        (begin, low), (end, high) = self.points[after - 1 : after + 1]
        return low + (high - low) * (ms - begin) / (end - begin)


@dataclass(frozen=True, slots=True)
class Bed:
    """What sounds softly under a part of the programme, begun `from_ms` earlier."""

    sound: Sound
    level: Level
    from_ms: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a programme: perhaps a sound, `lead_ms` into it and faded; perhaps a bed under all of it."""

    duration_ms: int
    sound: Sound | None = None
    lead_ms: int = 0
    fade: Level = Level(((0, 1.0),))
    bed: Bed | None = None


def fade(duration_ms: int, in_ms: int, out_ms: int) -> Level:
    """Fade in and out. Fades that together are longer than the sound are shortened in proportion."""
    if in_ms + out_ms > duration_ms:
        in_ms = duration_ms * in_ms // (in_ms + out_ms)
        out_ms = duration_ms - in_ms
    rise = ((0, 0.0), (in_ms, 1.0)) if in_ms else ((0, 1.0),)
    fall = ((duration_ms - out_ms, 1.0), (duration_ms, 0.0)) if out_ms else ((duration_ms, 1.0),)
    return Level(tuple(dict.fromkeys(rise + fall)))


def under(words: Sequence[tuple[int, int]], duration_ms: int, bed_db: float) -> Level:
    """How loud a bed is: `bed_db` under the words, half of that between them, rising and falling softly.

    `words` are the spans in which somebody speaks, in order; the bed begins `BED_LEAD_MS` before the first and ends as
    long after the last.
    """
    below, alone = 10 ** (bed_db / 20), 10 ** (bed_db / 40)
    points = [(0, 0.0), (_BED_RISE_MS, alone)]
    for begin, end in _merged(words, closer_ms=2 * _DUCK_MS):
        points += [(begin - _DUCK_MS, alone), (begin, below), (end, below), (end + _DUCK_MS, alone)]
    return Level((*points, (duration_ms - _BED_RISE_MS, alone), (duration_ms, 0.0)))


def _merged(spans: Sequence[tuple[int, int]], closer_ms: int) -> list[tuple[int, int]]:
    merged = [spans[0]]
    for begin, end in spans[1:]:
        if begin - merged[-1][1] < closer_ms:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return merged


def join(parts: Iterable[Part], to: Path) -> None:
    """Write the parts end to end, without a gap."""
    with to.open("wb") as joined:
        for part in parts:
            for chunk in _mixed(part):
                joined.write(chunk.raw_data)


def _mixed(part: Part) -> Iterator["AudioSegment"]:
    with ExitStack() as files:
        voice = files.enter_context(part.sound.path.open("rb")) if part.sound else None
        bed = files.enter_context(part.bed.sound.path.open("rb")) if part.bed else None
        for begin, end in _chunks(part):
            into_ms = begin - part.lead_ms
            mixed = _read(voice, into_ms, end - part.lead_ms)
            mixed = _levelled(mixed, part.fade.at(into_ms), part.fade.at(end - part.lead_ms))
            if part.bed and bed:
                for at_ms, low, high in _turns(part.bed, begin, end):
                    mixed = mixed.overlay(_levelled(_read(bed, at_ms, at_ms + end - begin), low, high))
            yield mixed


def _chunks(part: Part) -> Iterator[tuple[int, int]]:
    """A second each while no level moves, a slice each while one does; a corner of a level ends a chunk."""
    corners = {0, part.duration_ms} | {ms + part.lead_ms for ms, _ in part.fade.points}
    if part.bed:
        corners |= _corners(part.bed, part.duration_ms)
    for begin, end in pairwise(sorted(ms for ms in corners if 0 <= ms <= part.duration_ms)):
        step = _SECOND_MS if _steady(part, begin, end) else _SLICE_MS
        for at_ms in range(begin, end, step):
            yield at_ms, min(at_ms + step, end)


def _steady(part: Part, begin: int, end: int) -> bool:
    """Whether no level moves between two neighbouring corners."""
    if part.fade.at(begin - part.lead_ms) != part.fade.at(end - part.lead_ms):
        return False
    return part.bed is None or all(low == high for _, low, high in _turns(part.bed, begin, end))


def _corners(bed: Bed, until_ms: int) -> set[int]:
    apart_ms, over_ms = _apart_ms(bed), _over_ms(bed)
    last = (bed.from_ms + until_ms) // apart_ms
    starts = [number * apart_ms for number in range(max(0, bed.from_ms // apart_ms - 1), last + 1)]
    of_turns = {start + ms for start in starts for ms in (0, over_ms, apart_ms, apart_ms + over_ms)}
    return {ms - bed.from_ms for ms in of_turns | {ms for ms, _ in bed.level.points}}


def _turns(bed: Bed, begin: int, end: int) -> Iterator[tuple[int, float, float]]:
    """Which turns of a bed sound between two moments of its part: the place in the bed, its level there and then.

    A bed that is too short is played again, each turn over the end of the one before.
    """
    begin, end = begin + bed.from_ms, end + bed.from_ms
    length_ms, apart_ms = bed.sound.duration_ms, _apart_ms(bed)
    for number in range(max(0, (begin - length_ms) // apart_ms), end // apart_ms + 1):
        start = number * apart_ms
        if begin < start + length_ms and end > start:
            turn = fade(length_ms, _over_ms(bed) if number else 0, _over_ms(bed))
            low, high = (bed.level.at(ms) * turn.at(ms - start) for ms in (begin, end))
            yield begin - start, low, high


def _over_ms(bed: Bed) -> int:
    return min(_LOOP_MS, bed.sound.duration_ms // 4)


def _apart_ms(bed: Bed) -> int:
    return bed.sound.duration_ms - _over_ms(bed)


def _read(file: BinaryIO | None, begin: int, end: int) -> "AudioSegment":
    """The samples from one millisecond to another; silence where there are none."""
    samples = bytes(max(0, min(end, 0) - begin) * BYTES_PER_MS)
    if file and end > 0:
        file.seek(max(0, begin) * BYTES_PER_MS)
        samples += file.read((end - max(0, begin)) * BYTES_PER_MS)
    samples += bytes((end - begin) * BYTES_PER_MS - len(samples))
    return _segment()(samples, sample_width=2, frame_rate=RATE_HZ, channels=1)


def _levelled(sound: "AudioSegment", begin: float, end: float) -> "AudioSegment":
    if begin == end:
        return sound if begin == 1 else sound.apply_gain(_db(begin))
    return sound.fade(from_gain=_db(begin), to_gain=_db(end), start=0, end=len(sound))


def _db(level: float) -> float:
    return 20 * math.log10(level) if level > 0 else _INAUDIBLE_DB


@cache
def _segment() -> Any:  # pydub has no types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydub warns of a missing ffmpeg on PATH; it is only given samples here
        from pydub import AudioSegment  # noqa: PLC0415 - slow, and absent from the speaker
    return AudioSegment
