# ruff: noqa: DTZ001 - recurrences are made of wall-clock times

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.errors import InvalidRecurrence
from schedules.recurrence import occurrences, validate
from schedules.special_days import holiday, lunar_day
from schedules.types import Recurrence

FIVE = datetime(2026, 11, 2, 17)


def days(recurrence: Recurrence, since: date, until: date) -> list[date]:
    """The local days in Việt Nam, where 17:00 is the same day in UTC."""
    start, end = (datetime.combine(each, datetime.min.time(), UTC) for each in (since, until))
    return [each.date() for each in occurrences(recurrence, start, end)]


# Tết from 2024 to 2030, as the State announced or its almanac prints it; 2030 is a day before China's.
@pytest.mark.parametrize("tet", ["2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26", "2030-02-02"])
def test_tet_is_the_first_of_a_lunar_month_and_a_public_holiday(tet: str):
    day = date.fromisoformat(tet)
    assert lunar_day(day) == 1
    assert "Tết" in getattr(holiday(day), "vi", "")


@settings(deadline=None)
@given(st.dates(date(1901, 1, 1), date(2099, 12, 31)))
def test_each_day_follows_the_one_before_in_its_lunar_month(day: date):
    before, today = lunar_day(day - timedelta(days=1)), lunar_day(day)
    assert before is not None
    assert today == before + 1 or (today == 1 and before in {29, 30})


def test_the_moon_is_not_reckoned_beyond_2100():
    assert lunar_day(date(2101, 1, 1)) is None


def test_holidays_have_a_name_in_both_languages():
    independence = holiday(date(2026, 9, 2))
    assert independence is not None
    assert (independence.vi, independence.en) == ("Quốc khánh", "National Day")
    assert holiday(date(2026, 9, 5)) is None


def test_the_first_and_the_full_moon_of_every_lunar_month():
    moon = Recurrence(FIVE, rrule="FREQ=DAILY", lunar_days=frozenset({1, 15}))
    validate(moon)
    found = days(moon, date(2026, 11, 2), date(2027, 2, 25))
    assert [each.isoformat() for each in found] == [
        "2026-11-09",
        "2026-11-23",
        "2026-12-09",
        "2026-12-23",
        "2027-01-08",
        "2027-01-22",
        "2027-02-06",
        "2027-02-20",
    ]


def test_a_public_holiday_is_left_out_and_its_neighbours_are_not():
    weekly = Recurrence(FIVE, rrule="FREQ=DAILY", skip_holidays=True)
    assert days(weekly, date(2027, 4, 29), date(2027, 5, 5)) == [date(2027, 4, 29), date(2027, 5, 2), date(2027, 5, 4)]


def test_a_date_that_was_chosen_by_hand_airs_on_a_holiday_too():
    new_year = datetime(2027, 1, 1, 8)
    greeting = Recurrence(FIVE, rrule="FREQ=DAILY", skip_holidays=True, extra_local=frozenset({new_year}))
    assert date(2027, 1, 1) in days(greeting, date(2026, 12, 31), date(2027, 1, 3))


@pytest.mark.parametrize(
    ("recurrence", "field"),
    [
        (Recurrence(FIVE, rrule="FREQ=DAILY", lunar_days=frozenset({31})), "lunar_days"),
        (Recurrence(FIVE, lunar_days=frozenset({15})), "lunar_days"),
        (Recurrence(FIVE, skip_holidays=True), "skip_holidays"),
        (Recurrence(FIVE, rrule="FREQ=DAILY;UNTIL=20261105", lunar_days=frozenset({15})), "lunar_days"),
        (Recurrence(FIVE, rrule="FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2", skip_holidays=True), "skip_holidays"),
    ],
    ids=["no such lunar day", "once by the moon", "once", "over before the full moon", "only on a holiday"],
)
def test_what_never_airs_for_the_moon_or_a_holiday_is_refused_by_its_field(recurrence: Recurrence, field: str):
    with pytest.raises(InvalidRecurrence) as refused:
        validate(recurrence)
    assert refused.value.field == field
