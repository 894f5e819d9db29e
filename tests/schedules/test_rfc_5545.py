"""The examples of RFC 5545, section 3.8.5.3, in America/New_York, as the text gives them."""

# ruff: noqa: DTZ001 - recurrences are made of wall-clock times

from calendar import month_abbr
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.recurrence import occurrences, validate
from schedules.types import Recurrence

NEW_YORK = "America/New_York"
MONTHS = {name: number for number, name in enumerate(month_abbr) if name}
SEP_2 = datetime(1997, 9, 2, 9)

# rule, DTSTART, "year: month days; …" - all at 9:00, and where the rule has no end, how long the text follows it.
FINITE = [
    ("FREQ=DAILY;COUNT=10", SEP_2, "1997: Sep 2-11"),
    ("FREQ=DAILY;UNTIL=19971224T000000Z", SEP_2, "1997: Sep 2-30; Oct 1-31; Nov 1-30; Dec 1-23"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", SEP_2, "1997: Sep 2,12,22; Oct 2,12"),
    (
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        datetime(1998, 1, 1, 9),
        "1998: Jan 1-31 1999: Jan 1-31 2000: Jan 1-31",
    ),
    (
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
        datetime(1998, 1, 1, 9),
        "1998: Jan 1-31 1999: Jan 1-31 2000: Jan 1-31",
    ),
    ("FREQ=WEEKLY;COUNT=10", SEP_2, "1997: Sep 2,9,16,23,30; Oct 7,14,21,28; Nov 4"),
    (
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        SEP_2,
        "1997: Sep 2,9,16,23,30; Oct 7,14,21,28; Nov 4,11,18,25; Dec 2,9,16,23",
    ),
    ("FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", SEP_2, "1997: Sep 2,4,9,11,16,18,23,25,30; Oct 2"),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", SEP_2, "1997: Sep 2,4,9,11,16,18,23,25,30; Oct 2"),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        datetime(1997, 9, 1, 9),
        "1997: Sep 1,3,5,15,17,19,29; Oct 1,3,13,15,17,27,29,31; Nov 10,12,14,24,26,28; Dec 8,10,12,22",
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", SEP_2, "1997: Sep 2,4,16,18,30; Oct 2,14,16"),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        datetime(1997, 9, 5, 9),
        "1997: Sep 5; Oct 3; Nov 7; Dec 5 1998: Jan 2; Feb 6; Mar 6; Apr 3; May 1; Jun 5",
    ),
    ("FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", datetime(1997, 9, 5, 9), "1997: Sep 5; Oct 3; Nov 7; Dec 5"),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        datetime(1997, 9, 7, 9),
        "1997: Sep 7,28; Nov 2,30 1998: Jan 4,25; Mar 1,29; May 3,31",
    ),
    (
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        datetime(1997, 9, 22, 9),
        "1997: Sep 22; Oct 20; Nov 17; Dec 22 1998: Jan 19; Feb 16",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        SEP_2,
        "1997: Sep 2,15; Oct 2,15; Nov 2,15; Dec 2,15 1998: Jan 2,15",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        datetime(1997, 9, 30, 9),
        "1997: Sep 30; Oct 1,31; Nov 1,30; Dec 1,31 1998: Jan 1,31; Feb 1",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        datetime(1997, 9, 10, 9),
        "1997: Sep 10-15 1999: Mar 10-13",
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        datetime(1997, 6, 10, 9),
        "1997: Jun 10; Jul 10 1998: Jun 10; Jul 10 1999: Jun 10; Jul 10 2000: Jun 10; Jul 10 2001: Jun 10; Jul 10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        datetime(1997, 3, 10, 9),
        "1997: Mar 10 1999: Jan 10; Feb 10; Mar 10 2001: Jan 10; Feb 10; Mar 10 2003: Jan 10; Feb 10; Mar 10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        datetime(1997, 1, 1, 9),
        "1997: Jan 1; Apr 10; Jul 19 2000: Jan 1; Apr 9; Jul 18 2003: Jan 1; Apr 10; Jul 19 2006: Jan 1",
    ),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", datetime(1997, 9, 4, 9), "1997: Sep 4; Oct 7; Nov 6"),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        datetime(1997, 8, 5, 9),
        "1997: Aug 5,10,19,24",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        datetime(1997, 8, 5, 9),
        "1997: Aug 5,17,19,31",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        datetime(2007, 1, 15, 9),
        "2007: Jan 15,30; Feb 15; Mar 15,30",
    ),
]
ENDLESS = [
    ("FREQ=DAILY;INTERVAL=2", SEP_2, "1997: Sep 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30; Oct 2,4"),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", SEP_2, "1997: Sep 2,16,30; Oct 14,28; Nov 11,25; Dec 9,23 1998: Jan 6,20"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        datetime(1997, 9, 28, 9),
        "1997: Sep 28; Oct 29; Nov 28; Dec 29 1998: Jan 29; Feb 26",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        SEP_2,
        "1997: Sep 2,9,16,23,30; Nov 4,11,18,25 1998: Jan 6,13,20,27; Mar 3,10,17,24,31",
    ),
    ("FREQ=YEARLY;BYDAY=20MO", datetime(1997, 5, 19, 9), "1997: May 19 1998: May 18 1999: May 17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", datetime(1997, 5, 12, 9), "1997: May 12 1998: May 11 1999: May 17"),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        datetime(1997, 3, 13, 9),
        "1997: Mar 13,20,27 1998: Mar 5,12,19,26 1999: Mar 4,11,18,25",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        datetime(1997, 9, 13, 9),
        "1997: Sep 13; Oct 11; Nov 8; Dec 13 1998: Jan 10; Feb 7; Mar 7; Apr 11; May 9; Jun 13",
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        datetime(1996, 11, 5, 9),
        "1996: Nov 5 2000: Nov 7 2004: Nov 2",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        datetime(1997, 9, 29, 9),
        "1997: Sep 29; Oct 30; Nov 27; Dec 30 1998: Jan 29; Feb 26; Mar 30",
    ),
]


