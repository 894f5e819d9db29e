"""The library: every announcement to be found, heard, sorted, used again, put away and taken back."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ANNOUNCES, READS, ViewerDep
from controller.announcements.api import AnnouncementsDep
from controller.announcements.models import Announcement, Status
from controller.announcements.schemas import AnnouncementEdit
from controller.broadcasts.models import Schedule
from controller.broadcasts.repository import ScheduleRepository
from controller.http.problems import invalid
from controller.http.route import NowDep, SessionDep
from controller.http.versions import Precondition
from controller.playlists.models import Playlist
from controller.playlists.repository import PlaylistRepository
from controller.repository import Page as Found
from controller.repository import PageRequest
from controller.web.pages.common import page_for
from controller.web.present import compose as form
from controller.web.routing import PageRoute
from controller.web.templating import Page
from controller.web.views import LibraryRow, Use

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 30
WORDS_CHARS = 160
HERE = "/library"


@router.get(HERE, dependencies=[READS])
async def library(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    announcements: AnnouncementsDep,
    now: NowDep,
    q: Annotated[str, Query(max_length=100)] = "",
    category: Annotated[str, Query(max_length=64)] = "",
    shelf: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    changed: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """Those in use, or those on the shelf, newest first. `changed`: what was put away or taken back just now."""
    page = await page_for(request, session, viewer, now)
    repository, away = announcements.repository, shelf == "away"
    wanted = repository.put_away(viewer) if away else repository.in_use(viewer)
    if category:
        wanted = wanted.where(Announcement.category == category)
    if q.strip():
        found = Found(await repository.search(wanted, q.strip(), ROWS), None)
    else:
        found = await repository.page(wanted, PageRequest(cursor, ROWS))
    playlists = PlaylistRepository(session)
    held = await playlists.holding(viewer, [row.id for row in found.items])
    schedules = await ScheduleRepository(session).airing(
        viewer, {each.id for holding in held.values() for each in holding}
    )
    return page.html(
        "library.html",
        viewer_name=viewer.name,
        rows=tuple(_row(row, held[row.id], schedules, page) for row in found.items),
        q=q,
        category=category,
        away=away,
        used=await repository.categories(viewer),
        categories=form.categories(page.t, await repository.categories(viewer)),
        changed=await repository.find(viewer, changed) if changed else None,
        next_cursor=found.next_cursor,
    )


@router.post(f"{HERE}/{{announcement_id}}", dependencies=[ANNOUNCES])
async def change(
    *,
    announcement_id: str,
    viewer: ViewerDep,
    announcements: AnnouncementsDep,
    now: NowDep,
    version: Annotated[str, Form(max_length=20)],
    title: Annotated[str, Form(max_length=400)] = "",
    category: Annotated[str, Form(max_length=400)] = "",
) -> RedirectResponse:
    """Give it another title or category. What is heard stays as it is."""
    row = await announcements.repository.get(viewer, announcement_id)
    Precondition(frozenset({f'"{version}"'})).check(row)
    try:
        wish = AnnouncementEdit(title=title, category=category.strip())
    except ValidationError as error:
        raise invalid(error.errors()) from error
    await announcements.edit(row, wish, now)
    return RedirectResponse(HERE, 303)


@router.post(f"{HERE}/{{announcement_id}}/shelf", dependencies=[ANNOUNCES])
async def shelve(
    *,
    announcement_id: str,
    viewer: ViewerDep,
    announcements: AnnouncementsDep,
    now: NowDep,
    do: Annotated[str, Form(max_length=10)] = "put-away",
) -> RedirectResponse:
    """Put an announcement away, or take it back."""
    row = await announcements.repository.get(viewer, announcement_id)
    away = do != "take-back"
    if away != (row.retired_at is not None):
        await announcements.edit(row, AnnouncementEdit(retired=away), now)
    return RedirectResponse(f"{HERE}?changed={row.id}", 303)


def _row(
    row: Announcement, holding: Sequence[Playlist], schedules: Mapping[str, Sequence[Schedule]], page: Page
) -> LibraryRow:
    ready = row.status is Status.READY and row.clip_sha256 is not None
    words = " ".join(row.text.split()) or row.source_name
    return LibraryRow(
        id=row.id,
        title=row.title,
        words=words if len(words) <= WORDS_CHARS else f"{words[:WORDS_CHARS].rstrip()} …",
        category=row.category,
        author=row.author,
        made_at=row.created_at,
        length=page.formats.duration(row.duration_ms / 1000) if row.duration_ms else "",
        url=f"/content/{row.clip_sha256}" if ready else "",
        state="" if ready else _state(row, page),
        retired=row.retired_at is not None,
        uses=tuple(
            Use(each.id, each.title, tuple((airing.id, airing.title) for airing in schedules.get(each.id, ())))
            for each in holding
        ),
        version=str(row.version),
    )


def _state(row: Announcement, page: Page) -> str:
    if row.status is Status.FAILED:
        said = row.error_en if page.t.language == "en" else row.error_vi
        return said or page.t("The sound could not be made.")
    if row.retired_at is not None:
        return page.t("Its sound is made again when it is taken back.")
    return page.t("The sound is being made …")
