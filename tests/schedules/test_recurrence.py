# ruff: noqa: DTZ001 - recurrences are made of wall-clock times

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.errors import InvalidRecurrence, TooManyOccurrences
from schedules.recurrence import MAX_DATES, daily, monthly, occurrences, once, validate, weekly
from schedules.types import Recurrence

NEW_YORK = "America/New_York"
SIX = datetime(2026, 11, 2, 6)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(recurrence: Recurrence, start: str, end: str) -> list[str]:
    return [f"{each:%Y-%m-%dT%H:%M}" for each in occurrences(recurrence, utc(start), utc(end))]


def test_six_in_the_morning_in_vietnam_is_the_evening_before_in_utc():
    assert between(daily(SIX), "2026-11-01", "2026-11-04") == [
        "2026-11-01T23:00",
        "2026-11-02T23:00",
        "2026-11-03T23:00",
    ]


def test_once_airs_once():
    assert between(once(SIX), "2020-01-01", "2030-01-01") == ["2026-11-01T23:00"]


def test_weekdays_start_with_the_first_that_fits():
    tuesday = datetime(2026, 11, 3, 6)
    assert between(weekly(tuesday, [0]), "2026-11-01", "2026-11-17") == ["2026-11-08T23:00", "2026-11-15T23:00"]


def test_the_last_day_of_each_month():
    found = between(monthly(datetime(2027, 1, 1, 12), -1), "2027-01-01", "2027-05-01")
    assert found == ["2027-01-31T05:00", "2027-02-28T05:00", "2027-03-31T05:00", "2027-04-30T05:00"]


def test_a_month_without_a_31st_is_passed_over():
    found = between(monthly(datetime(2027, 1, 31, 12), 31), "2027-01-01", "2027-06-01")
    assert found == ["2027-01-31T05:00", "2027-03-31T05:00", "2027-05-31T05:00"]


def test_the_day_of_until_is_aired_too():
    assert len(between(daily(SIX, until=date(2026, 11, 4)), "2026-01-01", "2027-01-01")) == 3


def test_a_bare_until_date_means_that_whole_day():
    rule = Recurrence(SIX, rrule="FREQ=DAILY;UNTIL=20261104")
    assert len(between(rule, "2026-01-01", "2027-01-01")) == 3


def test_until_in_utc_is_inclusive():
    assert len(between(Recurrence(SIX, rrule="FREQ=DAILY;UNTIL=20261103T230000Z"), "2026-01-01", "2027-01-01")) == 3
    assert len(between(Recurrence(SIX, rrule="FREQ=DAILY;UNTIL=20261103T225959Z"), "2026-01-01", "2027-01-01")) == 2


def test_an_exception_takes_one_of_the_counted_airings():
    rule = Recurrence(SIX, rrule="FREQ=DAILY;COUNT=3", except_local=frozenset({datetime(2026, 11, 3, 6)}))
    assert between(rule, "2026-01-01", "2027-01-01") == ["2026-11-01T23:00", "2026-11-03T23:00"]


def test_extra_dates_join_in_order_and_never_twice():
    extra = frozenset({SIX, datetime(2026, 11, 1, 6), datetime(2026, 11, 2, 12)})
    rule = Recurrence(SIX, rrule="FREQ=DAILY;COUNT=1", extra_local=extra)
    assert between(rule, "2026-01-01", "2027-01-01") == ["2026-10-31T23:00", "2026-11-01T23:00", "2026-11-02T05:00"]


def test_an_exception_also_takes_an_extra_date():
    rule = Recurrence(SIX, extra_local=frozenset({SIX + timedelta(days=1)}), except_local=frozenset({SIX}))
    assert between(rule, "2026-01-01", "2027-01-01") == ["2026-11-02T23:00"]


def test_the_window_holds_its_start_and_not_its_end():
    assert between(daily(SIX), "2026-11-01T23:00", "2026-11-02T23:00") == ["2026-11-01T23:00"]


def test_a_time_that_the_clocks_skip_is_read_with_the_offset_before():
    skipped = daily(datetime(2026, 3, 7, 2, 30), zone=NEW_YORK)
    found = [each.astimezone(ZoneInfo(NEW_YORK)) for each in occurrences(skipped, utc("2026-03-07"), utc("2026-03-10"))]
    assert [f"{each:%d %H:%M}" for each in found] == ["07 02:30", "08 03:30", "09 02:30"]


def test_a_time_that_comes_twice_airs_the_first_time_only():
    twice = daily(datetime(2026, 10, 31, 1, 30), zone=NEW_YORK)
    assert between(twice, "2026-10-31", "2026-11-03") == ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]


def test_two_times_that_the_skipped_hour_makes_one_air_once():
    rule = Recurrence(datetime(2026, 3, 8, 2, 30), NEW_YORK, "FREQ=DAILY;COUNT=2;BYHOUR=2,3;BYMINUTE=30")
    assert between(rule, "2026-03-08", "2026-03-10") == ["2026-03-08T07:30"]


def test_until_is_compared_on_the_worlds_clock_where_the_wall_clock_repeats():
    rule = Recurrence(datetime(2026, 10, 31, 1, 45), NEW_YORK, "FREQ=DAILY;UNTIL=20261101T061000Z")
    assert between(rule, "2026-10-31", "2026-11-03") == ["2026-10-31T05:45", "2026-11-01T05:45"]


