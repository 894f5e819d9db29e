"""The form *type → listen → choose speakers → now or at a time → send*.

Sound is made in the background, so a form that was sent comes back by itself until it is ready. What it has reached by
then travels in its hidden fields: neither a restart of the server nor a browser without scripts loses anything.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from audio.speech import MAX_CHARS
from controller.accounts.access import ANNOUNCES, ViewerDep
from controller.announcements.api import AnnouncementsDep
from controller.announcements.models import Announcement, Status
from controller.announcements.uploads import Kept, KeptDep
from controller.announcements.workshop import workshop_of
from controller.approval.api import ApprovalsDep
from controller.areas.policy import ApprovalAsked
from controller.broadcasts.api import BroadcastsDep
from controller.broadcasts.models import Schedule
from controller.errors import ControllerError, Invalid
from controller.http.problems import invalid
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.playlists.api import PlaylistsDep
from controller.playlists.models import Assembly, Playlist
from controller.pronunciations.api import PronunciationsDep
from controller.pronunciations.schemas import PronunciationIn
from controller.runtime import Runtime, runtime_of
from controller.web import gather
from controller.web.compose import Desk, as_read, blank, field_of, listen_of
from controller.web.hearing import hear
from controller.web.pages.common import FieldsDep, page_for, words_by_field
from controller.web.present import compose as form
from controller.web.present.collisions import CollisionChoice
from controller.web.present.compose import ComposeValues, ComposeView, WordView
from controller.web.present.reading import reading_s
from controller.web.present.targets import Choice
from controller.web.preview import Preview, draft
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)


async def desk_of(
    *,
    request: Request,
    kept: KeptDep,
    session: SessionDep,
    viewer: ViewerDep,
    announcements: AnnouncementsDep,
    playlists: PlaylistsDep,
    broadcasts: BroadcastsDep,
    approvals: ApprovalsDep,
    runtime: RuntimeDep,
    now: NowDep,
) -> Desk:
    """The form's desk, as the one who asks may work at it."""
    page = await page_for(request, session, viewer, now)
    return Desk(
        session, viewer, page, announcements, playlists, broadcasts, kept, workshop_of(runtime).progress, approvals
    )


DeskDep = Annotated[Desk, Depends(desk_of)]


@router.post("/announce/length", dependencies=[Kept, ANNOUNCES])
async def length(request: Request, fields: FieldsDep, _viewer: ViewerDep) -> Response:
    """How long the words take, while they are typed."""
    text = str(fields.get("text", "")).replace("\r\n", "\n").strip()
    return Page.of(request).html("partials/length.html", reading_s=reading_s(text[:MAX_CHARS]), chars=len(text))


@router.post("/announce/hear", dependencies=[Kept, ANNOUNCES])
async def hear_draft(fields: FieldsDep, desk: DeskDep, runtime: RuntimeDep) -> Response:
    """Hear the words at once, before they are anything."""
    values, _ = _read(fields)
    heard = await hear(
        desk.session,
        desk.viewer,
        desk.page,
        runtime,
        text=values.text,
        voice=values.voice,
        speed_wpm=values.speed_wpm,
    )
    return desk.page.html("partials/heard.html", status=422 if heard.error else 200, heard=heard)


@router.post("/announce/word", dependencies=[Kept, ANNOUNCES])
async def put_right(fields: FieldsDep, desk: DeskDep, entries: PronunciationsDep) -> Response:
    """Say how a word is read, from within the form: it holds for the viewer's area from now on."""
    page = desk.page
    written, spoken = str(fields.get("written", "")), str(fields.get("spoken_as", ""))
    try:
        await entries.put(PronunciationIn.model_validate({"written": written, "spoken": spoken}), page.now)
    except (ControllerError, ValidationError) as refusal:
        problem = invalid(refusal.errors()) if isinstance(refusal, ValidationError) else refusal
        said = problem.errors[0].message if problem.errors else problem.detail
        view = WordView(written, spoken, error=said.in_language(page.t.language.code))
        return page.html("partials/word_right.html", status=422, word=view)
    return page.html("partials/word_right.html", word=WordView(kept=written.strip()))


