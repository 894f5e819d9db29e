"""SQL of speakers."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, select

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.devices.models import Device, DeviceStatus
from controller.repository import Repository

_IDS_AT_A_TIME = 1000


class DeviceRepository(Repository[Device]):
    """Speakers in the viewer's area subtree."""

    model = Device
    order = (Device.id,)

    def readable(self, viewer: Viewer) -> Select[Device]:
        """Devices in the viewer's area subtree; the base of every other query here."""
        return select(Device).join(Device.area).where(within(Area.path, viewer.scope))

    def listed(
        self, viewer: Viewer, *, below: str | None = None, status: DeviceStatus | None = None, search: str = ""
    ) -> Select[Device]:
        """Speakers below an area's path, by status, and by a part of the name or id."""
        statement = self.readable(viewer)
        if below is not None:
            statement = statement.where(within(Area.path, below))
        if status is not None:
            statement = statement.where(Device.status == status)
        if search:
            contains = Device.name.icontains(search, autoescape=True) | Device.id.icontains(search, autoescape=True)
            statement = statement.where(contains)
        return statement

    async def some(self, viewer: Viewer, ids: Collection[str]) -> Sequence[Device]:
        """Those of `ids` that the viewer sees, by id."""
        wanted = sorted(set(ids))
        found: list[Device] = []
        for start in range(0, len(wanted), _IDS_AT_A_TIME):
            statement = self.readable(viewer).where(Device.id.in_(wanted[start : start + _IDS_AT_A_TIME]))
            found += await self.all(statement.order_by(Device.id))
        return found
