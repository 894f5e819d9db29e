"""Playlists: a list, and a form to put one together, hear it before it is kept, and keep it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ANNOUNCES, READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.announcements.api import AnnouncementsDep
from controller.announcements.models import Announcement, Status
from controller.announcements.service import Announcements
from controller.database import is_id, new_id
from controller.errors import ControllerError
from controller.http.route import NowDep, SessionDep
from controller.playlists.api import PlaylistsDep
from controller.playlists.models import Playlist
from controller.playlists.schemas import ItemOut, PlaylistEdit, PlaylistIn, PlaylistOut, holds
from controller.playlists.service import Playlists
from controller.repository import Page as Found
from controller.repository import PageRequest
from controller.web.pages.common import FieldsDep, page_for, to_kept, words_by_field
from controller.web.present import playlist as form
from controller.web.present.playlist import PlaylistRow, PlaylistValues, PlaylistView, Rehearsal
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/playlists"
ROWS = 50
CHOICES = 100
"""So many of the newest announcements can be chosen from, besides those that the form holds already."""


@dataclass(frozen=True)
class Desk:
    """Where one viewer works on playlists, within one transaction."""

    page: Page
    viewer: Viewer
    playlists: Playlists
    announcements: Announcements

    async def get(self, playlist_id: str) -> Playlist:
        """The playlist, or `NotFound`."""
        return await self.playlists.repository.get(self.viewer, playlist_id)

    async def find(self, playlist_id: str) -> Playlist | None:
        """The playlist, if the viewer may see one of this name."""
        return await self.playlists.repository.find(self.viewer, playlist_id)

    def wished(self, values: PlaylistValues) -> PlaylistIn:
        """What the form asks for, where it asks for what there can be."""
        return PlaylistIn.model_validate({"area_code": self.viewer.area_code, **form.wish(values)})


async def _desk(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    playlists: PlaylistsDep,
    announcements: AnnouncementsDep,
    now: NowDep,
) -> Desk:
    return Desk(await page_for(request, session, viewer, now), viewer, playlists, announcements)


DeskDep = Annotated[Desk, Depends(_desk)]


@router.get(HERE, dependencies=[READS])
async def every(
    desk: DeskDep,
    q: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    shelved: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """Those in use, newest first. `shelved`: what was put away just now, and can be taken back."""
    repository, viewer = desk.playlists.repository, desk.viewer
    more = False
    if q.strip():
        holding = await repository.search(repository.in_use(viewer), q.strip(), ROWS + 1)
        found, more = Found(holding[:ROWS], None), len(holding) > ROWS
    else:
        found = await repository.page(repository.in_use(viewer), PageRequest(cursor, ROWS))
    airings = await repository.airings([row.id for row in found.items], desk.page.now)
    gone = await desk.find(shelved) if shelved else None
    return desk.page.html(
        "playlists.html",
        viewer_name=viewer.name,
        rows=tuple(_row(row, len(airings.get(row.id, ()))) for row in found.items),
        q=q,
        gone=gone if gone is not None and gone.retired_at is not None else None,
        next_cursor=found.next_cursor,
        more=more,
    )


@router.get(f"{HERE}/new", dependencies=[ANNOUNCES])
async def new(desk: DeskDep) -> Response:
    """An empty form."""
    return await _shown(desk, form.fresh(new_id()))


@router.post(f"{HERE}/form", dependencies=[ANNOUNCES])
async def press(desk: DeskDep, fields: FieldsDep) -> Response:
    """The form after one of its buttons was pressed."""
    values, place = form.pressed(_read(fields), str(fields.get("press", "")))
    return await _shown(desk, values, look_at=place)


@router.post(f"{HERE}/hear", dependencies=[ANNOUNCES])
async def hear(desk: DeskDep, fields: FieldsDep) -> Response:
    """Put it together as it stands, to be heard here, before anything is kept."""
    page, values = desk.page, _read(fields)
    try:
        wished = desk.wished(_titled(values, page))
        row = await desk.find(values.token)
        if row is None or not holds(row, wished.items):
            heard = await desk.find(str(fields.get("rehearsal", "")))
            row = await desk.playlists.rehearse(wished, page.now, heard)
    except (ControllerError, ValidationError) as refusal:
        return await _refused(desk, values, refusal)
    if page.partial:
        return page.html("partials/rehearsal.html", rehearsal=_rehearsal(row, page))
    return await _shown(desk, values, rehearsal=_rehearsal(row, page))


@router.get(f"{HERE}/sound/{{playlist_id}}", dependencies=[ANNOUNCES])
async def sound(playlist_id: str, desk: DeskDep) -> Response:
    """Whether the sound is there by now."""
    row = await desk.get(playlist_id)
    return desk.page.html("partials/rehearsal.html", rehearsal=_rehearsal(row, desk.page))


@router.post(HERE, dependencies=[ANNOUNCES])
async def keep(desk: DeskDep, fields: FieldsDep) -> Response:
    """Keep a new playlist, once: a form that comes again finds what the first one made."""
    values = _read(fields)
    try:
        wished = desk.wished(values)
        row = await desk.find(values.token)
        if row is None:
            row = await desk.playlists.add(wished, desk.page.now, id_=values.token)
    except (ControllerError, ValidationError) as refusal:
        return await _refused(desk, values, refusal)
    changed = row.title != wished.title or not holds(row, wished.items) or row.retired_at is not None
    if changed:  # kept, gone back to, changed, kept again
        return await _overtaken(desk, values, row)
    return to_kept(desk.page, f"{HERE}/{row.id}")


@router.get(f"{HERE}/{{playlist_id}}", dependencies=[ANNOUNCES])
async def one(playlist_id: str, desk: DeskDep, kept: Annotated[str, Query(max_length=3)] = "") -> Response:
    """A playlist that is there, to hear and to change."""
    row = await desk.get(playlist_id)
    values = form.of_saved(row.id, row.title, _items(row), _mark(row))
    airings = len((await desk.playlists.repository.airings([row.id], desk.page.now)).get(row.id, ()))
    rehearsal = _rehearsal(row, desk.page)
    return await _shown(desk, values, rehearsal=rehearsal, kept=kept == "yes", airings=airings)


@router.post(f"{HERE}/{{playlist_id}}", dependencies=[ANNOUNCES])
async def change(playlist_id: str, desk: DeskDep, fields: FieldsDep) -> Response:
    """Keep what was changed. Somebody else's change meanwhile is shown as such, and nothing typed is lost."""
    row = await desk.get(playlist_id)
    values = replace(_read(fields), token=row.id)
    if values.version != _mark(row):
        return await _overtaken(desk, values, row)
    try:
        await desk.playlists.edit(row, PlaylistEdit.model_validate(form.wish(values)), desk.page.now)
    except (ControllerError, ValidationError) as refusal:
        return await _refused(desk, values, refusal)
    return to_kept(desk.page, f"{HERE}/{row.id}")


