"""SQL of groups."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, delete, func, select

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import ancestors, within
from controller.devices.models import Device
from controller.events import GroupChanged, record_event
from controller.groups.models import Group, GroupMember
from controller.repository import Repository


class GroupRepository(Repository[Group]):
    """Groups whose area lies in the viewer's. Their members lie below that area, so the viewer sees those too."""

    model = Group
    order = (Group.id,)
    searched = (Group.name,)

    def readable(self, viewer: Viewer) -> Select[Group]:
        """Groups of the viewer's area subtree."""
        return select(Group).join(Group.area).where(within(Area.path, viewer.scope))

    async def members(self, group_id: str) -> Sequence[str]:
        """Ids of a group's speakers, sorted. The group was read by its viewer before."""
        statement = select(GroupMember.device_id).where(GroupMember.group_id == group_id)
        return (await self.session.scalars(statement.order_by(GroupMember.device_id))).all()

    async def sizes(self, group_ids: Collection[str]) -> dict[str, int]:
        """How many speakers each of these groups has."""
        counted = select(GroupMember.group_id, func.count()).where(GroupMember.group_id.in_(group_ids))
        return {id_: size for id_, size in await self.session.execute(counted.group_by(GroupMember.group_id))}  # noqa: C416 a row is no pair

    async def set_members(self, group: Group, device_ids: Collection[str]) -> frozenset[str]:
        """Make these the group's speakers; return who joined or left."""
        before, after = set(await self.members(group.id)), set(device_ids)
        gone = [await self.session.get_one(GroupMember, (group.id, device_id)) for device_id in sorted(before - after)]
        for member in gone:
            await self.session.delete(member)
        self.session.add_all(
            GroupMember(group_id=group.id, device_id=device_id) for device_id in sorted(after - before)
        )
        await self.session.flush()
        return frozenset(before ^ after)

    async def withdraw(self, device: Device) -> None:
        """Take a speaker that has moved out of the groups of areas that it no longer lies in."""
        outside = (
            select(GroupMember.group_id)
            .join(Group, Group.id == GroupMember.group_id)
            .join(Area, Area.code == Group.area_code)
            .where(GroupMember.device_id == device.id, Area.path.not_in(ancestors(device.area.path)))
        )
        for group_id in (await self.session.scalars(outside)).all():
            await self.session.execute(
                delete(GroupMember).where(GroupMember.group_id == group_id, GroupMember.device_id == device.id)
            )
            record_event(self.session, GroupChanged(group_id, frozenset({device.id})))
