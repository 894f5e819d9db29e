"""A calendar for eyes: weeks that begin on Monday, each day with its airings, its lunar date and its holiday."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from controller.broadcasts.agenda import Airing, Standing
from controller.broadcasts.preview import Ahead
from controller.web.formats import Formats
from controller.web.i18n import Language
from controller.web.present.collisions import CollisionChoice
from controller.web.present.tone import Tone
from schedules.collisions import Collision
from schedules.plan import CompiledPlan
from schedules.special_days import FULL_MOON, holiday, lunar_date
from schedules.types import Priority

WEEK = timedelta(days=7)
A_DAY_MAX: Final[Mapping[str, int]] = {"week": 40, "month": 12}
"""Of more airings of a day the first are shown: a commune has ten, and of a province's nobody reads all."""


@dataclass(frozen=True)
class CalendarAiring:
    """One airing on a calendar. What can be moved says so by `version`."""

    id: str
    schedule: str
    title: str
    clock: str
    at: datetime
    local: str
    """The same by the wall clock, as forms write it."""
    minute: int
    """Of its local day."""
    minutes: int
    """How long it lasts; at least one."""
    tone: Tone
    note: str
    """What is special about it: that it waits for approval, was called off, airs nowhere."""
    standing: str
    version: int | None = None
    once: bool = False


@dataclass(frozen=True)
class CalendarDay:
    """One day of a calendar, with what the Vietnamese calendar says of it."""

    day: date
    name: str
    lunar: str
    holiday: str
    is_today: bool
    is_past: bool
    within: bool
    """Whether it belongs to the month that is shown."""
    airings: tuple[CalendarAiring, ...] = ()


@dataclass(frozen=True)
class Toast:
    """What was just done, or refused; `undo` puts it back."""

    text: str
    tone: Tone
    undo: str = ""


@dataclass(frozen=True)
class Question:
    """What should be known before something is kept, and what can be done about it. `fields` is what was asked for."""

    action: str
    fields: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    more: int
    """Warnings that there is no room for."""
    choices: tuple[CollisionChoice, ...]


def copy_warnings(ahead: Ahead, formats: Formats) -> tuple[str, ...]:
    """What should be known before a day is copied: each said once, with the days that it is true of."""
    vietnamese, t = formats.t.language is Language.VIETNAMESE, formats.t
    said: dict[str, dict[str, None]] = defaultdict(dict)
    for each in ahead.collisions:
        words = each.explanation.vi if vietnamese else each.explanation.en
        said[words][_day_and_month(formats.local(each.starts_at))] = None
    for left_out in ahead.omitted:
        why = left_out.explanation.vi if vietnamese else left_out.explanation.en
        words = t("%(when)s: not played. %(why)s", when=formats.clock(left_out.starts_at), why=why)
        said[words][_day_and_month(formats.local(left_out.starts_at))] = None
    return tuple(f"{', '.join(days)} · {words}" for words, days in said.items())


def copy_choices(ahead: Ahead, days: Sequence[date], formats: Formats) -> tuple[CollisionChoice, ...]:
    """What can be done about it: leave those days out, where that leaves some."""
    moments = [each.starts_at for each in ahead.collisions] + [each.starts_at for each in ahead.omitted]
    taken = {formats.local(moment).date() for moment in moments}
    free = [day for day in days if day not in taken]
    if not free or len(free) == len(days):
        return ()
    label = formats.t("Copy only to %(days)s", days=", ".join(map(_day_and_month, free)))
    return (CollisionChoice(f"days:{' '.join(day.isoformat() for day in free)}", label),)


def _day_and_month(day: date) -> str:
    return f"{day:%d/%m}"


@dataclass(frozen=True)
class CalendarView:
    """A week or a month."""

    mode: str
    title: str
    shown: date
    before: date
    after: date
    weeks: tuple[tuple[CalendarDay, ...], ...]
    area: str
    area_name: str
    complete: bool = True
    may_change: bool = False
    toast: Toast | None = None
    question: Question | None = None


@dataclass(frozen=True)
class PlanLine:
    """One airing that a speaker will play, or will not, and why."""

    clock: str
    title: str
    duration_s: float
    volume: int
    note: str = ""
    left_out: bool = False


@dataclass(frozen=True)
class PlanDay:
    """A day of a speaker's plan."""

    name: str
    lines: tuple[PlanLine, ...]


_TONES = {
    Standing.AIRS: Tone.GOOD,
    Standing.WAITS: Tone.WAIT,
    Standing.OLDER: Tone.AIR,
    Standing.CALLED_OFF: Tone.OFF,
    Standing.NOWHERE: Tone.WARN,
    Standing.WAS: Tone.OFF,
}


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def days_shown(mode: str, day: date) -> tuple[date, date]:
    """The first day that is shown and the first that is not: whole weeks."""
    if mode == "week":
        return monday_of(day), monday_of(day) + WEEK
    first = day.replace(day=1)
    last = _next_month(first) - timedelta(days=1)
    return monday_of(first), monday_of(last) + WEEK


