"""The form: reading what was typed, saying what is wrong with it, and turning its time into a recurrence."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from audio.signals import ABOUT, Signal
from controller.web.i18n import Language, Translator
from controller.web.views import ComposeValues
from schedules.recurrence import daily, once, weekly
from schedules.types import Recurrence

TITLE_WORDS = 8
_CHIMES = (Signal.OPENING, Signal.ATTENTION, Signal.TEST_RISING, Signal.EXERCISE)
YEARS = (2000, 2999)
_AHEAD = timedelta(days=366)


def values_of(fields: Mapping[str, str], *, areas: Sequence[str], devices: Sequence[str]) -> ComposeValues:
    """What was typed, as it was typed."""
    return ComposeValues(
        token=fields.get("token", ""),
        source="file" if fields.get("source") == "file" else "text",
        title=fields.get("title", "").strip(),
        text=fields.get("text", "").replace("\r\n", "\n"),
        voice=fields.get("voice", ""),
        speed_wpm=fields.get("speed_wpm", ""),
        announcement=fields.get("announcement", ""),
        playlist=fields.get("playlist", ""),
        spoken=fields.get("spoken", ""),
        areas=frozenset(areas),
        devices=frozenset(devices),
        when="at" if fields.get("when") == "at" else "now",
        day=fields.get("day", ""),
        time=fields.get("time", ""),
        repeat=fields.get("repeat", "once"),
        chime=chime if (chime := fields.get("chime", Signal.OPENING)) in _CHIMES else "",
        twice=fields.get("twice") == "yes",
        accepted=fields.get("accepted", ""),
    )


def fingerprint(values: ComposeValues) -> str:
    """What the sound was made from: another one means that it must be made again."""
    words = f"{values.source}\0{values.text.strip()}\0{values.voice}\0{values.speed_wpm}"
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def warnings_mark(warnings: Sequence[str]) -> str:
    """A fingerprint of warnings, so that accepting these does not accept others."""
    return hashlib.sha256("\0".join(warnings).encode()).hexdigest()[:16] if warnings else ""


def title_of(values: ComposeValues, file_name: str = "") -> str:
    """The title, or the first words where none was given."""
    if values.title:
        return values.title[:200]
    if values.source == "file" and file_name:
        return file_name.rsplit(".", 1)[0][:200]
    words = values.text.split()
    return (" ".join(words[:TITLE_WORDS]) + (" …" if len(words) > TITLE_WORDS else ""))[:200]


def repeats(t: Translator) -> tuple[tuple[str, str], ...]:
    """The ways to repeat, in plain words."""
    return (
        ("once", t("Once")),
        ("daily", t("Every day")),
        ("weekdays", t("Monday to Friday")),
        ("weekly", t("Every week on this day")),
    )


def chimes(t: Translator) -> tuple[tuple[str, str], ...]:
    """What may sound before the words."""
    vietnamese = t.language is Language.VIETNAMESE
    named = ((kind.value, ABOUT[kind].name_vi if vietnamese else ABOUT[kind].name_en) for kind in _CHIMES)
    return (("", t("None")), *named)


def sound_errors(values: ComposeValues, t: Translator, *, has_file: bool) -> dict[str, str]:
    """What is wrong with what is to be heard."""
    if values.source == "file":
        kept = values.announcement and values.spoken == fingerprint(values)
        return {} if has_file or kept else {"file": t("Please choose a sound file.")}
    return {} if values.text.strip() else {"text": t("Please write what is to be read aloud.")}


def air_errors(values: ComposeValues, t: Translator, *, now: datetime, zone: str) -> dict[str, str]:
    """What is wrong with where and when."""
    errors: dict[str, str] = {}
    if not (values.areas or values.devices):
        errors["targets"] = t("Please choose at least one speaker.")
    if values.when != "at":
        return errors
    day, clock = parsed_day(values.day), parsed_time(values.time)
    if day is None:
        errors["day"] = t("Please choose a day.")
    if clock is None:
        errors["time"] = t("Please choose a time.")
    if day and clock:
        start = datetime.combine(day, clock, ZoneInfo(zone))
        if start <= now:
            errors["time"] = t("This time has passed already.")
        elif start > now + _AHEAD:
            errors["day"] = t("This is more than a year ahead.")
    return errors


def recurrence_of(values: ComposeValues, now_start: datetime, zone: str) -> Recurrence:
    """When it airs. `now_start` is what *now* means; call it only without errors."""
    if values.when != "at":
        local = now_start.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
        return once(local, zone=zone)
    day, clock = parsed_day(values.day), parsed_time(values.time)
    if day is None or clock is None:
        raise ValueError("the time was not checked")
    first = datetime.combine(day, clock)
    match values.repeat:
        case "daily":
            return daily(first, zone=zone)
        case "weekdays":
            return weekly(first, range(5), zone=zone)
        case "weekly":
            return weekly(first, {first.weekday()}, zone=zone)
        case _:
            return once(first, zone=zone)


def parsed_day(text: str) -> date | None:
    """The day of a date field; none that lies beyond all calendars."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if YEARS[0] <= day.year <= YEARS[1] else None


def parsed_time(text: str) -> time | None:
    """The time of a time field, without a zone."""
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def sent_text(t: Translator, title: str) -> str:
    """What is said once it is on its way."""
    return t("“%(title)s” is on its way. Follow it in today's list.", title=title)
