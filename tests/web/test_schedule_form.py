# ruff: noqa: DTZ001 - recurrences are made of wall-clock times
"""The form's calendar: what is typed becomes a recurrence, and a recurrence becomes the form again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from controller.web.formats import Formats
from controller.web.i18n import Language, translator
from controller.web.present.schedule import ScheduleValues, Untold, foreseen, of_recurrence, recurrence_of
from schedules.recurrence import daily, monthly, occurrences, once, weekly
from schedules.sentence import describe
from schedules.types import VIETNAM, Recurrence

T = translator(Language.ENGLISH)
FORMATS = Formats(T, ZoneInfo(VIETNAM))
NOW = datetime(2027, 1, 1, tzinfo=UTC)
FIVE = datetime(2027, 1, 4, 17)
TYPED = ScheduleValues(token="", day="2027-01-04", time="17:00")


def made(values: ScheduleValues) -> Recurrence:
    return recurrence_of(values, T, VIETNAM)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "once at 17:00 on Monday, 4/1/2027"),
        ({"repeat": "daily"}, "every day at 17:00"),
        ({"repeat": "daily", "every": "3"}, "every 3 days at 17:00"),
        (
            {
                "repeat": "weekly",
                "weekdays": frozenset("024"),
                "end": "until",
                "until": "2027-06-30",
                "skip_holidays": True,
            },
            "every Monday, Wednesday and Friday at 17:00 until 30/6 inclusive, except on public holidays",
        ),
        ({"repeat": "monthly", "month_day": "-1"}, "on the last day of every month at 17:00"),
        (
            {"repeat": "moon", "moon": frozenset({"1", "15"})},
            "on the 1st and the 15th (full moon) of every lunar month at 17:00",
        ),
        ({"repeat": "moon", "moon_days": "8, 23"}, "on the 8th and the 23rd of every lunar month at 17:00"),
        ({"repeat": "daily", "end": "count", "count": "10"}, "every day at 17:00, 10 times"),
        ({"repeat": "daily", "except_day": "2027-01-06"}, "every day at 17:00, except 6/1"),
    ],
)
def test_what_is_typed_is_what_is_said(typed: dict[str, object], said: str):
    values = replace(TYPED, **typed)  # type: ignore[arg-type]
    assert describe(made(values)).en == said


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"day": ""}, "day"),
        ({"day": "31/12"}, "day"),
        ({"time": "25:00"}, "time"),
        ({"repeat": "weekly"}, "weekdays"),
        ({"repeat": "moon"}, "moon"),
        ({"repeat": "moon", "moon_days": "0"}, "moon"),
        ({"repeat": "moon", "moon_days": "rằm"}, "moon"),
        ({"repeat": "daily", "every": "0"}, "every"),
        ({"repeat": "daily", "every": "٣"}, "every"),
        ({"repeat": "daily", "end": "until", "until": "2027-01-03"}, "until"),
        ({"repeat": "daily", "end": "until"}, "until"),
        ({"repeat": "daily", "end": "count", "count": "many"}, "count"),
        ({"repeat": "daily", "excepted": ("x",)}, "except_day"),
        ({"repeat": "own", "own": "FREQ=HOURLY"}, "repeat"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(typed: dict[str, object], field: str):
    with pytest.raises(Untold) as untold:
        made(replace(TYPED, **typed))  # type: ignore[arg-type]
    assert list(untold.value.errors) == [field]


RECURRENCES = {
    "once": once(FIVE),
    "to the second": once(FIVE.replace(second=30)),
    "daily": daily(FIVE),
    "until": daily(FIVE, until=date(2027, 3, 1)),
    "counted": weekly(FIVE, [0], count=7),
    "every other week": Recurrence(FIVE, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"),
    "its own weekday": Recurrence(FIVE, rrule="FREQ=WEEKLY"),
    "monthly": monthly(FIVE, 15),
    "moon": Recurrence(FIVE, rrule="FREQ=DAILY", lunar_days=frozenset({1, 8})),
    "own": Recurrence(FIVE, rrule="FREQ=MONTHLY;BYDAY=1MO"),
    "several times a day": Recurrence(FIVE, rrule="FREQ=DAILY;BYHOUR=5,17"),
    "two days of the month": Recurrence(FIVE, rrule="FREQ=MONTHLY;BYMONTHDAY=1,15"),
    "until an hour": Recurrence(FIVE, rrule="FREQ=DAILY;UNTIL=20270301T000000Z"),
    "own by the moon": Recurrence(FIVE, rrule="FREQ=WEEKLY;BYDAY=MO", lunar_days=frozenset({15}), skip_holidays=True),
    "exceptions": replace(
        daily(FIVE), except_local=frozenset({FIVE + timedelta(days=1)}), extra_local=frozenset({FIVE.replace(hour=8)})
    ),
}


def airings(recurrence: Recurrence) -> list[datetime]:
    return list(occurrences(recurrence, datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)))


@pytest.mark.parametrize("recurrence", RECURRENCES.values(), ids=RECURRENCES)
def test_opening_and_keeping_a_form_changes_nothing(recurrence: Recurrence):
    assert airings(made(of_recurrence(TYPED, recurrence, T))) == airings(recurrence)


def test_what_the_form_can_say_is_in_its_own_fields():
    assert of_recurrence(TYPED, RECURRENCES["every other week"], T).repeat == "weekly"
    assert of_recurrence(TYPED, RECURRENCES["moon"], T).repeat == "moon"
    assert of_recurrence(TYPED, RECURRENCES["own"], T).repeat == "own"


@settings(deadline=None, max_examples=60)
@given(
    typed=st.fixed_dictionaries(
        {
            "repeat": st.sampled_from(["daily", "weekly", "monthly", "moon"]),
            "every": st.integers(1, 4).map(str),
            "weekdays": st.frozensets(st.sampled_from("0123456"), min_size=1),
            "month_day": st.sampled_from(["1", "15", "31", "-1"]),
            "moon": st.just(frozenset({"15"})),
            "end": st.sampled_from(["never", "until", "count"]),
            "until": st.just("2027-04-30"),
            "count": st.just("30"),
            "skip_holidays": st.booleans(),
        }
    )
)
def test_whatever_was_typed_stands_in_the_form_when_it_is_opened_again(typed: dict[str, object]):
    values = replace(TYPED, **typed)  # type: ignore[arg-type]
    try:
        meant = made(values)
    except Untold:
        reject()  # it ends before its first airing
    again = of_recurrence(TYPED, meant, T)
    assert again.repeat == values.repeat
    assert made(again) == meant


@settings(deadline=None)
@given(
    texts=st.dictionaries(
        st.sampled_from(["day", "time", "every", "moon_days", "until", "count", "own"]), st.text(max_size=30)
    )
)
@pytest.mark.parametrize("repeat", ["once", "daily", "monthly", "moon", "own"])
def test_nothing_that_is_typed_breaks_the_form(repeat: str, texts: dict[str, str]):
    seen = foreseen(replace(TYPED, repeat=repeat, end="until", **texts), FORMATS, NOW)  # type: ignore[arg-type]
    assert bool(seen.error) != bool(seen.sentence)
