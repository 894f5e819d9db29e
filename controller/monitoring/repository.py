"""All SQL about how speakers are."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.devices.models import Device, DeviceStatus
from controller.monitoring.models import DeviceStateRow
from controller.repository import Repository


class StateRepository(Repository[DeviceStateRow]):
    """States of the viewer's speakers, by id."""

    model = DeviceStateRow
    order = (DeviceStateRow.device_id,)

    def readable(self, viewer: Viewer) -> Select[DeviceStateRow]:
        """States of the active speakers in the viewer's subtree."""
        return (
            select(DeviceStateRow)
            .join(Device, Device.id == DeviceStateRow.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope), Device.status == DeviceStatus.ACTIVE)
        )


class IncomingStates:
    """The rows as messages and the passing of time touch them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._loaded: Sequence[object] = ()

    async def load(self, device_ids: Collection[str]) -> None:
        """Have the rows of many speakers at hand, so that none of them is asked for by itself.

        The session keeps what somebody holds: `self` does until it goes.
        """
        ids = sorted(device_ids)
        self._loaded = [
            *await self._session.scalars(select(Device).where(Device.id.in_(ids))),
            *await self._session.scalars(select(DeviceStateRow).where(DeviceStateRow.device_id.in_(ids))),
        ]

    async def is_registered(self, device_id: str) -> bool:
        """Whether a speaker of that id takes part."""
        found = await self._session.get(Device, device_id)
        return found is not None and found.status is DeviceStatus.ACTIVE

    async def of(self, device_id: str) -> DeviceStateRow:
        """Return a speaker's row; make it at its first word."""
        row = await self._session.get(DeviceStateRow, device_id)
        if row is None:
            row = DeviceStateRow(device_id=device_id, online=False, agent_version="", ready=0, planned=0)
            self._session.add(row)
        return row

    async def silence(self, *, unseen_since: datetime, now: datetime) -> Sequence[str]:
        """Mark as offline who has not been heard for long; return who that is."""
        gone = (
            await self._session.scalars(
                update(DeviceStateRow)
                .where(DeviceStateRow.online, DeviceStateRow.seen_at < unseen_since)
                .values(online=False, online_changed_at=now)
                .returning(DeviceStateRow.device_id)
            )
        ).all()
        return sorted(gone)
