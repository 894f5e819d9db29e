"""All SQL about live sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import TargetKind
from controller.devices.models import Device
from controller.live.models import LiveSessionRow
from controller.monitoring.models import DeviceStateRow
from controller.planning.repository import PlanningRepository, chunks
from controller.repository import Repository

NAMES_MAX = 100


@dataclass(frozen=True, slots=True)
class Listener:
    """A speaker that is spoken to, and whether it is heard."""

    device: str
    name: str
    online: bool
    hears: bool


class LiveRepository(Repository[LiveSessionRow]):
    """Sessions that were opened in the viewer's subtree, newest first."""

    model = LiveSessionRow
    order = (LiveSessionRow.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[LiveSessionRow]:
        """What the viewer's subtree speaks."""
        return (
            select(LiveSessionRow)
            .join(Area, Area.code == LiveSessionRow.area_code)
            .where(within(Area.path, viewer.scope))
        )

    async def open(self) -> Sequence[LiveSessionRow]:
        """Return what is not said to be over."""
        return (await self.session.scalars(select(LiveSessionRow).where(LiveSessionRow.ended_at.is_(None)))).all()

    async def listeners(self, row: LiveSessionRow, occurrence: str) -> list[Listener]:
        """Return every speaker that is spoken to, and whether its sink plays this occurrence now."""
        keys = {kind: {target.key for target in row.targets if target.kind is kind} for kind in TargetKind}
        found: list[Listener] = []
        for chunk in chunks(sorted(await PlanningRepository(self.session).reached(keys))):
            rows = await self.session.execute(
                select(Device.id, Device.name, func.coalesce(DeviceStateRow.online, False), DeviceStateRow.on_air)
                .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
                .where(Device.id.in_(chunk))
            )
            found += [
                Listener(device, name, bool(online), bool(online) and on_air == occurrence)
                for device, name, online, on_air in rows
            ]
        return found
