"""The amplifier is on around authorised sound, and never otherwise."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.amplifier import Amplifier, AmplifierFault, Margins, wanted
from device_agent.gpio import GpioLine
from tests.support.amplifier import FakeLine

MARGINS = Margins(lead_s=0.3, hold_s=0.8)
STEP_S = 0.02


@dataclass
class Stage:
    """An amplifier that follows sounds, given as (begins, ends)."""

    sounds: list[tuple[float, float]]
    line: FakeLine = field(default_factory=FakeLine)
    switched: list[tuple[float, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.amplifier = Amplifier(self.line, MARGINS)

    def run(self, from_s: float, until_s: float) -> None:
        for step in range(round((until_s - from_s) / STEP_S)):
            now_s = from_s + step * STEP_S
            seen = len(self.line.levels)
            coming = [begins for begins, _ in self.sounds if begins > now_s]
            sounding = any(begins <= now_s < ends for begins, ends in self.sounds)
            self.amplifier.follow(now_s, sounding=sounding, next_s=min(coming, default=None))
            self.switched += [(now_s, level) for level in self.line.levels[seen:]]


def test_it_is_switched_off_before_anything_else() -> None:
    stage = Stage([])
    stage.run(0, 1)
    assert stage.line.levels == [False]


def test_it_is_on_a_moment_before_the_first_sample_and_a_moment_after_the_last() -> None:
    stage = Stage([(2.0, 3.0)])
    stage.run(0, 6)
    [_, (on_s, on), (off_s, off)] = stage.switched
    assert (on, off) == (True, False)
    assert on_s == pytest.approx(1.7, abs=STEP_S)
    assert off_s == pytest.approx(3.8, abs=2 * STEP_S)


def test_sounds_that_follow_closely_share_one_switching() -> None:
    stage = Stage([(2.0, 3.0), (3.9, 5.0)])
    stage.run(0, 8)
    assert stage.line.levels == [False, True, False]


def test_it_is_off_at_once_when_the_sink_is_lost() -> None:
    stage = Stage([(1.0, 9.0)])
    stage.run(0, 2)
    stage.amplifier.cut(2.0)
    assert stage.line.levels[-1] is False
    assert stage.amplifier.is_on is False


def test_a_line_that_fails_is_told_and_tried_again() -> None:
    stage = Stage([(1.0, 30.0)])
    stage.run(0, 0.5)
    stage.line.broken = True
    stage.run(0.5, 3)
    assert [problem.text for problem in stage.amplifier.problems()] == ["the board is gone"]
    assert stage.amplifier.is_on is None

    stage.line.broken = False
    stage.run(3, 9)
    assert not stage.amplifier.problems()
    assert stage.amplifier.is_on is True


def test_closing_leaves_it_off() -> None:
    stage = Stage([(1.0, 9.0)])
    stage.run(0, 2)
    stage.amplifier.close()
    assert stage.line.levels[-1] is False
    assert stage.line.closed


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 30)), max_size=6))
def test_it_is_on_whenever_something_sounds_and_off_when_nothing_is_near(tenths: list[tuple[int, int]]) -> None:
    amplifier = Amplifier(FakeLine(), Margins(lead_s=0.31, hold_s=0.79))
    for now in range(300):
        coming = [begins / 10 for begins, _ in tenths if begins > now]
        sounding = any(begins <= now < begins + lasts for begins, lasts in tenths)
        amplifier.follow(now / 10, sounding=sounding, next_s=min(coming, default=None))
        near = any(begins - 3 <= now < begins + lasts + 7 for begins, lasts in tenths)
        assert amplifier.is_on is near


def test_the_decision_needs_no_history_of_its_own() -> None:
    assert not wanted(10, sounding=False, next_s=10.5, last_s=None, margins=MARGINS)
    assert wanted(10.2, sounding=False, next_s=10.5, last_s=None, margins=MARGINS)
    assert wanted(10.2, sounding=False, next_s=None, last_s=9.5, margins=MARGINS)
    assert not wanted(10.4, sounding=False, next_s=None, last_s=9.5, margins=MARGINS)


@pytest.mark.parametrize("chip", ["/dev/gpiochip-none", "/dev/null"])
def test_a_board_without_the_line_says_which_one(chip: str) -> None:
    line = GpioLine(chip, "GPIO17")
    with pytest.raises(AmplifierFault, match=f"{chip}, line GPIO17"):
        line.set(on=True)
    line.close()
