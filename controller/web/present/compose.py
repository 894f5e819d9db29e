"""The form: reading what was typed, saying what is wrong with it, and turning its time into a recurrence."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from audio.errors import TooMuchText
from audio.profiles import Profile
from audio.signals import Signal
from audio.speech import MAX_CHARS
from controller.announcements.models import Announcement, Kind
from controller.announcements.schemas import Trim
from controller.areas.policy import ApprovalAsked
from controller.web.i18n import Language, Translator
from controller.web.present.collisions import CollisionChoice, changes
from controller.web.present.portrait import Listen
from controller.web.present.targets import NOTHING, Choice, Picker
from controller.web.present.words import signal_names
from schedules.recurrence import daily, once, weekly
from schedules.types import Recurrence

TITLE_WORDS = 8
_CHIMES = (Signal.OPENING, Signal.ATTENTION, Signal.TEST_RISING, Signal.EXERCISE)
_LANGUAGES = (
    ("en", "English – Tiếng Anh"),
    ("tyz", "Tày"),
    ("nut", "Nùng"),
    ("blt", "Thái"),
    ("mtq", "Mường"),
    ("hmn", "Mông"),
    ("ium", "Dao"),
    ("km", "Khmer"),
    ("cjm", "Chăm"),
    ("jra", "Gia Rai"),
    ("rad", "Ê Đê"),
    ("bdq", "Ba Na"),
    ("cmn", "Hoa"),
)
"""By ISO 639; the peoples' names are the same in every language of the page."""
YEARS = (2000, 2999)
_AHEAD = timedelta(days=366)


@dataclass(frozen=True)
class WordView:
    """A word whose reading is put right from within the form; `kept` is the one that just was."""

    written: str = ""
    spoken: str = ""
    error: str = ""
    kept: str = ""


