"""`/api/v1/announcements`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Response, UploadFile

from audio.profiles import Profile
from controller.accounts.access import ANNOUNCES, READS, Idempotent, ViewerDep
from controller.announcements.models import Announcement
from controller.announcements.schemas import AnnouncementEdit, AnnouncementIn, AnnouncementOut
from controller.announcements.service import Announcements
from controller.announcements.uploads import Kept, KeptDep
from controller.announcements.workshop import Workshop, workshop_of
from controller.content.store import Stored
from controller.errors import Invalid
from controller.http.fields import AreaCodeField, Line
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag
from controller.monitoring.hub import hub_of
from controller.pronunciations.schemas import LanguageField
from controller.text import Text

router = APIRouter(prefix="/api/v1/announcements", tags=["announcements"], route_class=TransactionRoute)


def announcements_of(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> Announcements:
    """Return announcements as the one who asks may change them."""
    return Announcements(session, viewer, hub=hub_of(runtime), wake_workshop=workshop_of(runtime).wake)


AnnouncementsDep = Annotated[Announcements, Depends(announcements_of)]


@dataclass(frozen=True)
class Showing:
    """How an announcement is answered: with its version, its address, and how far its sound is."""

    response: Response
    workshop: Workshop

    def __call__(self, row: Announcement) -> AnnouncementOut:
        """Answer one."""
        tag(self.response, row)
        self.response.headers["Location"] = f"/api/v1/announcements/{row.id}"
        return AnnouncementOut.of(row, self.workshop.progress(row.job))


def showing_of(response: Response, runtime: RuntimeDep) -> Showing:
    """Return how to answer this request."""
    return Showing(response, workshop_of(runtime))


ShowDep = Annotated[Showing, Depends(showing_of)]


@router.get("", operation_id="listAnnouncements", summary="Announcements, newest first", dependencies=[READS])
async def list_announcements(
    *,
    announcements: AnnouncementsDep,
    viewer: ViewerDep,
    runtime: RuntimeDep,
    page: PageDep,
    retired: Annotated[bool, Query(description="Also those put away")] = False,
) -> PageOut[AnnouncementOut]:
    """Answer one page of announcements."""
    repository = announcements.repository
    statement = repository.readable(viewer) if retired else repository.in_use(viewer)
    found = await repository.page(statement, page)
    progress = workshop_of(runtime).progress
    items = [AnnouncementOut.of(row, progress(row.job)) for row in found.items]
    return PageOut(items=items, next_cursor=found.next_cursor)


@router.post(
    "",
    operation_id="typeAnnouncement",
    summary="Type an announcement",
    status_code=202,
    dependencies=[ANNOUNCES, Idempotent],
)
async def type_announcement(
    body: AnnouncementIn, show: ShowDep, announcements: AnnouncementsDep, now: NowDep
) -> AnnouncementOut:
    """Take the text; the sound follows: ask again until `status` is `ready` or `failed`."""
    return show(await announcements.type(body, now))


@router.post(
    "/upload",
    operation_id="uploadAnnouncement",
    summary="Upload a recording",
    status_code=202,
    dependencies=[Kept, ANNOUNCES, Idempotent],
)
async def upload_announcement(
    *,
    show: ShowDep,
    announcements: AnnouncementsDep,
    kept: KeptDep,
    now: NowDep,
    file: Annotated[UploadFile, File(description="Whatever ffmpeg reads")],
    title: Annotated[Line, Form()],
    area_code: Annotated[AreaCodeField, Form()],
    category: Annotated[str, Form(max_length=64)] = "",
    profile: Annotated[Profile, Form(description="How it is shaped for the loudspeakers")] = Profile.HORN,
) -> AnnouncementOut:
    """Take the file; its sound follows as for typed text."""
    source = _whole(kept).sha256
    row = await announcements.upload(
        title=title,
        area_code=area_code,
        category=category,
        source=source,
        source_name=Path(file.filename or "").name,
        now=now,
        profile=profile,
    )
    return show(row)


@router.put(
    "/{announcement_id}/second",
    operation_id="uploadSecondLanguage",
    summary="Let a recording in another language follow",
    status_code=202,
    dependencies=[Kept, ANNOUNCES],
)
async def upload_second_language(
    *,
    announcement_id: str,
    show: ShowDep,
    announcements: AnnouncementsDep,
    viewer: ViewerDep,
    kept: KeptDep,
    now: NowDep,
    file: Annotated[UploadFile, File(description="Whatever ffmpeg reads")],
    language: Annotated[LanguageField, Form()],
) -> AnnouncementOut:
    """Take the recording in place of a second language that was there; the sound is made anew."""
    source = _whole(kept).sha256
    row = await announcements.repository.get(viewer, announcement_id)
    name = Path(file.filename or "").name
    return show(await announcements.say_also(row, language=language, source=source, source_name=name, now=now))


def _whole(kept: dict[str, Stored]) -> Stored:
    if "file" not in kept:
        raise Invalid.field("file", Text("The file is empty"))
    return kept["file"]


@router.get("/{announcement_id}", operation_id="getAnnouncement", summary="One announcement", dependencies=[READS])
async def get_announcement(
    announcement_id: str, show: ShowDep, announcements: AnnouncementsDep, viewer: ViewerDep
) -> AnnouncementOut:
    """Answer one announcement."""
    return show(await announcements.repository.get(viewer, announcement_id))


@router.patch(
    "/{announcement_id}",
    operation_id="editAnnouncement",
    summary="Edit an announcement, or put it away",
    dependencies=[ANNOUNCES],
)
async def edit_announcement(
    *,
    announcement_id: str,
    body: AnnouncementEdit,
    show: ShowDep,
    announcements: AnnouncementsDep,
    viewer: ViewerDep,
    condition: IfMatchDep,
    now: NowDep,
) -> AnnouncementOut:
    """Edit an announcement. Playlists that hold it get its new sound when it is ready."""
    row = await announcements.repository.get(viewer, announcement_id)
    condition.check(row)
    return show(await announcements.edit(row, body, now))
