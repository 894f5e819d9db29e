"""Schedules as a calendar of RFC 5545, which any calendar program reads. Pure.

A rule stays a rule, so that programs show it as a series. What RFC 5545 cannot say is listed for the time to come: the
days of the moon as dates, public holidays as exceptions. A program that asks again has the next year in time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vRecur
from icalendar.prop import vDuration

from schedules.recurrence import starts, to_utc
from schedules.rule import parse
from schedules.sentence import describe
from schedules.types import Priority, Recurrence

BEFORE, AHEAD = timedelta(days=60), timedelta(days=500)
"""How far what must be listed is listed."""
REFRESH = timedelta(hours=1)
_FIRST_WITHIN = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class Entry:
    """One schedule as it airs."""

    schedule_id: str
    title: str
    recurrence: Recurrence
    duration_ms: int
    priority: Priority
    issuer: str
    """The name of the area that issues it."""
    approved_at: datetime
    called_off: frozenset[datetime] = frozenset()
    """Moments of airings that somebody called off, in UTC."""


def calendar(name: str, entries: Iterable[Entry], now: datetime, language: str) -> bytes:
    """Return the calendar as a document."""
    made = Calendar()
    made.add("prodid", "-//Loa//Loa//VI")
    made.add("version", "2.0")
    made.add("name", name)
    made.add("x-wr-calname", name)
    made.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", vDuration(REFRESH))
    for entry in entries:
        event = _event(entry, now, language)
        if event is not None:
            made.add_component(event)
    made.add_missing_timezones()
    document: bytes = made.to_ical()
    return document


def _event(entry: Entry, now: datetime, language: str) -> Event | None:
    recurrence, zone = entry.recurrence, ZoneInfo(entry.recurrence.zone)
    event = Event()
    if recurrence.rrule is None or recurrence.lunar_days:
        listed = _listed(entry, now)
        if not listed:
            return None
        first, others = listed[0], listed[1:]
    else:
        found = _first(recurrence)
        if found is None:
            return None
        first, others = found, sorted(recurrence.extra_local)
        event.add("rrule", _rule(recurrence, zone))
        exceptions = _exceptions(entry, now, zone)
        if exceptions:
            event.add("exdate", [_in(zone, each) for each in exceptions])
    event.add("uid", f"{entry.schedule_id}@loa")
    event.add("dtstamp", entry.approved_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", _in(zone, first))
    event.add("duration", timedelta(seconds=max(1, round(entry.duration_ms / 1000))))
    if others:
        event.add("rdate", [_in(zone, each) for each in others])
    said = describe(recurrence)
    event.add("summary", entry.title)
    event.add("description", said.en if language == "en" else said.vi)
    event.add("location", entry.issuer)
    event.add("priority", 1 if entry.priority is Priority.PRIORITY else 5)
    event.add("transp", "TRANSPARENT")  # it takes nobody's time
    return event


def _in(zone: ZoneInfo, local: datetime) -> datetime:
    return local.replace(tzinfo=zone)


def _listed(entry: Entry, now: datetime) -> Sequence[datetime]:
    """Return the wall-clock times of what cannot be said as a rule."""
    recurrence, zone = entry.recurrence, ZoneInfo(entry.recurrence.zone)
    since, until = now - BEFORE, now + AHEAD
    if recurrence.rrule is None:
        every = [to_utc(each, zone) for each in (recurrence.first_local, *recurrence.extra_local)]
        since, until = min(every), max(every) + timedelta(seconds=1)
    found = starts(recurrence, since, until)
    return sorted(local for moment, local in found.items() if moment not in entry.called_off)


def _first(recurrence: Recurrence) -> datetime | None:
    """Return the first time that the rule yields: programs take DTSTART for an airing whatever the rule says."""
    bare = _bare(recurrence)
    since = to_utc(recurrence.first_local, ZoneInfo(recurrence.zone))
    for days in (8, 62, 366, _FIRST_WITHIN.days):
        found = starts(bare, since, since + timedelta(days=days))
        if found:
            return min(found.values())
    return None


def _bare(recurrence: Recurrence) -> Recurrence:
    return replace(recurrence, except_local=frozenset(), extra_local=frozenset(), skip_holidays=False)


def _rule(recurrence: Recurrence, zone: ZoneInfo) -> vRecur:
    rule = parse(recurrence.rrule or "")
    text = rule.text
    if rule.until is not None:
        until = rule.until.astimezone(UTC) if rule.until.tzinfo is not None else to_utc(rule.until, zone)
        text += f";UNTIL={until:%Y%m%dT%H%M%SZ}"
    made: vRecur = vRecur.from_ical(text)
    return made


def _exceptions(entry: Entry, now: datetime, zone: ZoneInfo) -> Sequence[datetime]:
    recurrence = entry.recurrence
    found = set(recurrence.except_local)
    found |= {each.astimezone(zone).replace(tzinfo=None) for each in entry.called_off}
    if recurrence.skip_holidays:
        since, until = now - BEFORE, now + AHEAD
        bare = _bare(recurrence)
        left_out = starts(bare, since, until).keys() - starts(replace(bare, skip_holidays=True), since, until).keys()
        found |= {each.astimezone(zone).replace(tzinfo=None) for each in left_out} - recurrence.extra_local
    return sorted(found)
