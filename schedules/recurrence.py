"""From a recurrence to moments: RFC 5545 rules, expanded in local wall time and then placed on the world's clock.

Decisions where the RFC leaves room:
- `first_local` counts only if the rule itself yields it: "from Tuesday the 3rd, every Monday" starts on Monday the 9th.
- A local time that the clock skips is read with the offset before the gap; one that comes twice is its first (3.3.5).
- UNTIL is inclusive; a bare date means that whole local day.
- Lunar days and public holidays narrow the rule's days and, as exceptions do, take one of the counted airings each.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import NoReturn
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from schedules.errors import InvalidRecurrence, TooManyOccurrences
from schedules.rule import WEEKDAYS, Rule, parse
from schedules.special_days import LONGEST_MONTH, holiday, lunar_day
from schedules.types import VIETNAM, Recurrence
from schedules.words import Sentence

MAX_OCCURRENCES = 10_000
"""In one window."""
MAX_DATES = 1_000
"""Exception dates, and again extra dates, of one recurrence."""
FIRST_YEAR, LAST_YEAR = 1970, 2199

_DAY = timedelta(days=1)
_DAYS_A_STEP = {"DAILY": 1, "WEEKLY": 7}
_CYCLE_YEARS = 400
_LOOKED_AHEAD = timedelta(days=3 * 366)


def occurrences(recurrence: Recurrence, window_start_utc: datetime, window_end_utc: datetime) -> Iterator[datetime]:
    """Yield the nominal starts within [start, end): in UTC, ascending, each once.

    Expects what `validate` accepts. Raises `InvalidRecurrence`, or `TooManyOccurrences` beyond `MAX_OCCURRENCES`.
    """
    return iter(sorted(starts(recurrence, window_start_utc, window_end_utc)))


def starts(recurrence: Recurrence, window_start_utc: datetime, window_end_utc: datetime) -> dict[datetime, datetime]:
    """Return the same moments with the wall-clock time that the recurrence names for each."""
    zone = _zone(recurrence.zone)
    # A day to either side: no two offsets of a zone lie further apart.
    earliest = window_start_utc.astimezone(zone).replace(tzinfo=None) - _DAY
    latest = window_end_utc.astimezone(zone).replace(tzinfo=None) + _DAY
    found: dict[datetime, datetime] = {}
    for local in chain(_ruled(recurrence, zone, earliest, latest), recurrence.extra_local):
        if local in recurrence.except_local:
            continue
        moment = to_utc(local, zone)
        if window_start_utc <= moment < window_end_utc:
            found.setdefault(moment, local)
            if len(found) > MAX_OCCURRENCES:
                raise TooManyOccurrences(f"more than {MAX_OCCURRENCES} airings of one schedule in one window")
    return found


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Place a wall-clock time on the world's clock as RFC 5545 (3.3.5) reads it."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _ruled(recurrence: Recurrence, zone: ZoneInfo, earliest: datetime, latest: datetime) -> Iterator[datetime]:
    """Yield at least the local times of the rule between `earliest` and `latest`."""
    first = recurrence.first_local
    if recurrence.rrule is None:
        yield first
        return
    rule = parse(recurrence.rrule)
    until = _until_utc(rule, zone)
    if first > latest or (until is not None and until < earliest.replace(tzinfo=UTC) - _DAY):
        return
    for local in rrulestr(rule.text, dtstart=_closer(first, rule, earliest)):
        if local > latest:
            return
        if local >= earliest and (until is None or to_utc(local, zone) <= until) and _has_day(recurrence, local.date()):
            yield local


def _has_day(recurrence: Recurrence, day: date) -> bool:
    """Say whether the lunar calendar and the public holidays leave the day to the rule."""
    if recurrence.lunar_days and lunar_day(day) not in recurrence.lunar_days:
        return False
    return not (recurrence.skip_holidays and holiday(day) is not None)


def _closer(first: datetime, rule: Rule, earliest: datetime) -> datetime:
    """Move the start of an endless rule near the window by whole steps: years of airings need not be walked through."""
    days = _DAYS_A_STEP.get(rule.frequency, 0) * rule.interval
    if rule.count is not None or not days or first >= earliest:
        return first
    return first + (earliest - first) // timedelta(days=days) * timedelta(days=days)


def _until_utc(rule: Rule, zone: ZoneInfo) -> datetime | None:
    if rule.until is None or rule.until.tzinfo is not None:
        return rule.until
    return to_utc(rule.until, zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        _refuse("zone", "unknown_zone", f"Không có múi giờ “{name[:64]}”.", f"There is no time zone “{name[:64]}”.")


def validate(recurrence: Recurrence) -> None:
    """Raise `InvalidRecurrence` unless the recurrence is readable, bounded in cost, and airs at least once."""
    zone = _zone(recurrence.zone)
    _check_local("first_local", [recurrence.first_local])
    for field, dates in (("except_local", recurrence.except_local), ("extra_local", recurrence.extra_local)):
        if len(dates) > MAX_DATES:
            _refuse(field, "too_many_dates", f"Nhiều nhất {MAX_DATES} ngày.", f"{MAX_DATES} dates at the most.")
        _check_local(field, dates)
    if not recurrence.lunar_days <= set(range(1, LONGEST_MONTH + 1)):
        _refuse("lunar_days", "out_of_range", "Ngày âm lịch phải từ 1 đến 30.", "A lunar day is from 1 to 30.")
    if recurrence.rrule is None:
        if recurrence.lunar_days or recurrence.skip_holidays:
            _refuse(
                "lunar_days" if recurrence.lunar_days else "skip_holidays",
                "needs_a_rule",
                "Ngày âm lịch và ngày lễ chỉ chọn được khi lịch phát lặp lại.",
                "Lunar days and public holidays can be chosen only where a schedule repeats.",
            )
        return
    rule = parse(recurrence.rrule)
    first = _first_of(rule, recurrence.first_local)
    if first is None and not recurrence.extra_local:
        _refuse("rrule", "never", "Quy tắc lặp này không bao giờ phát.", "This rule never comes to pass.")
    until = _until_utc(rule, zone)
    if first is not None and until is not None and to_utc(first, zone) > until and not recurrence.extra_local:
        _refuse(
            "rrule",
            "ends_before_it_starts",
            "Ngày cuối ở trước lần phát đầu tiên.",
            "The rule ends before its first airing.",
        )
    if (recurrence.lunar_days or recurrence.skip_holidays) and not recurrence.extra_local and _leaves_none(recurrence):
        _refuse(
            "lunar_days" if recurrence.lunar_days else "skip_holidays",
            "never",
            "Không còn ngày nào: ngày âm lịch hoặc ngày lễ đã loại hết các ngày phát.",
            "No day is left: the lunar days or the public holidays take them all.",
        )


def _leaves_none(recurrence: Recurrence) -> bool:
    """Say whether nothing airs in the first years, by when every day of the week was every day of the lunar month."""
    since = to_utc(recurrence.first_local, _zone(recurrence.zone)) - _DAY
    return next(occurrences(recurrence, since, since + _LOOKED_AHEAD), None) is None


def _first_of(rule: Rule, first_local: datetime) -> datetime | None:
    """Return the first time of a rule.

    The library searches a rule that never comes to pass up to the year 9999. The calendar repeats every 400 years, so
    the same question is asked of the last such cycle, where the answer "never" comes soon.
    """
    years = (9999 - _CYCLE_YEARS - first_local.year) // _CYCLE_YEARS * _CYCLE_YEARS
    found: datetime | None = next(
        iter(rrulestr(rule.text, dtstart=first_local.replace(year=first_local.year + years))), None
    )
    return found and found.replace(year=found.year - years)


def _check_local(field: str, times: Iterable[datetime]) -> None:
    for local in times:
        if local.tzinfo is not None or local.microsecond:
            _refuse(
                field,
                "not_local",
                "Giờ phải là giờ địa phương, tròn giây, không kèm múi giờ.",
                "A local time has whole seconds and no zone of its own.",
            )
        if not FIRST_YEAR <= local.year <= LAST_YEAR:
            _refuse(
                field,
                "year_out_of_range",
                f"Năm phải từ {FIRST_YEAR} đến {LAST_YEAR}.",
                f"The year must be from {FIRST_YEAR} to {LAST_YEAR}.",
            )


def _refuse(field: str, reason: str, vi: str, en: str) -> NoReturn:
    raise InvalidRecurrence(field, reason, Sentence(vi, en))


def once(at_local: datetime, *, zone: str = VIETNAM) -> Recurrence:
    """Air a single time."""
    return _valid(Recurrence(first_local=at_local, zone=zone))


def daily(
    first_local: datetime, *, zone: str = VIETNAM, until: date | None = None, count: int | None = None
) -> Recurrence:
    """Air every day, up to and including the day `until`, or `count` times."""
    return _ruled_by("FREQ=DAILY", first_local, zone, until, count)


def weekly(
    first_local: datetime,
    days: Iterable[int],
    *,
    zone: str = VIETNAM,
    until: date | None = None,
    count: int | None = None,
) -> Recurrence:
    """Air on some weekdays: 0 is Monday, as in `datetime.weekday()`."""
    days = set(days)
    if not days or not days <= set(range(7)):
        _refuse("rrule", "out_of_range", "Hãy chọn ít nhất một ngày trong tuần.", "Choose at least one weekday.")
    chosen = ",".join(WEEKDAYS[day] for day in sorted(days))
    return _ruled_by(f"FREQ=WEEKLY;BYDAY={chosen}", first_local, zone, until, count)


def monthly(
    first_local: datetime,
    day: int,
    *,
    zone: str = VIETNAM,
    until: date | None = None,
    count: int | None = None,
) -> Recurrence:
    """Air on a day of the month: -1 is the last one; a month without a 31st is passed over."""
    return _ruled_by(f"FREQ=MONTHLY;BYMONTHDAY={day}", first_local, zone, until, count)


def _ruled_by(text: str, first_local: datetime, zone: str, until: date | None, count: int | None) -> Recurrence:
    if until is not None:
        text += f";UNTIL={to_utc(datetime.combine(until, time(23, 59, 59)), _zone(zone)):%Y%m%dT%H%M%SZ}"
    if count is not None:
        text += f";COUNT={count}"
    return _valid(Recurrence(first_local=first_local, zone=zone, rrule=text))


def _valid(recurrence: Recurrence) -> Recurrence:
    validate(recurrence)
    return recurrence
