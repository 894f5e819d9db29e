# ruff: noqa: DTZ001 - recurrences are made of wall-clock times
"""A calendar as other programs read it: their own library finds the airings that the planner plans."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from controller.subscriptions.ical import Entry, calendar
from schedules.moving import move_all, move_one, stretch
from schedules.recurrence import daily, monthly, occurrences, once, to_utc, weekly
from schedules.types import Priority, Recurrence

NOW = datetime(2027, 1, 1, tzinfo=UTC)
SINCE, UNTIL = NOW, NOW + timedelta(days=120)
FIVE = datetime(2027, 1, 5, 17)
SOME = datetime(2027, 1, 9, 17)


def entry(recurrence: Recurrence, *called_off: datetime) -> Entry:
    return Entry(
        schedule_id="01m8c8yky6jr36cqbvdg984rh3",
        title="Bản tin chiều; “lúa, ngô”",
        recurrence=recurrence,
        duration_ms=90_000,
        priority=Priority.ROUTINE,
        issuer="xã Tân Yên",
        approved_at=NOW,
        called_off=frozenset(called_off),
    )


def read(document: bytes) -> list[datetime]:
    """What a program that knows RFC 5545 finds in it."""
    events = recurring_ical_events.of(Calendar.from_ical(document)).between(SINCE, UNTIL)
    return sorted(event["DTSTART"].dt.astimezone(UTC) for event in events)


CASES = {
    "once": once(FIVE),
    "daily": daily(FIVE),
    "until": weekly(FIVE, [0, 2, 4], until=date(2027, 2, 10)),
    "bare until": Recurrence(FIVE, rrule="FREQ=DAILY;UNTIL=20270112"),
    "not its own first day": weekly(FIVE, [0]),
    "every other week, beginning later": Recurrence(FIVE, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"),
    "counted": daily(FIVE, count=5),
    "the last of the month": monthly(FIVE, -1),
    "twice a day": Recurrence(FIVE, rrule="FREQ=DAILY;BYHOUR=5,17;BYMINUTE=30"),
    "exceptions and extras": replace(
        daily(FIVE), except_local=frozenset({SOME}), extra_local=frozenset({SOME.replace(hour=8)})
    ),
    "several single dates": Recurrence(FIVE, extra_local=frozenset({SOME})),
    "moved away from its first": Recurrence(FIVE, except_local=frozenset({FIVE}), extra_local=frozenset({SOME})),
    "no holidays": replace(daily(FIVE), skip_holidays=True),
    "the moon": Recurrence(FIVE, rrule="FREQ=DAILY", lunar_days=frozenset({1, 15})),
    "another zone, its clocks change": daily(FIVE, zone="Europe/Berlin"),
}


@pytest.mark.parametrize("recurrence", CASES.values(), ids=CASES)
def test_a_calendar_program_finds_the_airings_that_are_planned(recurrence: Recurrence):
    assert read(calendar("Loa", [entry(recurrence)], NOW, "vi")) == list(occurrences(recurrence, SINCE, UNTIL))


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.sampled_from(range(7)), min_size=1, unique=True),
    first=st.dates(date(2026, 10, 1), date(2027, 3, 1)),
    skip_holidays=st.booleans(),
    except_days=st.frozensets(st.integers(1, 90), max_size=4),
)
def test_whatever_the_week_a_program_finds_the_same(
    *, days: list[int], first: date, skip_holidays: bool, except_days: frozenset[int]
):
    start = datetime.combine(first, FIVE.time())
    recurrence = replace(
        weekly(start, days),
        skip_holidays=skip_holidays,
        except_local=frozenset(start + timedelta(days=each) for each in except_days),
    )
    assert read(calendar("Loa", [entry(recurrence)], NOW, "vi")) == list(occurrences(recurrence, SINCE, UNTIL))


AWAY = {"to another hour": timedelta(hours=2), "before the first": -timedelta(days=20), "far off": timedelta(days=40)}


@pytest.mark.parametrize("by", AWAY.values(), ids=AWAY)
@pytest.mark.parametrize("which", [0, -1], ids=["the first", "the last"])
@pytest.mark.parametrize("case", CASES)
def test_a_single_airing_that_was_moved_is_where_it_was_moved_to_and_nowhere_else(case: str, which: int, by: timedelta):
    at = list(occurrences(CASES[case], SINCE, UNTIL))[:3][which]
    to = at.astimezone(ZoneInfo(CASES[case].zone)).replace(tzinfo=None) + by + timedelta(minutes=7)
    moved = move_one(CASES[case], at, to)
    found = read(calendar("Loa", [entry(moved)], NOW, "vi"))
    assert at not in found
    assert found == list(occurrences(moved, SINCE, UNTIL))


def test_an_airing_that_was_moved_and_moved_back_stands_there_once():
    first = next(occurrences(CASES["daily"], SINCE, UNTIL))
    away = move_one(CASES["daily"], first, SOME.replace(hour=9))
    back = move_one(away, to_utc(SOME.replace(hour=9), ZoneInfo(away.zone)), FIVE)
    assert read(calendar("Loa", [entry(back)], NOW, "vi")) == list(occurrences(CASES["daily"], SINCE, UNTIL))


@pytest.mark.parametrize("case", ["daily", "the moon", "several single dates"])
def test_a_moved_airing_that_was_called_off_is_gone(case: str):
    at = next(occurrences(CASES[case], SINCE, UNTIL))
    moved = move_one(CASES[case], at, datetime(2027, 1, 20, 9))
    gone = to_utc(datetime(2027, 1, 20, 9), ZoneInfo(moved.zone))
    found = read(calendar("Loa", [entry(moved, gone)], NOW, "vi"))
    assert found == [each for each in occurrences(moved, SINCE, UNTIL) if each != gone]


@pytest.mark.parametrize("case", ["once", "until", "no holidays", "every other week, beginning later"])
def test_a_series_that_was_moved_or_drawn_out_after_a_single_airing_was_is_read_right(case: str):
    second = list(occurrences(CASES[case], SINCE, UNTIL))[:2][-1]
    local = second.astimezone(ZoneInfo(CASES[case].zone)).replace(tzinfo=None)
    one = move_one(CASES[case], second, local + timedelta(hours=3))
    rest = next(occurrences(one, SINCE, UNTIL))
    there = rest.astimezone(ZoneInfo(one.zone)).replace(tzinfo=None)
    series = move_all(one, rest, there + timedelta(minutes=30))
    assert read(calendar("Loa", [entry(series)], NOW, "vi")) == list(occurrences(series, SINCE, UNTIL))


@pytest.mark.parametrize(("case", "last"), [("once", date(2027, 1, 9)), ("until", date(2027, 1, 8))])
def test_an_airing_that_was_drawn_out_is_heard_on_all_its_days(case: str, last: date):
    first = next(occurrences(CASES[case], SINCE, UNTIL))
    long = stretch(CASES[case], first, last)
    found = read(calendar("Loa", [entry(long)], NOW, "vi"))
    assert found == list(occurrences(long, SINCE, UNTIL))
    assert len(found) > len(list(occurrences(CASES[case], SINCE, UNTIL)))


@pytest.mark.parametrize("recurrence", [CASES["daily"], CASES["the moon"]], ids=["rule", "list"])
def test_what_was_called_off_is_not_in_it(recurrence: Recurrence):
    first, *others = occurrences(recurrence, SINCE, UNTIL)
    assert read(calendar("Loa", [entry(recurrence, first)], NOW, "vi")) == others


def test_it_says_what_airs_how_long_where_and_when_in_words():
    (event,) = Calendar.from_ical(calendar("Loa · xã Tân Yên", [entry(daily(FIVE))], NOW, "vi")).walk("VEVENT")
    assert str(event["SUMMARY"]) == "Bản tin chiều; “lúa, ngô”"
    assert event["DURATION"].dt == timedelta(seconds=90)
    assert str(event["LOCATION"]) == "xã Tân Yên"
    assert str(event["DESCRIPTION"]) == "mỗi ngày lúc 17:00"


def test_an_empty_calendar_is_a_calendar():
    assert Calendar.from_ical(calendar("Loa", [], NOW, "en"))["X-WR-CALNAME"] == "Loa"
