"""All SQL about photos."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, func, select

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.devices.models import Device
from controller.photos.models import DevicePhoto
from controller.repository import Repository


class PhotoRepository(Repository[DevicePhoto]):
    """Photos of the viewer's speakers, the oldest first; what was removed too."""

    model = DevicePhoto
    order = (DevicePhoto.id,)

    def readable(self, viewer: Viewer) -> Select[DevicePhoto]:
        """Photos of the speakers in the viewer's subtree."""
        return (
            select(DevicePhoto)
            .join(Device, Device.id == DevicePhoto.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )

    async def shown(self, viewer: Viewer, device_id: str) -> Sequence[DevicePhoto]:
        """Those of one speaker that were not removed."""
        statement = self.readable(viewer).where(DevicePhoto.device_id == device_id, DevicePhoto.removed_at.is_(None))
        return await self.all(statement.order_by(DevicePhoto.id))

    async def count(self, device_id: str) -> int:
        """How many photos a speaker has."""
        mine = (DevicePhoto.device_id == device_id, DevicePhoto.removed_at.is_(None))
        return await self.session.scalar(select(func.count()).select_from(DevicePhoto).where(*mine)) or 0

    async def forget(self, removed_before: datetime) -> None:
        """Forget what was removed long ago; its bytes go with what nothing refers to."""
        await self.session.execute(delete(DevicePhoto).where(DevicePhoto.removed_at < removed_before))
