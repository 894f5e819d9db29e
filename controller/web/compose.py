"""An announcement on its way from the form to the air: what each sending of the form may do, within one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from audio.profiles import Profile
from audio.signals import Signal
from audio.speech import VIETNAMESE
from controller.accounts.viewer import Viewer
from controller.announcements.making import Making
from controller.announcements.models import Announcement, Status
from controller.announcements.repository import AnnouncementRepository
from controller.announcements.schemas import AnnouncementEdit, AnnouncementIn, Second
from controller.announcements.service import Announcements
from controller.approval.service import Approvals
from controller.areas.policy import ApprovalAsked
from controller.areas.repository import AreaRepository
from controller.broadcasts.models import Schedule, TargetKind
from controller.broadcasts.schemas import ScheduleIn
from controller.broadcasts.service import Broadcasts
from controller.broadcasts.targets import checked
from controller.content.store import Stored
from controller.database import is_id, new_id
from controller.errors import Invalid
from controller.http.problems import invalid
from controller.planning.repository import PlanningRepository
from controller.playlists.models import Playlist
from controller.playlists.repository import PlaylistRepository
from controller.playlists.schemas import AnnouncementItemIn, ChimeIn, ItemIn, PlaylistIn, holds
from controller.playlists.service import Playlists
from controller.pronunciations.repository import PronunciationRepository
from controller.runtime import Runtime
from controller.text import Text, plain
from controller.web import gather
from controller.web.hearing import second_voice_choices, speed_choices, voice_choices
from controller.web.present import compose as form
from controller.web.present.compose import ComposeValues, ComposeView
from controller.web.present.portrait import Listen, change, portrait, unfit
from controller.web.templating import Page
from schedules.types import Resume

READ_TWICE_GAP_MS = 2000


async def as_read(session: AsyncSession, viewer: Viewer, values: ComposeValues) -> ComposeValues:
    """The form with how the viewer's place reads its words: once an entry is changed, the sound is made anew."""
    own = values.text if values.source == "text" else ""
    found: list[tuple[str, str]] = []
    for text, language in ((own, VIETNAMESE), (values.second_text, values.second_language)):
        if text.strip() and language:
            entries = await PronunciationRepository(session).holding(viewer.scope, language)
            met = {entry.written: entry.spoken for entry in entries if plain(entry.written) in plain(text)}
            found += sorted(met.items())
    return replace(values, readings=tuple(found))


