"""Planning: what changed, whom it touches, and what those are told from now on."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.database import Database, after_commit
from controller.devices.models import Device, DeviceStatus
from controller.events import (
    AreaPolicyChanged,
    DeviceChanged,
    Event,
    GroupChanged,
    PlaylistChanged,
    ScheduleChanged,
    StandingChanged,
)
from controller.keys import SigningKeys
from controller.link.models import RetainedDocument
from controller.monitoring.hub import Hub, Topic
from controller.planning import rows
from controller.planning.compile import Airing, Speaker, airings, config, kept_clips, plan
from controller.planning.documents import Document, Press, Standing
from controller.planning.gather import Gathered, Gathering
from controller.planning.repository import PlanningRepository, chunks
from protocol import topics
from protocol.topics import Channel
from schedules.errors import ScheduleError
from schedules.types import DeviceId, ScheduleId

log = structlog.get_logger(__name__)

CONFIG_LIFETIME = timedelta(days=30)
PLAN_OUTLIVES_WINDOW = timedelta(days=1)
AT_ONCE = 20
"""Speakers planned together: bounds the memory and how long clocks wait for an answer, not the number of speakers."""
WITH_THE_EDIT = 100
"""Speakers planned in the transaction that touched them. An alert must not wait until a province is planned anew."""
TRIES_AGAIN_S = 60.0
"""After which speakers are planned again for whom it failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What planning one speaker gave."""

    device_id: str
    aired: tuple[Airing, ...]
    plan: Document | None
    config: Document | None


class Planner:
    """Tells speakers what they should know, whenever that changes."""

    def __init__(
        self,
        *,
        press: Press,
        keys: SigningKeys,
        hub: Hub,
        wake_link: Callable[[], None],
        now: Callable[[], datetime],
        days: int,
        freeze: timedelta,
    ) -> None:
        self._press = press
        self._keys = keys
        self._hub = hub
        self._wake_link = wake_link
        self._now = now
        self._days = days
        self._freeze = freeze
        self._owes = asyncio.Event()
        self._unplanned = set[str]()
        """Whom planning failed for when it was last tried."""

    async def process(self, session: AsyncSession, events: Sequence[Event]) -> None:
        """Plan anew for whom these events touch. Runs before the commit of what caused them.

        Of many it is only written down that they are owed a plan: `run` follows.
        """
        touched = await self.touched(session, events)
        if len(touched) > WITH_THE_EDIT:
            await PlanningRepository(session).owe(touched, self._now())
            after_commit(session, self._owes.set)
        elif touched:
            await self.replan(session, touched)

    async def run(self, database: Database) -> None:
        """Plan for those that are owed a plan, some at a time, in a transaction each: others write in between.

        Who cannot be planned keeps nobody waiting; it is tried again from time to time.
        """
        while True:
            self._owes.clear()
            unplanned = set[str]()
            while some := await self._owed(database, unplanned):
                unplanned |= await self._unplanned_of(database, some)
            self._unplanned = unplanned
            self._hub.publish(Topic.OCCURRENCES)
            with suppress(TimeoutError):
                async with asyncio.timeout(TRIES_AGAIN_S if unplanned else None):
                    await self._owes.wait()

    async def _owed(self, database: Database, unplanned: Collection[str]) -> Sequence[str]:
        async with database.reading() as session:
            return await PlanningRepository(session).owed(AT_ONCE, besides=unplanned)

    async def _unplanned_of(self, database: Database, some: Sequence[str]) -> set[str]:
        """Plan for some; return those for whom that fails: one by one where it fails for all of them together."""
        try:
            async with database.transaction() as session:
                await self.replan(session, some)
        except OperationalError:
            raise  # the database's own trouble is everybody's
        except Exception:
            if len(some) > 1:
                return {each for one in some for each in await self._unplanned_of(database, [one])}
            if some[0] not in self._unplanned:
                log.exception("planning.failed", device=some[0])
            return set(some)
        return set()

    async def touched(self, session: AsyncSession, events: Sequence[Event]) -> frozenset[str]:
        """Return the speakers that may have to be told something else now; nobody else plans from here on."""
        repository = PlanningRepository(session)
        found: set[str] = set()
        places: set[str] = set()
        schedules: set[str] = set()
        playlists: set[str] = set()
        for event in events:
            match event:
                case DeviceChanged(device_id):
                    found.add(device_id)
                case AreaPolicyChanged(path) | StandingChanged(path):
                    places.add(path)
                case GroupChanged(device_ids=device_ids):
                    found |= device_ids
                case ScheduleChanged(schedule_id):
                    schedules.add(schedule_id)
                case PlaylistChanged(playlist_id):
                    playlists.add(playlist_id)
                case _:
                    continue
        if not (found or places or schedules or playlists):
            return frozenset()
        await repository.lock()
        for path in places:
            found |= await repository.below(path)
        schedules.update(await repository.schedules_of(playlists))
        if schedules:
            found |= await repository.addressed_by(schedules)
            found |= await repository.planned_for(schedules, self._now())
        return frozenset(found)

    async def replan(self, session: AsyncSession, device_ids: Collection[str]) -> None:
        """Plan anew for these speakers; write down only what is news to them.

        Each is planned as of the moment from which it waits: what was asked for in time is not frozen out for the last
        of them. Who waited for longer than that, because the service was down, is planned as of then at most.
        """
        repository, news, now = PlanningRepository(session), 0, self._now()
        await repository.lock()
        for chunk in chunks(sorted(device_ids), AT_ONCE):
            as_of = max(min([now, *await repository.settle(chunk)]), now - self._freeze)
            devices = await repository.devices(chunk)
            for device in devices:
                if device.status is DeviceStatus.RETIRED:
                    news += await self._withdraw(repository, device.id)
            active = [device for device in devices if device.status is DeviceStatus.ACTIVE]
            news += await self._replan(repository, active, as_of)
        if news:
            after_commit(session, self._wake_link)
            after_commit(session, lambda: self._hub.publish(Topic.OCCURRENCES))

    async def _replan(self, repository: PlanningRepository, devices: Sequence[Device], now: datetime) -> int:
        gathered = await Gathering(repository, now=now, days=self._days, freeze=self._freeze).gather(devices)
        wire = [
            topics.device(DeviceId(device.id), channel)
            for device in devices
            for channel in (Channel.PLAN, Channel.CONFIG)
        ]
        documents = await repository.documents(wire, lock=True)
        standing = {topic: Standing.of(row) for topic, row in documents.items()}
        outcomes = await asyncio.to_thread(self._work_out, gathered, standing, now)
        news = 0
        for outcome in outcomes:
            for document in (outcome.plan, outcome.config):
                if document is not None:
                    put(repository, documents.get(document.topic), document, now)
                    news += 1
            if outcome.plan is not None:
                await self._write_down(
                    repository,
                    gathered.speakers[outcome.device_id],
                    outcome,
                    version=outcome.plan.version,
                    cancelled=gathered.material.cancelled,
                )
        return news

    def _work_out(self, gathered: Gathered, standing: Mapping[str, Standing | None], now: datetime) -> list[Outcome]:
        """Compile, compare and sign, off the event loop: the link has clocks to answer meanwhile."""
        outcomes: list[Outcome] = []
        unusable = _unusable(gathered)

        @cache
        def aired_by(speaker: Speaker) -> tuple[Airing, ...]:
            return airings(speaker, gathered.material, gathered.calendars[speaker.policy.zone], now)

        for speaker in gathered.speakers.values():
            calendar = gathered.calendars[speaker.policy.zone]
            aired = aired_by(_without(speaker, unusable).unnamed())
            device_id = DeviceId(speaker.device_id)

            def url(sha256: str, expires_at: datetime, device_id: str = device_id) -> str:
                return self._press.url(sha256, device_id, expires_at)

            plan_topic = topics.device(device_id, Channel.PLAN)
            config_topic = topics.device(device_id, Channel.CONFIG)
            outcomes.append(
                Outcome(
                    speaker.device_id,
                    aired,
                    self._press.print(
                        plan(device_id, aired, gathered.material.clips, calendar.window, url),
                        plan_topic,
                        standing.get(plan_topic),
                        now=now,
                        expires_at=calendar.window.end + PLAN_OUTLIVES_WINDOW,
                    ),
                    self._press.print(
                        config(
                            speaker,
                            self._keys.trusted,
                            self._keys.notices,
                            kept_clips(speaker, gathered.material.clips, now, url),
                        ),
                        config_topic,
                        standing.get(config_topic),
                        now=now,
                        expires_at=now + CONFIG_LIFETIME,
                    ),
                )
            )
        return outcomes

    async def _write_down(
        self,
        repository: PlanningRepository,
        speaker: Speaker,
        outcome: Outcome,
        *,
        version: int,
        cancelled: frozenset[str],
    ) -> None:
        """Keep what the speaker is told, row by row. What was called off stays on record."""
        before = {airing.occurrence.id: airing for airing in speaker.previous or ()}
        after = {airing.occurrence.id: airing for airing in outcome.aired}
        changed = [airing for id_, airing in after.items() if before.get(id_) != airing]
        gone = [id_ for id_ in before if id_ not in after and id_ not in cancelled]
        await repository.forget_planned(
            speaker.device_id, [*gone, *(airing.occurrence.id for airing in changed if airing.occurrence.id in before)]
        )
        await repository.remember_planned(
            [rows.planned_values(speaker.device_id, airing, version) for airing in changed]
        )

    async def _withdraw(self, repository: PlanningRepository, device_id: str) -> int:
        """Clear everything that stands on the broker for a retired speaker, what it said of itself too."""
        now, id_ = self._now(), DeviceId(device_id)
        wire = [
            topics.device(id_, channel)
            for channel in (Channel.PLAN, Channel.CONFIG, Channel.ALERTS, Channel.STATUS, Channel.STATE)
        ]
        documents = await repository.documents(wire, lock=True)
        planned = (await repository.planned([device_id], now)).get(device_id, ())
        await repository.forget_planned(device_id, [row.occurrence_id for row in planned])
        news = 0
        for topic in wire:
            row = documents.get(topic)
            if row is None or row.payload:
                version = row.version if row else 0
                put(repository, row, Document(topic, device_id, b"", "", version, None), now)
                news += 1
        return news


def put(repository: PlanningRepository, row: RetainedDocument | None, document: Document, now: datetime) -> None:
    """Write down what must stand on a topic from now on."""
    if row is None:
        row = RetainedDocument(topic=document.topic, device_id=document.device_id)
        repository.add_document(row)
    row.payload, row.content_hash, row.version = document.payload, document.content_hash, document.version
    row.content_sha256, row.issued_at, row.expires_at = document.content_sha256, now, document.expires_at
    row.kid, row.published_at = document.kid, None


def _unusable(gathered: Gathered) -> frozenset[ScheduleId]:
    """Return schedules whose calendar cannot be read any more: they must not keep the others off the air."""
    found: set[ScheduleId] = set()
    calendars = gathered.calendars.values()
    for schedule in {schedule for speaker in gathered.speakers.values() for schedule in speaker.schedules}:
        try:
            for calendar in calendars:
                calendar.starts(schedule)
        except ScheduleError as error:
            log.error("planning.schedule_unusable", schedule=schedule.id, reason=str(error))  # noqa: TRY400 it says all
            found.add(schedule.id)
    return frozenset(found)


def _without(speaker: Speaker, unusable: frozenset[ScheduleId]) -> Speaker:
    if not unusable:
        return speaker
    return replace(speaker, schedules=tuple(each for each in speaker.schedules if each.id not in unusable))
