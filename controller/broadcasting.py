"""What runs behind the application: the workshop, the planner, the link, and the clockwork that keeps them going.

APScheduler drives recurring work here; it never triggers sound.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

from controller.announcements.workshop import workshop_of
from controller.content.service import collect_garbage, links_of, store_of
from controller.link.inbox import DatabaseInbox
from controller.link.mqtt import Broker, Link
from controller.link.outbox import DatabaseOutbox
from controller.link.refusals import Refusals
from controller.link.wake import bell_of
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from controller.planning.documents import Press
from controller.planning.repository import PlanningRepository
from controller.planning.service import Planner
from controller.runtime import Runtime
from controller.settings import Settings

log = structlog.get_logger(__name__)

HISTORY_KEPT = timedelta(days=400)
"""What was meant to air: a year, for comparing."""


@asynccontextmanager
async def broadcasting(runtime: Runtime) -> AsyncIterator[None]:
    """Run everything for as long as the application lives."""
    store_of(runtime).sweep_incoming()
    planner = planner_of(runtime)
    runtime.database.before_commit.append(planner.process)
    link = link_of(runtime)
    bell_of(runtime).listen(link.wake)
    clockwork = _clockwork(runtime, planner)
    tasks = [
        asyncio.create_task(workshop_of(runtime).run(), name="workshop"),
        asyncio.create_task(_begin(runtime, planner, link), name="link"),
    ]
    clockwork.start()
    try:
        yield
    finally:
        clockwork.shutdown(wait=False)
        bell_of(runtime).listen(None)
        runtime.database.before_commit.remove(planner.process)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _begin(runtime: Runtime, planner: Planner, link: Link) -> None:
    """Catch up with the days that went by while nothing ran, then speak."""
    await _roll(runtime, planner)
    await link.run()


def planner_of(runtime: Runtime) -> Planner:
    """Return a planner for the service."""
    links, settings = links_of(runtime), runtime.settings
    press = Press(
        key=runtime.keys.signing,
        store=store_of(runtime),
        url=lambda sha256, device_id, expires_at: links.url(sha256, device_id=device_id, expires_at=expires_at),
    )
    return Planner(
        press=press,
        keys=[runtime.keys.signing.public],
        hub=hub_of(runtime),
        wake_link=bell_of(runtime).ring,
        now=runtime.clock,
        days=settings.plan_days,
        freeze=timedelta(seconds=settings.freeze_s),
    )


def link_of(runtime: Runtime) -> Link:
    """Return a link for the service."""
    refusals, key = Refusals(), runtime.keys.signing
    inbox = DatabaseInbox(
        runtime.database,
        key=key,
        hub=hub_of(runtime),
        wake_link=bell_of(runtime).ring,
        now=runtime.clock,
        refusals=refusals,
    )
    return Link(
        broker=_broker(runtime.settings),
        outbox=DatabaseOutbox(runtime.database, key=key, now=runtime.clock),
        inbox=inbox,
        key=key,
        now=runtime.clock,
        refusals=refusals,
    )


def _broker(settings: Settings) -> Broker:
    tls = None
    if settings.broker_tls:
        tls = ssl.create_default_context(cafile=str(settings.broker_ca_file) if settings.broker_ca_file else None)
    password = settings.broker_password
    return Broker(
        host=settings.broker_host,
        port=settings.broker_port,
        username=settings.broker_user,
        password=password.get_secret_value() if password else None,
        mqtt_version=settings.mqtt_version,
        tls=tls,
    )


def _clockwork(runtime: Runtime, planner: Planner) -> AsyncIOScheduler:
    """Return the recurring work. What was due while the machine slept is done once, however often it was due."""
    clockwork = AsyncIOScheduler(
        timezone=runtime.settings.zone,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )

    def every(trigger: CronTrigger | IntervalTrigger, work: Callable[[], Awaitable[object]], name: str) -> None:
        clockwork.add_job(work, trigger, id=name)

    async def roll() -> None:
        await _roll(runtime, planner)

    async def notice_silence() -> None:
        async with runtime.database.transaction() as session:
            await MonitoringService(session, hub_of(runtime)).notice_silence(now=runtime.clock())

    async def tidy() -> None:
        now = runtime.clock()
        await collect_garbage(runtime.database, store_of(runtime), now)
        async with runtime.database.transaction() as session:
            await PlanningRepository(session).forget_history(ended_before=now - HISTORY_KEPT)

    zone = runtime.settings.zone
    every(CronTrigger(hour=0, minute=0, second=5, timezone=zone), roll, "roll-at-midnight")
    every(CronTrigger(minute=17, timezone=zone), roll, "roll-hourly")
    every(IntervalTrigger(seconds=10), notice_silence, "notice-silence")
    every(CronTrigger(hour=2, minute=40, timezone=zone), tidy, "tidy")
    return clockwork


async def _roll(runtime: Runtime, planner: Planner) -> None:
    async with runtime.database.transaction() as session:
        await planner.roll(session)
