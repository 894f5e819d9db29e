"""Following a manifest to the long plan it names."""

import asyncio
import random
from collections.abc import Callable
from typing import NoReturn

import structlog

from device_agent.backoff import delay_s
from device_agent.download import Downloader
from device_agent.errors import AgentError, DownloadError
from device_agent.orders import OrderDesk
from protocol.errors import ProtocolError
from protocol.messages import Plan, PlanManifest, Problem

log = structlog.get_logger(__name__)


class ManifestFollower:
    """Fetches the newest announced plan until it is here or a newer one is announced."""

    def __init__(
        self,
        desk: OrderDesk,
        downloader: Downloader,
        *,
        adopted: Callable[[], None],
        wait_s: Callable[[int], float] = lambda attempt: delay_s(attempt, base_s=1, cap_s=60, draw=random.random()),  # noqa: S311 — jitter
    ) -> None:
        self._desk = desk
        self._downloader = downloader
        self._adopted = adopted
        self._wait_s = wait_s
        self._wanted: PlanManifest | None = None
        self._failed: DownloadError | None = None
        self._wake = asyncio.Event()

    def follow(self, manifest: PlanManifest) -> None:
        """Fetch this one from now on."""
        if self._wanted is None or manifest.version >= self._wanted.version:
            self._wanted = manifest
            self._wake.set()

    def forget(self) -> None:
        """A plan came by itself: nothing is to be fetched any more."""
        self._wanted, self._failed = None, None

    def problems(self) -> tuple[Problem, ...]:
        """Why the announced plan is not here yet."""
        return (Problem(code=DownloadError.code, text=f"plan: {self._failed}"[:300]),) if self._failed else ()

    async def run(self) -> NoReturn:
        """Follow until cancelled."""
        attempts = 0
        while True:
            self._wake.clear()
            wanted = self._wanted
            attempts = attempts + 1 if wanted is not None and not await self._fetch(wanted) else 0
            try:
                async with asyncio.timeout(self._wait_s(attempts) if attempts else None):
                    await self._wake.wait()
                attempts = 0
            except TimeoutError:
                continue

    async def _fetch(self, manifest: PlanManifest) -> bool:
        try:
            payload = await self._downloader.document(manifest.url, max_bytes=manifest.size_bytes)
            if self._desk.fetched_plan(manifest, payload):
                self._adopted()
        except DownloadError as error:
            if self._failed is None:
                log.warning("plan_not_fetched", code=error.code, reason=str(error))
            self._failed = error
            return False
        except (ProtocolError, AgentError) as error:
            self._desk.refuse(Plan.typ, error)
        if self._wanted == manifest:
            self._wanted = None
        self._failed = None
        return True
