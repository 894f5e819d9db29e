"""`/api/v1/devices/{id}/photos`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, File, Header, Response, UploadFile
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import FileResponse

from controller.accounts.access import MAINTAINS, READS, ViewerDep
from controller.content.service import store_of
from controller.content.serving import clip_response
from controller.errors import NotFound
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.photos.errors import NoPicture
from controller.photos.picture import MEDIA_TYPE
from controller.photos.service import Photos
from controller.photos.uploads import Drawn, DrawnDep

router = APIRouter(prefix="/api/v1/devices/{device_id}/photos", tags=["devices"], route_class=TransactionRoute)


class PhotoOut(BaseModel):
    """A photo of a speaker."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    size_bytes: int
    author: str
    added_at: AwareDatetime


def photos_of(session: SessionDep, viewer: ViewerDep) -> Photos:
    """Return photos within the request's transaction."""
    return Photos(session, viewer)


PhotosDep = Annotated[Photos, Depends(photos_of)]


@router.get("", operation_id="listPhotos", summary="A speaker's photos", dependencies=[READS])
async def list_photos(device_id: str, photos: PhotosDep, viewer: ViewerDep) -> list[PhotoOut]:
    """Answer all of them, the oldest first."""
    device = await photos.devices.get(viewer, device_id)
    return [PhotoOut.model_validate(row) for row in await photos.repository.shown(viewer, device.id)]


@router.post(
    "", operation_id="addPhoto", summary="Add a photo of a speaker", status_code=201, dependencies=[Drawn, MAINTAINS]
)
async def add_photo(
    *,
    device_id: str,
    photos: PhotosDep,
    viewer: ViewerDep,
    now: NowDep,
    drawn: DrawnDep,
    file: Annotated[UploadFile, File(description="JPEG, PNG or WebP, 5 MB at most")],  # noqa: ARG001 `drawn` is made of it
) -> PhotoOut:
    """Keep the picture, drawn anew: where and with what it was taken is not in it any more."""
    device = await photos.devices.get(viewer, device_id)
    if drawn is None:
        raise NoPicture
    return PhotoOut.model_validate(await photos.add(device, drawn, now))


@router.get(
    "/{photo_id}",
    operation_id="getPhoto",
    summary="The picture itself",
    response_class=FileResponse,
    responses={304: {"description": "You have it"}},
    dependencies=[READS],
)
async def get_photo(
    *,
    device_id: str,
    photo_id: str,
    photos: PhotosDep,
    runtime: RuntimeDep,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Answer the JPEG; of a removed one too, as long as it can be brought back."""
    photo, store = await photos.get(device_id, photo_id), store_of(runtime)
    if not store.has(photo.sha256, photo.size_bytes):
        raise NotFound
    return await asyncio.to_thread(
        clip_response,
        store.path(photo.sha256),
        sha256=photo.sha256,
        media_type=MEDIA_TYPE,
        if_none_match=if_none_match,
        shared=False,
    )


@router.delete(
    "/{photo_id}", operation_id="removePhoto", summary="Remove a photo", status_code=204, dependencies=[MAINTAINS]
)
async def remove_photo(device_id: str, photo_id: str, photos: PhotosDep, now: NowDep) -> None:
    """Take it away; for 30 days it can be brought back."""
    await photos.remove(device_id, photo_id, now)


@router.post("/{photo_id}/restore", operation_id="restorePhoto", summary="Bring a photo back", dependencies=[MAINTAINS])
async def restore_photo(device_id: str, photo_id: str, photos: PhotosDep) -> PhotoOut:
    """Show it again."""
    return PhotoOut.model_validate(await photos.restore(device_id, photo_id))
