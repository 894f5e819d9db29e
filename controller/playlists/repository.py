"""All SQL about playlists and their sound."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Exists, Select, Text, cast, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from controller.accounts.viewer import Viewer
from controller.announcements.models import Announcement, Status
from controller.approval.models import Approval, ApprovedVersion
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.coming import airs_again, still_active
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

    async def with_sound(self, viewer: Viewer, limit: int) -> Sequence[tuple[str, str, int | None]]:
        """The newest that can air: id, title and how long in milliseconds. Lists to choose from want no more."""
        asked = self.in_use(viewer).join(Playlist.sound).order_by(Playlist.id.desc()).limit(limit)
        columns = asked.with_only_columns(Playlist.id, Playlist.title, Assembly.duration_ms)
        return [(id_, title, length_ms) for id_, title, length_ms in await self.session.execute(columns)]

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

    async def airings(self, playlist_ids: Collection[str], now: datetime) -> dict[str, list[Schedule]]:
        """Whoever issues them: the schedules that will air each of these playlists again, newest first."""
        found: dict[str, list[Schedule]] = {}
        asked = select(Schedule).where(Schedule.playlist_id.in_(playlist_ids), still_active(now))
        for row in await self.session.scalars(asked.order_by(Schedule.id.desc())):
            if airs_again(row, now):
                found.setdefault(row.playlist_id, []).append(row)
        return found

    async def spoken_on_air(self, announcement_id: str, now: datetime) -> list[Schedule]:
        """The schedules with an approved version that will air the announcement again, newest first."""
        asked = (
            select(ApprovedVersion)
            .join(Approval, Approval.airing_id == ApprovedVersion.id)
            .join(Schedule, Schedule.id == ApprovedVersion.schedule_id)
            .where(still_active(now), cast(ApprovedVersion.content, Text).contains(announcement_id))
            .order_by(Schedule.id.desc())
        )
        return [each.schedule for each in await self.session.scalars(asked) if airs_again(each, now)]

    async def ever_aired(self, playlist_ids: Collection[str]) -> set[str]:
        """Which of these playlists some schedule airs, or aired."""
        asked = select(Schedule.playlist_id).where(Schedule.playlist_id.in_(playlist_ids)).distinct()
        return set(await self.session.scalars(asked))

    async def put_away_with(self, announcement_id: str, retired_at: datetime) -> Sequence[Playlist]:
        """The playlists that were put away together with the announcement that they hold."""
        held = select(PlaylistItem.playlist_id).where(_holds(announcement_id))
        asked = select(Playlist).where(Playlist.id.in_(held), Playlist.retired_at == retired_at)
        return (await self.session.scalars(asked.order_by(Playlist.id.desc()))).all()

    async def playing(self, announcement_id: str) -> bool:
        """Whether any playlist that is not put away holds the announcement."""
        held = (
            exists()
            .where(_holds(announcement_id))
            .where(Playlist.id == PlaylistItem.playlist_id, Playlist.retired_at.is_(None))
        )
        return bool(await self.session.scalar(select(held)))

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
