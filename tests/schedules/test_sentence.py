# ruff: noqa: DTZ001 - recurrences are made of wall-clock times
"""A recurrence in plain words: the golden list."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.recurrence import daily, monthly, once, weekly
from schedules.sentence import describe
from schedules.types import Recurrence

FIVE = datetime(2027, 1, 4, 17)
MOON = Recurrence(FIVE, rrule="FREQ=DAILY", lunar_days=frozenset({1, 15}))


def ruled(rule: str) -> Recurrence:
    return Recurrence(FIVE, rrule=rule)


GOLDEN = [
    (once(FIVE), "một lần lúc 17:00 thứ 2, 4/1/2027", "once at 17:00 on Monday, 4/1/2027"),
    (daily(FIVE), "mỗi ngày lúc 17:00", "every day at 17:00"),
    (
        replace(weekly(FIVE, [0, 2, 4], until=date(2027, 6, 30)), skip_holidays=True),
        "mỗi thứ 2, 4, 6 lúc 17:00 đến hết 30/6, trừ ngày lễ",
        "every Monday, Wednesday and Friday at 17:00 until 30/6 inclusive, except on public holidays",
    ),
    (weekly(FIVE, [5, 6]), "mỗi thứ 7 và chủ nhật lúc 17:00", "every Saturday and Sunday at 17:00"),
    (weekly(FIVE, [6]), "mỗi chủ nhật lúc 17:00", "every Sunday at 17:00"),
    (weekly(FIVE, range(7)), "mỗi ngày lúc 17:00", "every day at 17:00"),
    (
        daily(FIVE, until=date(2028, 1, 2)),
        "mỗi ngày lúc 17:00 đến hết 2/1/2028",
        "every day at 17:00 until 2/1/2028 inclusive",
    ),
    (daily(FIVE, count=10), "mỗi ngày lúc 17:00, 10 lần", "every day at 17:00, 10 times"),
    (ruled("FREQ=DAILY;INTERVAL=3"), "3 ngày một lần lúc 17:00", "every 3 days at 17:00"),
    (
        ruled("FREQ=DAILY;BYHOUR=5,17;BYMINUTE=0,30"),
        "mỗi ngày lúc 05:00, 05:30, 17:00, 17:30",
        "every day at 05:00, 05:30, 17:00, 17:30",
    ),
    (
        ruled("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        "2 tuần một lần vào thứ 3 lúc 17:00",
        "every 2 weeks on Tuesday at 17:00",
    ),
    (monthly(FIVE, 1), "ngày 1 hằng tháng lúc 17:00", "on the 1st of every month at 17:00"),
    (
        ruled("FREQ=MONTHLY;BYMONTHDAY=1,15,-1"),
        "ngày 1, 15 và ngày cuối hằng tháng lúc 17:00",
        "on the 1st, the 15th and the last day of every month at 17:00",
    ),
    (monthly(FIVE, -1), "ngày cuối hằng tháng lúc 17:00", "on the last day of every month at 17:00"),
    (
        ruled("FREQ=MONTHLY;BYDAY=1MO"),
        "thứ 2 đầu tiên hằng tháng lúc 17:00",
        "on the 1st Monday of every month at 17:00",
    ),
    (
        ruled("FREQ=MONTHLY;BYDAY=-1SU"),
        "chủ nhật cuối cùng hằng tháng lúc 17:00",
        "on the last Sunday of every month at 17:00",
    ),
    (
        ruled("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=22"),
        "ngày 22, 3 tháng một lần lúc 17:00",
        "on the 22nd, every 3 months at 17:00",
    ),
    (ruled("FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2"), "ngày 2/9 hằng năm lúc 17:00", "on 2/9 every year at 17:00"),
    (
        MOON,
        "mồng một và rằm âm lịch hằng tháng lúc 17:00",
        "on the 1st and the 15th (full moon) of every lunar month at 17:00",
    ),
    (
        replace(MOON, lunar_days=frozenset({8, 23})),
        "mồng 8 và ngày 23 âm lịch hằng tháng lúc 17:00",
        "on the 8th and the 23rd of every lunar month at 17:00",
    ),
    (
        replace(weekly(FIVE, [0]), lunar_days=frozenset({15})),
        "mỗi thứ 2 nếu là rằm âm lịch lúc 17:00",
        "every Monday if it is the 15th (full moon) of the lunar month at 17:00",
    ),
    (
        replace(daily(FIVE), except_local=frozenset({datetime(2027, 1, 6, 17), datetime(2027, 1, 5, 17)})),
        "mỗi ngày lúc 17:00, trừ 5/1, 6/1",
        "every day at 17:00, except 5/1, 6/1",
    ),
    (
        replace(daily(FIVE), except_local=frozenset(datetime(2027, 1, day, 17) for day in range(5, 9))),
        "mỗi ngày lúc 17:00, trừ 4 lượt đã chọn",
        "every day at 17:00, except 4 chosen airings",
    ),
    (
        replace(daily(FIVE), extra_local=frozenset({datetime(2028, 2, 1, 8, 30)})),
        "mỗi ngày lúc 17:00; thêm 08:30 1/2/2028",
        "every day at 17:00; also 08:30 1/2/2028",
    ),
    (
        replace(ruled("FREQ=YEARLY;BYDAY=20MO"), skip_holidays=True),
        "theo quy tắc riêng (FREQ=YEARLY;BYDAY=20MO), trừ ngày lễ",
        "by a rule of its own (FREQ=YEARLY;BYDAY=20MO), except on public holidays",
    ),
]


@pytest.mark.parametrize(("recurrence", "vi", "en"), GOLDEN, ids=[vi for _, vi, _ in GOLDEN])
def test_a_recurrence_in_plain_words(recurrence: Recurrence, vi: str, en: str):
    said = describe(recurrence)
    assert (said.vi, said.en) == (vi, en)


DAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
PARTS = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])},
    optional={
        "INTERVAL": st.integers(1, 5).map(str),
        "BYDAY": st.lists(DAYS, min_size=1, max_size=4, unique=True).map(",".join),
        "BYMONTH": st.integers(1, 12).map(str),
        "BYMONTHDAY": st.lists(st.integers(-3, 31).filter(bool).map(str), min_size=1, max_size=3).map(",".join),
        "BYHOUR": st.lists(st.integers(0, 23).map(str), min_size=1, max_size=3).map(",".join),
        "BYSETPOS": st.just("1"),
    },
)


@settings(deadline=None)
@given(parts=PARTS, lunar=st.frozensets(st.integers(1, 30), max_size=3), skip_holidays=st.booleans())
def test_whatever_the_rule_there_are_words_in_both_languages(
    *, parts: dict[str, str], lunar: frozenset[int], skip_holidays: bool
):
    if parts["FREQ"] == "WEEKLY":
        parts.pop("BYMONTHDAY", None)
    if not {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYHOUR"} & parts.keys():
        parts.pop("BYSETPOS", None)  # chooses from nothing
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    said = describe(Recurrence(FIVE, rrule=rule, lunar_days=lunar, skip_holidays=skip_holidays))
    assert said.vi
    assert said.en
    assert "None" not in said.vi + said.en
    assert ("âm lịch" in said.vi) == ("lunar" in said.en) == bool(lunar)
    assert ("trừ ngày lễ" in said.vi) == skip_holidays
