"""What an officer should know before a broadcast is saved: quiet hours, caps, collisions, speakers that are away."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.devices.repository import DeviceRepository
from controller.monitoring.fleet import FleetRepository
from controller.planning.compile import Speaker
from controller.planning.gather import Gathering
from controller.planning.repository import PlanningRepository
from controller.settings import Settings
from controller.web.formats import Formats
from controller.web.gather import Roll
from schedules.collisions import Collision
from schedules.plan import Calendar, CompiledPlan, Omission, compile_plan
from schedules.preview import odd_hour
from schedules.stagger import stagger_ms
from schedules.types import Recurrence, Resume, Schedule, ScheduleId

DRAFT = ScheduleId("draft")
SHOWN_MAX = 6
COLLIDING_MAX = 50
"""So many speakers of a place tell what collides there: it is asked again and again."""
SPEAKERS_MAX = 200
"""More are not looked at one by one: neighbours share their rules."""


def draft(title: str, recurrence: Recurrence, duration_ms: int, issuer_depth: int) -> Schedule:
    """The schedule that is not there yet."""
    return Schedule(
        id=DRAFT,
        title=title,
        recurrence=recurrence,
        duration_ms=duration_ms,
        issuer_depth=issuer_depth,
        resume=Resume.REJOIN,
    )


@dataclass(frozen=True, order=True)
class Foreseen:
    """A collision that comes: when, in words, and a place whose calendar shows both."""

    at: datetime
    words: str
    area_code: str


@dataclass(frozen=True)
class Preview:
    """Looks ahead with the planner's own functions, so that it says what will happen."""

    session: AsyncSession
    viewer: Viewer
    settings: Settings
    formats: Formats
    now: datetime

    async def warnings(self, roll: Roll, device_ids: Collection[str], wish: Schedule, *, at_once: bool) -> list[str]:
        """What speaks against airing `wish` on these speakers, in sentences."""
        some = [each.id for each in roll.speakers if each.id in device_ids][:SPEAKERS_MAX]
        compiled = await self._plans(some, self.settings.plan_days, [wish])
        plans = {speaker.device_id: plan for speaker, plan in compiled}
        names = {each.id: each.name for each in roll.speakers}
        found = [
            *self._left_out(plans, names),
            *self._collisions(plans),
            *self._odd_hours(plans),
            *(self._away(roll, device_ids) if at_once else ()),
        ]
        return found[:SHOWN_MAX]

    async def collisions(self, before: datetime) -> list[Foreseen]:
        """What of the broadcasts that are planned stands in another's way until then."""
        days = (before - self.now).days + 1
        some = await FleetRepository(self.session).first(self.viewer, COLLIDING_MAX)
        coming = {
            (each.from_, words): Foreseen(each.from_, words, self._place(speaker, each))
            for speaker, plan in await self._plans(some, days, [])
            for each in plan.collisions
            if self.now < each.from_ < before
            for words in [self._said(each)]
        }
        return sorted(coming.values())[:SHOWN_MAX]

    async def _plans(
        self, device_ids: Collection[str], days: int, wishes: Sequence[Schedule]
    ) -> list[tuple[Speaker, CompiledPlan]]:
        devices = await DeviceRepository(self.session).some(self.viewer, device_ids)
        gathered = await Gathering(
            PlanningRepository(self.session),
            now=self.now,
            days=days,
            freeze=timedelta(seconds=self.settings.freeze_s),
        ).gather(devices, afresh=True)
        return [
            (speaker, self._compiled(speaker, wishes, gathered.calendars[speaker.policy.zone]))
            for speaker in gathered.speakers.values()
        ]

    def _place(self, speaker: Speaker, collision: Collision) -> str:
        """Where the narrower of the two was issued: its calendar also shows what comes from above."""
        depth = max(self.viewer.depth, collision.winner.issuer_depth, collision.loser.issuer_depth)
        return speaker.areas[: depth + 1][-1]

    def _said(self, collision: Collision) -> str:
        words = collision.explain(str(self.formats.zone))
        return words.vi if self.formats.t.language == "vi" else words.en

    def _compiled(self, speaker: Speaker, wishes: Sequence[Schedule], calendar: Calendar) -> CompiledPlan:
        return compile_plan(
            [*speaker.schedules, *wishes],
            speaker.policy,
            calendar,
            self.now,
            stagger_ms=lambda schedule: stagger_ms(speaker.hamlet_index, schedule),
            freeze=timedelta(seconds=self.settings.freeze_s),
        )

    def _left_out(self, plans: dict[str, CompiledPlan], names: dict[str, str]) -> Iterator[str]:
        t = self.formats.t
        by_reason: dict[str, list[tuple[Omission, str]]] = defaultdict(list)
        for device_id, plan in plans.items():
            first = next((each for each in plan.omitted if each.schedule_id == DRAFT), None)
            if first is not None:
                by_reason[first.reason].append((first, device_id))
        for affected in by_reason.values():
            omission = min(affected, key=lambda each: each[0].starts_at)[0]
            why = omission.reason.explain()
            yield t(
                "%(when)s, on %(where)s: not played. %(why)s",
                when=f"{self.formats.clock(omission.starts_at)} {self.formats.short_day(omission.starts_at)}",
                where=self._where([names[device_id] for _, device_id in affected]),
                why=why.vi if t.language == "vi" else why.en,
            )

    def _where(self, names: Sequence[str]) -> str:
        return names[0] if len(names) == 1 else self.formats.t.count("%(n)s speaker", "%(n)s speakers", len(names))

    def _collisions(self, plans: dict[str, CompiledPlan]) -> Iterator[str]:
        said: set[str] = set()
        for plan in plans.values():
            for collision in plan.collisions:
                pair = {collision.winner.schedule_id, collision.loser.schedule_id}
                if DRAFT in pair and said.isdisjoint(pair):
                    said |= pair - {DRAFT}
                    yield self._said(collision)

    def _odd_hours(self, plans: dict[str, CompiledPlan]) -> Iterator[str]:
        for plan in plans.values():
            for each in plan.occurrences:
                ends_at = each.starts_at + timedelta(milliseconds=each.duration_ms)
                if each.schedule_id == DRAFT and odd_hour(each.starts_at, ends_at, str(self.formats.zone)):
                    yield self.formats.t(
                        "It sounds at %(time)s, when people sleep.", time=self.formats.clock(each.starts_at)
                    )
                    return

    def _away(self, roll: Roll, device_ids: Collection[str]) -> Iterator[str]:
        away = [each.name for each in roll.speakers if each.id in device_ids and not each.online]
        if away:
            yield self.formats.t(
                "%(where)s: offline just now, and will play this only if the link comes back in time.",
                where=self._where(away),
            )
