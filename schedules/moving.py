"""Moving what a calendar shows: one airing, or the whole series, to another day or hour.

An airing is known by its moment in UTC, as its occurrence is; where it goes is a wall-clock time in the recurrence's
zone, so that neither a change of the clocks nor midnight moves anything by itself.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NoReturn

from schedules.errors import InvalidRecurrence
from schedules.recurrence import daily, starts, validate
from schedules.rule import WEEKDAYS, parse
from schedules.types import Recurrence
from schedules.words import Sentence

_INSTANT = timedelta(seconds=1)
_EVERY_MONTH_HAS = 28


def move_one(recurrence: Recurrence, at: datetime, to_local: datetime) -> Recurrence:
    """Return the recurrence with the airing at `at` moved, and all others where they are.

    Raises `InvalidRecurrence` where there is none at `at`, or one already at `to_local`.
    """
    local = _local_of(recurrence, at)
    if local == to_local:
        return recurrence
    if recurrence.rrule is None and local == recurrence.first_local:
        if to_local in recurrence.extra_local:
            _taken()
        return _valid(replace(recurrence, first_local=to_local, except_local=recurrence.except_local - {to_local}))
    left = replace(
        recurrence,
        extra_local=recurrence.extra_local - {local},
        except_local=recurrence.except_local | ({local} if _by_rule(recurrence, local) else set()),
    )
    if to_local in _all_at(left, to_local):
        _taken()
    return with_airing(left, to_local)


def with_airing(recurrence: Recurrence, local: datetime) -> Recurrence:
    """Return the recurrence with an airing at this time too; one that has it already stays as it is."""
    if local in _all_at(recurrence, local):
        return recurrence
    if local in recurrence.except_local:
        back = replace(recurrence, except_local=recurrence.except_local - {local})
        if local in _all_at(back, local):
            return _valid(back)
    return _valid(
        replace(
            recurrence,
            extra_local=recurrence.extra_local | {local},
            except_local=recurrence.except_local - {local},
        )
    )


def move_all(recurrence: Recurrence, at: datetime, to_local: datetime) -> Recurrence:
    """Return the recurrence with all its airings moved as far as the one at `at` is. Its last day stays.

    Raises `InvalidRecurrence` where a rule cannot be moved so without becoming another.
    """
    local = _local_of(recurrence, at)
    by, days = to_local - local, (to_local.date() - local.date()).days
    return _valid(
        replace(
            recurrence,
            first_local=recurrence.first_local + by,
            rrule=recurrence.rrule and _moved_rule(recurrence, days, moves_clock=local.time() != to_local.time()),
            except_local=frozenset(each + by for each in recurrence.except_local),
            extra_local=frozenset(each + by for each in recurrence.extra_local),
        )
    )


def stretch(recurrence: Recurrence, at: datetime, last_day: date) -> Recurrence:
    """Return the recurrence drawn out, from the airing at `at`, over the days up to and including `last_day`.

    One that airs once airs daily until then; a weekly one also on these weekdays; one that airs daily until a day ends
    on this one. Raises `InvalidRecurrence` for any other.
    """
    local = _local_of(recurrence, at)
    if last_day < local.date():
        _refuse(
            "first_local", "ends_before_it_starts", "Ngày cuối ở trước ngày đầu.", "The last day is before the first."
        )
    if recurrence.rrule is None and not recurrence.extra_local:
        if last_day == local.date():
            return recurrence
        return replace(daily(local, zone=recurrence.zone, until=last_day), except_local=recurrence.except_local)
    return _valid(replace(recurrence, rrule=_stretched_rule(recurrence, local, last_day)))


def _stretched_rule(recurrence: Recurrence, local: datetime, last_day: date) -> str:
    parts = _parts(recurrence.rrule or "")
    if parts.get("FREQ") == "WEEKLY" and parts.get("INTERVAL", "1") == "1" and not recurrence.lunar_days:
        span = min((last_day - local.date()).days, len(WEEKDAYS) - 1)
        days = {WEEKDAYS[(local.weekday() + step) % len(WEEKDAYS)] for step in range(span + 1)}
        days |= set(parts.get("BYDAY", WEEKDAYS[recurrence.first_local.weekday()]).split(","))
        parts["BYDAY"] = ",".join(sorted(days, key=WEEKDAYS.index))
    elif parts.get("FREQ") == "DAILY" and "UNTIL" in parts:
        until = daily(recurrence.first_local, zone=recurrence.zone, until=last_day)
        parts["UNTIL"] = _parts(until.rrule or "")["UNTIL"]
    else:
        _refuse(
            "rrule",
            "not_stretchable",
            "Lịch này không kéo dài được bằng chuột. Hãy sửa trong biểu mẫu.",
            "This schedule cannot be drawn out here. Change it in its form.",
        )
    return _text(parts)


def _moved_rule(recurrence: Recurrence, days: int, *, moves_clock: bool) -> str:
    rule, parts = parse(recurrence.rrule or ""), _parts(recurrence.rrule or "")
    if moves_clock and {"BYHOUR", "BYMINUTE", "BYSECOND"} & parts.keys():
        _refuse(
            "rrule",
            "several_times",
            "Lịch này phát nhiều giờ trong ngày. Hãy sửa giờ trong biểu mẫu, hoặc chỉ dời một lượt.",
            "This schedule airs several times a day. Change the times in its form, or move one airing only.",
        )
    if not days:
        return _text(parts)
    if recurrence.lunar_days:
        _refuse(
            "lunar_days",
            "lunar",
            "Lịch này theo ngày âm lịch: chỉ dời được giờ. Muốn đổi ngày, hãy sửa trong biểu mẫu.",
            "This schedule follows the moon: only its hour can be moved. Change its days in its form.",
        )
    fixed = {"BYMONTH", "BYSETPOS", "BYYEARDAY", "BYWEEKNO"} & parts.keys()
    if fixed or rule.frequency == "YEARLY" or (rule.frequency == "DAILY" and {"BYDAY", "BYMONTHDAY"} & parts.keys()):
        _other_days()
    if rule.frequency == "WEEKLY":
        named = parts.get("BYDAY", WEEKDAYS[recurrence.first_local.weekday()]).split(",")
        turned = {WEEKDAYS[(WEEKDAYS.index(day) + days) % len(WEEKDAYS)] for day in named}
        parts["BYDAY"] = ",".join(sorted(turned, key=WEEKDAYS.index))
        # Every other week: what counts as one week turns along.
        parts["WKST"] = WEEKDAYS[(WEEKDAYS.index(parts.get("WKST", "MO")) + days) % len(WEEKDAYS)]
        if rule.interval == 1:
            del parts["WKST"]
    if rule.frequency == "MONTHLY":
        if "BYDAY" in parts:
            _other_days()
        before = [int(day) for day in parts.get("BYMONTHDAY", str(recurrence.first_local.day)).split(",")]
        after = [day + days for day in before]
        if not all(1 <= day <= _EVERY_MONTH_HAS for day in (*before, *after)):
            _other_days()
        parts["BYMONTHDAY"] = ",".join(map(str, after))
    return _text(parts)


def _other_days() -> NoReturn:
    _refuse(
        "rrule",
        "not_movable",
        "Quy tắc này không dời sang ngày khác được. Hãy sửa trong biểu mẫu, hoặc chỉ dời một lượt.",
        "This rule cannot be moved to other days. Change it in its form, or move one airing only.",
    )


def _local_of(recurrence: Recurrence, at: datetime) -> datetime:
    local = starts(recurrence, at, at + _INSTANT).get(at)
    if local is None:
        _refuse(
            "first_local",
            "no_such_airing",
            "Lượt phát này không còn ở đó. Hãy tải lại trang.",
            "This airing is no longer there. Load the page anew.",
        )
    return local


def _by_rule(recurrence: Recurrence, local: datetime) -> bool:
    return recurrence.rrule is not None and local in _all_at(replace(recurrence, extra_local=frozenset()), local)


def _all_at(recurrence: Recurrence, local: datetime) -> Collection[datetime]:
    """Return the wall-clock times of the airings around one, whatever the zone's clocks do that day."""
    day = datetime.combine(local.date(), time(), UTC)
    return starts(recurrence, day - timedelta(days=1), day + timedelta(days=2)).values()


def _parts(rrule: str) -> dict[str, str]:
    return dict(piece.split("=", 1) for piece in rrule.upper().split(";"))


def _text(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _valid(recurrence: Recurrence) -> Recurrence:
    validate(recurrence)
    return recurrence


def _taken() -> NoReturn:
    _refuse(
        "first_local", "taken", "Lịch này đã phát vào đúng giờ đó.", "This schedule airs at that very time already."
    )


def _refuse(field: str, reason: str, vi: str, en: str) -> NoReturn:
    raise InvalidRecurrence(field, reason, Sentence(vi, en))
