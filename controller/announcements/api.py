"""`/api/v1/announcements`."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Response, UploadFile

from controller.accounts.access import Idempotent, ViewerDep
from controller.announcements.models import Announcement
from controller.announcements.schemas import AnnouncementEdit, AnnouncementIn, AnnouncementOut
from controller.announcements.service import Announcements
from controller.announcements.uploads import Kept, KeptDep
from controller.announcements.workshop import workshop_of
from controller.errors import Invalid
from controller.http.fields import AreaCodeField, Line
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag
from controller.monitoring.hub import hub_of

router = APIRouter(prefix="/api/v1/announcements", tags=["announcements"], route_class=TransactionRoute)


def announcements_of(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> Announcements:
    """Return announcements as the one who asks may change them."""
    return Announcements(session, viewer, hub=hub_of(runtime), wake_workshop=workshop_of(runtime).wake)


AnnouncementsDep = Annotated[Announcements, Depends(announcements_of)]


def _shown(row: Announcement, response: Response) -> AnnouncementOut:
    tag(response, row)
    response.headers["Location"] = f"/api/v1/announcements/{row.id}"
    return AnnouncementOut.of(row)


@router.get("", operation_id="listAnnouncements", summary="Announcements, newest first")
async def list_announcements(
    *,
    announcements: AnnouncementsDep,
    viewer: ViewerDep,
    page: PageDep,
    retired: Annotated[bool, Query(description="Also those put away")] = False,
) -> PageOut[AnnouncementOut]:
    """Answer one page of announcements."""
    statement = announcements.repository.readable(viewer)
    if not retired:
        statement = statement.where(Announcement.retired_at.is_(None))
    found = await announcements.repository.page(statement, page)
    return PageOut(items=[AnnouncementOut.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "", operation_id="typeAnnouncement", summary="Type an announcement", status_code=202, dependencies=[Idempotent]
)
async def type_announcement(
    body: AnnouncementIn, response: Response, announcements: AnnouncementsDep, now: NowDep
) -> AnnouncementOut:
    """Take the text; the sound follows: ask again until `status` is `ready` or `failed`."""
    return _shown(await announcements.type(body, now), response)


@router.post(
    "/upload",
    operation_id="uploadAnnouncement",
    summary="Upload a recording",
    status_code=202,
    dependencies=[Kept, Idempotent],
)
async def upload_announcement(
    *,
    response: Response,
    announcements: AnnouncementsDep,
    kept: KeptDep,
    now: NowDep,
    file: Annotated[UploadFile, File(description="Whatever ffmpeg reads")],
    title: Annotated[Line, Form()],
    area_code: Annotated[AreaCodeField, Form()],
    category: Annotated[str, Form(max_length=64)] = "",
) -> AnnouncementOut:
    """Take the file; its sound follows as for typed text."""
    if kept is None:
        raise Invalid.field("file", "Tệp rỗng", "The file is empty")
    row = await announcements.upload(
        title=title,
        area_code=area_code,
        category=category,
        source=kept.sha256,
        source_name=Path(file.filename or "").name,
        now=now,
    )
    return _shown(row, response)


@router.get("/{announcement_id}", operation_id="getAnnouncement", summary="One announcement")
async def get_announcement(
    announcement_id: str, response: Response, announcements: AnnouncementsDep, viewer: ViewerDep
) -> AnnouncementOut:
    """Answer one announcement."""
    return _shown(await announcements.repository.get(viewer, announcement_id), response)


@router.patch("/{announcement_id}", operation_id="editAnnouncement", summary="Edit an announcement, or put it away")
async def edit_announcement(
    *,
    announcement_id: str,
    body: AnnouncementEdit,
    response: Response,
    announcements: AnnouncementsDep,
    viewer: ViewerDep,
    condition: IfMatchDep,
    now: NowDep,
) -> AnnouncementOut:
    """Edit an announcement. Playlists that hold it get its new sound when it is ready."""
    row = await announcements.repository.get(viewer, announcement_id)
    condition.check(row)
    return _shown(await announcements.edit(row, body, now), response)
