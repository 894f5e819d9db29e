"""How a speaker is, in one word of tone and one sentence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from controller.web.formats import Formats
from controller.web.present.words import problem_text
from controller.web.views import ProblemView, SpeakerView, SummaryView, Tone
from protocol.messages import ClockQuality, DeviceState, Problem


@dataclass(frozen=True)
class SpeakerFacts:
    """What the services know of one speaker."""

    id: str
    name: str
    place: str
    online: bool = False
    changed_at: datetime | None = None
    """When it came or went."""
    state: DeviceState | None = None
    """Its last words; None before the first."""
    wanted_plan: int | None = None
    """The version that was published to it."""
    note: str = ""
    """What people wrote down of it."""
    faults: tuple[Problem, ...] = ()
    """What the service finds fault with in what it says."""


def speaker_view(facts: SpeakerFacts, formats: Formats, now: datetime) -> SpeakerView:
    """Show one speaker."""
    state = facts.state
    if state is None:
        text = formats.t("Not heard from yet")
        problems = tuple(_problems(facts.faults, formats, now))
        return SpeakerView(facts.id, facts.name, facts.place, Tone.OFF, text, problems=problems)
    tone, text = _condition(facts, state, formats, now)
    return SpeakerView(
        id=facts.id,
        name=facts.name,
        place=facts.place,
        tone=tone,
        state=text,
        ready=state.ready,
        planned=state.planned,
        clock_trusted=state.clock.quality is ClockQuality.TRUSTED,
        plan_current=facts.wanted_plan is None or (state.plan_version or 0) >= facts.wanted_plan,
        volume=state.player.volume if facts.online and state.player.volume else None,
        problems=tuple(
            each for each in _problems((*state.problems, *facts.faults), formats, now) if each != ProblemView(text)
        ),
    )


def _problems(problems: Iterable[Problem], formats: Formats, now: datetime) -> Iterator[ProblemView]:
    for problem in problems:
        since = formats.since(problem.since, now) if problem.since else ""
        yield ProblemView(problem_text(formats.t, problem.code, problem.text), since)


def _condition(facts: SpeakerFacts, state: DeviceState, formats: Formats, now: datetime) -> tuple[Tone, str]:
    t = formats.t
    if not facts.online:
        return Tone.OFF, _absence(facts, state, formats, now)
    if state.player.state == "lost":
        return Tone.BAD, t("No sound output")
    if state.player.state == "playing":
        return Tone.AIR, t("On air: %(title)s", title=state.player.title) if state.player.title else t("On air")
    return _rest(facts, state, formats)


def _rest(facts: SpeakerFacts, state: DeviceState, formats: Formats) -> tuple[Tone, str]:
    t = formats.t
    if state.clock.quality is not ClockQuality.TRUSTED:
        return Tone.WARN, t("Not sure of the time: timed items wait")
    if state.problems or facts.faults:
        return Tone.WARN, t("Needs a look")
    if state.ready < state.planned:
        return Tone.WAIT, t("Fetching sound for its plan")
    return Tone.GOOD, t("Ready") if state.planned else t("Ready, nothing planned")


def _absence(facts: SpeakerFacts, state: DeviceState, formats: Formats, now: datetime) -> str:
    if facts.changed_at is None:
        return formats.t("Offline")
    since = formats.since(facts.changed_at, now)
    if state.plan_until is not None and state.plan_until > now:
        return formats.t("Offline since %(time)s; it goes on with its plan by itself", time=since)
    return formats.t("Offline since %(time)s", time=since)


def summary(speakers: Iterable[SpeakerView], on_air: int) -> SummaryView:
    """All of them in one line."""
    every = tuple(speakers)
    troubled = sum(1 for each in every if each.tone in {Tone.BAD, Tone.WARN} or each.problems)
    return SummaryView(
        online=sum(1 for each in every if each.tone is not Tone.OFF),
        speakers=len(every),
        on_air=on_air,
        troubled=troubled,
    )
