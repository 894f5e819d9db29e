"""What may happen to a group."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.service import Areas
from controller.broadcasts.repository import ScheduleRepository
from controller.database import new_id
from controller.devices.repository import DeviceRepository
from controller.errors import Conflict, FieldError, Invalid
from controller.events import GroupChanged, record_event
from controller.groups.models import Group
from controller.groups.repository import GroupRepository
from controller.groups.schemas import GroupEdit, GroupIn
from controller.text import Text

_NAMED_MAX: Final = 5


class InUse(Conflict):
    """Something would air for nobody."""

    code = "group_in_use"

    def __init__(self, titles: Sequence[str]) -> None:
        names = ", ".join(f"“{title}”" for title in titles[:_NAMED_MAX])
        super().__init__(
            Text(
                "Schedules still address this group: %(names)s. Give them other speakers first, and have that approved"
                " where it must be.",
                names=names,
            )
        )


class Groups:
    """Groups within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.session = session
        self.viewer = viewer
        self.repository = GroupRepository(session)

    async def add(self, wish: GroupIn, *, id_: str | None = None) -> Group:
        """Make a group. `id_`: the name that a form gave it, so that one that comes twice makes one."""
        area = await Areas(self.session, self.viewer).place(wish.area_code or self.viewer.area_code)
        await self._check_members(area, wish.device_ids)
        group = self.repository.add(
            Group(id=id_ or new_id(), name=wish.name, area=area, area_code=area.code, note=wish.note)
        )
        await self.session.flush()
        await self._set_members(group, wish.device_ids)
        return group

    async def edit(self, group: Group, wish: GroupEdit) -> Group:
        """Change what the wish names. Where it is refused, nothing has changed."""
        if wish.device_ids is not None:
            await self._check_members(group.area, wish.device_ids)
        group.name = wish.name or group.name
        group.note = group.note if wish.note is None else wish.note
        if wish.device_ids is not None:
            await self._set_members(group, wish.device_ids)
        await self.session.flush()
        return group

    async def remove(self, group: Group, now: datetime) -> None:
        """Dissolve a group. Raises `InUse` where a schedule that airs again aims at it, whoever issued that."""
        using = (await ScheduleRepository(self.session).addressing([group.id], now)).get(group.id, [])
        if using:
            raise InUse([schedule.title for schedule in using])
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
            FieldError(f"device_ids.{place}", Text("There is no speaker %(name)s in the area", name=name))
            for place, name in enumerate(device_ids)
            if name not in known
        )
        if wrong:
            raise Invalid(errors=wrong)
