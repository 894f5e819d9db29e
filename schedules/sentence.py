"""A recurrence in plain words: what a person would say, and what the form shows back before anything is saved."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from schedules.rule import WEEKDAYS, Rule, parse
from schedules.special_days import FULL_MOON
from schedules.types import Recurrence
from schedules.words import Sentence

DATES_SAID = 3
"""So many single dates are named; more are counted."""

_EN_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LAST_MONG = 10
_PLAIN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYHOUR", "BYMINUTE", "BYDAY", "BYMONTHDAY", "BYMONTH"}


def describe(recurrence: Recurrence) -> Sentence:
    """Return the recurrence as a phrase: "mỗi thứ 2, 4, 6 lúc 17:00 đến hết 30/6, trừ ngày lễ".

    A rule that nobody would say in one breath is given as it is written. Expects what `validate` accepts.
    """
    first = recurrence.first_local
    if recurrence.rrule is None:
        clock = f"{first:%H:%M}"
        said = Sentence(
            f"một lần lúc {clock} {_vi_day(first)}, {_date(first)}",
            f"once at {clock} on {_EN_DAYS[first.weekday()]}, {_date(first)}",
        )
    else:
        said = _ruled(recurrence, parse(recurrence.rrule))
    return _joined(said, *_single_dates(recurrence))


def _ruled(recurrence: Recurrence, rule: Rule) -> Sentence:
    parts = dict(piece.split("=", 1) for piece in rule.text.split(";"))
    first = recurrence.first_local
    days = _days(recurrence, rule, parts) if parts.keys() <= _PLAIN else None
    if days is None:
        said = Sentence(f"theo quy tắc riêng ({recurrence.rrule})", f"by a rule of its own ({recurrence.rrule})")
        said = _joined(said, _if_lunar(recurrence.lunar_days))
    else:
        clocks = ", ".join(_clocks(first, parts))
        said = Sentence(f"{days.vi} lúc {clocks}", f"{days.en} at {clocks}")
        said = _joined(said, _end(recurrence, rule))
    if recurrence.skip_holidays:
        said = _joined(said, Sentence(", trừ ngày lễ", ", except on public holidays"))
    return said


def _days(recurrence: Recurrence, rule: Rule, parts: dict[str, str]) -> Sentence | None:
    """Return on which days, or None where words fail."""
    lunar = _lunar(recurrence.lunar_days)
    match rule.frequency:
        case "DAILY":
            if {"BYDAY", "BYMONTHDAY", "BYMONTH"} & parts.keys() or (lunar and rule.interval > 1):
                return None
            if lunar:
                return Sentence(f"{lunar.vi} âm lịch hằng tháng", f"on {lunar.en} of every lunar month")
            return _every(rule.interval, Sentence("ngày", "day"))
        case "WEEKLY":
            said = _weekly(recurrence.first_local, rule, parts)
        case "MONTHLY":
            said = _monthly(recurrence.first_local, rule, parts)
        case _:
            said = _yearly(recurrence.first_local, rule, parts)
    return said and _joined(said, _if_lunar(recurrence.lunar_days))


def _if_lunar(days: Iterable[int]) -> Sentence:
    lunar = _lunar(days)
    if lunar is None:
        return Sentence("", "")
    return Sentence(f" nếu là {lunar.vi} âm lịch", f" if it is {lunar.en} of the lunar month")


def _every(interval: int, unit: Sentence) -> Sentence:
    if interval == 1:
        return Sentence(f"mỗi {unit.vi}", f"every {unit.en}")
    return Sentence(f"{interval} {unit.vi} một lần", f"every {interval} {unit.en}s")


def _weekly(first: datetime, rule: Rule, parts: dict[str, str]) -> Sentence | None:
    if {"BYMONTHDAY", "BYMONTH"} & parts.keys():
        return None
    named = parts.get("BYDAY", WEEKDAYS[first.weekday()]).split(",")
    if any(day not in WEEKDAYS for day in named):
        return None
    days = sorted({WEEKDAYS.index(day) for day in named})
    vi, en = _vi_weekdays(days), _and([_EN_DAYS[day] for day in days], "and")
    if rule.interval > 1:
        return Sentence(f"{rule.interval} tuần một lần vào {vi}", f"every {rule.interval} weeks on {en}")
    if len(days) == len(WEEKDAYS):
        return Sentence("mỗi ngày", "every day")
    return Sentence(f"mỗi {vi}", f"every {en}")


def _monthly(first: datetime, rule: Rule, parts: dict[str, str]) -> Sentence | None:
    if "BYMONTH" in parts or {"BYDAY", "BYMONTHDAY"} <= parts.keys():
        return None
    on = _nth_weekday(parts["BYDAY"]) if "BYDAY" in parts else _month_days(parts.get("BYMONTHDAY", str(first.day)))
    if on is None:
        return None
    if rule.interval > 1:
        return Sentence(f"{on.vi}, {rule.interval} tháng một lần", f"on {on.en}, every {rule.interval} months")
    return Sentence(f"{on.vi} hằng tháng", f"on {on.en} of every month")


def _yearly(first: datetime, rule: Rule, parts: dict[str, str]) -> Sentence | None:
    if "BYDAY" in parts or "," in parts.get("BYMONTH", "") + parts.get("BYMONTHDAY", ""):
        return None
    day, month = int(parts.get("BYMONTHDAY", first.day)), int(parts.get("BYMONTH", first.month))
    if day < 0 or ("BYMONTH" in parts) != ("BYMONTHDAY" in parts):
        return None
    if rule.interval > 1:
        return Sentence(
            f"ngày {day}/{month}, {rule.interval} năm một lần", f"on {day}/{month} every {rule.interval} years"
        )
    return Sentence(f"ngày {day}/{month} hằng năm", f"on {day}/{month} every year")


def _nth_weekday(text: str) -> Sentence | None:
    number, day = text[:-2], text[-2:]
    if not number or "," in text:
        return None
    place = int(number)
    vi_day, en_day = _vi_weekdays([WEEKDAYS.index(day)]), _EN_DAYS[WEEKDAYS.index(day)]
    if place == -1:
        return Sentence(f"{vi_day} cuối cùng", f"the last {en_day}")
    if place < 0:
        return None
    return Sentence(
        f"{vi_day} đầu tiên" if place == 1 else f"{vi_day} lần thứ {place}", f"the {_ordinal(place)} {en_day}"
    )


def _month_days(text: str) -> Sentence | None:
    numbers = sorted(map(int, text.split(",")), key=lambda day: (day < 0, day))
    if any(day < -1 for day in numbers):
        return None
    vi = ["ngày cuối" if day < 0 else str(day) for day in numbers]
    en = ["the last day" if day < 0 else f"the {_ordinal(day)}" for day in numbers]
    listed = _and(vi, "và")
    return Sentence(listed if numbers[0] < 0 else f"ngày {listed}", _and(en, "and"))


def _lunar(days: Iterable[int]) -> Sentence | None:
    chosen = sorted(days)
    if not chosen:
        return None
    return Sentence(
        _and([_vi_lunar(day) for day in chosen], "và"),
        _and([f"the {_ordinal(day)}" + (" (full moon)" if day == FULL_MOON else "") for day in chosen], "and"),
    )


def _vi_lunar(day: int) -> str:
    if day == 1:
        return "mồng một"
    if day == FULL_MOON:
        return "rằm"
    return f"mồng {day}" if day <= _LAST_MONG else f"ngày {day}"


def _end(recurrence: Recurrence, rule: Rule) -> Sentence:
    if rule.count is not None:
        return Sentence(f", {rule.count} lần", f", {rule.count} times" if rule.count > 1 else ", once")
    if rule.until is None:
        return Sentence("", "")
    until = rule.until if rule.until.tzinfo is None else rule.until.astimezone(ZoneInfo(recurrence.zone))
    last = _date(until, beside=recurrence.first_local)
    return Sentence(f" đến hết {last}", f" until {last} inclusive")


def _single_dates(recurrence: Recurrence) -> tuple[Sentence, Sentence]:
    first = recurrence.first_local
    without, also = Sentence("", ""), Sentence("", "")
    if recurrence.except_local:
        count = len(recurrence.except_local)
        if count <= DATES_SAID:
            days = ", ".join(_date(each, beside=first) for each in sorted(recurrence.except_local))
            without = Sentence(f", trừ {days}", f", except {days}")
        else:
            without = Sentence(f", trừ {count} lượt đã chọn", f", except {count} chosen airings")
    if recurrence.extra_local:
        count = len(recurrence.extra_local)
        if count <= DATES_SAID:
            times = ", ".join(f"{each:%H:%M} {_date(each, beside=first)}" for each in sorted(recurrence.extra_local))
            also = Sentence(f"; thêm {times}", f"; also {times}")
        else:
            also = Sentence(f"; thêm {count} lượt khác", f"; also {count} other airings")
    return without, also


def _clocks(first: datetime, parts: dict[str, str]) -> list[str]:
    hours = [int(hour) for hour in parts["BYHOUR"].split(",")] if "BYHOUR" in parts else [first.hour]
    minutes = [int(minute) for minute in parts["BYMINUTE"].split(",")] if "BYMINUTE" in parts else [first.minute]
    return [f"{clock:%H:%M}" for clock in sorted({time(hour, minute) for hour in hours for minute in minutes})]


def _vi_day(day: date) -> str:
    return _vi_weekdays([day.weekday()])


def _vi_weekdays(days: Sequence[int]) -> str:
    """Return "thứ 2, 4, 6 và chủ nhật": Monday is the second day."""
    numbered = ", ".join(str(day + 2) for day in days if day < len(WEEKDAYS) - 1)
    spoken = [f"thứ {numbered}"] if numbered else []
    return " và ".join([*spoken, *(["chủ nhật"] if len(WEEKDAYS) - 1 in days else [])])


def _date(day: date, *, beside: date | None = None) -> str:
    """Return `30/6`, with its year unless that is the year of what stands beside it."""
    return f"{day.day}/{day.month}" if beside and beside.year == day.year else f"{day.day}/{day.month}/{day.year}"


def _and(words: Sequence[str], word: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {word} {words[-1]}"


def _ordinal(number: int) -> str:
    teens = number % 100 in {11, 12, 13}
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _joined(*sentences: Sentence) -> Sentence:
    return Sentence("".join(each.vi for each in sentences), "".join(each.en for each in sentences))
