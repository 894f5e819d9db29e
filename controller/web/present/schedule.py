"""The form of a schedule: reading it, its recurrence there and back, and what can be done on a collision."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from controller.approval.coming import next_start
from controller.broadcasts.models import Schedule
from controller.broadcasts.preview import Ahead
from controller.planning import rows
from controller.web.formats import Formats
from controller.web.i18n import Language, Translator
from controller.web.present.collisions import CollisionChoice, changes
from controller.web.present.compose import parsed_day, parsed_time
from controller.web.present.targets import NOTHING, Choice, Picker
from schedules.errors import InvalidRecurrence
from schedules.recurrence import daily, monthly, occurrences, once, validate, weekly
from schedules.sentence import describe
from schedules.special_days import FULL_MOON
from schedules.types import Recurrence, Resume

DATES_FORESEEN = 5
_FORESEEN_WITHIN = timedelta(days=800)
_REPEATS = ("once", "daily", "weekly", "monthly", "moon", "own")
_MOON = ("1", str(FULL_MOON))


@dataclass(frozen=True)
class ScheduleValues:
    """The form of a schedule, as it was typed, so that nothing is lost on an error."""

    token: str
    version: str = ""
    """Of the schedule that is edited, as it was seen; nothing for a new one."""
    title: str = ""
    what: str = ""
    """`playlist:ID` or `announcement:ID`."""
    targets: Choice = NOTHING
    day: str = ""
    time: str = ""
    repeat: str = "once"
    """`once`, `daily`, `weekly`, `monthly`, `moon`, or `own`: a rule that this form cannot make."""
    every: str = "1"
    weekdays: frozenset[str] = frozenset()
    """0 is Monday."""
    month_day: str = "1"
    moon: frozenset[str] = frozenset()
    """Of the first and the fifteenth of a lunar month, those that are ticked."""
    moon_days: str = ""
    """Other days of the lunar month, as typed."""
    own: str = ""
    end: str = "never"
    until: str = ""
    count: str = ""
    skip_holidays: bool = False
    excepted: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    except_day: str = ""
    """A day that is to be left out too."""
    priority: str = "0"
    resume: str = "rejoin"
    volume: str = ""
    rank: str = "0"
    accepted: str = ""
    """Fingerprint of the warnings that were read and accepted."""


@dataclass(frozen=True)
class Foreseen:
    """What a recurrence comes to."""

    sentence: str = ""
    dates: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class ScheduleView:
    """The form of a schedule with all that can be chosen, and what one should know before keeping it."""

    values: ScheduleValues
    heading: str
    action: str
    foreseen: Foreseen
    picker: Picker
    playlists: tuple[tuple[str, str], ...] = ()
    announcements: tuple[tuple[str, str], ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    choices: tuple[CollisionChoice, ...] = ()
    settled: bool = False
    """A choice was made, and nothing collides any more."""
    pending: bool = False
    kept: bool = False
    state: str = ""
    at: str = ""
    """The airing that was opened, in UTC; empty: none."""
    at_local: str = ""
    undo: str = ""
    """What puts it back into the calendar, where it was taken out."""
    weekdays: tuple[tuple[str, str], ...] = ()
    repeats: tuple[tuple[str, str], ...] = ()
    resumes: tuple[tuple[str, str], ...] = ()
    excepted: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


def values_of(fields: Mapping[str, str], lists: Mapping[str, Sequence[str]], targets: Choice) -> ScheduleValues:
    """What was typed, as it was typed. `lists` are the fields that come more than once."""
    return ScheduleValues(
        token=fields.get("token", ""),
        version=fields.get("version", ""),
        title=fields.get("title", "").strip(),
        what=fields.get("what", ""),
        targets=targets,
        day=fields.get("day", ""),
        time=fields.get("time", ""),
        repeat=repeat if (repeat := fields.get("repeat", "")) in _REPEATS else "once",
        every=fields.get("every", "1").strip() or "1",
        weekdays=frozenset(lists.get("weekday", ())) & frozenset(map(str, range(7))),
        month_day=fields.get("month_day", "1"),
        moon=frozenset(lists.get("moon", ())) & frozenset(_MOON),
        moon_days=fields.get("moon_days", "").strip(),
        own=fields.get("own", ""),
        end=end if (end := fields.get("end", "")) in {"until", "count"} else "never",
        until=fields.get("until", ""),
        count=fields.get("count", "").strip(),
        skip_holidays=fields.get("skip_holidays") == "yes",
        excepted=tuple(lists.get("excepted", ())),
        extra=tuple(lists.get("extra", ())),
        except_day=fields.get("except_day", ""),
        priority="1" if fields.get("priority") == "1" else "0",
        resume=resume if (resume := fields.get("resume", "")) in set(Resume) else Resume.REJOIN,
        volume=fields.get("volume", "").strip(),
        rank=fields.get("rank", "0").strip() or "0",
        accepted=fields.get("accepted", ""),
    )


class Untold(Exception):
    """The form lacks something, or says what cannot be: what, by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def recurrence_of(values: ScheduleValues, t: Translator, zone: str) -> Recurrence:
    """When it airs. Raises `Untold` with what is wrong, in the reader's words."""
    day, clock = parsed_day(values.day), parsed_time(values.time)
    errors: dict[str, str] = {}
    if day is None:
        errors["day"] = t("Please choose a day.")
    if clock is None:
        errors["time"] = t("Please choose a time.")
    if day is None or clock is None:
        raise Untold(errors)
    first = datetime.combine(day, clock)
    try:
        made = replace(_repeated(values, first, t, zone), except_local=frozenset(_left_out(values, first, t)))
        made = replace(made, extra_local=frozenset(_moments(values.extra, "extra", t)))
        validate(made)
    except InvalidRecurrence as refusal:
        said = refusal.sentence.vi if t.language is Language.VIETNAMESE else refusal.sentence.en
        raise Untold({field_of(refusal.field): said}) from refusal
    return made


