"""A notice board inside the process: pages that show live state wait here for a reason to look again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from controller.runtime import Runtime


class Topic(StrEnum):
    """What may have changed. A notice carries no data: who hears it asks the database, as the viewer it is."""

    DEVICES = "devices"
    OCCURRENCES = "occurrences"
    RECORDS = "records"
    ANNOUNCEMENTS = "announcements"
    APPROVALS = "approvals"
    ALERTS = "alerts"
    LIVE = "live"


class Subscription:
    """What changed since the last look. Many notices between two looks are one."""

    def __init__(self) -> None:
        self._waiting: set[Topic] = set()
        self._called = asyncio.Event()
        self.ended = False
        """There is nothing more to wait for."""

    def notify(self, topics: tuple[Topic, ...]) -> None:
        """Note that these changed."""
        self._waiting.update(topics)
        self._called.set()

    def end(self) -> None:
        """The service ends: whoever waits may go."""
        self.ended = True
        self._called.set()

    async def next(self) -> frozenset[Topic]:
        """Wait for something to change, or for the end; return all that changed."""
        await self._called.wait()
        self._called.clear()
        changed, self._waiting = frozenset(self._waiting), set()
        return changed


class Hub:
    """Carries notices to every subscription. Publish after the commit, never before: nobody must look too early."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many pages are being told now."""
        return len(self._subscriptions)

    def publish(self, *topics: Topic) -> None:
        """Tell everyone that these changed."""
        for subscription in self._subscriptions:
            subscription.notify(topics)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[Subscription]:
        """Listen for as long as the block lasts."""
        subscription = Subscription()
        if self._closed:
            subscription.end()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every subscription, those to come too."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()


def hub_of(runtime: Runtime) -> Hub:
    """Return the service's one hub."""
    hub: Hub = runtime.parts.setdefault(Hub, Hub())
    return hub
