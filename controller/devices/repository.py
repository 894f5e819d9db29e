"""SQL of speakers."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import ROOT_PATH, within
from controller.devices.models import Device, DeviceStatus
from controller.repository import Repository

_IDS_AT_A_TIME = 1000


async def of_speakers(
    session: AsyncSession, viewer: Viewer, column: InstrumentedAttribute[str], path: str = ROOT_PATH, *, few: int
) -> ColumnElement[bool]:
    """Whether what a column names is a speaker in a subtree of the viewer's.

    What fewer than `few` speakers have is found by speaker; what more have is found in the order that is asked for.
    SQLite has no statistics by which to choose between the two: an index on the column is of no use for an expression.
    """
    here = select(Device.id).join(Area, Area.code == Device.area_code)
    here = here.where(within(Area.path, viewer.scope), within(Area.path, path))
    ids = (await session.scalars(here.limit(few))).all()
    return column.in_(ids) if len(ids) < few else column.concat("").in_(here)


class DeviceRepository(Repository[Device]):
    """Speakers in the viewer's area subtree."""

    model = Device
    order = (Device.id,)
    searched = (Device.name, Device.id)

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
