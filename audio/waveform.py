"""What a sound looks like: its loudness, its length and its outline, for people who compare before and after."""

import audioop
import itertools
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from audio.loudness import Loudness

PEAKS = 200
_FULL_SCALE = 32_768
_SAMPLE_BYTES = 2
_FIRST_BIN_BYTES = 128
_MAX_BINS = 4096


@dataclass(frozen=True, slots=True)
class Portrait:
    """A whole sound at a glance. `waveform` is its outline: at most 200 peaks, 0 to 100 per cent of full scale."""

    loudness: Loudness
    duration_ms: int
    waveform: tuple[int, ...]


def joined(portraits: Sequence[Portrait]) -> Portrait:
    """Several sounds one after the other: the mean of their power over time, the highest of their peaks."""
    if len(portraits) == 1:
        return portraits[0]
    duration_ms = sum(each.duration_ms for each in portraits)
    energy = sum(10 ** (each.loudness.integrated_lufs / 10) * each.duration_ms for each in portraits)
    loudness = Loudness(
        round(10 * math.log10(energy / duration_ms), 1), max(each.loudness.true_peak_dbtp for each in portraits)
    )
    ends_ms = list(itertools.accumulate(each.duration_ms for each in portraits))
    outline: list[int] = []
    for each, end_ms in zip(portraits, ends_ms, strict=True):
        count = min(round(PEAKS * end_ms / duration_ms) - len(outline), len(each.waveform))
        outline.extend(_highest(each.waveform, count))
    return Portrait(loudness, duration_ms, tuple(outline))


def _highest(peaks: Sequence[int], count: int) -> list[int]:
    """The highest of each of `count` equal parts."""
    edges = [number * len(peaks) // count for number in range(count + 1)] if count else []
    return [max(peaks[begin:end]) for begin, end in itertools.pairwise(edges)]


class Outline:
    """Draws a waveform of samples as they pass, in the same memory however many come.

    Bins are short at first; whenever they are all full, each two become one.
    """

    def __init__(self) -> None:
        self._bins = array("H")
        self._bin_bytes = _FIRST_BIN_BYTES
        self._waiting = b""

    def add(self, samples: bytes) -> None:
        """Take more mono signed 16-bit samples; a chunk may end inside one."""
        data = self._waiting + samples
        at = 0
        while at + self._bin_bytes <= len(data):
            self._bins.append(audioop.max(data[at : at + self._bin_bytes], _SAMPLE_BYTES))
            at += self._bin_bytes
            if len(self._bins) == _MAX_BINS:
                self._halve()
        self._waiting = data[at:]

    def _halve(self) -> None:
        pairs = zip(self._bins[::2], self._bins[1::2], strict=True)
        self._bins = array("H", map(max, pairs))
        self._bin_bytes *= 2

    def peaks(self, count: int = PEAKS) -> tuple[int, ...]:
        """The highest sample of each of `count` equal parts (fewer when the sound is shorter), 0 to 100."""
        bins = self._bins
        rest = self._waiting[: len(self._waiting) // _SAMPLE_BYTES * _SAMPLE_BYTES]
        if rest:
            bins = bins + array("H", [audioop.max(rest, _SAMPLE_BYTES)])
        return tuple(round(100 * peak / _FULL_SCALE) for peak in _highest(bins, min(count, len(bins))))
