"""Looking ahead: what a schedule would do on each speaker, by the planner's own functions, before it is saved."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel

from controller.broadcasts.models import Schedule as ScheduleRow
from controller.devices.models import Device
from controller.planning import rows
from controller.planning.compile import Speaker
from controller.planning.gather import Gathered
from schedules.collisions import Because, Collision
from schedules.plan import Calendar, CompiledPlan, compile_plan
from schedules.reasons import Reason
from schedules.stagger import stagger_ms
from schedules.types import Schedule
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


class PreviewOut(BaseModel):
    """What the schedule would do in the days that plans speak of."""

    speakers: int
    airings: int
    """On all speakers together."""
    first_at: AwareDatetime | None
    collisions: list[CollisionOut]
    omitted: list[OmissionOut]


def preview(draft: ScheduleRow, duration_ms: int, gathered: Gathered, now: datetime, freeze: timedelta) -> PreviewOut:
    """Return what the draft would do on the gathered speakers."""
    wish = rows.schedule(draft, draft, duration_ms)
    plans = {
        speaker.device_id: _compiled(speaker, wish, gathered.calendars[speaker.policy.zone], now, freeze)
        for speaker in gathered.speakers.values()
    }
    aired = [each for plan in plans.values() for each in plan.occurrences if each.schedule_id == wish.id]
    return PreviewOut(
        speakers=len(plans),
        airings=len(aired),
        first_at=min((each.starts_at for each in aired), default=None),
        collisions=_collisions(plans, wish, draft.zone),
        omitted=_omitted(plans, wish),
    )


def _compiled(speaker: Speaker, wish: Schedule, calendar: Calendar, now: datetime, freeze: timedelta) -> CompiledPlan:
    others = [each for each in speaker.schedules if each.id != wish.id]
    return compile_plan(
        [*others, wish],
        speaker.policy,
        calendar,
        now,
        stagger_ms=lambda schedule: stagger_ms(speaker.hamlet_index, schedule),
        freeze=freeze,
    )


def _collisions(plans: dict[str, CompiledPlan], wish: Schedule, zone: str) -> list[CollisionOut]:
    found: dict[tuple[str, str], tuple[Collision, list[str]]] = {}
    for device_id, plan in plans.items():
        for each in plan.collisions:
            if wish.id in {each.winner.schedule_id, each.loser.schedule_id}:
                found.setdefault((each.winner.id, each.loser.id), (each, []))[1].append(device_id)
    shown = sorted(found.values(), key=lambda pair: (pair[0].from_, pair[0].winner.id, pair[0].loser.id))[:SHOWN_MAX]
    return [
        CollisionOut(
            starts_at=each.from_,
            until=each.until,
            winner_schedule_id=each.winner.schedule_id,
            winner_title=each.winner.title,
            loser_schedule_id=each.loser.schedule_id,
            loser_title=each.loser.title,
            because=each.because,
            explanation=Words.of(each.explain(zone)),
            speakers=sorted(device_ids),
        )
        for each, device_ids in shown
    ]


def _omitted(plans: dict[str, CompiledPlan], wish: Schedule) -> list[OmissionOut]:
    found: dict[tuple[datetime, Reason], list[str]] = defaultdict(list)
    for device_id, plan in plans.items():
        for each in plan.omitted:
            if each.schedule_id == wish.id:
                found[each.starts_at, each.reason].append(device_id)
    return [
        OmissionOut(
            starts_at=starts_at, reason=reason, explanation=Words.of(reason.explain()), speakers=sorted(device_ids)
        )
        for (starts_at, reason), device_ids in sorted(found.items())[:SHOWN_MAX]
    ]


def looked_at(devices: Sequence[Device]) -> Sequence[Device]:
    """Return the speakers that a preview looks at."""
    return sorted(devices, key=lambda device: device.id)[:SPEAKERS_MAX]
