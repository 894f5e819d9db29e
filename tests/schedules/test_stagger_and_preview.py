from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.preview import coming
from schedules.stagger import ALERT_STAGGER_MAX_MS, GAP_MS, LONGEST_MS, SLOTS, alert_delay, stagger_ms, turn_of
from schedules.types import Priority
from tests.schedules.language import airing, at, every_day

NEWS = every_day("news", "06:00", 2)


def test_neighbouring_hamlets_wait_until_the_one_before_has_finished():
    turns = [stagger_ms(hamlet, NEWS) for hamlet in range(SLOTS + 1)]
    assert turns == [0, NEWS.duration_ms + GAP_MS, 2 * (NEWS.duration_ms + GAP_MS), 0]


def test_what_is_too_long_to_take_turns_begins_everywhere_at_once():
    assert {stagger_ms(hamlet, every_day("long", "06:00", 15)) for hamlet in range(10)} == {0}


def test_only_routine_takes_turns_and_only_if_wished():
    assert stagger_ms(1, replace(NEWS, priority=Priority.PRIORITY)) == 0
    assert stagger_ms(1, replace(NEWS, priority=Priority.EMERGENCY)) == 0
    assert stagger_ms(1, replace(NEWS, staggered=False)) == 0


@given(hamlet=st.integers(0, 500), apart_ms=st.integers(0, ALERT_STAGGER_MAX_MS))
def test_neighbours_begin_a_staggered_alert_apart_and_all_within_the_shortest_life_of_one(hamlet: int, apart_ms: int):
    mine, next_door = (alert_delay(turn_of(index), apart_ms) for index in (hamlet, hamlet + 1))
    apart = abs(next_door - mine)
    assert apart >= timedelta(milliseconds=apart_ms)
    assert timedelta() <= mine <= timedelta(seconds=40)
    assert mine == alert_delay(turn_of(hamlet), apart_ms)


def test_nobody_waits_longer_than_the_limit():
    lengths = [replace(NEWS, duration_ms=seconds * 1000) for seconds in range(1, 900)]
    assert max(stagger_ms(hamlet, each) for hamlet in range(SLOTS) for each in lengths) <= LONGEST_MS


@pytest.mark.parametrize(
    ("clock", "minutes", "odd"),
    [
        ("05:59", 1, True),
        ("06:00", 10, False),
        ("20:50", 10, False),
        ("20:50", 11, True),
        ("21:00", 1, True),
        ("23:30", 60, True),
        ("03:15", 1, True),
    ],
)
def test_the_preview_marks_what_sounds_at_an_odd_hour(clock, minutes, odd):
    now = at(clock) - timedelta(hours=1)
    (line,) = coming([airing("news", at(clock), minutes)], now)
    assert (line.odd_hour, f"{line.starts_local:%H:%M}") == (odd, clock)


def test_the_preview_holds_what_is_on_air_and_the_next_day_in_order():
    day = [
        airing("tomorrow", at("05:59", 1)),
        airing("beyond", at("06:00", 1)),
        airing("over", at("05:40"), 20),
        airing("on air", at("05:55"), 10),
        airing("noon", at("12:00")),
    ]
    assert [each.occurrence.id for each in coming(day, at("06:00"))] == ["on air", "noon", "tomorrow"]
