"""Reading an RFC 5545 RRULE strictly: what is refused here never reaches the library that expands it.

Only rules that people make for loudspeakers pass: daily or slower, at most `MAX_TIMES_A_DAY` times a day.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import NoReturn

from schedules.errors import InvalidRecurrence
from schedules.words import Sentence

MAX_TEXT = 1000
MAX_INTERVAL = 999
MAX_COUNT = 10_000
MAX_TIMES_A_DAY = 48

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# name: lowest, highest, whether it may count from the end with a minus sign.
_RANGES = {
    "BYMONTH": (1, 12, False),
    "BYWEEKNO": (1, 53, True),
    "BYYEARDAY": (1, 366, True),
    "BYMONTHDAY": (1, 31, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
# The table of RFC 5545, section 3.3.10: what has no meaning beside which frequency.
_MEANINGLESS = {
    "DAILY": ("BYWEEKNO", "BYYEARDAY"),
    "WEEKLY": ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"),
    "MONTHLY": ("BYWEEKNO", "BYYEARDAY"),
    "YEARLY": (),
}
_NAMES = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_RANGES)
_NUMBER = re.compile(r"[+-]?\d{1,5}", re.ASCII)
_DAY = re.compile(rf"([+-]?\d{{1,2}})?({'|'.join(WEEKDAYS)})", re.ASCII)
_UNTIL_FORMATS = {8: "%Y%m%d", 15: "%Y%m%dT%H%M%S", 16: "%Y%m%dT%H%M%SZ"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was read and found usable."""

    frequency: str
    interval: int
    count: int | None
    until: datetime | None
    """Inclusive; in UTC, or local without a zone, as the rule has it. A bare date means that whole local day."""
    text: str
    """The rule without UNTIL, which is compared in UTC by whoever expands it."""


def parse(text: str) -> Rule:
    """Return the rule that `text`, what follows `RRULE:`, says. Raises `InvalidRecurrence`."""
    if len(text) > MAX_TEXT:
        _refuse(
            "rule_too_long", f"Quy tắc lặp dài quá {MAX_TEXT} ký tự.", f"The rule is longer than {MAX_TEXT} characters."
        )
    parts = _parts(text.upper())
    frequency = _frequency(parts)
    _check_lists(parts, frequency)
    _check_days(parts, frequency)
    if "COUNT" in parts and "UNTIL" in parts:
        _refuse(
            "count_and_until",
            "Chỉ chọn một: số lần (COUNT) hoặc ngày cuối (UNTIL).",
            "A rule ends by COUNT or by UNTIL, not by both.",
        )
    return Rule(
        frequency=frequency,
        interval=_positive(parts, "INTERVAL", MAX_INTERVAL) or 1,
        count=_positive(parts, "COUNT", MAX_COUNT),
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        text=";".join(f"{name}={value}" for name, value in parts.items() if name != "UNTIL"),
    )


def _refuse(reason: str, vi: str, en: str) -> NoReturn:
    raise InvalidRecurrence("rrule", reason, Sentence(vi, en))


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for piece in text.split(";"):
        name, _, value = piece.partition("=")
        if name not in _NAMES or not value:
            _refuse(
                "unknown_part",
                f"Không hiểu phần “{piece[:40]}” của quy tắc lặp.",
                f"The rule has a part nobody knows: “{piece[:40]}”.",
            )
        if name in parts:
            _refuse("repeated_part", f"Quy tắc lặp có {name} hai lần.", f"The rule says {name} twice.")
        parts[name] = value
    return parts


def _frequency(parts: dict[str, str]) -> str:
    frequency = parts.get("FREQ", "")
    if frequency in _TOO_OFTEN:
        _refuse(
            "too_often",
            "Lịch phát không được lặp dày hơn hằng ngày.",
            "A schedule repeats daily at the most: give several hours instead.",
        )
    if frequency not in _FREQUENCIES:
        _refuse("no_frequency", "Quy tắc lặp thiếu FREQ hợp lệ.", f"FREQ must be one of {', '.join(_FREQUENCIES)}.")
    for name in _MEANINGLESS[frequency]:
        if name in parts:
            _refuse(
                "meaningless_part",
                f"{name} không dùng được với {frequency}.",
                f"{name} has no meaning beside {frequency}.",
            )
    return frequency


def _check_lists(parts: dict[str, str], frequency: str) -> None:
    times_a_day = 1
    for name, (low, high, signed) in _RANGES.items():
        if name not in parts:
            continue
        values = parts[name].split(",")
        for value in values:
            number = int(value) if _NUMBER.fullmatch(value) else None
            if number is None or not low <= (abs(number) if signed else number) <= high:
                _refuse("out_of_range", f"{name} không thể là “{value[:20]}”.", f"{name} cannot be “{value[:20]}”.")
        if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            times_a_day *= len(values)
    if times_a_day > MAX_TIMES_A_DAY:
        _refuse(
            "too_often",
            f"Quy tắc lặp phát {times_a_day} lần một ngày; nhiều nhất {MAX_TIMES_A_DAY}.",
            f"The rule airs {times_a_day} times a day; {MAX_TIMES_A_DAY} at the most.",
        )
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        _refuse(
            "setpos_alone",
            "BYSETPOS cần thêm một phần BY… khác.",
            f"BYSETPOS needs another BY… part to choose from ({frequency}).",
        )


def _check_days(parts: dict[str, str], frequency: str) -> None:
    if parts.get("WKST", "MO") not in WEEKDAYS:
        _refuse("out_of_range", "WKST phải là một ngày trong tuần.", "WKST must be a weekday.")
    most = {"MONTHLY": 5, "YEARLY": 5 if "BYMONTH" in parts else 53}.get(frequency, 0)
    if "BYWEEKNO" in parts:
        most = 0
    for day in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        found = _DAY.fullmatch(day)
        if found is None:
            _refuse("out_of_range", f"“{day[:20]}” không phải là một ngày trong tuần.", f"“{day[:20]}” is no weekday.")
        if found[1] and not 1 <= abs(int(found[1])) <= most:
            _refuse(
                "out_of_range", f"Thứ tự của “{day}” không hợp lệ ở đây.", f"The number of “{day}” has no meaning here."
            )


def _positive(parts: dict[str, str], name: str, most: int) -> int | None:
    if name not in parts:
        return None
    value = parts[name]
    if not (_NUMBER.fullmatch(value) and 1 <= int(value) <= most):
        _refuse("out_of_range", f"{name} phải từ 1 đến {most}.", f"{name} must be from 1 to {most}.")
    return int(value)


def _until(value: str) -> datetime:
    try:
        until = datetime.strptime(value, _UNTIL_FORMATS[len(value)])  # noqa: DTZ007 - the zone is decided just below
    except (KeyError, ValueError):
        _refuse("out_of_range", f"UNTIL không thể là “{value[:20]}”.", f"UNTIL cannot be “{value[:20]}”.")
    if value.endswith("Z"):
        return until.replace(tzinfo=UTC)
    return until if "T" in value else datetime.combine(until.date(), time(23, 59, 59))