def _repeated(values: ScheduleValues, first: datetime, t: Translator, zone: str) -> Recurrence:
    if values.repeat == "once":
        return once(first, zone=zone)
    made = Recurrence(first, zone, rrule=_rule(values, first, t, zone), skip_holidays=values.skip_holidays)
    if values.repeat not in {"moon", "own"}:
        return made
    days = {int(each) for each in values.moon} | set(_numbers(values.moon_days, t))
    if values.repeat == "moon" and not days:
        raise Untold({"moon": t("Please choose at least one day of the lunar month.")})
    return replace(made, lunar_days=frozenset(days))


def _rule(values: ScheduleValues, first: datetime, t: Translator, zone: str) -> str:
    every = _whole(values.every, 1, 99)
    if every is None:
        raise Untold({"every": t("Please give a whole number from %(low)s to %(high)s.", low=1, high=99)})
    match values.repeat:
        case "daily" | "moon":
            made = daily(first, zone=zone)
        case "weekly":
            if not values.weekdays:
                raise Untold({"weekdays": t("Please choose at least one day of the week.")})
            made = weekly(first, map(int, values.weekdays), zone=zone)
        case "monthly":
            day = _whole(values.month_day, -1, 31)
            made = monthly(first, day or 1, zone=zone)
        case _:
            return values.own
    rule = made.rrule or ""
    if every > 1 and values.repeat != "moon":
        frequency, _, others = rule.partition(";")
        rule = ";".join(filter(None, (frequency, f"INTERVAL={every}", others)))
    return rule + _end(values, first, t, zone)


def _end(values: ScheduleValues, first: datetime, t: Translator, zone: str) -> str:
    if values.end == "until":
        last = parsed_day(values.until)
        if last is None:
            raise Untold({"until": t("Please choose the last day.")})
        if last < first.date():
            raise Untold({"until": t("The last day is before the first.")})
        return f";{(daily(first, zone=zone, until=last).rrule or '').rpartition(';')[2]}"
    if values.end == "count":
        count = _whole(values.count, 1, 10_000)
        if count is None:
            raise Untold({"count": t("Please give a whole number from %(low)s to %(high)s.", low=1, high=10_000)})
        return f";COUNT={count}"
    return ""


