"""Keeps fetching what the plan needs, the soonest first, for as long as it takes."""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import structlog

from device_agent.backoff import delay_s
from device_agent.cache import ClipCache, disk_error
from device_agent.download import Downloader
from device_agent.errors import CacheFull, DiskFull, DownloadError, UrlExpired
from device_agent.programme import clips_of
from protocol.messages import ClipRef, Plan, Problem

log = structlog.get_logger(__name__)

CONCURRENT = 2
INLINE_S = 4.0
"""How long a small sound that travels over the broker is waited for before it is fetched …"""
SPREAD_S = 4.0
"""… and over how long a commune's speakers spread their fetching then."""
RESCAN_S = 10.0
"""How soon a file that vanished from the cache is noticed."""


def by_need(plan: Plan, now: datetime) -> tuple[ClipRef, ...]:
    """The plan's clips in the order in which they must sound; what is over comes last."""
    refs = {clip.sha256: clip for clip in plan.clips}
    over = {
        occurrence.id
        for occurrence in plan.occurrences
        if _ends_ms(occurrence.starts_at, now) < -occurrence.duration_ms
    }
    order = sorted(
        plan.occurrences, key=lambda occurrence: (occurrence.id in over, occurrence.starts_at, occurrence.id)
    )
    wanted = dict.fromkeys(clip for occurrence in order for clip in clips_of(occurrence))
    return tuple(refs[sha256] for sha256 in wanted if sha256 in refs)


def _ends_ms(starts_at: datetime, now: datetime) -> float:
    return (starts_at - now).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class _Failure:
    attempts: int
    retry_at: float
    error: DownloadError


class Fetcher:
    """Brings the cache to what the plan needs."""

    def __init__(
        self,
        cache: ClipCache,
        downloader: Downloader,
        *,
        changed: Callable[[], None],
        wait_s: Callable[[int], float] = lambda attempt: delay_s(attempt, base_s=1, cap_s=60, draw=random.random()),  # noqa: S311 — jitter
    ) -> None:
        self._cache = cache
        self._downloader = downloader
        self._changed = changed
        self._wait_s = wait_s
        self._wanted: dict[str, ClipRef] = {}
        self._urls: dict[str, str] = {}
        self._busy: set[str] = set()
        self._failures: dict[str, _Failure] = {}
        self._not_before: dict[str, float] = {}
        self._wake = asyncio.Event()

    def want(self, clips: Sequence[ClipRef], *, inline: Collection[str] = ()) -> None:
        """Replace what is needed, in order of need. `inline`: what should come by itself is fetched a little later."""
        begun = asyncio.get_running_loop().time()
        self._not_before = {
            name: self._not_before.get(name, begun + INLINE_S + random.uniform(0, SPREAD_S))  # noqa: S311 — jitter
            for name in inline
        }
        renamed = {clip.sha256 for clip in clips if self._wanted.get(clip.sha256) != clip}
        self._wanted = {clip.sha256: clip for clip in clips}
        self._urls = {name: url for name, url in self._urls.items() if name in self._wanted and name not in renamed}
        self._failures = {
            name: failure for name, failure in self._failures.items() if name in self._wanted and name not in renamed
        }
        self._cache.touch(self._wanted)
        self._wake.set()

    async def take(self, sha256: str, content: bytes) -> None:
        """Keep the content of a clip that is needed and did not have to be fetched. Raises a `DownloadError`."""
        clip = self._wanted.get(sha256)
        if clip is None or self._cache.path(sha256) is not None or sha256 in self._busy:
            return
        self._busy.add(sha256)
        try:
            await self._cache.put(clip, content, self._wanted)
        finally:
            self._busy.discard(sha256)
        self._failures.pop(sha256, None)
        self._changed()

    def retry_now(self) -> None:
        """The network is back: do not sit out the waits."""
        self._failures.clear()
        self._wake.set()

    def missing(self) -> tuple[str, ...]:
        """Clips that are needed and not here, in order of need."""
        return tuple(name for name in self._wanted if self._cache.path(name) is None)

    def problems(self) -> tuple[Problem, ...]:
        """Why clips do not arrive, one entry a kind."""
        found: dict[str, Problem] = {}
        for failure in self._failures.values():
            error = failure.error
            code = error.code if isinstance(error, DiskFull | CacheFull) else DownloadError.code
            found.setdefault(code, Problem(code=code, text=str(error)[:300]))
        return tuple(found.values())

    async def run(self) -> NoReturn:
        """Fetch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(CONCURRENT):
                group.create_task(self._work(), name=f"fetch-{number}")
        raise AssertionError("a worker never returns")

    async def _work(self) -> NoReturn:
        while True:
            self._wake.clear()
            clip = self._next()
            if clip is None:
                await self._pause()
                continue
            self._busy.add(clip.sha256)
            try:
                await self._obtain(clip)
            finally:
                self._busy.discard(clip.sha256)
            self._changed()

    def _next(self) -> ClipRef | None:
        now = asyncio.get_running_loop().time()
        for name, clip in self._wanted.items():
            due = name not in self._failures or self._failures[name].retry_at <= now
            due &= self._not_before.get(name, now) <= now
            if due and name not in self._busy and self._cache.path(name) is None:
                return clip
        return None

    async def _pause(self) -> None:
        loop = asyncio.get_running_loop()
        retries = [failure.retry_at for name, failure in self._failures.items() if name not in self._busy]
        retries += [at for name, at in self._not_before.items() if at > loop.time() and self._cache.path(name) is None]
        timeout = max(0.01, min([RESCAN_S, *(retry_at - loop.time() for retry_at in retries)]))
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _obtain(self, clip: ClipRef) -> None:
        name = clip.sha256
        try:
            if not await self._cache.recognise(clip):
                await self._fetch(clip)
        except (DownloadError, OSError) as raised:
            error = disk_error(raised) if isinstance(raised, OSError) else raised
            attempts = self._failures[name].attempts + 1 if name in self._failures else 1
            retry_at = asyncio.get_running_loop().time() + self._wait_s(attempts)
            self._failures[name] = _Failure(attempts, retry_at, error)
            if attempts == 1:
                log.warning("download_failing", clip=name, code=error.code, reason=str(error))
        else:
            if self._failures.pop(name, None):
                log.info("download_recovered", clip=name)

    async def _fetch(self, clip: ClipRef) -> None:
        name = clip.sha256
        self._cache.make_room(clip, self._wanted)
        url = self._urls.get(name, clip.url)
        try:
            await self._downloader.clip(clip, self._cache, url)
        except UrlExpired:
            self._urls[name] = await self._downloader.renew(name, url)
            await self._downloader.clip(clip, self._cache, self._urls[name])
        log.info("clip_fetched", clip=name, size_bytes=clip.size_bytes)