@router.post(f"{HERE}/{{playlist_id}}/shelf", dependencies=[ANNOUNCES])
async def shelve(
    playlist_id: str, desk: DeskDep, do: Annotated[str, Form(max_length=10)] = "put-away"
) -> RedirectResponse:
    """Put a playlist away, or take it back."""
    row = await desk.get(playlist_id)
    await desk.playlists.edit(row, PlaylistEdit(retired=do != "take-back"), desk.page.now)
    return RedirectResponse(f"{HERE}?shelved={row.id}" if row.retired_at is not None else HERE, 303)


def _read(fields: FormData) -> PlaylistValues:
    values = form.values_of({name: value for name, value in fields.items() if isinstance(value, str)})
    return values if is_id(values.token) else replace(values, token=new_id())


def _items(row: Playlist) -> list[ItemOut]:
    return [ItemOut.of(item) for item in row.items]


def _mark(row: Playlist) -> str:
    """Changes with what people see of it, whether it was put away too, and not when the sound is ready."""
    return form.mark(row.title, _items(row), shelved=row.retired_at is not None)


async def _overtaken(desk: Desk, values: PlaylistValues, row: Playlist) -> Response:
    """The form again, with what was typed: pressed once more it goes over what is there now."""
    words = desk.page.t("This playlist was changed meanwhile. Keep it again to have yours instead.")
    return await _shown(desk, replace(values, token=row.id, version=_mark(row)), errors={"": words}, status=412)


