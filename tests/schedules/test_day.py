# ruff: noqa: DTZ001 - recurrences are made of wall-clock times

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.day import (
    in_window,
    midnight,
    next_quiet_start,
    quiet,
    quiet_until,
    span,
    touches_quiet,
    volume_at,
    window_day,
)
from schedules.types import VIETNAM, ClassVolumes, Percent, Priority, SpeakerPolicy, TimeWindow, VolumeRule
from tests.schedules.language import MONDAY, at, window

NEW_YORK = "America/New_York"
NIGHT = SpeakerPolicy(quiet_hours=(window("22:00-05:00"), window("12:00-13:30")))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [("21:59:59", False), ("22:00", True), ("04:59:59", True), ("05:00", False), ("12:00", True), ("13:30", False)],
)
def test_quiet_hours_hold_their_start_and_not_their_end(clock, expected):
    assert quiet(NIGHT, at(clock)) is expected


def test_a_window_across_midnight_belongs_to_its_start_day():
    late = window("22:00-05:00")
    assert window_day(late, VIETNAM, at("23:00")) == MONDAY
    assert window_day(late, VIETNAM, at("04:00", day=1)) == MONDAY
    assert window_day(late, VIETNAM, at("05:00", day=1)) is None


def test_a_window_that_ends_where_it_starts_is_a_whole_day():
    assert all(in_window(window("06:00-06:00"), VIETNAM, at(clock)) for clock in ("05:59", "06:00", "18:00"))


def test_the_next_quiet_hours_begin_today_or_tomorrow():
    assert next_quiet_start(NIGHT, at("06:00")) == at("12:00")
    assert next_quiet_start(NIGHT, at("12:00")) == at("12:00")
    assert next_quiet_start(NIGHT, at("12:01")) == at("22:00")
    assert next_quiet_start(NIGHT, at("23:00")) == at("12:00", day=1)


def test_without_quiet_hours_none_begin():
    assert next_quiet_start(SpeakerPolicy(), at("06:00")) is None
    assert not touches_quiet(SpeakerPolicy(), at("00:00"), at("00:00", day=3))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("06:00", "12:00", False),
        ("06:00", "12:00:01", True),
        ("13:30", "22:00", False),
        ("13:29:59", "14:00", True),
        ("06:00", "14:00", True),
        ("21:00", "23:00", True),
    ],
)
def test_sound_touches_quiet_hours_when_any_of_it_lies_inside(start, end, expected):
    assert touches_quiet(NIGHT, at(start), at(end)) is expected


def test_sound_across_midnight_touches_the_quiet_hours_that_follow():
    early = SpeakerPolicy(quiet_hours=(window("00:30-05:00"),))
    assert touches_quiet(early, at("23:30"), at("00:31", day=1))
    assert not touches_quiet(early, at("23:30"), at("00:30", day=1))


