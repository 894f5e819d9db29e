"""`/api/v1/playlists`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from controller.accounts.access import ANNOUNCES, READS, Idempotent, ViewerDep
from controller.announcements.workshop import workshop_of
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag
from controller.playlists.models import Playlist
from controller.playlists.schemas import PlaylistEdit, PlaylistIn, PlaylistOut
from controller.playlists.service import Playlists

router = APIRouter(prefix="/api/v1/playlists", tags=["playlists"], route_class=TransactionRoute)


def playlists_of(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> Playlists:
    """Return playlists as the one who asks may change them."""
    return Playlists(session, viewer, wake_workshop=workshop_of(runtime).wake)


PlaylistsDep = Annotated[Playlists, Depends(playlists_of)]


def _shown(row: Playlist, response: Response) -> PlaylistOut:
    tag(response, row)
    response.headers["Location"] = f"/api/v1/playlists/{row.id}"
    return PlaylistOut.of(row)


@router.get("", operation_id="listPlaylists", summary="Playlists, newest first", dependencies=[READS])
async def list_playlists(
    *,
    playlists: PlaylistsDep,
    viewer: ViewerDep,
    page: PageDep,
    retired: Annotated[bool, Query(description="Also those put away")] = False,
) -> PageOut[PlaylistOut]:
    """Answer one page of playlists."""
    statement = playlists.repository.readable(viewer)
    if not retired:
        statement = statement.where(Playlist.retired_at.is_(None))
    found = await playlists.repository.page(statement, page)
    return PageOut(items=[PlaylistOut.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "", operation_id="createPlaylist", summary="Make a playlist", status_code=201, dependencies=[ANNOUNCES, Idempotent]
)
async def create_playlist(body: PlaylistIn, response: Response, playlists: PlaylistsDep, now: NowDep) -> PlaylistOut:
    """Make a playlist; its sound is assembled when its announcements are ready."""
    return _shown(await playlists.add(body, now), response)


@router.get("/{playlist_id}", operation_id="getPlaylist", summary="One playlist", dependencies=[READS])
async def get_playlist(playlist_id: str, response: Response, playlists: PlaylistsDep, viewer: ViewerDep) -> PlaylistOut:
    """Answer one playlist."""
    return _shown(await playlists.repository.get(viewer, playlist_id), response)


@router.patch(
    "/{playlist_id}", operation_id="editPlaylist", summary="Edit a playlist, or put it away", dependencies=[ANNOUNCES]
)
async def edit_playlist(
    *,
    playlist_id: str,
    body: PlaylistEdit,
    response: Response,
    playlists: PlaylistsDep,
    viewer: ViewerDep,
    condition: IfMatchDep,
    now: NowDep,
) -> PlaylistOut:
    """Edit a playlist; the plans that air it follow when its new sound is ready."""
    row = await playlists.repository.get(viewer, playlist_id)
    condition.check(row)
    return _shown(await playlists.edit(row, body, now), response)
