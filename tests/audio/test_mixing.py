"""Laying sounds end to end: nothing lost, nothing moved, nothing that clicks."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.mixing import BED_LEAD_MS, Bed, Level, Part, Sound, fade, join, under
from tests.support.ears import Samples, from_bytes

PER_MS = 48


@pytest.fixture
def noise(tmp_path: Path) -> Sound:
    return sound(tmp_path / "noise.pcm", np.random.default_rng(7).integers(-20_000, 20_000, 2500 * PER_MS))


@pytest.fixture
def steady(tmp_path: Path) -> Sound:
    return sound(tmp_path / "steady.pcm", np.full(3700 * PER_MS, 10_000))


def sound(path: Path, samples: Samples) -> Sound:
    path.write_bytes(samples.astype("<i2").tobytes())
    return Sound(path, len(samples) // PER_MS)


def joined(folder: Path, *parts: Part) -> Samples:
    join(parts, folder / "joined.pcm")
    return from_bytes((folder / "joined.pcm").read_bytes())


def test_plain_parts_come_out_bit_for_bit(noise: Sound, tmp_path: Path):
    join([Part(noise.duration_ms, noise), Part(777), Part(noise.duration_ms, noise)], tmp_path / "joined.pcm")

    raw = noise.path.read_bytes()
    assert (tmp_path / "joined.pcm").read_bytes() == raw + bytes(777 * 96) + raw


def test_a_sound_can_lie_later_in_its_part(noise: Sound, tmp_path: Path):
    whole = joined(tmp_path, Part(4000, noise, lead_ms=1001))

    assert not whole[: 1001 * PER_MS].any()
    assert (whole[1001 * PER_MS : 3501 * PER_MS] == from_bytes(noise.path.read_bytes())).all()
    assert not whole[3501 * PER_MS :].any()


def test_a_fade_moves_by_the_sample(steady: Sound, tmp_path: Path):
    """A step from one millisecond to the next would be heard as a buzz."""
    whole = joined(tmp_path, Part(steady.duration_ms, steady, fade=fade(steady.duration_ms, 300, 1234)))

    assert whole[0] == 0
    assert abs(whole[-1]) < 0.001
    assert np.abs(np.diff(whole)).max() < 0.0001
    assert whole.max() == pytest.approx(10_000 / 32_768)


def test_a_bed_goes_round_softly(steady: Sound, tmp_path: Path):
    """Each turn begins under the end of the one before; together they are as loud as one."""
    whole = joined(tmp_path, Part(12_000, bed=Bed(steady, Level(((0, 0.5),)))))

    middle = whole[: 10_000 * PER_MS]
    assert middle.max() < 0.5 * 10_000 / 32_768 + 0.001
    assert middle.min() > 0.5 * 10_000 / 32_768 - 0.001
    assert np.abs(np.diff(middle)).max() < 0.0005


def test_parts_of_one_item_share_one_bed(steady: Sound, tmp_path: Path):
    level = under([(2000, 5000)], 7000, -20)

    once = joined(tmp_path, Part(7000, bed=Bed(steady, level)))
    parted = joined(tmp_path, Part(3000, bed=Bed(steady, level)), Part(4000, bed=Bed(steady, level, from_ms=3000)))
    assert np.abs(once - parted).max() < 0.002


def test_ten_minutes_take_no_more_memory_than_one(noise: Sound, tmp_path: Path):
    join([Part(10, noise)], tmp_path / "warm.pcm")
    tracemalloc.start()
    try:
        join([Part(noise.duration_ms, noise), Part(300_000)] * 2, tmp_path / "joined.pcm")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


@given(length=st.integers(1, 20_000), rise=st.integers(0, 10_000), fall=st.integers(0, 10_000))
def test_a_fade_fits_its_sound(length: int, rise: int, fall: int):
    level = fade(length, rise, fall)

    assert [ms for ms, _ in level.points] == sorted(ms for ms, _ in level.points)
    assert level.points[-1][0] <= length
    assert all(0 <= level.at(ms) <= 1 for ms in range(0, length, max(1, length // 50)))
    assert level.at(0) == (0 if min(rise, length * rise // max(1, rise + fall)) else 1) or rise + fall <= length
    assert level.at(length) == (0 if fall else 1)


@given(
    gaps=st.lists(st.tuples(st.integers(1, 20_000), st.integers(0, 5000)), min_size=1, max_size=5),
    bed_db=st.floats(-40, -12),
)
def test_a_bed_never_rises_over_words(gaps: list[tuple[int, int]], bed_db: float):
    words, at_ms = [], BED_LEAD_MS
    for length, gap in gaps:
        words.append((at_ms, at_ms + length))
        at_ms += length + gap
    level = under(words, words[-1][1] + BED_LEAD_MS, bed_db)

    soft = 10 ** (bed_db / 20)
    for begin, end in words:
        assert all(level.at(ms) == pytest.approx(soft) for ms in (begin, (begin + end) // 2, end))
    assert level.at(0) == level.at(words[-1][1] + BED_LEAD_MS) == 0
    assert max(part for _, part in level.points) == pytest.approx(soft**0.5)
