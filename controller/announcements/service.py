"""What may happen to an announcement."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from sqlalchemy.ext.asyncio import AsyncSession

from audio.profiles import Profile
from controller.accounts.viewer import Viewer
from controller.announcements.models import Announcement, Kind, Status
from controller.announcements.repository import AnnouncementRepository
from controller.announcements.schemas import AnnouncementEdit, AnnouncementIn, Second, Trim
from controller.announcements.uses import StillUsed, Uses, uses
from controller.areas.service import Areas
from controller.database import after_commit, new_id
from controller.errors import Conflict, Forbidden, Invalid, Thing
from controller.events import AnnouncementEdited, record_event
from controller.monitoring.hub import Hub, Topic
from controller.playlists.repository import PlaylistRepository, SoundRepository
from controller.playlists.sound import Sounds
from controller.text import Text


class SpokenByAlert(Conflict):
    """An alert says it: what two people agree on does not change between them."""

    code = "spoken_by_alert"
    title = Text(
        "An alert or a standing message says this. Discard or change it on the emergency page,"
        " or write a new announcement."
    )


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that says a text: in the content store, or at an address."""

    sha256: str | None = None
    url: str | None = None
    sha1: str | None = None
    """What is at the address, where that was told."""


class Announcements:
    """Announcements within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer, *, hub: Hub, wake_workshop: Callable[[], None]) -> None:
        self.repository = AnnouncementRepository(session)
        self._session = session
        self._viewer = viewer
        self._areas = Areas(session, viewer)
        self._hub = hub
        self._wake_workshop = wake_workshop

    async def type(self, wish: AnnouncementIn, now: datetime, recording: Recording | None = None) -> Announcement:
        """Make an announcement of typed text; its sound follows: a recording of it where there is one."""
        return await self._add(
            wish.area_code,
            now,
            title=wish.title,
            kind=Kind.TEXT,
            text=wish.text,
            language=wish.language,
            voice=wish.voice,
            speed_wpm=wish.speed_wpm,
            profile=wish.profile,
            category=wish.category,
            **_recorded(recording),
            **_second(wish.second),
        )

    async def upload(
        self,
        *,
        title: str,
        area_code: str,
        category: str,
        source: str,
        source_name: str,
        now: datetime,
        profile: Profile = Profile.HORN,
        trim: Trim | None = None,
        second: Second | None = None,
    ) -> Announcement:
        """Make an announcement of an uploaded file that lies in the content store."""
        return await self._add(
            area_code,
            now,
            title=title,
            kind=Kind.FILE,
            category=category,
            source=source,
            source_name=source_name[-255:],
            profile=profile,
            trim_from_ms=trim.from_ms if trim else 0,
            trim_to_ms=trim.to_ms if trim else None,
            **_second(second),
        )

    async def say_also(
        self, row: Announcement, *, language: str, source: str, source_name: str, now: datetime
    ) -> Announcement:
        """Let a recording in another language follow the first. Raises `SpokenByAlert`."""
        await self._demand_unspoken(row, now)
        self._check_kept(row)
        await self._demand_own_audience(row)
        _set(row, _second(None) | {"second_language": language, "second_source": source})
        row.second_source_name = source_name[-255:]
        return await self._changed(row, now, sounds_otherwise=True)

    async def edit(self, row: Announcement, wish: AnnouncementEdit, now: datetime) -> Announcement:
        """Change words; render anew where the sound changes. Until that is ready the old sound stays.

        Raises `SpokenByAlert`, and `StillUsed` where it is to be put away and will be heard again.
        """
        await self._demand_unspoken(row, now)
        if wish.retired is False and row.retired_at is not None:
            await self._take_back(row, now)
        self._check_kept(row)
        if wish.text is not None and row.kind is not Kind.TEXT:
            raise Invalid.field("text", Text("An uploaded announcement has no text"))
        row.title = wish.title or row.title
        row.category = row.category if wish.category is None else wish.category
        if wish.retired:
            await self._retire(row, now)
        said = _said(row)
        if wish.text is not None and wish.text != row.text:
            _set(row, _recorded(None))  # it says the old words
        row.text = wish.text or row.text
        row.voice = wish.voice or row.voice
        row.speed_wpm = wish.speed_wpm or row.speed_wpm
        row.profile = wish.profile or row.profile
        if "second" in wish.model_fields_set:
            _set(row, _second(wish.second))
        if _said(row) != said:
            await self._demand_own_audience(row)
        return await self._changed(row, now, sounds_otherwise=_said(row) != said)

    async def _changed(self, row: Announcement, now: datetime, *, sounds_otherwise: bool) -> Announcement:
        if sounds_otherwise:
            self._render(row)
        row.updated_at = now
        await self._session.flush()
        record_event(self._session, AnnouncementEdited(row.id))
        self._tell()
        return row

    @staticmethod
    def _check_kept(row: Announcement) -> None:
        if row.retired_at is not None:
            raise Conflict(Text("This announcement was put away"))

    async def _demand_unspoken(self, row: Announcement, now: datetime) -> None:
        """Refuse to change what an alert says. Held, so that no alert begins to say it before this commits."""
        await self.repository.hold(row.id)
        if await self.repository.spoken(row.id, now):
            refusal = SpokenByAlert()
            refusal.about = Thing("announcement", row.id, row.title, row.area.path)
            raise refusal

    async def _demand_own_audience(self, row: Announcement) -> None:
        """Refuse new words in the mouth of a wider area: who may speak to a commune does not speak to a province."""
        if await PlaylistRepository(self._session).played_beyond(self._viewer, row.id):
            raise Forbidden(Text("A wider area airs this announcement. Write a new one instead."))

    async def uses(self, row: Announcement, now: datetime) -> Uses:
        """Return what will be heard of it still, whoever issues that."""
        playlists = PlaylistRepository(self._session)
        holding = await SoundRepository(self._session).holding(row.id)
        ids = [each.id for each in holding]
        coming = await playlists.airings(ids, now)
        return uses(
            row,
            alerts=await self.repository.alerts(row.id, now),
            holding=holding,
            aired=await playlists.ever_aired(ids),
            to_come=[*chain.from_iterable(coming.values()), *await playlists.spoken_on_air(row.id, now)],
        )

    async def _take_back(self, row: Announcement, now: datetime) -> None:
        """The clip may have been swept meanwhile: then it is made again. What was put away with it comes along."""
        if row.retired_at is not None:
            sounds = Sounds(self._session, wake_workshop=self._wake_workshop)
            for playlist in await PlaylistRepository(self._session).put_away_with(row.id, row.retired_at):
                playlist.retired_at = None
                await sounds.ask(playlist, now)
        row.retired_at = None
        if row.status is not Status.READY or row.clip_sha256 is None:
            self._render(row)

    async def _retire(self, row: Announcement, now: datetime) -> None:
        """Put it away with what was only ever made to send it. Raises `StillUsed` where it will be heard again."""
        found = await self.uses(row, now)
        if found:
            raise StillUsed(found)
        row.retired_at = now
        for playlist in found.spent:
            playlist.retired_at = now

    async def _add(self, area_code: str, now: datetime, **values: object) -> Announcement:
        area = await self._areas.place(area_code)
        row = Announcement(
            id=new_id(),
            area=area,
            area_code=area.code,
            author=self._viewer.name,
            created_at=now,
            updated_at=now,
            **values,
        )
        self._render(row)
        self.repository.add(row)
        await self._session.flush()
        self._tell()
        return row

    def _render(self, row: Announcement) -> None:
        row.job, row.status = new_id(), Status.PROCESSING
        row.error_code = row.error_vi = row.error_en = None
        after_commit(self._session, self._wake_workshop)

    def _tell(self) -> None:
        after_commit(self._session, lambda: self._hub.publish(Topic.ANNOUNCEMENTS))


def _said(row: Announcement) -> tuple[object, ...]:
    """All that its sound depends on."""
    first = (row.text, row.voice, row.speed_wpm, row.profile)
    return (*first, row.second_language, row.second_text, row.second_voice, row.second_source)


def _second(wish: Second | None) -> dict[str, object]:
    """All columns of the other language: words take the place of a recording, and None that of both."""
    return {
        "second_language": wish.language if wish else None,
        "second_text": wish.text if wish else "",
        "second_voice": wish.voice if wish else None,
        "second_source": None,
        "second_source_name": "",
    }


def _recorded(recording: Recording | None) -> dict[str, object]:
    """All columns of a recording of the text, or none of one."""
    return {
        "source": recording.sha256 if recording else None,
        "recording_url": recording.url if recording else None,
        "recording_sha1": recording.sha1 if recording else None,
    }


def _set(row: Announcement, columns: dict[str, object]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