clocks = st.times().map(lambda each: each.replace(second=0, microsecond=0, fold=0))
windows = st.builds(TimeWindow, clocks, clocks)
policies = st.builds(
    SpeakerPolicy,
    zone=st.sampled_from([VIETNAM, NEW_YORK, "Australia/Lord_Howe"]),
    quiet_hours=st.lists(windows, max_size=3).map(tuple),
)
moments = st.datetimes(datetime(2026, 3, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@given(policies, moments, st.integers(1, 30 * 60))
def test_three_ways_to_ask_for_quiet_hours_agree(policy, start, minutes):
    end = start + timedelta(minutes=minutes)
    begins = next_quiet_start(policy, start)
    assert touches_quiet(policy, start, end) == (quiet(policy, start) or (begins is not None and begins < end))


@given(policies, moments)
def test_quiet_hours_really_begin_when_they_are_said_to(policy, start):
    begins = next_quiet_start(policy, start)
    if begins is not None:
        assert begins >= start
        assert quiet(policy, begins)


@pytest.mark.parametrize(
    ("clock", "expected"), [("12:00", "13:30"), ("13:29:59", "13:30"), ("13:30", None), ("21:59", None)]
)
def test_quiet_hours_are_said_to_end_when_they_do(clock, expected):
    assert quiet_until(NIGHT, at(clock)) == (expected and at(expected))


def test_quiet_hours_that_follow_on_each_other_end_with_the_last():
    both = SpeakerPolicy(quiet_hours=(window("22:00-05:00"), window("04:00-06:00"), window("06:00-07:00")))
    assert quiet_until(both, at("23:00")) == at("07:00", day=1)


def test_where_it_is_always_quiet_it_is_for_a_week_at_the_least():
    always = SpeakerPolicy(quiet_hours=(window("06:00-06:00"),))
    until = quiet_until(always, at("12:00"))
    assert until is not None
    assert until >= at("12:00", day=7)


def test_quiet_hours_are_not_interrupted_by_an_hour_that_comes_twice():
    policy = SpeakerPolicy(zone=NEW_YORK, quiet_hours=(window("01:30-05:00"),))
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
    assert all(quiet(policy, first + timedelta(minutes=minutes)) for minutes in range(0, 4 * 60, 10))


def test_a_window_is_an_hour_shorter_on_the_day_the_clocks_go_forward():
    start, end = span(window("22:00-05:00"), NEW_YORK, date(2026, 3, 7))
    assert end - start == timedelta(hours=6)


def test_midnight_is_local():
    assert midnight(MONDAY, VIETNAM) == datetime(2026, 11, 22, 17, tzinfo=UTC)


LOUD = SpeakerPolicy(
    volume_rules=(
        VolumeRule(window("20:00-06:00"), Percent(40)),
        VolumeRule(window("05:00-07:00"), Percent(60)),
    ),
    default_volume=Percent(75),
    max_volume=Percent(80),
)


@pytest.mark.parametrize(
    ("clock", "override", "expected"),
    [
        ("12:00", None, 75),
        ("20:00", None, 40),
        ("02:00", None, 40),
        ("05:30", None, 40),
        ("06:00", None, 60),
        ("07:00", None, 75),
        ("12:00", 20, 20),
        ("12:00", 100, 80),
        ("12:00", 0, 0),
        ("12:00", -5, 0),
    ],
)
def test_volume_follows_the_time_of_day_under_the_ceiling(clock, override, expected):
    assert volume_at(LOUD, at(clock), override) == expected


def test_the_ceiling_holds_for_rules_and_default_too():
    assert volume_at(SpeakerPolicy(default_volume=Percent(90), max_volume=Percent(50)), at("12:00")) == 50


BY_CLASS = SpeakerPolicy(
    volume_rules=LOUD.volume_rules,
    default_volume=Percent(75),
    max_volume=Percent(80),
    class_volumes=ClassVolumes(priority=Percent(78), live=Percent(95), emergency=Percent(100)),
)


@pytest.mark.parametrize(
    ("priority", "clock", "override", "expected"),
    [
        (Priority.ROUTINE, "20:00", None, 40),
        (Priority.PRIORITY, "20:00", None, 78),
        (Priority.PRIORITY, "20:00", 30, 30),
        (Priority.LIVE, "12:00", None, 80),
        (Priority.EMERGENCY, "02:00", None, 100),
        (Priority.EMERGENCY, "12:00", 20, 100),
    ],
)
def test_a_class_may_have_its_own_volume(priority, clock, override, expected):
    assert volume_at(BY_CLASS, at(clock), override, priority) == expected


@pytest.mark.parametrize("override", [None, 20, 100])
def test_an_emergency_is_as_loud_as_the_ceiling_at_any_hour_unless_an_area_says_otherwise(override):
    assert volume_at(LOUD, at("02:00"), override, Priority.EMERGENCY) == 80


def test_times_of_a_window_may_have_seconds():
    assert in_window(TimeWindow(time(6, 0, 30), time(6, 1)), VIETNAM, at("06:00:30"))
