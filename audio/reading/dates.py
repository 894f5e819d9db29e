"""Dates and times of day."""

import re

from audio.reading import numbers
from audio.reading.forms import AND, HERE, YEAR, Match, Rule, before, connected, count, of_year, rule
from audio.reading.tables import cue

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_BEFORE_DAY = rf"(?:(?P<cue>(?i:ngày)|{cue('holiday')})\s)?"


def _time(match: Match) -> str:
    minutes, seconds = int(match["minutes"] or match["after"] or 0), int(match["seconds"] or 0)
    said = f"{count(match['hours'])} giờ"
    if minutes or seconds:
        said += f" {numbers.cardinal(minutes)} phút"
    return f"{said} {numbers.cardinal(seconds)} giây" if seconds else said


def _month(written: str) -> str:
    return "tư" if int(written) == 4 else count(written)  # noqa: PLR2004 - April is tháng tư


def _date(match: Match) -> str:
    cue_said = match.groupdict().get("cue") or "ngày"
    year = of_year(match.groupdict().get("year"))
    return f"{cue_said.lower()} {count(match['day'])} tháng {_month(match['month'])}{year}"


def _time_of_day(match: Match) -> str:
    minutes = f" {count(match['minutes'])} phút" if int(match["minutes"] or 0) else ""
    return f"{count(match['hours'])} giờ{minutes} {_date(match)}"


def _named_after_a_day(match: Match) -> str:
    return f"{match['named'].lower()} {count(match['day'])} tháng {_month(match['month'])}"


def _always(match: Match) -> str | None:
    """«24/7» where somebody is there day and night; after a word of time it is the 24th of July."""
    said = before(match)
    if re.search(r"(?i:ngày|từ|đến|hết|trước|sau|sáng|trưa|chiều|tối|đêm|và|lễ)\s$|\d\s?[-–]\s?$", said):
        return None
    return "hai mươi tư trên bảy" if re.search(rf"(?<!\w){cue('always')}(?!\w)[^.;!?]*$", said) else None


def _months_of_year(match: Match) -> str:
    return f"tháng {_month(match['first'])} đến {_month_of_year(match)}"


def _days(match: Match) -> str:
    each = "" if "," in match["days"] else "ngày "
    days = connected(match["days"], lambda day: each + count(day.lower().removeprefix("ngày"))).removeprefix("ngày ")
    return f"{(match['cue'] or 'ngày').lower()} {days} tháng {_month(match['month'])}{of_year(match['year'])}"


def _month_of_year(match: Match) -> str:
    return f"tháng {_month(match['month'])}{of_year(match['year'])}"


def _months(match: Match) -> str:
    return f"tháng {connected(match['months'], _month)}"


def _weekdays(match: Match) -> str:
    return connected(match[0], lambda day: f"thứ {_weekday(day[-1])}")


def _weekday(digit: str) -> str:
    return {"4": "tư"}.get(digit, count(digit))


def _ordinal(match: Match) -> str:
    said = connected(match["numbers"], lambda n: {"1": "nhất", "4": "tư"}.get(n, count(n)))
    return f"{match['cue'].lower()} {said}"


TIMES: tuple[Rule, ...] = (
    rule(
        rf"{HERE}(?P<hours>[01]?\d|2[0-4])[hHg](?P<minutes>[0-5]\d)?\s?/\s?(?P<day>{_DAY})(?P<by>[/-])(?P<month>{_MONTH})"
        r"(?:(?P=by)(?P<year>\d{4}))?(?![\d/])",
        _time_of_day,
    ),
    rule(
        rf"{HERE}(?P<hours>[01]?\d|2[0-4])(?:(?:\s?[hH]\s?|[gG]|\s?giờ\s)(?P<minutes>[0-5]\d|\d(?=\s?(?:phút|ph|p|')))"
        r"(?:\s?(?:phút|ph|p|')(?!\w))?|(?P<colon>:)(?P<after>[0-5]\d)(?::(?P<seconds>[0-5]\d))?)(?![\w:]|[.,]\d)",
        _time,
    ),
    rule(
        rf"{HERE}(?P<hours>[01]?\d|2[0-4])g(?=\s(?:sáng|trưa|chiều|tối|đêm|ngày|đến)|\s?[-–]\s?\d)",
        lambda m: f"{count(m['hours'])} giờ",
    ),
)