def neighbours(mode: str, day: date) -> tuple[date, date]:
    """A day of the week or month before, and one of the next."""
    if mode == "week":
        return day - WEEK, day + WEEK
    first = day.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), _next_month(first)


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def title_of(mode: str, day: date, formats: Formats) -> str:
    """What the page shows, as its heading."""
    if mode == "month":
        return formats.t("Month %(month)s/%(year)s", month=day.month, year=day.year)
    first = monday_of(day)
    return f"{first:%d/%m} – {formats.short_day(first + WEEK - timedelta(days=1))}"


def weeks(
    mode: str, day: date, airings: Iterable[Airing], formats: Formats, now: datetime
) -> tuple[tuple[CalendarDay, ...], ...]:
    """The days of a week, or of the weeks that a month touches."""
    by_day: dict[date, list[Airing]] = defaultdict(list)
    for each in airings:
        by_day[formats.local(each.starts_at).date()].append(each)
    first, end = days_shown(mode, day)
    today = formats.local(now).date()
    shown = [first + timedelta(days=number) for number in range((end - first).days)]
    made = [
        CalendarDay(
            day=each,
            name=formats.weekday(each),
            lunar=lunar_words(each, formats),
            holiday=_holiday(each, formats),
            is_today=each == today,
            is_past=each < today,
            within=mode == "week" or each.month == day.month,
            airings=tuple(_airing(one, formats) for one in by_day[each]),
        )
        for each in shown
    ]
    return tuple(tuple(made[start : start + 7]) for start in range(0, len(made), 7))


def lunar_words(day: date, formats: Formats) -> str:
    """`15/10`, or `mồng một tháng 11` and `rằm` in words: the days that people ask for."""
    lunar = lunar_date(day)
    if lunar is None:
        return ""
    leap = formats.t(" (leap)") if lunar.leap else ""
    if lunar.day == 1:
        return formats.t("1st of lunar month %(month)s%(leap)s", month=lunar.month, leap=leap)
    if lunar.day == FULL_MOON:
        return formats.t("full moon, %(day)s/%(month)s%(leap)s", day=lunar.day, month=lunar.month, leap=leap)
    return f"{lunar.day}/{lunar.month}{leap}"


def _holiday(day: date, formats: Formats) -> str:
    name = holiday(day)
    if name is None:
        return ""
    return name.vi if formats.t.language is Language.VIETNAMESE else name.en


def _airing(each: Airing, formats: Formats) -> CalendarAiring:
    local, t = formats.local(each.starts_at), formats.t
    notes = {
        Standing.WAITS: t("waits for approval"),
        Standing.OLDER: t("approved before; airs until the change is approved"),
        Standing.CALLED_OFF: t("called off"),
        Standing.NOWHERE: t("no speaker plays it"),
    }
    return CalendarAiring(
        id=each.occurrence_id,
        schedule=each.schedule_id,
        title=each.title,
        clock=formats.clock(each.starts_at),
        at=each.starts_at,
        local=f"{local:%Y-%m-%dT%H:%M:%S}",
        minute=local.hour * 60 + local.minute,
        minutes=max(1, round(each.duration_ms / 60_000)),
        tone=Tone.AIR
        if each.standing is Standing.AIRS and each.priority is Priority.PRIORITY
        else _TONES[each.standing],
        note=notes.get(each.standing, ""),
        standing=each.standing.value,
        version=each.version,
        once=each.once,
    )


def speaker_days(plan: CompiledPlan, formats: Formats, now: datetime) -> tuple[PlanDay, ...]:
    """What a speaker will play from now on, and what not and why, day by day."""
    vietnamese = formats.t.language is Language.VIETNAMESE
    collisions: dict[str, Collision] = {}
    for each in plan.collisions:
        collisions.setdefault(each.loser.id, each)
    by_day: dict[date, list[tuple[datetime, PlanLine]]] = defaultdict(list)
    for occurrence in plan.occurrences:
        if occurrence.starts_at + timedelta(milliseconds=occurrence.duration_ms) <= now:
            continue
        collision = collisions.get(occurrence.id)
        words = collision.explain(str(formats.zone)) if collision else None
        line = PlanLine(
            clock=formats.clock_s(occurrence.starts_at),
            title=occurrence.title,
            duration_s=occurrence.duration_ms / 1000,
            volume=occurrence.volume,
            note=(words.vi if vietnamese else words.en) if words else "",
        )
        by_day[formats.local(occurrence.starts_at).date()].append((occurrence.starts_at, line))
    for omission in plan.omitted:
        why = omission.reason.explain()
        line = PlanLine(
            clock=formats.clock_s(omission.starts_at),
            title=omission.title,
            duration_s=0,
            volume=0,
            note=why.vi if vietnamese else why.en,
            left_out=True,
        )
        by_day[formats.local(omission.starts_at).date()].append((omission.starts_at, line))
    return tuple(
        PlanDay(f"{formats.day(day)} · {lunar_words(day, formats)}", _in_order(by_day[day])) for day in sorted(by_day)
    )


def _in_order(lines: Sequence[tuple[datetime, PlanLine]]) -> tuple[PlanLine, ...]:
    return tuple(line for _, line in sorted(lines, key=lambda pair: (pair[0], pair[1].title)))
