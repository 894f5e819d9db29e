"""What runs behind the application: the workshop, the planner, the link, and the clockwork that keeps them going.

APScheduler drives recurring work here; it never triggers sound.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

from controller.accounts.mail import sending_letters
from controller.accounts.throttling import remembering_attempts
from controller.alerts import keeping as alerts
from controller.alerts.testing import keep_testing
from controller.announcements.workshop import workshop_of
from controller.approval.ledger import approving
from controller.background import UnderWay, kept_running
from controller.broker.door import BrokerDoor, broker_of
from controller.broker.keeper import Keeper
from controller.cap.keeping import look, reading_feeds
from controller.cap.publisher import publish
from controller.content.service import collect_garbage, links_of, store_of
from controller.enrolment.office import authority_of
from controller.health.service import condense
from controller.incidents.edges import KEPT as INCIDENTS_KEPT
from controller.incidents.repository import IncidentBook
from controller.link.inbox import DatabaseInbox
from controller.link.mqtt import Link
from controller.link.outbox import DatabaseOutbox
from controller.link.refusals import refusals_of
from controller.link.wake import bell_of
from controller.live import keeping as live
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from controller.photos.repository import PhotoRepository
from controller.photos.service import REMOVED_KEPT
from controller.planning.documents import Press
from controller.planning.repository import PlanningRepository, chunks
from controller.planning.service import AT_ONCE, Planner
from controller.playlists.sound import forget_rehearsals
from controller.runtime import Runtime
from controller.signing.service import KeyWatch
from controller.standing import keeping as standing

HISTORY_KEPT = timedelta(days=400)
"""What was meant to air: a year, for comparing."""
REHEARSALS_KEPT = timedelta(days=1)
FINISHES_WITHIN_S = 10.0


@asynccontextmanager
async def planning(runtime: Runtime) -> AsyncIterator[None]:
    """Let every change reach the plans of whom it touches, in its own transaction, as far as it is approved."""
    planner = planner_of(runtime)
    async with approving(runtime):
        runtime.database.before_commit.append(planner.process)
        try:
            async with kept_running(partial(planner.run, runtime.database), "planner"):
                yield
        finally:
            runtime.database.before_commit.remove(planner.process)


@asynccontextmanager
async def keeping_keys(runtime: Runtime) -> AsyncIterator[None]:
    """Sign with the key whose turn it is."""
    watch = key_watch_of(runtime)
    await watch.look()
    async with kept_running(watch.run, "keys"):
        yield


@asynccontextmanager
async def making_sound(runtime: Runtime) -> AsyncIterator[None]:
    """Run the workshop."""
    store_of(runtime).sweep_incoming()
    async with kept_running(workshop_of(runtime).run, "workshop"):
        yield


@asynccontextmanager
async def linked(runtime: Runtime) -> AsyncIterator[None]:
    """Run the link to the broker."""
    link = link_of(runtime)
    bell_of(runtime).listen(link.wake)
    try:
        async with kept_running(link.run, "link"):
            yield
    finally:
        bell_of(runtime).listen(None)


@asynccontextmanager
async def keeping_the_broker(runtime: Runtime) -> AsyncIterator[None]:
    """Keep the broker's files up to date, where they are ours to keep."""
    folder, link = runtime.settings.broker_dir, link_of(runtime)
    if folder is None:
        yield
        return
    authority = authority_of(runtime)
    door = BrokerDoor(link, broker_of(runtime.settings), authority=authority, now=runtime.clock)
    keeper = Keeper(folder, database=runtime.database, authority=authority, door=door, now=runtime.clock)
    runtime.parts[Keeper] = keeper
    runtime.database.before_commit.append(keeper.process)
    link.flooded = keeper.mute
    try:
        async with kept_running(keeper.run, "broker-keeper"):
            yield
    finally:
        runtime.database.before_commit.remove(keeper.process)


@asynccontextmanager
async def clockwork(runtime: Runtime) -> AsyncIterator[None]:
    """Run what recurs. At the end what is under way is finished: the scheduler by itself would cut it off."""
    under_way = UnderWay()
    recurring = _clockwork(runtime, under_way)
    recurring.start()
    try:
        yield
    finally:
        recurring.pause()
        await under_way.ended(FINISHES_WITHIN_S)
        recurring.shutdown()


SERVICES = (
    keeping_keys,
    planning,
    alerts.alerting,
    standing.telling,
    reading_feeds,
    remembering_attempts,
    sending_letters,
    making_sound,
    linked,
    live.speaking,
    keeping_the_broker,
    clockwork,
)


