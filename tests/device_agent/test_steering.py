"""Keeping step: small errors are worked off without swinging, and the drift of a device is learnt."""

import random

import pytest

from device_agent.steering import HARD_LIMIT_S, SOFT_LIMIT, Steering

STEP_S = 0.02


def steer(steering: Steering, late_s: float, *, ppm: float, minutes: float, jitter_s: float = 0.0) -> list[float]:
    """Let time pass on a device that falls back by `ppm`; returns how late it was all along."""
    dice, course = random.Random(7), []
    for _ in range(round(minutes * 60 / STEP_S)):
        rate = steering.rate(late_s + dice.gauss(0, jitter_s), STEP_S)
        assert abs(rate) <= SOFT_LIMIT
        late_s += (ppm * 1e-6 - rate) * STEP_S
        course.append(late_s)
    return course


@pytest.mark.parametrize("ppm", [100, -100, 500])
def test_a_drifting_device_stays_within_two_milliseconds_and_then_in_step(ppm: float) -> None:
    course = steer(Steering(), 0.0, ppm=ppm, minutes=3)
    assert max(map(abs, course)) < 0.002
    assert max(map(abs, course[-100:])) < 0.00003


def test_what_was_learnt_serves_the_next_broadcast() -> None:
    steering = Steering()
    steer(steering, 0.0, ppm=100, minutes=3)
    assert max(map(abs, steer(steering, 0.0, ppm=100, minutes=1))) < 0.00005


def test_uncertain_readings_make_no_error_of_their_own() -> None:
    course = steer(Steering(), 0.0, ppm=100, minutes=10, jitter_s=0.0005)
    assert max(map(abs, course)) < 0.0005


def test_a_stall_is_caught_up_softly_and_teaches_nothing() -> None:
    steering = Steering()
    course = steer(steering, HARD_LIMIT_S * 0.9, ppm=0, minutes=1)
    assert min(course) > -0.001
    assert abs(course[-1]) < 0.0001


def test_nothing_is_touched_while_all_is_well() -> None:
    assert set(steer(Steering(), 0.00005, ppm=0, minutes=1)) == {0.00005}


def test_what_is_too_far_is_not_a_matter_of_steering() -> None:
    assert Steering().rate(HARD_LIMIT_S * 2, STEP_S) == 0
