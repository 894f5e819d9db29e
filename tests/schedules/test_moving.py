# ruff: noqa: DTZ001 - recurrences are made of wall-clock times
"""Moving one airing, or a series: everything else stays, by the clock on the wall."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schedules.errors import InvalidRecurrence
from schedules.moving import move_all, move_one, stretch, with_airing
from schedules.recurrence import daily, monthly, once, starts, validate, weekly
from schedules.types import Recurrence

SIX = datetime(2027, 3, 1, 6)
SINCE, UNTIL = datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def locals_of(recurrence: Recurrence) -> list[datetime]:
    return sorted(starts(recurrence, SINCE, UNTIL).values())


def at(recurrence: Recurrence, number: int) -> datetime:
    return sorted(starts(recurrence, SINCE, UNTIL))[number]


RULES: list[Callable[[str], Recurrence]] = [
    lambda zone: once(SIX, zone=zone),
    lambda zone: daily(SIX, zone=zone),
    lambda zone: weekly(SIX, [0, 3], zone=zone),
    lambda zone: Recurrence(SIX, zone, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA"),
    lambda zone: Recurrence(SIX, zone, rrule="FREQ=DAILY;INTERVAL=3"),
    lambda zone: monthly(SIX, 10, zone=zone),
    lambda zone: Recurrence(SIX, zone, extra_local=frozenset({datetime(2027, 3, 9, 7)})),
]
# On 28 March 2027 the clocks of Berlin skip 02:00 to 03:00.
MINUTES = st.integers(-40 * 24 * 60, 40 * 24 * 60)
any_rule, any_zone = st.sampled_from(RULES), st.sampled_from(["Asia/Ho_Chi_Minh", BERLIN])


@settings(deadline=None, max_examples=60)
@given(any_rule, any_zone, st.integers(0, 20), MINUTES)
def test_moving_one_airing_leaves_all_others_where_they_are(
    make: Callable[[str], Recurrence], zone: str, number: int, minutes: int
):
    recurrence = make(zone)
    before = locals_of(recurrence)
    number %= len(before)
    to = before[number] + timedelta(minutes=minutes)
    assume(to not in before and to.replace(tzinfo=UTC) - timedelta(days=1) > SINCE and to < datetime(2027, 4, 29))
    moved = move_one(recurrence, at(recurrence, number), to)
    validate(moved)
    assert locals_of(moved) == sorted([*before[:number], *before[number + 1 :], to])


@settings(deadline=None, max_examples=60)
@given(any_rule, st.integers(0, 20), MINUTES)
def test_moving_one_there_and_back_is_as_if_nothing_had_been(
    make: Callable[[str], Recurrence], number: int, minutes: int
):
    recurrence = make("Asia/Ho_Chi_Minh")
    before = locals_of(recurrence)
    number %= len(before)
    to = before[number] + timedelta(minutes=minutes)
    assume(to not in before and datetime(2027, 2, 3) < to < datetime(2027, 4, 29))
    moved = move_one(recurrence, at(recurrence, number), to)
    there = next(moment for moment, local in starts(moved, SINCE, UNTIL).items() if local == to)
    assert move_one(moved, there, before[number]) == recurrence


@settings(deadline=None, max_examples=60)
@given(any_rule, any_zone, st.integers(0, 10), st.integers(-7, 7), st.integers(-300, 300))
def test_moving_a_series_moves_every_airing_as_far(
    make: Callable[[str], Recurrence], zone: str, number: int, days: int, minutes: int
):
    recurrence = make(zone)
    before = locals_of(recurrence)
    by = timedelta(days=days, minutes=minutes)
    number %= len(before)
    moved = move_all(recurrence, at(recurrence, number), before[number] + by)
    inner = (datetime(2027, 2, 15), datetime(2027, 4, 15))
    expected = [each + by for each in before if inner[0] <= each + by < inner[1]]
    assert [each for each in locals_of(moved) if inner[0] <= each < inner[1]] == expected


def test_moving_across_midnight_goes_to_the_next_day():
    late = daily(datetime(2027, 3, 1, 23, 50))
    moved = move_one(late, at(late, 0), datetime(2027, 3, 2, 0, 5))
    assert locals_of(moved)[:2] == [datetime(2027, 3, 2, 0, 5), datetime(2027, 3, 2, 23, 50)]


def test_an_airing_whose_hour_the_clock_skips_is_still_found_and_moved():
    night = daily(datetime(2027, 3, 27, 2, 30), zone=BERLIN)
    skipped = datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    moved = move_one(night, skipped, datetime(2027, 3, 28, 5))
    assert locals_of(moved)[:3] == [
        datetime(2027, 3, 27, 2, 30),
        datetime(2027, 3, 28, 5),
        datetime(2027, 3, 29, 2, 30),
    ]


def refused(change: Callable[[], Recurrence]) -> str:
    with pytest.raises(InvalidRecurrence) as refusal:
        change()
    return refusal.value.reason


def test_what_cannot_be_moved_says_so():
    six = daily(SIX)
    assert refused(lambda: move_one(six, at(six, 0), SIX + timedelta(days=1))) == "taken"
    assert refused(lambda: move_one(six, at(six, 0) + timedelta(hours=1), SIX)) == "no_such_airing"
    twice = Recurrence(SIX, rrule="FREQ=DAILY;BYHOUR=6,17")
    assert refused(lambda: move_all(twice, at(twice, 0), SIX + timedelta(hours=1))) == "several_times"
    moon = replace(six, lunar_days=frozenset({15}))
    by_moon = at(moon, 0)
    local = starts(moon, SINCE, UNTIL)[by_moon]
    assert refused(lambda: move_all(moon, by_moon, local + timedelta(days=1))) == "lunar"
    assert locals_of(move_all(moon, by_moon, local + timedelta(hours=1)))[0] == local + timedelta(hours=1)
    last = monthly(SIX, -1)
    assert refused(lambda: move_all(last, at(last, 0), datetime(2027, 3, 30, 6))) == "not_movable"
    first_monday = Recurrence(SIX, rrule="FREQ=MONTHLY;BYDAY=1MO")
    assert refused(lambda: move_all(first_monday, at(first_monday, 0), datetime(2027, 3, 2, 6))) == "not_movable"


def test_an_airing_is_added_once_and_brings_back_what_was_excepted():
    six = daily(SIX)
    assert with_airing(six, SIX) == six
    without = replace(six, except_local=frozenset({SIX}))
    assert with_airing(without, SIX) == six
    assert with_airing(six, SIX + timedelta(hours=1)).extra_local == {SIX + timedelta(hours=1)}


def test_drawing_out_over_days():
    one = once(SIX)
    week = stretch(one, at(one, 0), date(2027, 3, 3))
    assert locals_of(week) == [SIX, SIX + timedelta(days=1), SIX + timedelta(days=2)]
    assert locals_of(stretch(week, at(week, 0), date(2027, 3, 2))) == [SIX, SIX + timedelta(days=1)]
    mondays = weekly(SIX, [0])
    assert stretch(mondays, at(mondays, 1), date(2027, 3, 10)).rrule == "FREQ=WEEKLY;BYDAY=MO,TU,WE"
    endless = daily(SIX)
    assert refused(lambda: stretch(endless, at(endless, 0), date(2027, 3, 3))) == "not_stretchable"
    assert refused(lambda: stretch(one, at(one, 0), date(2027, 2, 3))) == "ends_before_it_starts"
