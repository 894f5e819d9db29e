"""The library: every announcement to be found, heard, sorted, used again, put away and taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ANNOUNCES, READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.announcements.api import AnnouncementsDep
from controller.announcements.models import Announcement, Status
from controller.announcements.schemas import AnnouncementEdit
from controller.announcements.service import Announcements, SpokenByAlert
from controller.announcements.uses import StillUsed, Uses
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
from controller.web.present.library import LibraryRow, Use, UsedBy
from controller.web.routing import PageRoute
from controller.web.templating import Page

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
    asked = Asked(q.strip(), category, shelf == "away", cursor, changed)
    return await _shown(page, session, viewer, announcements, asked=asked)


@dataclass(frozen=True)
class Asked:
    """Which part of the library is looked at, and what was done there just now."""

    q: str = ""
    category: str = ""
    away: bool = False
    cursor: str | None = None
    changed: str = ""


async def _shown(
    page: Page,
    session: AsyncSession,
    viewer: Viewer,
    announcements: Announcements,
    *,
    asked: Asked = Asked(),
    refused: Announcement | None = None,
) -> Response:
    """The library. `refused`: what could not be put away; the page says what still uses it."""
    repository, away, now = announcements.repository, asked.away, page.now
    wanted = repository.put_away(viewer) if away else repository.in_use(viewer)
    if asked.category:
        wanted = wanted.where(Announcement.category == asked.category)
    more = False
    if asked.q:
        holding = await repository.search(wanted, asked.q, ROWS + 1)
        found, more = Found(holding[:ROWS], None), len(holding) > ROWS
    else:
        found = await repository.page(wanted, PageRequest(asked.cursor, ROWS))
    playlists = PlaylistRepository(session)
    held = await playlists.holding(viewer, [row.id for row in found.items])
    schedules = await ScheduleRepository(session).airing(
        viewer, {each.id for holding in held.values() for each in holding}, now
    )
    changed = await repository.find(viewer, asked.changed) if asked.changed else None
    along = await playlists.put_away_with(changed.id, changed.retired_at) if changed and changed.retired_at else ()
    used = await repository.categories(viewer)
    return page.html(
        "library.html",
        status=200 if refused is None else StillUsed.status,
        viewer_name=viewer.name,
        rows=tuple(_row(row, held[row.id], schedules, page) for row in found.items),
        q=asked.q,
        category=asked.category,
        away=away,
        used=used,
        categories=form.categories(page.t, used),
        changed=changed,
        along=tuple(each.title for each in along),
        refused=refused,
        users=_users(await announcements.uses(refused, now), viewer, page) if refused else (),
        next_cursor=found.next_cursor,
        more=more,
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
    request: Request,
    session: SessionDep,
    announcement_id: str,
    viewer: ViewerDep,
    announcements: AnnouncementsDep,
    now: NowDep,
    do: Annotated[str, Form(max_length=10)] = "put-away",
) -> Response:
    """Put an announcement away, or take it back. What will be heard again stays, and the page says where."""
    row = await announcements.repository.get(viewer, announcement_id)
    away = do != "take-back"
    if away != (row.retired_at is not None):
        try:
            await announcements.edit(row, AnnouncementEdit(retired=away), now)
        except (StillUsed, SpokenByAlert):
            page = await page_for(request, session, viewer, now)
            return await _shown(page, session, viewer, announcements, refused=row)
    return RedirectResponse(f"{HERE}?changed={row.id}", 303)


def _users(found: Uses, viewer: Viewer, page: Page) -> tuple[UsedBy, ...]:
    """What still uses an announcement, each with where it is changed, if the viewer may see it."""
    t, own = page.t, viewer.sees
    alerts = [(t("alert"), each.headline, f"/emergency/{each.id}", each.area) for each in found.alerts]
    schedules = [(t("schedule"), each.title, f"/schedules/{each.id}", each.area) for each in found.schedules]
    playlists = [(t("playlist"), each.title, f"/playlists/{each.id}", each.area) for each in found.playlists]
    return tuple(
        UsedBy(kind, title, where if own(area.path) else "", "" if own(area.path) else area.name)
        for kind, title, where, area in (*alerts, *schedules, *playlists)
    )


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