def planner_of(runtime: Runtime) -> Planner:
    """Return the service's one planner."""
    links, settings = links_of(runtime), runtime.settings
    press = Press(
        key=runtime.keys.signing,
        store=store_of(runtime),
        url=lambda sha256, device_id, expires_at: links.url(sha256, device_id=device_id, expires_at=expires_at),
    )
    made = Planner(
        press=press,
        keys=runtime.keys.signing,
        hub=hub_of(runtime),
        wake_link=bell_of(runtime).ring,
        now=runtime.clock,
        days=settings.plan_days,
        freeze=timedelta(seconds=settings.freeze_s),
    )
    planner: Planner = runtime.parts.setdefault(Planner, made)
    return planner


def key_watch_of(runtime: Runtime) -> KeyWatch:
    """Return what keeps this process signing with the right key."""
    made = KeyWatch(runtime.database, runtime.keys, runtime.clock, say_all_anew=lambda: roll(runtime))
    watch: KeyWatch = runtime.parts.setdefault(KeyWatch, made)
    return watch


async def roll(runtime: Runtime) -> None:
    """Plan every speaker anew, and sign anew what another key had signed."""
    async with runtime.database.reading() as session:
        ids = await PlanningRepository(session).active_ids()
    for some in chunks(ids, AT_ONCE):  # a transaction each: others write in between
        async with runtime.database.transaction() as session:
            await planner_of(runtime).replan(session, some)
    await alerts.say_again(runtime)


def link_of(runtime: Runtime) -> Link:
    """Return the service's one link."""
    refusals, key = refusals_of(runtime), runtime.keys.signing
    inbox = DatabaseInbox(
        runtime.database,
        key=key,
        hub=hub_of(runtime),
        wake_link=bell_of(runtime).ring,
        now=runtime.clock,
        refusals=refusals,
    )
    made = Link(
        broker=broker_of(runtime.settings),
        outbox=DatabaseOutbox(runtime.database, key=key, now=runtime.clock, content=store_of(runtime).content),
        inbox=inbox,
        key=key,
        now=runtime.clock,
        refusals=refusals,
    )
    link: Link = runtime.parts.setdefault(Link, made)
    return link


def _clockwork(runtime: Runtime, under_way: UnderWay) -> AsyncIOScheduler:
    """Return the recurring work. What was due while the machine slept is done once, however often it was due."""
    recurring = AsyncIOScheduler(
        timezone=runtime.settings.zone,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )

    def every(trigger: BaseTrigger, work: Callable[[], Awaitable[object]], name: str) -> None:
        recurring.add_job(under_way.noting(work), trigger, id=name)

    async def roll_all() -> None:
        await roll(runtime)

    async def notice_silence() -> None:
        async with runtime.database.transaction() as session:
            await MonitoringService(session, hub_of(runtime)).notice_silence(now=runtime.clock())

    async def keep_alerts() -> None:
        await alerts.keep(runtime)

    async def look_at_feeds() -> None:
        await look(runtime)

    async def publish_alerts() -> None:
        await publish(runtime)

    async def test_alerts() -> None:
        await keep_testing(runtime)

    async def condense_health() -> None:
        await condense(runtime.database, runtime.clock())

    async def tidy() -> None:
        now = runtime.clock()
        await forget_rehearsals(runtime.database, now - REHEARSALS_KEPT)
        async with runtime.database.transaction() as session:
            await PhotoRepository(session).forget(removed_before=now - REMOVED_KEPT)
            await IncidentBook(session).forget(ended_before=now - INCIDENTS_KEPT)
            await PlanningRepository(session).forget_history(ended_before=now - HISTORY_KEPT)
        await collect_garbage(runtime.database, store_of(runtime), now)

    zone = runtime.settings.zone
    every(DateTrigger(), roll_all, "roll-at-start")
    every(CronTrigger(hour=0, minute=0, second=5, timezone=zone), roll_all, "roll-at-midnight")
    every(CronTrigger(minute=17, timezone=zone), roll_all, "roll-hourly")
    every(IntervalTrigger(seconds=10), notice_silence, "notice-silence")
    every(IntervalTrigger(seconds=5), keep_alerts, "keep-alerts")
    every(IntervalTrigger(seconds=10), look_at_feeds, "look-at-feeds")
    every(IntervalTrigger(seconds=5), publish_alerts, "publish-alerts")
    every(IntervalTrigger(minutes=1), test_alerts, "test-alerts")
    every(CronTrigger(minute=37, timezone=zone), condense_health, "condense-health")
    every(DateTrigger(), partial(standing.begin, runtime), "standing-at-start")
    every(IntervalTrigger(minutes=5), partial(standing.begin, runtime), "standing")
    every(CronTrigger(hour=2, minute=40, timezone=zone), tidy, "tidy")
    return recurring