@given(
    st.sampled_from(["FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,WE", "FREQ=WEEKLY;WKST=SU;INTERVAL=3"]),
    st.integers(0, 4000),
)
def test_a_window_far_from_the_start_agrees_with_one_that_begins_there(rule, days_later):
    recurrence = Recurrence(datetime(2015, 3, 3, 2, 30), NEW_YORK, rule)
    start = utc("2015-03-01") + timedelta(days=days_later)
    end = start + timedelta(days=40)
    whole = occurrences(recurrence, utc("2015-03-01"), end)
    assert list(occurrences(recurrence, start, end)) == [each for each in whole if each >= start]


def test_more_airings_than_anybody_plans_are_refused():
    flood = Recurrence(SIX, rrule=f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE=0,30")
    validate(flood)
    with pytest.raises(TooManyOccurrences):
        occurrences(flood, utc("2026-01-01"), utc("2028-01-01"))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "unknown_part"),
        ("DAILY", "unknown_part"),
        ("FREQ=FORTNIGHTLY", "no_frequency"),
        ("INTERVAL=2", "no_frequency"),
        ("FREQ=SECONDLY", "too_often"),
        ("FREQ=MINUTELY;INTERVAL=20", "too_often"),
        ("FREQ=HOURLY", "too_often"),
        (f"FREQ=DAILY;BYMINUTE={','.join(map(str, range(60)))}", "too_often"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "count_and_until"),
        ("FREQ=DAILY;COUNT=0", "out_of_range"),
        ("FREQ=DAILY;COUNT=10001", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=0", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=-1", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=1;INTERVAL=2", "repeated_part"),
        ("FREQ=DAILY;BYHOUR=24", "out_of_range"),
        ("FREQ=DAILY;BYHOUR=-1", "out_of_range"),
        ("FREQ=DAILY;BYHOUR=six", "out_of_range"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "out_of_range"),
        ("FREQ=MONTHLY;BYMONTHDAY=40", "out_of_range"),
        ("FREQ=MONTHLY;BYDAY=9MO", "out_of_range"),
        ("FREQ=WEEKLY;BYDAY=1MO", "out_of_range"),
        ("FREQ=WEEKLY;BYDAY=XX", "out_of_range"),
        ("FREQ=WEEKLY;WKST=XX", "out_of_range"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "meaningless_part"),
        ("FREQ=DAILY;BYEASTER=0", "unknown_part"),
        ("FREQ=MONTHLY;BYSETPOS=1", "setpos_alone"),
        ("FREQ=DAILY;UNTIL=tomorrow", "out_of_range"),
        ("FREQ=DAILY;UNTIL=20261399", "out_of_range"),
        ("FREQ=DAILY;UNTIL=20200101", "ends_before_it_starts"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "never"),
        ("FREQ=DAILY\nRRULE:FREQ=SECONDLY", "no_frequency"),
        (f"FREQ=DAILY;BYHOUR={'1,' * 600}1", "rule_too_long"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused_in_words(rule, reason):
    with pytest.raises(InvalidRecurrence) as refused:
        validate(Recurrence(SIX, rrule=rule))
    assert (refused.value.field, refused.value.reason) == ("rrule", reason)
    assert refused.value.sentence.vi
    assert str(refused.value) == refused.value.sentence.en


@pytest.mark.parametrize(
    ("recurrence", "field", "reason"),
    [
        (Recurrence(SIX, zone="Asia/Atlantis"), "zone", "unknown_zone"),
        (Recurrence(SIX, zone="../etc/passwd"), "zone", "unknown_zone"),
        (Recurrence(SIX, zone=""), "zone", "unknown_zone"),
        (Recurrence(SIX.replace(tzinfo=UTC)), "first_local", "not_local"),
        (Recurrence(SIX.replace(microsecond=1)), "first_local", "not_local"),
        (Recurrence(SIX.replace(year=9999)), "first_local", "year_out_of_range"),
        (Recurrence(SIX, except_local=frozenset({SIX.replace(tzinfo=UTC)})), "except_local", "not_local"),
        (
            Recurrence(SIX, extra_local=frozenset(SIX + timedelta(days=day) for day in range(MAX_DATES + 1))),
            "extra_local",
            "too_many_dates",
        ),
    ],
)
def test_a_time_that_cannot_be_kept_names_its_field(recurrence, field, reason):
    with pytest.raises(InvalidRecurrence) as refused:
        validate(recurrence)
    assert (refused.value.field, refused.value.reason) == (field, reason)


@pytest.mark.parametrize("days", [[], [7], [-1]])
def test_a_week_needs_days_that_exist(days):
    with pytest.raises(InvalidRecurrence):
        weekly(SIX, days)


@given(st.text(alphabet="FREQDAILYWKMONTHUBSP=;,0123456789+-TZ", max_size=40))
def test_no_text_breaks_the_reader(text):
    for rule in (text, f"FREQ=MONTHLY;{text}", f"FREQ=YEARLY;BYDAY={text}", f"FREQ=DAILY;UNTIL={text}"):
        with suppress(InvalidRecurrence):
            validate(Recurrence(SIX, rrule=rule))
