"""All SQL about playlists and their sound."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Exists, Select, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from controller.accounts.viewer import Viewer
from controller.announcements.models import Announcement, Status
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import Schedule
from controller.playlists.models import Assembly, Playlist, PlaylistItem
from controller.repository import Repository


class PlaylistRepository(Repository[Playlist]):
    """Playlists of the viewer's subtree, newest first."""

    model = Playlist
    order = (Playlist.id,)
    descending = True
    searched = (Playlist.title,)

    def readable(self, viewer: Viewer) -> Select[Playlist]:
        """Playlists of areas in the viewer's subtree."""
        return select(Playlist).join(Playlist.area).where(within(Area.path, viewer.scope))

    def in_use(self, viewer: Viewer) -> Select[Playlist]:
        """Those not put away."""
        return self.readable(viewer).where(Playlist.retired_at.is_(None))

    async def holding(self, viewer: Viewer, announcement_ids: Collection[str]) -> dict[str, list[Playlist]]:
        """The playlists in use that hold each of these announcements, newest first."""
        rows = await self.all(
            self.in_use(viewer)
            .where(
                Playlist.id.in_(
                    select(PlaylistItem.playlist_id).where(
                        or_(
                            PlaylistItem.announcement_id.in_(announcement_ids),
                            PlaylistItem.bed_id.in_(announcement_ids),
                        )
                    )
                )
            )
            .order_by(Playlist.id.desc())
        )
        found: dict[str, list[Playlist]] = {id_: [] for id_ in announcement_ids}
        for row in rows:
            for id_ in found.keys() & {id_ for item in row.items for id_ in (item.announcement_id, item.bed_id)}:
                found[id_].append(row)
        return found

    async def airings(self, playlist_ids: Collection[str]) -> dict[str, int]:
        """How many active schedules air each of these playlists."""
        found = await self.session.execute(
            select(Schedule.playlist_id, func.count())
            .where(Schedule.playlist_id.in_(playlist_ids), Schedule.active)
            .group_by(Schedule.playlist_id)
        )
        return dict(found.tuples().all())

    async def playing(self, announcement_id: str) -> bool:
        """Whether any playlist that is not put away holds the announcement."""
        held = (
            exists()
            .where(_holds(announcement_id))
            .where(Playlist.id == PlaylistItem.playlist_id, Playlist.retired_at.is_(None))
        )
        return bool(await self.session.scalar(select(held)))

    async def aired(self, playlist_id: str) -> bool:
        """Whether any active schedule airs the playlist."""
        used = exists().where(Schedule.playlist_id == playlist_id, Schedule.active)
        return bool(await self.session.scalar(select(used)))

    async def aired_beyond(self, viewer: Viewer, playlist_id: str) -> bool:
        """Whether somebody airs the playlist who has more to say than the viewer."""
        return bool(
            await self.session.scalar(select(_aired_outside(viewer).where(Schedule.playlist_id == playlist_id)))
        )

    async def played_beyond(self, viewer: Viewer, announcement_id: str) -> bool:
        """Whether a playlist holds the announcement that is not the viewer's, or is aired by somebody above."""
        held = (
            exists()
            .where(_holds(announcement_id))
            .where(Playlist.id == PlaylistItem.playlist_id, Playlist.retired_at.is_(None))
            .where(Area.code == Playlist.area_code)
            .where(
                ~within(Area.path, viewer.scope)
                | _aired_outside(viewer).where(Schedule.playlist_id == Playlist.id).correlate(Playlist)
            )
        )
        return bool(await self.session.scalar(select(held)))


def _holds(announcement_id: str) -> ColumnElement[bool]:
    """Whether an item is of the announcement, lies over it, or falls back to it."""
    return or_(PlaylistItem.announcement_id == announcement_id, PlaylistItem.bed_id == announcement_id)


def _aired_outside(viewer: Viewer) -> Exists:
    """Whether an active schedule is issued outside the viewer's area."""
    issuer = aliased(Area)
    return exists().where(Schedule.active, issuer.code == Schedule.area_code, ~within(issuer.path, viewer.scope))


class SoundRepository:
    """Playlists and assemblies as their making touches them: nobody's view."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def holding(self, announcement_id: str) -> Sequence[Playlist]:
        """Return the playlists in use that hold an announcement."""
        return (
            await self._session.scalars(
                select(Playlist).where(
                    Playlist.retired_at.is_(None),
                    Playlist.id.in_(select(PlaylistItem.playlist_id).where(_holds(announcement_id))),
                )
            )
        ).all()

    async def wanting(self, key: str) -> Sequence[Playlist]:
        """Return the playlists that ask for a sound."""
        return (await self._session.scalars(select(Playlist).where(Playlist.wanted_key == key))).all()

    async def rehearsals(self, *, made_before: datetime) -> Sequence[Playlist]:
        """Return old playlists that were only ever heard: put away from their birth, and aired by nobody."""
        aired = exists().where(Schedule.playlist_id == Playlist.id)
        return (
            await self._session.scalars(
                select(Playlist).where(
                    Playlist.retired_at == Playlist.created_at, Playlist.created_at < made_before, ~aired
                )
            )
        ).all()

    async def announcements(self, items: Collection[PlaylistItem]) -> dict[str, Announcement]:
        """Return the announcements that these items need, by id."""
        ids = {id_ for item in items for id_ in (item.announcement_id, item.bed_id) if id_}
        found = await self._session.scalars(select(Announcement).where(Announcement.id.in_(ids)))
        return {row.id: row for row in found}

    async def assembly(self, key: str) -> Assembly | None:
        """Return a sound."""
        return await self._session.get(Assembly, key)

    def add(self, assembly: Assembly) -> None:
        """Add a sound to be made."""
        self._session.add(assembly)

    async def waiting(self, busy: Collection[str], limit: int) -> Sequence[Assembly]:
        """Return sounds to be made that nobody works on and that somebody still asks for."""
        wanted = exists().where(or_(Playlist.wanted_key == Assembly.key))
        return (
            await self._session.scalars(
                select(Assembly)
                .where(Assembly.status == Status.PROCESSING, Assembly.key.not_in(busy), wanted)
                .order_by(Assembly.created_at, Assembly.key)
                .limit(limit)
            )
        ).all()
