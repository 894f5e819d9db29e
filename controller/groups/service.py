"""What may happen to a group."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.service import Areas
from controller.devices.repository import DeviceRepository
from controller.errors import FieldError, Invalid
from controller.events import GroupChanged, record_event
from controller.groups.models import Group
from controller.groups.repository import GroupRepository
from controller.groups.schemas import GroupEdit, GroupIn
from controller.text import Text


class Groups:
    """Groups within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.session = session
        self.viewer = viewer
        self.repository = GroupRepository(session)

    async def add(self, wish: GroupIn) -> Group:
        """Make a group."""
        area = await Areas(self.session, self.viewer).place(wish.area_code or self.viewer.area_code)
        await self._check_members(area, wish.device_ids)
        group = self.repository.add(Group(name=wish.name, area=area, area_code=area.code, note=wish.note))
        await self.session.flush()
        await self._set_members(group, wish.device_ids)
        return group

    async def edit(self, group: Group, wish: GroupEdit) -> Group:
        """Change what the wish names."""
        group.name = wish.name or group.name
        group.note = group.note if wish.note is None else wish.note
        if wish.device_ids is not None:
            await self._check_members(group.area, wish.device_ids)
            await self._set_members(group, wish.device_ids)
        await self.session.flush()
        return group

    async def remove(self, group: Group) -> None:
        """Dissolve a group; the database refuses one that a schedule aims at."""
        await self._set_members(group, ())
        await self.session.delete(group)
        await self.session.flush()

    async def _set_members(self, group: Group, device_ids: Collection[str]) -> None:
        changed = await self.repository.set_members(group, device_ids)
        if changed:
            flag_modified(group, "name")  # members lie in another table: the group's version must grow all the same
            await self.session.flush()
            record_event(self.session, GroupChanged(group.id, changed))

    async def _check_members(self, area: Area, device_ids: Collection[str]) -> None:
        found = await DeviceRepository(self.session).some(self.viewer, device_ids)
        known = {device.id for device in found if device.area.path.startswith(area.path)}
        wrong = tuple(
            FieldError(
                f"device_ids.{place}",
                Text(f"Không có cụm loa {name} trong địa bàn", f"There is no speaker {name} in the area"),
            )
            for place, name in enumerate(device_ids)
            if name not in known
        )
        if wrong:
            raise Invalid(errors=wrong)
