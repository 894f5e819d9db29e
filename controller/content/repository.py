"""All SQL about clips: what is here, who may hear it, what nobody needs any more."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertRow
from controller.alerts.states import AlertState
from controller.announcements.models import Announcement
from controller.approval.models import Approval, ApprovedVersion
from controller.areas.models import Area
from controller.areas.tree import ancestors, within
from controller.broadcasts.models import Schedule
from controller.content.models import Clip
from controller.devices.models import Device, DeviceStatus
from controller.link.models import RetainedDocument
from controller.photos.models import DevicePhoto
from controller.planning.models import PlannedRow
from controller.playlists.models import Assembly, Playlist, PlaylistItem
from controller.standing.models import StandingMessage


class ClipRepository:
    """Clips belong to nobody: who may hear one is decided by what it is the sound of."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, sha256: str) -> Clip | None:
        """Return a clip."""
        return await self._session.get(Clip, sha256)

    def add(self, clip: Clip) -> None:
        """Add a clip to the transaction."""
        self._session.add(clip)

    async def audible(self, viewer: Viewer, sha256: str) -> bool:
        """Whether the clip is the sound of an announcement, a playlist or a schedule in the viewer's subtree.

        Or of a standing message that holds there, or of an alert that said one.
        """
        own = exists().where(
            Announcement.clip_sha256 == sha256, Announcement.area_code == Area.code, within(Area.path, viewer.scope)
        )
        inherited = exists().where(
            Announcement.clip_sha256 == sha256,
            StandingMessage.announcement_id == Announcement.id,
            StandingMessage.area_code == Area.code,
            Area.path.in_(ancestors(viewer.scope)),
        )
        alerted = exists().where(
            Announcement.clip_sha256 == sha256,
            or_(AlertRow.announcement_id == Announcement.id, AlertRow.all_clear_id == Announcement.id),
            AlertRow.area_code == Area.code,
            within(Area.path, viewer.scope),
        )
        if await self._session.scalar(select(or_(own, inherited, alerted))):
            return True
        sounds = await self._session.execute(
            select(Assembly.stretches, Assembly.relays)
            .join(Playlist, or_(Playlist.wanted_key == Assembly.key, Playlist.sound_key == Assembly.key))
            .join(Area, Area.code == Playlist.area_code)
            .where(within(Area.path, viewer.scope))
        )
        if any(sha256 in _clips(*sound) for sound in sounds):
            return True
        scheduled = await self._session.execute(
            select(Assembly.stretches, Assembly.relays)
            .join(Playlist, Playlist.sound_key == Assembly.key)
            .join(Schedule, Schedule.playlist_id == Playlist.id)
            .join(Area, Area.code == Schedule.area_code)
            .where(within(Area.path, viewer.scope))
        )
        return any(sha256 in _clips(*sound) for sound in scheduled)

    async def needed_by(self, device_id: str, sha256: str, now: datetime) -> bool:
        """Whether an active speaker's plan still asks for the clip, or is itself that content, or it is to be kept."""
        device = await self._session.get(Device, device_id)
        if device is None or device.status is not DeviceStatus.ACTIVE:
            return False
        manifest = exists().where(RetainedDocument.device_id == device_id, RetainedDocument.content_sha256 == sha256)
        standing = exists().where(_kept_by_speakers(), Announcement.clip_sha256 == sha256)
        if await self._session.scalar(select(or_(manifest, standing))):
            return True
        planned = await self._session.scalars(
            select(PlannedRow.clips).where(PlannedRow.device_id == device_id, PlannedRow.ends_at > now)
        )
        return any(sha256 in clips for clips in planned)

    async def unneeded(self, *, made_before: datetime, needed_after: datetime) -> Sequence[str]:
        """Return old clips that no announcement, playlist or plan refers to."""
        old = set(await self._session.scalars(select(Clip.sha256).where(Clip.created_at < made_before)))
        return sorted(old - await self.needed(needed_after))

    async def needed(self, needed_after: datetime) -> set[str]:
        """Return every hash that something refers to."""
        alerting = exists().where(
            or_(AlertRow.announcement_id == Announcement.id, AlertRow.all_clear_id == Announcement.id),
            or_(
                AlertRow.state == AlertState.DRAFT,
                AlertRow.expires_at > needed_after,
                AlertRow.all_clear_until > needed_after,
            ),
        )
        needed = set(
            await self._session.scalars(
                select(Announcement.clip_sha256).where(
                    Announcement.clip_sha256.is_not(None),
                    or_(Announcement.retired_at.is_(None), alerting, exists().where(_kept_by_speakers())),
                )
            )
        )
        # A recording that was put away can be taken back where it was ever on air, and nothing else can make it again.
        held = exists().where(
            or_(PlaylistItem.announcement_id == Announcement.id, PlaylistItem.bed_id == Announcement.id)
        )
        kept = or_(Announcement.retired_at.is_(None), held)
        for source in (Announcement.source, Announcement.second_source):
            needed |= set(await self._session.scalars(select(source).where(kept)))
        needed |= set(await self._session.scalars(select(RetainedDocument.content_sha256)))
        needed |= set(await self._session.scalars(select(DevicePhoto.sha256)))
        for sound in await self._session.execute(
            select(Assembly.stretches, Assembly.relays)
            .join(Playlist, or_(Playlist.wanted_key == Assembly.key, Playlist.sound_key == Assembly.key))
            .where(Playlist.retired_at.is_(None))
        ):
            needed |= _clips(*sound)
        for sound in await self._session.execute(
            select(Assembly.stretches, Assembly.relays)
            .join(ApprovedVersion, ApprovedVersion.sound_key == Assembly.key)
            .join(Approval, Approval.airing_id == ApprovedVersion.id)
            .join(Schedule, Schedule.id == Approval.schedule_id)
            .where(Schedule.active, or_(ApprovedVersion.over_at.is_(None), ApprovedVersion.over_at >= needed_after))
        ):
            needed |= _clips(*sound)
        for clips in await self._session.scalars(select(PlannedRow.clips).where(PlannedRow.ends_at > needed_after)):
            needed.update(clips)
        return {sha256 for sha256 in needed if sha256}

    async def forget(self, hashes: Collection[str]) -> None:
        """Remove clips, and the assemblies that are nothing without them."""
        gone = [
            key
            for key, *sound in await self._session.execute(select(Assembly.key, Assembly.stretches, Assembly.relays))
            if not _clips(*sound).isdisjoint(hashes)
        ]
        for column in (Playlist.wanted_key, Playlist.sound_key):
            await self._session.execute(update(Playlist).where(column.in_(gone)).values({column: None}))
        await self._session.execute(
            update(ApprovedVersion).where(ApprovedVersion.sound_key.in_(gone)).values(sound_key=None)
        )
        await self._session.execute(delete(Assembly).where(Assembly.key.in_(gone)))
        await self._session.execute(
            update(Announcement).where(Announcement.clip_sha256.in_(hashes)).values(clip_sha256=None)
        )
        await self._session.execute(delete(Clip).where(Clip.sha256.in_(hashes)))


def _kept_by_speakers() -> ColumnElement[bool]:
    """Whether an announcement is the sound of a standing message, or stands in for it until that is made."""
    return Announcement.id.in_((StandingMessage.announcement_id, StandingMessage.earlier_id))


def _clips(stretches: Sequence[Mapping[str, Any]], relays: Sequence[Mapping[str, Any]]) -> set[str]:
    """All that an assembled playlist may have to play: what stands in for a station too."""
    return {str(each["clip"]) for each in stretches} | {str(each["fallback"]) for each in relays if each["fallback"]}