@dataclass(frozen=True)
class Desk:
    """Where one viewer's form is worked on."""

    session: AsyncSession
    viewer: Viewer
    page: Page
    announcements: Announcements
    playlists: Playlists
    broadcasts: Broadcasts
    kept: Mapping[str, Stored]
    """The files that came with the form, by field."""
    progress: Callable[[str], Making | None]
    """How far the sound of a job is."""
    approvals: Approvals

    async def spoken(self, values: ComposeValues) -> Announcement | None:
        """The announcement that holds just these words, if the form has one already and it did not fail."""
        if not values.announcement or values.spoken != form.fingerprint(values):
            return None
        row = await self.announcements.repository.find(self.viewer, values.announcement)
        if row is None or row.status is Status.FAILED:
            return None
        sent = {"second_file": row.second_source} | ({"file": row.source} if values.source == "file" else {})
        same = all(self.kept[name].sha256 == source for name, source in sent.items() if name in self.kept)
        return row if same else None

    async def speak(self, values: ComposeValues, upload: UploadFile | None) -> Announcement:
        """Make an announcement of the words or the file; what the form had made before is put away."""
        await self._put_away(values)
        title = form.title_of(values, upload.filename or "" if upload else "")
        area, now = self.viewer.area_code, self.page.now
        if values.source == "file":
            source, name = await self._recording(values, upload)
            row = await self.announcements.upload(
                title=title or name,
                area_code=area,
                category=values.category,
                source=source,
                source_name=name,
                now=now,
                profile=Profile(values.profile),
                trim=form.trim_of(values),
            )
            return await self._also(row, values)
        given = {
            "title": title,
            "text": values.text,
            "area_code": area,
            "voice": values.voice or None,
            "speed_wpm": values.speed_wpm or None,
            "profile": values.profile,
            "category": values.category,
        }
        try:
            wish = AnnouncementIn.model_validate(given)
        except ValidationError as error:
            raise invalid(error.errors()) from error
        return await self._also(await self.announcements.type(wish, now), values)

    async def _recording(self, values: ComposeValues, upload: UploadFile | None) -> tuple[str, str]:
        """The sha256 and the name of the recording: what came now, else what the form had before."""
        if upload is not None and "file" in self.kept:
            return self.kept["file"].sha256, Path(upload.filename or "").name
        before = await self.announcements.repository.find(self.viewer, values.announcement)
        if before is None or before.source is None:
            raise Invalid.field("file", Text("Record something or choose a file."))
        return before.source, before.source_name

    async def named(self, values: ComposeValues, row: Announcement) -> Announcement:
        """The form's own announcement under the title and category that the form has by now."""
        title = values.title or row.title
        own = row.author == self.viewer.name and row.id != values.reused and row.retired_at is None
        if not own or (row.title, row.category) == (title, values.category):
            return row
        wish = AnnouncementEdit(title=title, category=values.category)
        return await self.announcements.edit(row, wish, self.page.now)

    async def _also(self, row: Announcement, values: ComposeValues) -> Announcement:
        """Let the other language follow, as a recording or as words."""
        language, now = values.second_language, self.page.now
        if language and "second_file" in self.kept:
            source = self.kept["second_file"].sha256
            return await self.announcements.say_also(row, language=language, source=source, source_name="", now=now)
        if not (language and values.second_text.strip()):
            return row
        try:
            voice = values.second_voice or None
            wish = AnnouncementEdit(second=Second(language=language, text=values.second_text, voice=voice))
        except ValidationError as error:
            raise invalid(error.errors()) from error
        return await self.announcements.edit(row, wish, now)

    async def _put_away(self, values: ComposeValues) -> None:
        if not values.announcement or values.announcement == values.reused:
            return
        old = await self.announcements.repository.find(self.viewer, values.announcement)
        if old is None or old.author != self.viewer.name or old.retired_at is not None:
            return
        spoken = await self.announcements.repository.spoken(old.id, self.page.now)
        if not spoken and not await self.playlists.repository.playing(old.id):
            await self.announcements.edit(old, AnnouncementEdit(retired=True), self.page.now)

    async def assembled(self, values: ComposeValues, announcement: Announcement) -> Playlist:
        """The playlist that airs this announcement as the form wishes: the form's own, else a new one."""
        row = await self.playlists.repository.find(self.viewer, values.playlist) if values.playlist else None
        items = _items(values, announcement.id)
        if row is not None and holds(row, items):
            return row
        wish = PlaylistIn(title=announcement.title, area_code=self.viewer.area_code, items=items)
        return await self.playlists.add(wish, self.page.now)

    async def view(self, values: ComposeValues, runtime: Runtime) -> ComposeView:
        """The form with these values in it."""
        return await compose_view(values, self.page, self.viewer, self.session, runtime)

    async def addressed(self, values: ComposeValues) -> frozenset[str]:
        """The speakers that the form's targets come to. Refuses what the viewer may not address."""
        issuer = await AreaRepository(self.session).get(self.viewer, self.viewer.area_code)
        keys: dict[TargetKind, set[str]] = {kind: set() for kind in TargetKind}
        for kind, key in await checked(self.session, self.viewer, values.targets.named(), issuer):
            keys[kind].add(key)
        return await PlanningRepository(self.session).reached(keys)

    async def chosen_playlist(self, values: ComposeValues) -> Playlist | None:
        """The playlist that was chosen, unless it is gone."""
        row = await self.playlists.repository.find(self.viewer, values.chosen_playlist)
        return row if row is not None and row.retired_at is None else None

    async def air(self, values: ComposeValues, playlist: Playlist, zone: str) -> Schedule:
        """Schedule it, once: a form that comes twice finds what the first one made.

        A playlist that was chosen may air many times, so that there the form's own token is the schedule's name.
        """
        by_token = values.source == "playlist"
        if by_token and not is_id(values.token):
            raise Invalid(Text("This page is old. Load it anew and send again."))
        same = Schedule.id == values.token if by_token else Schedule.playlist_id == playlist.id
        known = await self.broadcasts.repository.all(self.broadcasts.repository.readable(self.viewer).where(same))
        if known:
            return known[0]
        id_ = values.token if by_token else None
        made = await self.broadcasts.add(self.wish(values, playlist, zone), self.page.now, id_=id_)
        if await self.approval_asked() is not ApprovalAsked.NONE:
            await self.approvals.submit(made.id, None, self.page.now)
        return made

    async def approval_asked(self) -> ApprovalAsked:
        """Who must agree to what the viewer's area issues."""
        return (await AreaRepository(self.session).approvals([self.viewer.scope]))[self.viewer.scope]

    def wish(self, values: ComposeValues, playlist: Playlist, zone: str) -> ScheduleIn:
        """The schedule that the form asks for."""
        at = form.recurrence_of(values, self.page.now, zone) if values.when == "at" else None
        return ScheduleIn(
            title=values.title or playlist.title,
            playlist_id=playlist.id,
            area_code=self.viewer.area_code,
            targets=values.targets.named(),
            first_local=at.first_local if at else None,
            zone=zone,
            rrule=at.rrule if at else None,
            resume=Resume.REJOIN,
            commune_rank=form.rank_of(values),
        )


