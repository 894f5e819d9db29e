"""What may happen to photos: added, removed, brought back."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.content.store import Stored
from controller.devices.models import Device
from controller.devices.repository import DeviceRepository
from controller.errors import NotFound
from controller.photos.errors import TooManyPhotos
from controller.photos.models import DevicePhoto
from controller.photos.repository import PhotoRepository

PHOTOS_MAX: Final = 6
REMOVED_KEPT: Final = timedelta(days=30)
"""For so long a removed photo can be brought back."""


class Photos:
    """Photos within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.repository = PhotoRepository(session)
        self.devices = DeviceRepository(session)
        self._session = session
        self._viewer = viewer

    async def add(self, device: Device, picture: Stored, now: datetime) -> DevicePhoto:
        """Give a speaker one more photo, whose bytes are in the store."""
        await self._room(device.id)
        photo = DevicePhoto(
            device_id=device.id,
            sha256=picture.sha256,
            size_bytes=picture.size_bytes,
            author=self._viewer.name,
            added_at=now,
        )
        self.repository.add(photo)
        await self._session.flush()
        return photo

    async def get(self, device_id: str, photo_id: str) -> DevicePhoto:
        """Return a photo of this speaker, a removed one too."""
        photo = await self.repository.find(self._viewer, photo_id)
        if photo is None or photo.device_id != device_id:
            raise NotFound
        return photo

    async def remove(self, device_id: str, photo_id: str, now: datetime) -> DevicePhoto:
        """Take a photo away; for `REMOVED_KEPT` it can be brought back."""
        photo = await self.get(device_id, photo_id)
        photo.removed_at = photo.removed_at or now
        return photo

    async def restore(self, device_id: str, photo_id: str) -> DevicePhoto:
        """Bring a removed photo back."""
        photo = await self.get(device_id, photo_id)
        if photo.removed_at is not None:
            await self._room(device_id)
            photo.removed_at = None
        return photo

    async def _room(self, device_id: str) -> None:
        if await self.repository.count(device_id) >= PHOTOS_MAX:
            raise TooManyPhotos
