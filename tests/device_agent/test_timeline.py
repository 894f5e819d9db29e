"""Which frame sounds when: from readings that are mostly good."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.sinks import RATE_HZ, Position
from device_agent.timeline import Timeline

EVERY_S = 0.02


def read(
    timeline: Timeline, count: int, *, first: int = 1, ppm: float = 0, wrong_s: Callable[[int], float] = lambda _: 0.0
) -> list[float]:
    """Take readings of a device whose frame 0 sounded at 100 s; returns the stalls that were found."""
    stalls = []
    for number in range(first, first + count):
        at_s = number * EVERY_S
        frames = round(at_s * RATE_HZ * (1 + ppm * 1e-6))
        stalls.append(timeline.observe(Position(frames, 100 + at_s + wrong_s(number))))
    return [stall for stall in stalls if stall]


def test_nothing_is_known_before_the_device_consumes() -> None:
    timeline = Timeline()
    timeline.observe(Position(0, 100.0))
    assert not timeline.known
    with pytest.raises(RuntimeError):
        timeline.instant(1)


def test_frames_and_instants_are_each_other_turned_round() -> None:
    timeline = Timeline()
    read(timeline, 20)
    assert timeline.instant(RATE_HZ) == pytest.approx(101.0)
    assert timeline.frame_at(101.0) == RATE_HZ


@given(st.integers(0, 10_000))
def test_odd_readings_are_not_believed(seed: int) -> None:
    dice = random.Random(seed)
    timeline = Timeline()
    odd = set(dice.sample(range(5, 200), 20))
    stalls = read(timeline, 200, wrong_s=lambda number: dice.uniform(-0.3, 0.3) if number in odd else 0.0)
    assert stalls == []
    assert timeline.instant(0) == pytest.approx(100.0, abs=1e-6)


def test_the_same_reading_twice_says_nothing_new() -> None:
    timeline = Timeline()
    read(timeline, 20)
    wrong = Position(20 * 960, 100.9)
    assert [timeline.observe(wrong) for _ in range(50)] == [0.0] * 50
    assert timeline.instant(0) == pytest.approx(100.0)


@pytest.mark.parametrize("stood_s", [0.008, 0.06, 3.0])
def test_a_stall_is_found_and_measured(stood_s: float) -> None:
    timeline = Timeline()
    read(timeline, 100)
    assert read(timeline, 100, first=101, wrong_s=lambda _: stood_s) == [pytest.approx(stood_s)]
    assert timeline.instant(0) == pytest.approx(100 + stood_s)


def test_a_device_whose_word_is_all_over_the_place_is_followed_in_the_end() -> None:
    timeline, dice = Timeline(), random.Random(1)
    read(timeline, 100)
    read(timeline, 200, first=101, wrong_s=lambda _: 0.5 + dice.uniform(-0.05, 0.05))
    assert timeline.instant(0) == pytest.approx(100.5, abs=0.05)


@pytest.mark.parametrize("ppm", [100, -100, 500])
def test_a_drifting_device_is_followed(ppm: float) -> None:
    timeline = Timeline()
    read(timeline, 3000, ppm=ppm)
    true_s = 100 + 3000 * EVERY_S
    assert timeline.instant(round(60 * RATE_HZ * (1 + ppm * 1e-6))) == pytest.approx(true_s, abs=0.0002)