def _left_out(values: ScheduleValues, first: datetime, t: Translator) -> Iterable[datetime]:
    yield from _moments(values.excepted, "except_day", t)
    if values.except_day:
        day = parsed_day(values.except_day)
        if day is None:
            raise Untold({"except_day": t("Please choose a day.")})
        yield datetime.combine(day, first.time())


def _moments(texts: Iterable[str], name: str, t: Translator) -> Iterable[datetime]:
    for text in texts:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise Untold({name: t("This is no day: %(said)s", said=text[:40])}) from None
        yield moment.replace(tzinfo=None, microsecond=0)


def _numbers(text: str, t: Translator) -> Iterable[int]:
    for each in filter(None, re.split(r"[\s,;]+", text)):
        number = _whole(each, 1, 30)
        if number is None:
            raise Untold({"moon": t("Days of the lunar month are numbers from 1 to 30.")})
        yield number


def _whole(text: str, low: int, high: int) -> int | None:
    number = int(text) if re.fullmatch(r"-?\d{1,5}", text, re.ASCII) else None
    return number if number is not None and low <= number <= high and number != 0 else None


def of_recurrence(values: ScheduleValues, recurrence: Recurrence, t: Translator) -> ScheduleValues:
    """Return the form with this recurrence in it: in the form's own fields where they can say it, else as its rule."""
    first = recurrence.first_local
    filled = replace(
        values,
        day=f"{first:%Y-%m-%d}",
        time=f"{first:%H:%M:%S}" if first.second else f"{first:%H:%M}",
        excepted=tuple(each.isoformat() for each in sorted(recurrence.except_local)),
        extra=tuple(each.isoformat() for each in sorted(recurrence.extra_local)),
        skip_holidays=recurrence.skip_holidays,
        moon=frozenset(map(str, recurrence.lunar_days)) & frozenset(_MOON),
        moon_days=", ".join(str(day) for day in sorted(recurrence.lunar_days) if str(day) not in _MOON),
    )
    if recurrence.rrule is None:
        return replace(filled, repeat="once")
    parts = dict(piece.split("=", 1) for piece in recurrence.rrule.upper().split(";"))
    guess = _guess(filled, recurrence, parts)
    try:
        told = recurrence_of(guess, t, recurrence.zone)
    except Untold:
        told = None
    return (
        guess if told is not None and _alike(told, recurrence) else replace(filled, repeat="own", own=recurrence.rrule)
    )


def _guess(values: ScheduleValues, recurrence: Recurrence, parts: Mapping[str, str]) -> ScheduleValues:
    names = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
    days = parts.get("BYDAY", names[recurrence.first_local.weekday()]).split(",")
    until = ""
    if re.match(r"\d{8}T\d{6}Z$", parts.get("UNTIL", "")):
        moment = datetime.strptime(f"{parts['UNTIL']}+0000", "%Y%m%dT%H%M%SZ%z")
        until = moment.astimezone(ZoneInfo(recurrence.zone)).date().isoformat()
    kinds = {"DAILY": "moon" if recurrence.lunar_days else "daily", "WEEKLY": "weekly", "MONTHLY": "monthly"}
    return replace(
        values,
        repeat=kinds.get(parts["FREQ"], "own"),
        every=parts.get("INTERVAL", "1"),
        weekdays=frozenset(str(names.index(day)) for day in days if day in names),
        month_day=parts.get("BYMONTHDAY", str(recurrence.first_local.day)),
        end="until" if "UNTIL" in parts else "count" if "COUNT" in parts else "never",
        until=until,
        count=parts.get("COUNT", ""),
    )


def _alike(told: Recurrence, meant: Recurrence) -> bool:
    """Whether both say the same, but for the order of the rule's parts."""
    return _normal(told) == _normal(meant)


def _normal(recurrence: Recurrence) -> tuple[Recurrence, frozenset[str]]:
    implied = {"INTERVAL=1"}
    parts = set((recurrence.rrule or "").upper().split(";")) - implied
    if "FREQ=WEEKLY" in parts and not any(part.startswith("BYDAY=") for part in parts):
        parts.add(f"BYDAY={('MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU')[recurrence.first_local.weekday()]}")
    return replace(recurrence, rrule=None), frozenset(parts)