@router.post("/announce/listen", dependencies=[Kept, ANNOUNCES])
async def listen(fields: FieldsDep, desk: DeskDep) -> Response:
    """Make the sound of what was typed or chosen, to be heard here first."""
    values, upload = _read(fields)
    values = await as_read(desk.session, desk.viewer, values)
    errors = form.sound_errors(values, desk.page.t, sent=_sent(desk, upload))
    if not errors:
        try:
            announcement = await _announcement(desk, values, upload)
            values = _holding(values, announcement)
            return await _listening(desk, values, announcement)
        except Invalid as refusal:
            errors = _words(refusal, desk.page, field_of(values))
    if desk.page.partial:
        view = ComposeView(values=values)
        return desk.page.html("partials/listen.html", status=422, compose=view, listen_errors=tuple(errors.values()))
    return await _answer(desk, ComeBack(values, errors=errors))


@router.get("/announce/sound/{announcement_id}", dependencies=[ANNOUNCES])
async def sound(
    announcement_id: str, desk: DeskDep, spoken: Annotated[str, Query(pattern="^[0-9a-f]{16}$")]
) -> Response:
    """Whether the sound is there by now."""
    announcement = await desk.announcements.repository.get(desk.viewer, announcement_id)
    values = ComposeValues(token="", announcement=announcement.id, spoken=spoken)
    return await _listening(desk, values, announcement)


async def _listening(desk: Desk, values: ComposeValues, announcement: Announcement) -> Response:
    if not desk.page.partial:
        return await _answer(desk, ComeBack(values, announcement=announcement))
    view = ComposeView(values=values, listen=listen_of(announcement, desk.page, desk.progress, fresh=True))
    if announcement.status is not Status.FAILED:
        return desk.page.html("partials/listen.html", compose=view)
    failure = _failure(announcement, desk.page)
    return desk.page.html("partials/listen.html", compose=replace(view, listen=None), listen_errors=(failure,))


@dataclass
class ComeBack(Exception):
    """The form is not through yet: it is shown again with this."""

    values: ComposeValues
    errors: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    choices: tuple[CollisionChoice, ...] = ()
    settled: bool = False
    announcement: Announcement | None = None
    pending: bool = False


@router.post("/announce", dependencies=[Kept, ANNOUNCES])
async def announce(fields: FieldsDep, desk: DeskDep, runtime: RuntimeDep) -> Response:
    """Send it, or come back with what is wrong, what should be known first, or what it still waits for."""
    values, upload = _read(fields)
    roll = await gather.Roll.of(desk.session, desk.viewer)
    places = await gather.places(desk.session, desk.viewer, roll)
    values = replace(values, targets=values.targets.pruned(places))
    choice = str(fields.get("choose", ""))
    values = form.chosen(values, choice, desk.page.formats.local(desk.page.now).date())
    values = await as_read(desk.session, desk.viewer, values)
    try:
        schedule = await _send(desk, runtime, values, upload, choice=choice)
    except ComeBack as back:
        return await _answer(desk, back)
    except Invalid as refusal:
        return await _answer(desk, ComeBack(values, errors=_words(refusal, desk.page, "")))
    if not desk.page.partial:
        return RedirectResponse(f"/?sent={schedule.id}#compose", 303)
    t = desk.page.t
    view = replace(
        await desk.view(blank(), runtime),
        sent=form.sent_text(t, schedule.title, await desk.approval_asked()),
    )
    return desk.page.html("partials/compose.html", compose=view, settings=runtime.settings)


async def _send(
    desk: Desk, runtime: Runtime, values: ComposeValues, upload: UploadFile | None, *, choice: str
) -> Schedule:
    """Go as far as the form can go now: to the schedule, or raise `ComeBack`."""
    page, zone = desk.page, str(desk.page.formats.zone)
    errors = form.sound_errors(values, page.t, sent=_sent(desk, upload))
    errors |= form.air_errors(values, page.t, now=page.now, zone=zone)
    try:
        addressed = await desk.addressed(values)
    except Invalid as refusal:
        errors |= _words(refusal, page, "")
    if values.when != "at" and await desk.approval_asked() is not ApprovalAsked.NONE:
        errors[""] = page.t("Here somebody has to approve first. Choose a time that leaves them enough of it.")
    if errors:
        raise ComeBack(values, errors=errors, announcement=await desk.spoken(values))
    announcement: Announcement | None = None
    if values.source == "playlist":
        playlist = await desk.chosen_playlist(values)
        if playlist is None:
            raise ComeBack(values, errors={"chosen_playlist": page.t("This playlist is gone. Please choose another.")})
    else:
        announcement = await _announcement(desk, values, upload)
        values = _holding(values, announcement)
        if announcement.status is Status.FAILED:
            raise ComeBack(values, errors={field_of(values): _failure(announcement, page)})
        playlist = await desk.assembled(values, announcement)
        values = replace(values, playlist=playlist.id)
    wanted = playlist.wanted
    if wanted is not None and wanted.status is Status.FAILED:
        raise ComeBack(values, errors={field_of(values): _failure(wanted, page)})
    if wanted is None or wanted.status is not Status.READY:
        raise ComeBack(values, announcement=announcement, pending=True)
    warnings = await _warnings(desk, runtime, values, addressed, playlist)
    mark = form.warnings_mark(warnings)
    if choice or (warnings and values.accepted != mark):
        raise ComeBack(
            replace(values, accepted=mark),
            warnings=warnings,
            choices=await _choices(desk, runtime, values, playlist) if warnings else (),
            settled=not warnings,
            announcement=announcement,
        )
    return await desk.air(values, playlist, zone)