def _titled(values: PlaylistValues, page: Page) -> PlaylistValues:
    """What is only listened to may still lack its title."""
    return replace(values, title=values.title or page.t("Untitled"))


async def _refused(desk: Desk, values: PlaylistValues, refusal: ControllerError | ValidationError) -> Response:
    return await _shown(desk, values, errors=words_by_field(refusal, desk.page, form.field_of), status=422)


async def _shown(
    desk: Desk,
    values: PlaylistValues,
    *,
    errors: Mapping[str, str] | None = None,
    look_at: int | None = None,
    rehearsal: Rehearsal | None = None,
    kept: bool = False,
    airings: int = 0,
    status: int = 200,
) -> Response:
    page, viewer, repository = desk.page, desk.viewer, desk.announcements.repository
    newest = await repository.page(repository.in_use(viewer), PageRequest(None, CHOICES))
    named = {id_ for item in values.items for id_ in (item.announcement, item.bed) if id_}
    rows = {row.id: row for row in newest.items} | await repository.some(viewer, named)
    marks = form.marks_ms(values.items, {row.id: row.duration_ms for row in rows.values() if row.duration_ms})
    view = PlaylistView(
        values=values,
        errors=dict(errors or {}),
        begins=tuple(_clock(mark) for mark in marks[:-1]),
        length=_clock(marks[-1]),
        look_at=look_at,
        kinds=form.kinds(page.t),
        chimes=form.chime_choices(page.t),
        announcements=tuple((row.id, _named(row)) for row in rows.values()),
        rehearsal=rehearsal,
        kept=kept,
        airings=airings,
    )
    template = "partials/playlist.html" if page.partial else "playlist.html"
    return page.html(template, status=status, playlist=view, fields=form.FIELDS, viewer_name=viewer.name)


def _clock(ms: int | None) -> str:
    if ms is None:
        return ""
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


def _named(row: Announcement) -> str:
    length = _clock(row.duration_ms)
    return f"{row.title} · {length}" if length else row.title


def _row(row: Playlist, airings: int) -> PlaylistRow:
    return PlaylistRow(
        id=row.id,
        title=row.title,
        author=row.author,
        made_at=row.created_at,
        items=len(row.items),
        length=_clock(row.sound.duration_ms) if row.sound else "",
        airings=airings,
        failed=row.wanted is not None and row.wanted.status is Status.FAILED,
    )


def _rehearsal(row: Playlist, page: Page) -> Rehearsal:
    """What can be heard of it. Stations are not played here: they are named."""
    shown, wanted = PlaylistOut.of(row), row.wanted
    if wanted is None:
        return Rehearsal(row.id, waits=page.t("One of its announcements has no sound yet."))
    if wanted.status is Status.FAILED:
        said = wanted.error_en if page.t.language == "en" else wanted.error_vi
        return Rehearsal(row.id, error=said or page.t("The sound could not be made."))
    if wanted.status is not Status.READY or row.sound_key != row.wanted_key:
        return Rehearsal(row.id, waits=page.t("The sound is being made …"))
    return Rehearsal(
        row.id,
        urls=tuple(f"/content/{stretch.clip}" for stretch in shown.stretches),
        length=_clock(shown.duration_ms),
        stations=tuple(relay.title for relay in shown.relays),
    )
