"""What may happen to a playlist."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from audio.errors import ProgrammeTooLong
from audio.playlist import LONGEST_MS
from controller.accounts.viewer import Viewer
from controller.announcements.models import Announcement
from controller.announcements.repository import AnnouncementRepository
from controller.areas.service import Areas
from controller.database import new_id
from controller.errors import Conflict, FieldError, Forbidden, Invalid
from controller.events import PlaylistEdited, record_event
from controller.playlists.models import ItemKind, Playlist, PlaylistItem
from controller.playlists.repository import PlaylistRepository
from controller.playlists.schemas import (
    RELAYS_MAX_MS,
    AnnouncementItemIn,
    ChimeIn,
    ItemIn,
    PauseIn,
    PlaylistEdit,
    PlaylistIn,
    RelayIn,
)
from controller.playlists.sound import Sounds
from controller.text import Text


class Playlists:
    """Playlists within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer, *, wake_workshop: Callable[[], None]) -> None:
        self.repository = PlaylistRepository(session)
        self._session = session
        self._viewer = viewer
        self._areas = Areas(session, viewer)
        self._sounds = Sounds(session, wake_workshop=wake_workshop)

    async def add(self, wish: PlaylistIn, now: datetime, *, id_: str | None = None, shelved: bool = False) -> Playlist:
        """Make a playlist; its sound follows when its announcements have theirs.

        `shelved` puts it away from its birth: to be heard, and used by nobody.
        """
        area = await self._areas.place(wish.area_code)
        await self._check(wish.items)
        playlist = Playlist(
            id=id_ or new_id(),
            title=wish.title,
            area=area,
            area_code=area.code,
            author=self._viewer.name,
            created_at=now,
            retired_at=now if shelved else None,
            items=_items(wish.items),
            wanted=None,
            sound=None,
        )
        self.repository.add(playlist)
        await self._session.flush()
        await self._sounds.ask(playlist, now)
        await self._session.flush()
        return playlist

    async def edit(self, playlist: Playlist, wish: PlaylistEdit, now: datetime) -> Playlist:
        """Change title or items. Until the new sound is ready the old one airs."""
        if playlist.retired_at is not None and wish.retired is not False:
            raise Conflict(Text("This playlist was put away"))
        if wish.items is not None:
            await self._check(wish.items)
            if await self.repository.aired_beyond(self._viewer, playlist.id):
                raise Forbidden(Text("A wider area airs this playlist. Make a new one instead."))
        if wish.retired:
            await self._retire(playlist, now)
        elif wish.retired is False and playlist.retired_at is not None:
            playlist.retired_at = None
            await self._sounds.ask(playlist, now)
        playlist.title = wish.title or playlist.title
        if wish.items is not None:
            await self._put(playlist, wish.items, now)
            flag_modified(playlist, "title")  # items lie in another table: this is an edit all the same
        await self._session.flush()
        record_event(self._session, PlaylistEdited(playlist.id))
        return playlist

    async def rehearse(self, wish: PlaylistIn, now: datetime, earlier: Playlist | None) -> Playlist:
        """Put together what is only to be heard. An `earlier` rehearsal of the same person is used again."""
        born_shelved = earlier is not None and earlier.retired_at == earlier.created_at
        if earlier is None or not born_shelved or earlier.author != self._viewer.name:
            return await self.add(wish, now, shelved=True)
        await self._check(wish.items)
        await self._put(earlier, wish.items, now)
        return earlier

    async def _put(self, playlist: Playlist, items: Sequence[ItemIn], now: datetime) -> None:
        playlist.items.clear()
        await self._session.flush()
        playlist.items.extend(_items(items))
        await self._session.flush()
        await self._sounds.ask(playlist, now)

    async def _retire(self, playlist: Playlist, now: datetime) -> None:
        if await self.repository.airings([playlist.id], now):
            raise Conflict(Text("A schedule airs this playlist. Withdraw that first."))
        playlist.retired_at = now

    async def _check(self, items: Sequence[ItemIn]) -> None:
        """Refuse items that the viewer cannot see, each by its place; and a playlist without a sound."""
        if all(isinstance(item, PauseIn) for item in items):
            raise Invalid.field("items", Text("There is nothing to be heard"))
        if sum(item.duration_ms for item in items if isinstance(item, RelayIn)) > RELAYS_MAX_MS:
            raise Invalid.field(
                "items",
                Text("The relays are too long: 24 hours together are the most. Make several playlists of them."),
            )
        named = _named(items)
        seen = await AnnouncementRepository(self._session).some(self._viewer, set(named.values()))
        wrong = [
            FieldError(field, Text("There is no such announcement"))
            for field, id_ in named.items()
            if id_ not in seen or seen[id_].retired_at is not None
        ]
        wrong += [
            FieldError(f"items.{place}.bed_db", Text("There is no bed to be soft. Name it in bed_id."))
            for place, item in enumerate(items)
            if isinstance(item, AnnouncementItemIn) and item.bed_db is not None and item.bed_id is None
        ]
        if wrong:
            raise Invalid(errors=tuple(wrong))
        if _sounding_ms(items, seen) > LONGEST_MS:
            error = ProgrammeTooLong(limit_h=LONGEST_MS / 3600_000)
            raise Invalid.field("items", Text.both(error.message_vi, error.message_en))


def _sounding_ms(items: Sequence[ItemIn], seen: Mapping[str, Announcement]) -> int:
    """How long the pauses and the readings last whose length is known by now."""
    total_ms = 0
    for item in items:
        if isinstance(item, PauseIn):
            total_ms += item.pause_ms
        elif isinstance(item, AnnouncementItemIn):
            once_ms = seen[item.announcement_id].duration_ms or 0
            total_ms += item.repeat * once_ms + (item.repeat - 1) * item.repeat_gap_ms
    return total_ms


def _named(items: Sequence[ItemIn]) -> dict[str, str]:
    """The announcements that items name, by the field that names them."""
    named: dict[str, str] = {}
    for place, item in enumerate(items):
        if isinstance(item, AnnouncementItemIn | RelayIn) and item.announcement_id is not None:
            named[f"items.{place}.announcement_id"] = item.announcement_id
        if isinstance(item, AnnouncementItemIn) and item.bed_id is not None:
            named[f"items.{place}.bed_id"] = item.bed_id
    return named


def _items(wishes: Sequence[ItemIn]) -> list[PlaylistItem]:
    return [_item(position, wish) for position, wish in enumerate(wishes)]


def _item(position: int, wish: ItemIn) -> PlaylistItem:
    match wish:
        case ChimeIn():
            length_ms = round((wish.seconds or 0) * 1000)
            return PlaylistItem(position=position, kind=ItemKind.CHIME, chime=wish.chime.value, pause_ms=length_ms)
        case PauseIn():
            return PlaylistItem(position=position, kind=ItemKind.PAUSE, pause_ms=wish.pause_ms)
        case AnnouncementItemIn():
            return PlaylistItem(
                position=position,
                kind=ItemKind.ANNOUNCEMENT,
                announcement_id=wish.announcement_id,
                repeat=wish.repeat,
                pause_ms=wish.repeat_gap_ms,
                fade_in_ms=wish.fade_in_ms,
                fade_out_ms=wish.fade_out_ms,
                bed_id=wish.bed_id,
                bed_db=wish.bed_db,
            )
        case RelayIn():
            return PlaylistItem(
                position=position,
                kind=ItemKind.RELAY,
                announcement_id=wish.announcement_id,
                relay_url=wish.url,
                relay_title=wish.title,
                relay_ms=wish.duration_ms,
            )
