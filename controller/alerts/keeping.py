"""What keeps alerts going without anybody's hand: words that become ready, lifetimes that end, silent speakers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.reach import Reach
from controller.alerts.repository import AlertTraffic
from controller.alerts.service import Alerts
from controller.alerts.sets import AlertPress, Sets, Target, targets_of
from controller.alerts.states import AlertState
from controller.announcements.service import Announcements
from controller.announcements.workshop import workshop_of
from controller.background import kept_running
from controller.content.service import links_of
from controller.database import after_commit
from controller.errors import Forbidden
from controller.events import AnnouncementSettled, Event
from controller.link.wake import wake_of
from controller.monitoring.hub import Topic, hub_of
from controller.runtime import Runtime


def press_of(runtime: Runtime) -> AlertPress:
    """Return what signs sets of alerts."""
    links = links_of(runtime)

    def url(sha256: str, target: str, expires_at: datetime) -> str:
        return links.url(sha256, device_id=target, expires_at=expires_at)

    return AlertPress(runtime.keys.signing, url, wake_of(runtime), counting_of(runtime).call.set)


async def _no_code(_code: str) -> None:
    """What never asks for a code confirms none."""
    raise Forbidden


def desk_of(
    runtime: Runtime, session: AsyncSession, viewer: Viewer, confirm: Callable[[str], Awaitable[None]] = _no_code
) -> Alerts:
    """Return alerts as a viewer may change them within a transaction; `confirm` checks a one-time code."""
    hub = hub_of(runtime)
    return Alerts(
        session,
        viewer,
        press=press_of(runtime),
        announcements=Announcements(session, viewer, hub=hub, wake_workshop=workshop_of(runtime).wake),
        hub=hub,
        lead=timedelta(milliseconds=runtime.settings.alert_lead_ms),
        confirm=confirm,
    )


class Counting:
    """Writes down whom a released alert must reach. Behind the press: ten thousand rows would hold the order back."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.call = asyncio.Event()

    async def run(self) -> None:
        """Count until cancelled; first what a kill left uncounted."""
        while True:
            self.call.clear()
            await self.count()
            await self.call.wait()

    async def count(self) -> None:
        """Write down what is not yet. Who reported before that is in already."""
        async with self._runtime.database.transaction() as session:
            traffic = AlertTraffic(session)
            for row in await traffic.uncounted():
                await traffic.expect(row)
                await traffic.counted(row.id, self._runtime.clock())
                after_commit(session, lambda: hub_of(self._runtime).publish(Topic.ALERTS))


def counting_of(runtime: Runtime) -> Counting:
    """Return the service's one."""
    if Counting not in runtime.parts:
        runtime.parts[Counting] = Counting(runtime)
    counting: Counting = runtime.parts[Counting]
    return counting


@asynccontextmanager
async def alerting(runtime: Runtime) -> AsyncIterator[None]:
    """Tell the alerts that wait for words that these are ready, or will never be, in the same transaction."""

    async def process(session: AsyncSession, events: Sequence[Event]) -> None:
        targets: set[Target] = set()
        for event in events:
            if isinstance(event, AnnouncementSettled):
                for row in await AlertTraffic(session).saying(event.announcement_id):
                    row.revision += 1
                    targets |= targets_of(row)
        if targets:
            await Sets(session, press_of(runtime)).say(targets, runtime.clock())

    runtime.database.before_commit.append(process)
    try:
        async with kept_running(counting_of(runtime).run, "alert-counting"):
            yield
    finally:
        runtime.database.before_commit.remove(process)


async def keep(runtime: Runtime) -> None:
    """End what has lived long enough, and make incidents of those that said nothing."""
    now = runtime.clock()
    async with runtime.database.transaction() as session:
        over = await AlertTraffic(session).over(now)
        for row in over:
            row.state, row.ended_at = AlertState.EXPIRED, row.expires_at
        if over:
            await Sets(session, press_of(runtime)).say({t for row in over for t in targets_of(row)}, now)
            after_commit(session, lambda: hub_of(runtime).publish(Topic.ALERTS))
    while await _silence_noticed(runtime, now):
        continue


async def _silence_noticed(runtime: Runtime, now: datetime) -> int:
    """Make incidents of some that stayed silent; how many."""
    async with runtime.database.transaction() as session:
        return await Reach(session, hub_of(runtime)).notice_silence(now)


async def say_again(runtime: Runtime) -> None:
    """Say the sets anew that have ended, or that another key signed."""
    async with runtime.database.transaction() as session:
        await Sets(session, press_of(runtime)).say_all(runtime.clock())