def of_schedule(row: Schedule, t: Translator) -> ScheduleValues:
    """The form of a schedule that is there."""
    values = ScheduleValues(
        token=row.id,
        version=str(row.version),
        title=row.title,
        what=f"playlist:{row.playlist_id}",
        targets=Choice.of((each.kind, each.key) for each in row.targets),
        priority=str(row.priority),
        resume=row.resume.value,
        volume="" if row.volume is None else str(row.volume),
        rank=str(row.commune_rank),
    )
    return of_recurrence(values, rows.recurrence(row), t)


def foreseen(values: ScheduleValues, formats: Formats, now: datetime) -> Foreseen:
    """What the calendar in the form comes to: its sentence and its next dates, or what is still missing."""
    try:
        recurrence = recurrence_of(values, formats.t, str(formats.zone))
    except Untold as untold:
        return Foreseen(error=next(iter(untold.errors.values())))
    said = describe(recurrence)
    text = said.vi if formats.t.language is Language.VIETNAMESE else said.en
    return Foreseen(sentence=text[:1].upper() + text[1:], dates=_dates(recurrence, formats, now))


def _dates(recurrence: Recurrence, formats: Formats, now: datetime) -> tuple[str, ...]:
    after = next_start(recurrence, now)
    if after is None:
        return ()
    found = islice(occurrences(recurrence, after, after + _FORESEEN_WITHIN), DATES_FORESEEN)
    return tuple(
        f"{formats.clock(each)} {formats.weekday(formats.local(each).date())}, {formats.short_day(each)}"
        for each in found
    )


def field_of(field: str) -> str:
    """The form's own field that a service's refusal is about."""
    named = {
        "playlist_id": "what",
        "first_local": "time",
        "rrule": "repeat",
        "lunar_days": "moon",
        "skip_holidays": "repeat",
        "except_local": "except_day",
        "extra_local": "extra",
        "commune_rank": "rank",
    }
    head = field.split(".", maxsplit=1)[0]
    return named.get(head, head)


def repeats(t: Translator, values: ScheduleValues) -> tuple[tuple[str, str], ...]:
    """The ways to repeat; a rule of its own only where there is one."""
    found = (
        ("once", t("Once")),
        ("daily", t("Every day")),
        ("weekly", t("On days of the week")),
        ("monthly", t("On a day of the month")),
        ("moon", t("By the lunar calendar")),
    )
    return (*found, ("own", t("By its own rule"))) if values.own else found


def resumes(t: Translator) -> tuple[tuple[str, str], ...]:
    """What becomes of an airing that comes late or was broken off."""
    return (
        (Resume.REJOIN, t("Go on where it would be by then")),
        (Resume.RESTART, t("Begin again")),
        (Resume.SKIP, t("Leave out the rest")),
    )


def weekday_choices(formats: Formats) -> tuple[tuple[str, str], ...]:
    """The days of the week, Monday first."""
    monday = datetime(2026, 11, 23)  # noqa: DTZ001 any Monday
    return tuple((str(day), formats.weekday((monday + timedelta(days=day)).date())) for day in range(7))


def moments(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Single dates as they were chosen, and as people write them."""
    found = []
    for text in texts:
        try:
            found.append((text, f"{datetime.fromisoformat(text):%H:%M %d/%m/%Y}"))
        except ValueError:
            found.append((text, text[:40]))
    return tuple(found)


def warnings_of(ahead: Ahead, formats: Formats) -> tuple[str, ...]:
    """What should be known before it is kept: who yields to whom, and what would not air."""
    vietnamese, t = formats.t.language is Language.VIETNAMESE, formats.t
    said = [each.explanation.vi if vietnamese else each.explanation.en for each in ahead.collisions]
    said += [
        t(
            "%(when)s: not played. %(why)s",
            when=f"{formats.clock(each.starts_at)} {formats.short_day(each.starts_at)}",
            why=each.explanation.vi if vietnamese else each.explanation.en,
        )
        for each in ahead.omitted
    ]
    return tuple(dict.fromkeys(said))


def chosen(values: ScheduleValues, choice: str) -> ScheduleValues:
    """Return the form after one of the choices about a collision."""
    return replace(values, **changes(choice))