DATES: tuple[Rule, ...] = (
    rule(rf"{HERE}24/7(?![\d/]|[.,]\d)", _always),
    rule(
        rf"(?P<named>{cue('named')})\s(?P<day>{_DAY})/(?P<month>{_MONTH})(?![\d/]|[.,]\d|\s{cue('counted')}(?!\w))",
        _named_after_a_day,
    ),
    rule(
        rf"{HERE}(?P<day>{_DAY})\.(?P<month>{_MONTH})\s?[-–—]\s?(?={_DAY}\.{_MONTH}\.{YEAR}(?!\d))",
        lambda m: f"{_date(m)} đến",
    ),
    rule(rf"T(?P<first>{_MONTH})\s?[-–—]\s?T(?P<month>{_MONTH})/(?P<year>{YEAR}|2\d)(?![\d/])", _months_of_year),
    rule(
        rf"{_BEFORE_DAY}{HERE}(?P<day>{_DAY})\s?(?P<by>[/.-])\s?(?P<month>{_MONTH})\s?(?P=by)\s?(?P<year>\d{{4}})(?![\d/])",
        _date,
    ),
    rule(rf"{_BEFORE_DAY}{HERE}(?P<day>{_DAY})/(?P<month>{_MONTH})/(?P<year>\d\d)(?![\d/])", _date),
    rule(rf"{_BEFORE_DAY}{HERE}(?P<year>{YEAR})-(?P<month>\d\d)-(?P<day>\d\d)(?![\d/-])", _date),
    rule(
        rf"(?P<cue>(?i:ngày)|{cue('holiday')})\s(?P<days>{_DAY}(?:{AND}(?:ngày\s)?{_DAY}){{1,8}})/(?P<month>{_MONTH})(?:/(?P<year>\d{{4}}))?(?![\d/])",
        _days,
    ),
    rule(
        rf"(?P<cue>(?!)x)?{HERE}(?P<days>{_DAY}\s?(?:-|–|—|và|đến)\s?{_DAY})/(?P<month>{_MONTH})(?:/(?P<year>\d{{4}}))?(?![\d/])",
        _days,
    ),
    rule(
        rf"(?P<cue>(?i:ngày)|{cue('holiday')})\s(?P<day>{_DAY})[.-](?P<month>{_MONTH})(?![\d/]|[.,-]\d|\s?tháng)", _date
    ),
    rule(rf"(?i:tháng\s){HERE}(?P<month>{_MONTH})\s?[/-]\s?(?P<year>\d{{4}})(?![\d/])", _month_of_year),
    rule(rf"T(?P<month>{_MONTH})/(?P<year>\d{{4}}|2\d)(?![\d/])", _month_of_year),
    rule(
        r"(?P<cue>(?i:quý))\s(?P<number>[1-4])/(?P<year>2\d)(?![\d/])",
        lambda m: f"quý {count(m['number'])}{of_year(m['year'])}",
    ),
    rule(rf"{HERE}(?P<month>{_MONTH})/(?P<year>{YEAR})(?![\d/])", _month_of_year),
    rule(rf"(?i:tháng)\s(?P<months>{_MONTH}(?:{AND}{_MONTH}){{0,6}})(?![\d/%]|[.,]\d)", _months),
    rule(rf"T[2-7](?:{AND}T[2-7]){{0,5}}(?!\w|/\d)", _weekdays),
    rule(r"T(?P<months>1|8|9|1[0-2])(?!\w|/\d)", lambda m: f"tháng {count(m['months'])}"),
    rule(
        rf"(?P<cue>{cue('period')})\s(?P<number>\d{{1,2}})\s?[/-]\s?(?P<year>{YEAR})(?!\d)",
        lambda m: f"{m['cue'].lower()} {count(m['number'])}{of_year(m['year'])}",
    ),
    rule(
        rf"(?P<cue>(?i:lần thứ|thứ|hạng))\s(?P<numbers>\d{{1,3}}(?:{AND}\d{{1,3}}){{0,6}})(?![\d%/]|[.,]\d)", _ordinal
    ),
    rule(rf"{_BEFORE_DAY}{HERE}(?P<day>{_DAY})/(?P<month>{_MONTH})(?![\d/]|[.,]\d)", _date),
)
