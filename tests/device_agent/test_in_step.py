"""Neighbours stay together: over drifting sample clocks, stalls, moved clocks and late beginnings."""

import pytest

from device_agent.steering import HARD_LIMIT_S
from tests.support.commune_speaker import ManualClock
from tests.support.drifting import Pole, Pulses, pass_time, uncertain

TOGETHER_S = 0.002


def started(*poles: Pole, seconds: int = 600, in_step: bool = True) -> float:
    """Have all of them begin the same programme; returns its instant."""
    pass_time(list(poles), 1)
    at = poles[0].clock.mono() + 0.5
    for pole in poles:
        pole.player.play(Pulses(seconds), at_mono_s=at, of="a", gain=1.0, in_step=in_step)
    return at


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_clocks_that_differ_by_100_ppm_sound_together(clock: ManualClock) -> None:
    fast, slow = Pole(clock, 50, uncertain(1)), Pole(clock, -50, uncertain(2))
    at = started(fast, slow)
    pass_time([fast, slow], 120)
    pairs = list(zip(fast.errors_s(at), slow.errors_s(at), strict=False))
    assert len(pairs) > 115
    assert max(abs(one - other) for one, other in pairs) < TOGETHER_S
    assert max(max(abs(one), abs(other)) for one, other in pairs) < TOGETHER_S / 2
    assert fast.player.status.underruns == slow.player.status.underruns == 0


def test_a_true_clock_is_left_alone(clock: ManualClock) -> None:
    pole = Pole(clock)
    at = started(pole)
    pass_time([pole], 20)
    errors = pole.errors_s(at)
    assert max(errors) - min(errors) < 1e-9
    assert max(map(abs, errors)) < 0.00003


def test_a_short_stall_is_caught_up_softly(clock: ManualClock) -> None:
    stalled, other = Pole(clock), Pole(clock)
    at = started(stalled, other)
    pass_time([stalled, other], 5)
    stalled.sink.stall(0.025)
    pass_time([stalled, other], 40)
    status = stalled.player.status
    assert (status.underruns, status.underrun_ms, status.jumps) == (1, 25, 0)
    errors = stalled.errors_s(at)
    assert max(errors) == pytest.approx(0.025, abs=0.002)
    assert abs(errors[-1]) < 0.0003
    assert max(map(abs, other.errors_s(at))) < 0.0001


def test_a_long_stall_is_set_right_at_once_and_said(clock: ManualClock) -> None:
    pole = Pole(clock)
    at = started(pole)
    pass_time([pole], 5)
    pole.sink.stall(0.3)
    pass_time([pole], 10)
    status = pole.player.status
    assert (status.underruns, status.jumps) == (1, 1)
    assert max(map(abs, pole.errors_s(at)[-8:])) < 0.0003
    assert status.reached_ms - status.played_ms == pytest.approx(300, abs=30)


def test_what_must_be_heard_whole_goes_on_late(clock: ManualClock) -> None:
    pole = Pole(clock)
    at = started(pole, seconds=12, in_step=False)
    pass_time([pole], 5)
    pole.sink.stall(0.3)
    pass_time([pole], 10)
    assert pole.errors_s(at)[-1] == pytest.approx(0.3, abs=0.001)
    assert pole.player.status.jumps == 0
    assert len(pole.sink.pulses) == 12


def test_a_clock_that_moves_a_little_is_followed_softly(clock: ManualClock) -> None:
    pole = Pole(clock)
    at = started(pole)
    pass_time([pole], 3)
    pole.player.retime(1, at + 0.01)
    pass_time([pole], 40)
    assert pole.player.status.jumps == 0
    assert pole.errors_s(at)[-1] == pytest.approx(0.01, abs=0.0003)


@pytest.mark.parametrize("moved_s", [0.4, -0.4])
def test_a_clock_that_jumps_is_followed_at_once(clock: ManualClock, moved_s: float) -> None:
    assert abs(moved_s) > HARD_LIMIT_S
    pole = Pole(clock)
    at = started(pole)
    pass_time([pole], 3.2)
    pole.player.retime(1, at + moved_s)
    pass_time([pole], 10)
    assert pole.player.status.jumps == 1
    assert pole.errors_s(at + moved_s)[-1] == pytest.approx(0, abs=0.0003)


def test_who_joins_late_is_in_step_from_the_first_sample(clock: ManualClock) -> None:
    pole = Pole(clock)
    pass_time([pole], 1)
    at = clock.mono() - 0.7
    pole.player.play(Pulses(60, from_s=10), at_mono_s=at, of="a", gain=1.0, fade_in=True)
    pass_time([pole], 10)
    assert len(pole.sink.pulses) > 7
    assert max(map(abs, pole.errors_s(at, from_s=10))) < 0.0001
    assert pole.player.status.jumps == 0


def test_what_begins_late_is_heard_from_its_first_sample(clock: ManualClock) -> None:
    pole = Pole(clock)
    pass_time([pole], 1)
    at = clock.mono() - 0.2
    pole.player.play(Pulses(5), at_mono_s=at, of="a", gain=1.0)
    pass_time([pole], 8)
    assert len(pole.sink.pulses) == 5
    assert 0.2 < pole.errors_s(at)[0] < 0.45
    assert pole.player.status.jumps == 0


def test_uncertain_readings_are_no_stall(clock: ManualClock) -> None:
    pole = Pole(clock, 0, uncertain(3, sd_s=0.002))
    started(pole)
    pass_time([pole], 60)
    assert (pole.player.status.underruns, pole.player.status.jumps) == (0, 0)