def days(text: str) -> Iterable[datetime]:
    """Read "1997: Sep 2-4; Oct 1,3 1998: Jan 5" as those days at nine."""
    year = month = 0
    for word in text.replace(";", "").split():
        if word.endswith(":"):
            year = int(word[:-1])
        elif word in MONTHS:
            month = MONTHS[word]
        else:
            for piece in word.split(","):
                first, _, last = piece.partition("-")
                for day in range(int(first), int(last or first) + 1):
                    yield datetime(year, month, day, 9)


def aired(recurrence: Recurrence, until: datetime | None = None) -> list[datetime]:
    """Return the airings by New York's clock on the wall."""
    zone = ZoneInfo(NEW_YORK)
    end = until.replace(tzinfo=zone).astimezone(UTC) if until else datetime(2020, 1, 1, tzinfo=UTC)
    found = occurrences(recurrence, datetime(1996, 1, 1, tzinfo=UTC), end)
    return [each.astimezone(zone).replace(tzinfo=None) for each in found]


@pytest.mark.parametrize(("rule", "first", "expected"), FINITE, ids=[rule for rule, _, _ in FINITE])
def test_a_rule_with_an_end_airs_as_the_text_says(rule, first, expected):
    recurrence = Recurrence(first, NEW_YORK, rule)
    validate(recurrence)
    assert aired(recurrence) == list(days(expected))


@pytest.mark.parametrize(("rule", "first", "expected"), ENDLESS, ids=[rule for rule, _, _ in ENDLESS])
def test_an_endless_rule_airs_as_far_as_the_text_follows_it(rule, first, expected):
    wanted = list(days(expected))
    recurrence = Recurrence(first, NEW_YORK, rule)
    validate(recurrence)
    assert aired(recurrence, wanted[-1] + timedelta(minutes=1)) == wanted


def test_every_friday_the_13th_leaves_its_start_out_by_an_exception():
    recurrence = Recurrence(
        SEP_2,
        NEW_YORK,
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        except_local=frozenset({SEP_2}),
    )
    expected = list(days("1998: Feb 13; Mar 13; Nov 13 1999: Aug 13 2000: Oct 13"))
    assert aired(recurrence, datetime(2000, 12, 31)) == expected


def test_every_twenty_minutes_of_the_working_day_is_a_daily_rule():
    recurrence = Recurrence(SEP_2, NEW_YORK, "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40")
    validate(recurrence)
    expected = [SEP_2 + timedelta(minutes=20 * step) for step in range(24)]
    assert aired(recurrence, datetime(1997, 9, 3)) == expected


def test_three_days_of_a_month_stay_at_nine_through_the_change_of_the_clocks():
    recurrence = Recurrence(datetime(1997, 10, 25, 9), NEW_YORK, "FREQ=DAILY;COUNT=3")
    found = occurrences(recurrence, datetime(1997, 10, 1, tzinfo=UTC), datetime(1997, 11, 1, tzinfo=UTC))
    assert [each.hour for each in found] == [13, 14, 14]
