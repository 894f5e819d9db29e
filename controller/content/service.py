"""What may happen to clips: kept, linked to, and in the end forgotten."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.content.links import RENEWABLE_FOR, ContentLinks, Link
from controller.content.models import Clip
from controller.content.repository import ClipRepository
from controller.content.store import ContentStore
from controller.database import Database
from controller.errors import Forbidden, NotFound, Unavailable
from controller.runtime import Runtime
from controller.text import Text
from schedules.plan import plan_window

log = structlog.get_logger(__name__)

KEPT_UNUSED = timedelta(days=2)
"""A clip that nothing refers to may be one that somebody is just listening to."""
LINK_OUTLIVES_PLAN = timedelta(days=1)


class LinkRefused(Forbidden):
    """The link is not one of ours, has ended, or is for something the speaker no longer needs."""

    code = "link_refused"
    title = Text("The link is no longer good. Open it again from the page that has it.")


class ClipLost(Unavailable):
    """The database knows the clip, the disk does not have it."""

    code = "clip_lost"
    title = Text("The sound file is missing on the server just now. Try again; if it stays away, tell the operator.")


def store_of(runtime: Runtime) -> ContentStore:
    """Return the service's one store."""
    if ContentStore not in runtime.parts:
        runtime.parts[ContentStore] = ContentStore(runtime.settings.content_dir)
    store: ContentStore = runtime.parts[ContentStore]
    return store


def links_of(runtime: Runtime) -> ContentLinks:
    """Return what makes and checks links."""
    return ContentLinks(runtime.keys.content, runtime.settings.base_url)


class Clips:
    """Clips within one transaction."""

    def __init__(self, session: AsyncSession, store: ContentStore) -> None:
        self.repository = ClipRepository(session)
        self._store = store

    async def note(
        self,
        *,
        sha256: str,
        size_bytes: int,
        duration_ms: int,
        media_type: str,
        now: datetime,
        loudness_lufs: float | None = None,
        true_peak_dbtp: float | None = None,
    ) -> Clip:
        """Note a clip whose bytes are in the store."""
        clip = await self.repository.find(sha256)
        if clip is None:
            clip = Clip(sha256=sha256, size_bytes=size_bytes, duration_ms=duration_ms, media_type=media_type)
            self.repository.add(clip)
        clip.loudness_lufs, clip.true_peak_dbtp, clip.created_at = loudness_lufs, true_peak_dbtp, now
        return clip

    async def file(self, sha256: str) -> tuple[Path, str]:
        """Return where a clip's bytes lie, and their media type."""
        clip = await self.repository.find(sha256)
        if clip is not None:
            if not self._store.has(sha256, clip.size_bytes):
                log.error("content.missing_on_disk", sha256=sha256)
                raise ClipLost
            return self._store.path(sha256), clip.media_type
        if self._store.has(sha256):  # a long plan, for which a signed link was made
            return self._store.path(sha256), "application/jwt"
        raise NotFound

    async def renewed(self, link: Link, links: ContentLinks, *, now: datetime, zone: str, days: int) -> str:
        """Return a fresh link for a genuine one, however it ended, if the speaker still needs the clip."""
        if not links.genuine(link) or not link.valid_at(now, grace=RENEWABLE_FOR):
            raise LinkRefused
        if not await self.repository.needed_by(link.device_id, link.sha256, now):
            raise LinkRefused
        expires_at = plan_window(now, zone, days).end + LINK_OUTLIVES_PLAN
        return links.url(link.sha256, device_id=link.device_id, expires_at=expires_at)


async def collect_garbage(database: Database, store: ContentStore, now: datetime) -> int:
    """Remove clips that nothing refers to; first from the database, so that a crash leaves only a file too many."""
    async with database.transaction() as session:
        repository = ClipRepository(session)
        unneeded = await repository.unneeded(made_before=now - KEPT_UNUSED, needed_after=now)
        await repository.forget(unneeded)
        known = await repository.needed(now)
    limit = (now - KEPT_UNUSED).timestamp()
    removed = await asyncio.to_thread(_sweep, store, known, limit)
    if removed:
        log.info("content.collected", files=removed)
    return removed


def _sweep(store: ContentStore, needed: set[str], limit_s: float) -> int:
    """Remove old files that are not needed. What was put meanwhile is young, and stays: its row is yet to come."""
    old = [sha256 for sha256 in store.hashes() if sha256 not in needed]
    return sum(store.remove_untouched(sha256, since_s=limit_s) for sha256 in old)