async def _announcement(desk: Desk, values: ComposeValues, upload: UploadFile | None) -> Announcement:
    made = await desk.spoken(values)
    return await desk.named(values, made) if made is not None else await desk.speak(values, upload)


def _sent(desk: Desk, upload: UploadFile | None) -> frozenset[str]:
    """Which recordings came with the form."""
    return frozenset(name for name in desk.kept if name != "file" or upload is not None)


async def _warnings(
    desk: Desk, runtime: Runtime, values: ComposeValues, addressed: frozenset[str], playlist: Playlist
) -> list[str]:
    zone, soon = str(desk.page.formats.zone), desk.page.now + timedelta(seconds=runtime.settings.lead_s)
    drafted = draft(
        values.title or playlist.title,
        form.recurrence_of(values, soon, zone),
        playlist.sound.duration_ms or 0 if playlist.sound else 0,
        desk.viewer.depth,
    )
    wish = replace(drafted, commune_rank=form.rank_of(values))
    roll = await gather.Roll.of(desk.session, desk.viewer)
    preview = Preview(desk.session, desk.viewer, runtime.settings, desk.page.formats, desk.page.now)
    return await preview.warnings(roll, addressed, wish, at_once=values.when == "now")


async def _choices(
    desk: Desk, runtime: Runtime, values: ComposeValues, playlist: Playlist
) -> tuple[CollisionChoice, ...]:
    """What the form of a schedule would offer, too."""
    now, formats = desk.page.now, desk.page.formats
    drafted = await desk.broadcasts.draft(desk.wish(values, playlist, str(formats.zone)), now)
    ahead = await desk.broadcasts.look_ahead(drafted, now, days=runtime.settings.plan_days)
    rank = form.rank_of(values)
    return await gather.choices(desk.session, desk.viewer, formats, ahead, mine=drafted.id, rank=rank)


async def _answer(desk: Desk, back: ComeBack) -> Response:
    """The form again, with all that was typed; as a part, or as a page of its own without scripts."""
    runtime = runtime_of(desk.page.request)
    view = replace(
        await desk.view(back.values, runtime),
        errors=back.errors,
        warnings=back.warnings,
        choices=back.choices,
        settled=back.settled,
        listen=listen_of(back.announcement, desk.page, desk.progress) if back.announcement is not None else None,
        reading_s=reading_s(back.values.text) if back.values.text else None,
        pending=back.pending,
    )
    status = 422 if back.errors else 200
    if desk.page.partial:
        return desk.page.html("partials/compose.html", status=status, compose=view, settings=runtime.settings)
    return desk.page.html(
        "announce.html", status=status, compose=view, settings=runtime.settings, viewer_name=desk.viewer.name
    )


def _read(fields: FormData) -> tuple[ComposeValues, UploadFile | None]:
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    values = form.values_of(texts, replace(Choice.read(fields), polygon=""))
    file = fields.get("file")
    chosen_file = isinstance(file, UploadFile) and bool(file.size) and values.source == "file"
    return values, file if chosen_file and isinstance(file, UploadFile) else None


def _holding(values: ComposeValues, announcement: Announcement) -> ComposeValues:
    return replace(values, announcement=announcement.id, spoken=form.fingerprint(values))


def _failure(made: Announcement | Assembly, page: Page) -> str:
    said = made.error_en if page.t.language == "en" else made.error_vi
    return said or page.t("The sound could not be made.")


def _words(refusal: Invalid, page: Page, otherwise: str) -> dict[str, str]:
    """A service's refusal on the form's own fields; what belongs to none stands above them all."""
    fields = {"title": "title", "text": "text", "file": "file", "targets": "targets", "first_local": "time"}
    return words_by_field(refusal, page, lambda path: fields.get(path.split(".")[0], ""), otherwise)