_ENDS = {Signal.OPENING: Signal.CLOSING, Signal.TEST_RISING: Signal.TEST_FALLING}
"""What a programme that begins with a chime ends with."""


def _items(values: ComposeValues, announcement_id: str) -> list[ItemIn]:
    opens = Signal(values.chime) if values.chime else None
    before: list[ItemIn] = [ChimeIn(kind="chime", chime=opens)] if opens is not None else []
    after: list[ItemIn] = [ChimeIn(kind="chime", chime=_ENDS[opens])] if opens in _ENDS else []
    gap_ms = READ_TWICE_GAP_MS if values.twice else 0
    reading = AnnouncementItemIn(
        kind="announcement", announcement_id=announcement_id, repeat=1 + values.twice, repeat_gap_ms=gap_ms
    )
    return [*before, reading, *after]


def listen_of(
    announcement: Announcement, page: Page, progress: Callable[[str], Making | None], *, fresh: bool = False
) -> Listen:
    """What can be heard of an announcement, or how far its making is."""
    ready = announcement.status is Status.READY and announcement.clip_sha256 is not None
    making = progress(announcement.job)
    t, formats = page.t, page.formats
    shown = (
        portrait(announcement.before, t("As it came"), formats),
        portrait(announcement.after, t("For the speakers"), formats),
    )
    return Listen(
        announcement=announcement.id,
        url=f"/content/{announcement.clip_sha256}" if ready else "",
        duration_s=(announcement.duration_ms or 0) / 1000,
        name=announcement.source_name,
        fresh=fresh,
        percent=making.percent if making else None,
        change=change(announcement.before, announcement.after, formats),
        unfit=unfit(announcement.after, t) if ready else "",
        portraits=tuple(each for each in shown if each is not None),
    )


def field_of(values: ComposeValues) -> str:
    """The field that a failing sound is about."""
    return {"file": "file", "playlist": "chosen_playlist"}.get(values.source, "text")


def blank(playlist: str = "") -> ComposeValues:
    """An empty form, perhaps about to air a playlist."""
    return ComposeValues(token=new_id(), source="playlist" if playlist else "text", chosen_playlist=playlist)


async def compose_view(
    values: ComposeValues, page: Page, viewer: Viewer, session: AsyncSession, runtime: Runtime
) -> ComposeView:
    """The form with these values in it, and with all that can be chosen."""
    t = page.t
    return ComposeView(
        values=values,
        picker=await gather.picker(session, viewer, values.targets),
        repeats=form.repeats(t),
        profiles=form.profiles(t),
        languages=form.languages(),
        chimes=form.chimes(t),
        voices=voice_choices(runtime, t),
        second_voices=second_voice_choices(runtime, t, form.languages()),
        speeds=speed_choices(t),
        playlists=await playlist_choices(PlaylistRepository(session), viewer, page, values.chosen_playlist),
        categories=form.categories(t, await AnnouncementRepository(session).categories(viewer)),
    )


PLAYLISTS_MAX = 200
"""So many of the newest can be chosen from."""


async def playlist_choices(
    playlists: PlaylistRepository, viewer: Viewer, page: Page, held: str = ""
) -> tuple[tuple[str, str], ...]:
    """The playlists that can air; `held` is in it in any case, if it is there."""
    found = list(await playlists.with_sound(viewer, PLAYLISTS_MAX))
    if held and held not in {id_ for id_, *_ in found} and (row := await playlists.find(viewer, held)) is not None:
        found.append((row.id, row.title, row.sound.duration_ms if row.sound else None))
    return tuple((id_, _with_length(title, length_ms, page)) for id_, title, length_ms in found)


def _with_length(title: str, length_ms: int | None, page: Page) -> str:
    return f"{title} · {page.formats.duration(length_ms / 1000)}" if length_ms else title
