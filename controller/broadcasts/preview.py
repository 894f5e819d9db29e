"""Looking ahead: what schedules would do on each speaker, by the planner's own functions, before they are saved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel

from controller.devices.models import Device
from controller.planning.compile import Speaker
from controller.planning.gather import Gathered
from schedules.collisions import Because, Collision
from schedules.entry import nominal_end
from schedules.plan import Calendar, CompiledPlan, compile_plan
from schedules.reasons import Reason
from schedules.stagger import stagger_ms
from schedules.types import Schedule, ScheduleId
from schedules.words import Sentence

SPEAKERS_MAX = 200
"""More are not looked at one by one: neighbours share their rules."""
SHOWN_MAX = 50


class Words(BaseModel):
    """A sentence for the officer."""

    vi: str
    en: str

    @classmethod
    def of(cls, sentence: Sentence) -> "Words":
        """Return a sentence as it is sent."""
        return cls(vi=sentence.vi, en=sentence.en)


class CollisionOut(BaseModel):
    """Two occurrences that want the air together."""

    starts_at: AwareDatetime
    until: AwareDatetime
    free_at: AwareDatetime
    """When the schedule that was asked about would have to begin to find the air free, on every speaker named here."""
    winner_schedule_id: str
    winner_title: str
    loser_schedule_id: str
    loser_title: str
    because: Because
    explanation: Words
    speakers: list[str]


class OmissionOut(BaseModel):
    """An occurrence that would not air."""

    starts_at: AwareDatetime
    reason: Reason
    explanation: Words
    speakers: list[str]


class Ahead(BaseModel):
    """Who yields to whom, and what would not air at all."""

    collisions: list[CollisionOut]
    omitted: list[OmissionOut]


class PreviewOut(Ahead):
    """What the schedule would do in the days that plans speak of."""

    speakers: int
    airings: int
    """On all speakers together."""
    first_at: AwareDatetime | None


def preview(
    wishes: Mapping[str, Sequence[Schedule]], gathered: Gathered, now: datetime, freeze: timedelta
) -> PreviewOut:
    """Return what the gathered speakers would do with the schedules that are wished for each of them, by its id."""
    plans = {
        speaker.device_id: _compiled(
            speaker, wishes[speaker.device_id], gathered.calendars[speaker.policy.zone], now, freeze
        )
        for speaker in gathered.speakers.values()
    }
    wished = {wish.id: wish for some in wishes.values() for wish in some}
    aired = [each for plan in plans.values() for each in plan.occurrences if each.schedule_id in wished]
    return PreviewOut(
        speakers=len(plans),
        airings=len(aired),
        first_at=min((each.starts_at for each in aired), default=None),
        collisions=_collisions(plans, wished, gathered.speakers),
        omitted=_omitted(plans, wished),
    )


def beyond(states: Iterable[tuple[PreviewOut, PreviewOut]]) -> Ahead:
    """Return what is foreseen after an edit and was not foreseen before it, in one stretch of days or in several."""
    found = Ahead(collisions=[], omitted=[])
    for before, after in states:
        known = {each.explanation.en for each in before.collisions}
        omitted = {(each.starts_at, each.reason) for each in before.omitted}
        found.collisions += [each for each in after.collisions if each.explanation.en not in known]
        found.omitted += [each for each in after.omitted if (each.starts_at, each.reason) not in omitted]
    return found


def _compiled(
    speaker: Speaker, wishes: Sequence[Schedule], calendar: Calendar, now: datetime, freeze: timedelta
) -> CompiledPlan:
    wished = {wish.id for wish in wishes}
    return compile_plan(
        [*(each for each in speaker.schedules if each.id not in wished), *wishes],
        speaker.policy,
        calendar,
        now,
        stagger_ms=lambda schedule: stagger_ms(speaker.hamlet_index, schedule),
        freeze=freeze,
    )


def _collisions(
    plans: dict[str, CompiledPlan], wished: Mapping[ScheduleId, Schedule], speakers: Mapping[str, Speaker]
) -> list[CollisionOut]:
    found: dict[tuple[str, str], tuple[Collision, Schedule, dict[str, datetime]]] = {}
    for device_id, plan in plans.items():
        for each in plan.collisions:
            for mine, other in ((each.winner, each.loser), (each.loser, each.winner)):
                if mine.schedule_id in wished:
                    wish = wished[mine.schedule_id]
                    delay = timedelta(milliseconds=stagger_ms(speakers[device_id].hamlet_index, wish))
                    _, _, free = found.setdefault((each.winner.id, each.loser.id), (each, wish, {}))
                    free[device_id] = nominal_end(other) - delay
                    break
    shown = sorted(found.values(), key=lambda some: (some[0].from_, some[0].winner.id, some[0].loser.id))[:SHOWN_MAX]
    return [
        CollisionOut(
            starts_at=each.from_,
            until=each.until,
            free_at=max(free.values()),
            winner_schedule_id=each.winner.schedule_id,
            winner_title=each.winner.title,
            loser_schedule_id=each.loser.schedule_id,
            loser_title=each.loser.title,
            because=each.because,
            explanation=Words.of(each.explain(wish.recurrence.zone)),
            speakers=sorted(free),
        )
        for each, wish, free in shown
    ]


def _omitted(plans: dict[str, CompiledPlan], wished: Collection[ScheduleId]) -> list[OmissionOut]:
    found: dict[tuple[datetime, Reason], list[str]] = defaultdict(list)
    for device_id, plan in plans.items():
        for each in plan.omitted:
            if each.schedule_id in wished:
                found[each.starts_at, each.reason].append(device_id)
    return [
        OmissionOut(
            starts_at=starts_at, reason=reason, explanation=Words.of(reason.explain()), speakers=sorted(device_ids)
        )
        for (starts_at, reason), device_ids in sorted(found.items())[:SHOWN_MAX]
    ]


def looked_at(devices: Sequence[Device], among: int = 1) -> Sequence[Device]:
    """Return the speakers that a preview of one schedule looks at, or of one `among` several."""
    return sorted(devices, key=lambda device: device.id)[: max(1, SPEAKERS_MAX // among)]
