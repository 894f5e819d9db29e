"""How playlists come to their sound: each asks for what its items make, and takes it when it is there."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from controller.announcements.models import Status
from controller.database import Database, after_commit
from controller.events import PlaylistChanged, record_event
from controller.playlists.models import Assembly, Playlist
from controller.playlists.recipe import key, recipe
from controller.playlists.repository import SoundRepository


class Sounds:
    """The sounds of playlists within one transaction."""

    def __init__(self, session: AsyncSession, *, wake_workshop: Callable[[], None]) -> None:
        self._session = session
        self._repository = SoundRepository(session)
        self._wake_workshop = wake_workshop

    async def ask(self, playlist: Playlist, now: datetime) -> None:
        """Ask for the sound that the playlist's items make. What was made before is taken at once."""
        steps = recipe(playlist.items, await self._repository.announcements(playlist.items))
        if steps is None:
            playlist.wanted, playlist.wanted_key = None, None
            return
        wanted = key(steps)
        assembly = await self._repository.assembly(wanted)
        if assembly is None:
            assembly = Assembly(key=wanted, recipe=steps, status=Status.PROCESSING, stretches=[], created_at=now)
            self._repository.add(assembly)
        elif assembly.status is Status.FAILED:
            assembly.status = Status.PROCESSING
            assembly.error_code = assembly.error_vi = assembly.error_en = None
        playlist.wanted, playlist.wanted_key = assembly, wanted
        if assembly.status is Status.READY:
            self._take(playlist, assembly)
        else:
            after_commit(self._session, self._wake_workshop)

    async def announcement_ready(self, announcement_id: str, now: datetime) -> None:
        """An announcement has a new sound: whatever holds it asks anew."""
        for playlist in await self._repository.holding(announcement_id):
            await self.ask(playlist, now)

    async def assembled(self, assembly: Assembly) -> None:
        """A sound was made: whatever asked for it takes it."""
        for playlist in await self._repository.wanting(assembly.key):
            self._take(playlist, assembly)

    def _take(self, playlist: Playlist, assembly: Assembly) -> None:
        if playlist.sound_key != assembly.key:
            playlist.sound, playlist.sound_key = assembly, assembly.key
            record_event(self._session, PlaylistChanged(playlist.id))


async def forget_rehearsals(database: Database, made_before: datetime) -> int:
    """Remove what was only put together to be heard; return how many. Their sound goes with the other garbage."""
    async with database.transaction() as session:
        rows = await SoundRepository(session).rehearsals(made_before=made_before)
        for row in rows:
            await session.delete(row)
    return len(rows)