@dataclass(frozen=True)
class ComposeView:
    """The form with everything that was typed, what is wrong with it, and what one should know before sending."""

    values: "ComposeValues"
    picker: Picker | None = None
    """None where only a part of the form is shown."""
    errors: dict[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    choices: tuple[CollisionChoice, ...] = ()
    settled: bool = False
    """A choice was made, and nothing collides any more."""
    listen: Listen | None = None
    reading_s: float | None = None
    sent: str = ""
    pending: bool = False
    """Sent, but its sound is still being made: the form comes back by itself."""
    repeats: tuple[tuple[str, str], ...] = ()
    profiles: tuple[tuple[str, str], ...] = ()
    languages: tuple[tuple[str, str], ...] = ()
    chimes: tuple[tuple[str, str], ...] = ()
    voices: tuple[tuple[str, str], ...] = ()
    second_voices: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """By the name of their language."""
    speeds: tuple[tuple[str, str], ...] = ()
    playlists: tuple[tuple[str, str], ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComposeValues:
    """What was typed, as text, so that nothing is lost on an error."""

    token: str
    source: str = "text"
    """`text`, `file` or `playlist`."""
    chosen_playlist: str = ""
    """The playlist that is to air, where it is one; `playlist` is what the form made of its own words."""
    title: str = ""
    text: str = ""
    voice: str = ""
    speed_wpm: str = ""
    profile: str = "horn"
    second_language: str = ""
    second_text: str = ""
    second_voice: str = ""
    readings: tuple[tuple[str, str], ...] = ()
    """The entries of the place's dictionary that its words may meet, written and spoken; never what a form says."""
    announcement: str = ""
    playlist: str = ""
    spoken: str = ""
    """Fingerprint of the words that `announcement` was made from."""
    reused: str = ""
    """The announcement of the library that the form began with: it stays there, whatever becomes of the form."""
    category: str = ""
    trim_from_s: str = ""
    trim_to_s: str = ""
    """What of a recording is heard; nothing is its beginning and its end."""
    targets: Choice = NOTHING
    when: str = "now"
    day: str = ""
    time: str = ""
    repeat: str = "once"
    chime: str = "opening"
    """What sounds before the words; nothing if empty."""
    twice: bool = False
    accepted: str = ""
    """Fingerprint of the warnings that were read and accepted."""
    rank: str = "0"
    """Its place in the commune's order, once it was chosen on a collision."""


def chosen(values: ComposeValues, choice: str, today: date) -> ComposeValues:
    """Return the form after one of the choices about a collision. What would go out now and waits, airs today."""
    made = changes(choice)
    if "time" in made and values.when != "at":
        made |= {"when": "at", "day": today.isoformat()}
    return replace(values, **made)


def rank_of(values: ComposeValues) -> int:
    """Its place in the commune's order."""
    return int(values.rank) if re.fullmatch(r"-?\d{1,3}", values.rank, re.ASCII) else 0


def values_of(fields: Mapping[str, str], targets: Choice) -> ComposeValues:
    """What was typed, as it was typed."""
    return ComposeValues(
        token=fields.get("token", ""),
        source=source if (source := fields.get("source", "")) in {"file", "playlist"} else "text",
        chosen_playlist=fields.get("chosen_playlist", ""),
        title=fields.get("title", "").strip(),
        text=fields.get("text", "").replace("\r\n", "\n"),
        voice=fields.get("voice", ""),
        speed_wpm=fields.get("speed_wpm", ""),
        profile=profile if (profile := fields.get("profile", "")) in set(Profile) else Profile.HORN,
        second_language=language if (language := fields.get("second_language", "")) in dict(_LANGUAGES) else "",
        second_text=fields.get("second_text", "").replace("\r\n", "\n"),
        second_voice=fields.get("second_voice", ""),
        announcement=fields.get("announcement", ""),
        playlist=fields.get("playlist", ""),
        spoken=fields.get("spoken", ""),
        targets=targets,
        when="at" if fields.get("when") == "at" else "now",
        day=fields.get("day", ""),
        time=fields.get("time", ""),
        repeat=fields.get("repeat", "once"),
        chime=chime if (chime := fields.get("chime", Signal.OPENING)) in _CHIMES else "",
        twice=fields.get("twice") == "yes",
        accepted=fields.get("accepted", ""),
        rank=fields.get("rank", "0"),
        reused=fields.get("reused", ""),
        category=fields.get("category", "").strip()[:64],
        trim_from_s=fields.get("trim_from_s", "").strip(),
        trim_to_s=fields.get("trim_to_s", "").strip(),
    )


def fingerprint(values: ComposeValues) -> str:
    """What the sound was made from: another one means that it must be made again."""
    first = (
        (values.source, values.trim_from_s, values.trim_to_s)
        if values.source == "file"
        else (values.source, values.text.strip(), values.voice, values.speed_wpm)
    )
    other = (values.profile, values.second_language, values.second_text.strip(), values.second_voice)
    read = chain.from_iterable(values.readings)
    return hashlib.sha256("\0".join((*first, *other, *read)).encode()).hexdigest()[:16]


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
    return (("", t("None")), *((kind.value, signal_names(t)[kind]) for kind in _CHIMES))


def profiles(t: Translator) -> tuple[tuple[str, str], ...]:
    """Where a sound can be heard, in plain words."""
    return (
        (Profile.HORN, t("Outdoors, from horns")),
        (Profile.INDOOR, t("Indoors")),
        (Profile.AS_IS, t("Leave its tone as it is")),
    )


def languages() -> tuple[tuple[str, str], ...]:
    """The languages that may follow the first."""
    return _LANGUAGES


def sound_errors(values: ComposeValues, t: Translator, *, sent: Collection[str]) -> dict[str, str]:
    """What is wrong with what is to be heard. `sent` names the recordings that came with the form."""
    errors: dict[str, str] = {}
    if values.source == "playlist":
        return {} if values.chosen_playlist else {"chosen_playlist": t("Please choose a playlist.")}
    made = bool(values.announcement) and values.spoken == fingerprint(values)
    if values.source == "file":
        if not (values.announcement or "file" in sent):
            errors["file"] = t("Please record something, or choose a sound file.")
        if trim_of(values) is None:
            errors["file"] = t("The part that is kept ends before it begins. Please set its two ends again.")
    elif not values.text.strip():
        errors["text"] = t("Please write what is to be read aloud.")
    elif len(values.text.strip()) > MAX_CHARS:
        errors["text"] = _too_much(t)
    also = bool(values.second_text.strip()) or "second_file" in sent
    if values.second_language and not (also or made):
        errors["second"] = t("Please write the words in the other language, or choose a recording of them.")
    if also and not values.second_language:
        errors["second"] = t("Please choose the other language.")
    if len(values.second_text.strip()) > MAX_CHARS:
        errors["second"] = _too_much(t)
    return errors


def trim_of(values: ComposeValues) -> Trim | None:
    """What of the recording is heard; None where that is nothing."""
    try:
        from_ms = round(float(values.trim_from_s or 0) * 1000)
        to_ms = round(float(values.trim_to_s) * 1000) if values.trim_to_s else None
        return Trim(from_ms=from_ms, to_ms=to_ms)
    except (ValueError, OverflowError):
        return None


def of_announcement(row: Announcement, token: str, voice: str) -> ComposeValues:
    """The form with an announcement of the library in it; `voice` reads where none was chosen."""
    return ComposeValues(
        token=token,
        source="file" if row.kind is Kind.FILE else "text",
        title=row.title,
        text=row.text,
        voice=row.voice or voice,
        speed_wpm=str(row.speed_wpm or ""),
        profile=row.profile,
        second_language=row.second_language or "",
        second_text=row.second_text,
        second_voice=row.second_voice or "",
        announcement=row.id,
        reused=row.id,
        category=row.category,
        trim_from_s=_seconds(row.trim_from_ms or None),
        trim_to_s=_seconds(row.trim_to_ms),
    )


def _seconds(ms: int | None) -> str:
    return f"{ms / 1000:g}" if ms else ""


def categories(t: Translator, used: Iterable[str]) -> tuple[str, ...]:
    """What announcements can be sorted under: what was used here, and what communes begin with."""
    usual = (
        t("Notices"),
        t("News"),
        t("Health"),
        t("Farming"),
        t("Order and safety"),
        t("Disasters"),
        t("Culture and sport"),
    )
    return tuple(dict.fromkeys([*used, *usual]))


def _too_much(t: Translator) -> str:
    error = TooMuchText(limit_chars=MAX_CHARS)
    return error.message_vi if t.language is Language.VIETNAMESE else error.message_en


def air_errors(values: ComposeValues, t: Translator, *, now: datetime, zone: str) -> dict[str, str]:
    """What is wrong with where and when."""
    errors: dict[str, str] = {}
    if not values.targets:
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
            errors["time"] = t("This time has already passed.")
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


def sent_text(t: Translator, title: str, asked: ApprovalAsked) -> str:
    """What is said once it is on its way."""
    if asked is not ApprovalAsked.NONE:
        return t("“%(title)s” waits for approval. It airs once somebody has approved it.", title=title)
    return t("“%(title)s” is on its way. Follow it in today's list.", title=title)
