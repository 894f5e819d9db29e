"""The day as a line of occurrences, and the next 24 hours with what would wake people marked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from controller.web.formats import Formats
from controller.web.present.tone import Tone
from schedules.preview import odd_hour

HORIZON = timedelta(hours=24)
NEEDS_MAX = 3


class Phase(StrEnum):
    """Where an occurrence is in its life."""

    COMING = "coming"
    ON_AIR = "on_air"
    OVER = "over"


@dataclass(frozen=True)
class OccurrenceView:
    """One airing on all its speakers."""

    id: str
    schedule_id: str
    at: datetime
    title: str
    duration_s: float
    phase: Phase
    tone: Tone
    targets: int
    places: str = ""
    stations: str = ""
    ready: int = 0
    on_air: int = 0
    played: int = 0
    partly: int = 0
    missed: int = 0
    failed: int = 0
    unreported: int = 0
    cancelled: bool = False
    odd_hour: bool = False
    repeats: str = ""
    stoppable: bool = False
    comes_next: bool = False


@dataclass(frozen=True)
class NeedView:
    """Something that somebody must see to before it airs, and where that is done."""

    text: str
    where: str


@dataclass(frozen=True)
class DayView:
    """A day of the timeline. `now_before` is the index of the first occurrence still to come."""

    day: date
    is_today: bool
    occurrences: tuple[OccurrenceView, ...] = ()
    now_before: int | None = None


@dataclass(frozen=True)
class AiringFacts:
    """What the services know of one occurrence on all its speakers."""

    id: str
    schedule_id: str
    title: str
    starts_at: datetime
    """The first speaker's start: hamlets may follow one another."""
    ends_at: datetime
    """The last speaker's end."""
    duration_ms: int
    targets: int
    places: Sequence[str] = ()
    stations: Sequence[str] = ()
    """Whose programme is relayed, in order."""
    rrule: str | None = None
    ready: int = 0
    on_air: int = 0
    played: int = 0
    partly: int = 0
    missed: int = 0
    failed: int = 0
    unreported: int = 0
    cancelled: bool = False
    away: int = 0
    """How many of the speakers it is for cannot be reached just now."""
    away_names: Sequence[str] = ()
    """Their names, while they are two at most."""


def days(airings: Iterable[AiringFacts], formats: Formats, now: datetime) -> tuple[DayView, ...]:
    """Today, and what of the next 24 hours lies on tomorrow."""
    today = formats.local(now).date()
    shown = sorted(
        (each for each in airings if each.starts_at < now + HORIZON), key=lambda each: (each.starts_at, each.id)
    )
    here = [each for each in shown if formats.local(each.starts_at).date() <= today]
    later = [each for each in shown if formats.local(each.starts_at).date() > today]
    coming = sum(1 for each in here if each.starts_at <= now)
    follows = next((each.id for each in shown if _phase(each, now) is Phase.COMING), None)

    def views(facts: Iterable[AiringFacts]) -> tuple[OccurrenceView, ...]:
        return tuple(replace(occurrence_view(each, formats, now), comes_next=each.id == follows) for each in facts)

    return (
        DayView(today, True, views(here), coming),
        DayView(today + timedelta(days=1), False, views(later)),
    )


def unreachable(airings: Iterable[AiringFacts], formats: Formats, now: datetime) -> tuple[NeedView, ...]:
    """What of the next 24 hours will not sound everywhere unless somebody sees to a speaker."""
    t = formats.t
    coming = sorted(
        (
            each
            for each in airings
            if each.away and _phase(each, now) is Phase.COMING and each.starts_at < now + HORIZON
        ),
        key=lambda each: (each.starts_at, each.id),
    )
    return tuple(
        NeedView(
            t(
                "%(time)s “%(title)s”: %(where)s cannot be reached just now.",
                time=formats.clock(each.starts_at),
                title=each.title,
                where=", ".join(each.away_names)
                if each.away <= 2  # noqa: PLR2004 names while they fit a line
                else t.count("%(n)s speaker", "%(n)s speakers", each.away),
            ),
            "#speakers-title",
        )
        for each in coming[:NEEDS_MAX]
    )


def occurrence_view(facts: AiringFacts, formats: Formats, now: datetime) -> OccurrenceView:
    """Show one occurrence."""
    phase = _phase(facts, now)
    odd = odd_hour(facts.starts_at, facts.ends_at, str(formats.zone))
    return OccurrenceView(
        id=facts.id,
        schedule_id=facts.schedule_id,
        at=facts.starts_at,
        title=facts.title,
        duration_s=facts.duration_ms / 1000,
        phase=phase,
        tone=_tone(facts, phase, odd=odd),
        targets=facts.targets,
        places=", ".join(facts.places[:3]) + (" …" if len(facts.places) > 3 else ""),  # noqa: PLR2004 a line's worth
        stations=", ".join(dict.fromkeys(facts.stations)),
        ready=facts.ready,
        on_air=facts.on_air,
        played=facts.played,
        partly=facts.partly,
        missed=facts.missed,
        failed=facts.failed,
        unreported=facts.unreported if phase is Phase.OVER else 0,
        cancelled=facts.cancelled,
        odd_hour=odd and phase is not Phase.OVER,
        repeats=repetition(facts.rrule, formats),
        stoppable=phase is not Phase.OVER and not facts.cancelled,
    )


def _phase(facts: AiringFacts, now: datetime) -> Phase:
    settled = facts.played + facts.partly + facts.missed + facts.failed
    if facts.on_air:
        return Phase.ON_AIR
    if facts.cancelled:
        return Phase.OVER
    if now < facts.starts_at:
        return Phase.COMING
    return Phase.OVER if now >= facts.ends_at or settled >= facts.targets else Phase.ON_AIR


def _tone(facts: AiringFacts, phase: Phase, *, odd: bool) -> Tone:
    if phase is Phase.ON_AIR:
        return Tone.AIR
    if phase is Phase.COMING:
        if odd:
            return Tone.WARN
        return Tone.GOOD if facts.targets and facts.ready >= facts.targets else Tone.WAIT
    return _verdict(facts)


def _verdict(facts: AiringFacts) -> Tone:
    if facts.cancelled:
        return Tone.OFF
    if facts.missed or facts.failed:
        return Tone.BAD
    if facts.partly:
        return Tone.WARN
    return Tone.GOOD if facts.played >= facts.targets else Tone.WAIT


def repetition(rrule: str | None, formats: Formats) -> str:
    """How often, in plain words; empty for once."""
    t = formats.t
    parts = dict(part.split("=", 1) for part in (rrule or "").upper().split(";") if "=" in part)
    days = parts.get("BYDAY", "")
    match parts.get("FREQ"):
        case "DAILY":
            return t("every day")
        case "WEEKLY" if days == "MO,TU,WE,TH,FR":
            return t("Monday to Friday")
        case "WEEKLY":
            return t("every week")
        case "MONTHLY":
            return t("every month")
        case None:
            return ""
        case _:
            return t("repeating")
