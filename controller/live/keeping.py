"""What keeps live sessions going, and what becomes of them when they end or the service does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import SYSTEM, Viewer
from controller.announcements.service import Announcements
from controller.announcements.workshop import workshop_of
from controller.background import kept_running
from controller.content.service import store_of
from controller.content.store import ContentStore
from controller.errors import ControllerError
from controller.link.mqtt import Link
from controller.live.desk import LiveDesk, Speaking, Wire
from controller.live.models import LiveSessionRow
from controller.live.repository import LiveRepository
from controller.live.service import LiveSessions, word_of
from controller.live.states import Ending
from controller.monitoring.hub import hub_of
from controller.runtime import Runtime

log = structlog.get_logger(__name__)

LEAST_BYTES: Final = 4096
"""A recording of less than about half a second: nobody spoke."""


def desk_of(runtime: Runtime, wire: Wire | None = None) -> LiveDesk:
    """Return the service's one desk; the first to ask names the wire."""
    if LiveDesk not in runtime.parts:

        async def closed(speaking: Speaking) -> None:
            await _written_down(runtime, speaking)

        runtime.parts[LiveDesk] = LiveDesk(
            wire=wire or _LinkOf(runtime),
            key=runtime.keys.signing,
            now=runtime.clock,
            folder=runtime.settings.data_dir / "live",
            silence=timedelta(seconds=runtime.settings.live_silence_s),
            of_one_area=runtime.settings.live_at_once,
            closed=closed,
        )
    desk: LiveDesk = runtime.parts[LiveDesk]
    return desk


def live_sessions_of(runtime: Runtime, session: AsyncSession, viewer: Viewer) -> LiveSessions:
    """Return live sessions as a viewer may have them within a transaction."""
    hub = hub_of(runtime)
    return LiveSessions(
        session,
        viewer,
        desk=desk_of(runtime),
        announcements=Announcements(session, viewer, hub=hub, wake_workshop=workshop_of(runtime).wake),
        hub=hub,
        limit=timedelta(seconds=runtime.settings.live_limit_s),
    )


@asynccontextmanager
async def speaking(runtime: Runtime) -> AsyncIterator[None]:
    """Run the desk. What another process left open is closed first; what is open at the end is closed then."""
    desk = desk_of(runtime)
    await _close_orphans(runtime, desk)
    try:
        async with kept_running(desk.run, "live"):
            yield
    finally:
        await desk.end_all(Ending.RESTARTED)


class _LinkOf:
    """The link, where one runs."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def say_now(self, topic: str, payload: bytes) -> bool:
        """Say it by the link that is there by now."""
        link = self._runtime.parts.get(Link)
        return await link.say_now(topic, payload) if isinstance(link, Link) else False


async def _written_down(runtime: Runtime, speaking: Speaking) -> None:
    why, at = speaking.ended or Ending.SPOKEN, speaking.ended_at or runtime.clock()
    try:
        await _file(runtime, speaking.id, desk_of(runtime).recording_of(speaking.id), why, at)
    except (ControllerError, OSError):
        # It is over for the speakers; the row stays open, and the next start of the service closes it.
        log.exception("live.not_written_down", session=speaking.id)


async def _close_orphans(runtime: Runtime, desk: LiveDesk) -> None:
    """Close what a process that was killed left open: its key is gone, so nobody can go on speaking."""
    async with runtime.database.reading() as session:
        rows = await LiveRepository(session).open()
        words = [(row.id, word_of(row, over=True), [target.name for target in row.targets]) for row in rows]
    for session_id, word, targets in words:
        desk.remember_over(word, targets)
        try:
            await _file(runtime, session_id, desk.recording_of(session_id), Ending.RESTARTED, runtime.clock())
        except (ControllerError, OSError):
            # A full disk must not keep the service from starting; the recording stays for the next start.
            log.exception("live.not_written_down", session=session_id)


async def _file(runtime: Runtime, session_id: str, recording: Path, why: Ending, at: datetime) -> None:
    sha256 = await asyncio.to_thread(_kept, store_of(runtime), recording)
    async with runtime.database.transaction() as session:
        row = await session.get(LiveSessionRow, session_id)
        if row is not None and row.ended_at is None:
            author = replace(SYSTEM, name=row.author)
            await live_sessions_of(runtime, session, author).close(row, why, sha256=sha256, now=at)
    await asyncio.to_thread(recording.unlink, missing_ok=True)


def _kept(store: ContentStore, recording: Path) -> str | None:
    """Put a recording into the store, if there is one in which somebody spoke."""
    try:
        worth_it = recording.stat().st_size >= LEAST_BYTES
    except FileNotFoundError:
        return None
    return store.put_file(recording).sha256 if worth_it else None
