"""How a speaker is, in one word of tone and one sentence."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from controller.monitoring.fleet import Fine, Report, Tally
from controller.web.formats import Formats
from controller.web.present.tone import Tone
from controller.web.present.words import problem_text
from protocol.messages import ClockQuality, Problem


@dataclass(frozen=True)
class ProblemView:
    """Something wrong, in words."""

    text: str
    since: str = ""


@dataclass(frozen=True)
class SpeakerView:
    """One speaker's live state."""

    id: str
    name: str
    place: str
    tone: Tone
    state: str
    """One short sentence: *On air: …*, *Ready*, *Offline since 10:32*."""
    ready: int = 0
    planned: int = 0
    clock_trusted: bool = True
    plan_current: bool = True
    volume: int | None = None
    problems: tuple[ProblemView, ...] = ()


@dataclass(frozen=True)
class SummaryView:
    """The state of everything in one line."""

    online: int
    speakers: int
    on_air: int
    troubled: int
    worst: Tone

    @property
    def tone(self) -> Tone:
        """The one sign for all."""
        if self.speakers == 0:
            return Tone.OFF
        if self.worst in {Tone.BAD, Tone.AWAY}:
            return self.worst
        if self.troubled:
            return Tone.WARN
        return Tone.AIR if self.on_air else Tone.GOOD


@dataclass(frozen=True)
class SpeakerFacts:
    """What the services know of one speaker."""

    id: str
    name: str
    place: str
    online: bool = False
    changed_at: datetime | None = None
    """When it came or went."""
    seen_at: datetime | None = None
    report: Report | None = None
    """Its last words; None before the first."""
    wanted_plan: int | None = None
    """The version that was published to it."""
    note: str = ""
    """What people wrote down of it."""
    faults: tuple[Problem, ...] = ()
    """What the service finds fault with in what it says."""
    retired: bool = False
    """Whether it was put out of service on purpose."""


def speaker_view(facts: SpeakerFacts, formats: Formats, now: datetime) -> SpeakerView:
    """Show one speaker."""
    report, tone = facts.report, tone_of(facts)
    if facts.retired:
        return SpeakerView(facts.id, facts.name, facts.place, tone, formats.t("Out of service"))
    if report is None:
        text = formats.t("Not heard from yet")
        problems = tuple(_problems(facts.faults, formats, now))
        return SpeakerView(facts.id, facts.name, facts.place, tone, text, problems=problems)
    text = _condition(facts, report, tone, formats, now)
    return SpeakerView(
        id=facts.id,
        name=facts.name,
        place=facts.place,
        tone=tone,
        state=text,
        ready=report.ready,
        planned=report.planned,
        clock_trusted=report.clock == ClockQuality.TRUSTED,
        plan_current=facts.wanted_plan is None or (report.plan_version or 0) >= facts.wanted_plan,
        volume=report.volume if facts.online and report.volume else None,
        problems=tuple(
            each for each in _problems((*told(report), *facts.faults), formats, now) if each != ProblemView(text)
        ),
    )


def tone_of(facts: SpeakerFacts) -> Tone:
    """How a speaker is, in one word."""
    report = facts.report
    if facts.retired:
        return Tone.OFF
    if report is None or not facts.online:
        return Tone.AWAY
    if report.player != "silent":
        return Tone.BAD if report.player == "lost" else Tone.AIR
    if report.clock != ClockQuality.TRUSTED or report.problems or facts.faults:
        return Tone.WARN
    return Tone.WAIT if report.ready < report.planned else Tone.GOOD


def fine_tone(speaker: Fine) -> Tone:
    """The same of a speaker with which nothing is wrong."""
    return Tone.AIR if speaker.on_air else Tone.GOOD


def told(report: Report) -> tuple[Problem, ...]:
    """What a speaker itself says is wrong. A newer one may say it in a way that we cannot read."""
    found = []
    for each in report.problems:
        with suppress(ValidationError):
            found.append(Problem.model_validate(each))
    return tuple(found)


def _problems(problems: Iterable[Problem], formats: Formats, now: datetime) -> Iterator[ProblemView]:
    for problem in problems:
        since = formats.since(problem.since, now) if problem.since else ""
        yield ProblemView(problem_text(formats.t, problem.code, problem.text), since)


def _condition(facts: SpeakerFacts, report: Report, tone: Tone, formats: Formats, now: datetime) -> str:
    t = formats.t
    if tone is Tone.AWAY:
        return _absence(facts, report, formats, now)
    if tone is Tone.AIR and report.title:
        return t("On air: %(title)s", title=report.title)
    if tone is Tone.WARN and report.clock != ClockQuality.TRUSTED:
        return t("Not sure of the time: timed items wait")
    return {
        Tone.BAD: t("No sound output"),
        Tone.AIR: t("On air"),
        Tone.WARN: t("Needs a look"),
        Tone.WAIT: t("Fetching sound for its plan"),
        Tone.GOOD: t("Ready") if report.planned else t("Ready, nothing planned"),
    }[tone]


def _absence(facts: SpeakerFacts, report: Report, formats: Formats, now: datetime) -> str:
    if facts.changed_at is None:
        return formats.t("Offline")
    since = formats.since(facts.changed_at, now)
    if report.plan_until is not None and report.plan_until > now:
        return formats.t("Offline since %(time)s; it goes on with its plan by itself", time=since)
    return formats.t("Offline since %(time)s", time=since)


_ORDER: Final = (Tone.BAD, Tone.AWAY, Tone.WARN, Tone.WAIT, Tone.AIR, Tone.GOOD, Tone.OFF)


def tone_rank(tone: Tone) -> int:
    """The worst first."""
    return _ORDER.index(tone)


def summary(tally: Tally, on_air: int) -> SummaryView:
    """All of them in one line."""
    return SummaryView(
        online=tally.online,
        speakers=tally.speakers,
        on_air=on_air,
        troubled=tally.troubled,
        worst=_ORDER[tally.worst],
    )
