"""Asks the database who takes part, and with which areas and groups."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.areas.models import Area
from controller.areas.tree import codes_of
from controller.broker.access import Admitted
from controller.devices.models import Device, DeviceStatus
from controller.enrolment.models import Certificate, Reason
from controller.enrolment.repository import Register
from controller.groups.models import GroupMember

SUPERSEDED = Reason.SUPERSEDED


@dataclass(frozen=True, slots=True)
class RevokedName:
    """A certificate that no longer counts, and whose it was."""

    device_id: str
    serial: int
    at: datetime
    superseded: bool = False
    """By a later one that the same board uses: nobody has to leave for that."""


class Admissions:
    """The rows that access rules are made of: of every speaker, for the service itself."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> Sequence[Admitted]:
        """Everybody who takes part."""
        groups: dict[str, list[str]] = defaultdict(list)
        for device_id, group_id in await self._session.execute(
            select(GroupMember.device_id, GroupMember.group_id).order_by(GroupMember.group_id)
        ):
            groups[device_id].append(group_id)
        rows = await self._session.execute(
            select(Device.id, Area.path)
            .join(Area, Area.code == Device.area_code)
            .where(Device.status == DeviceStatus.ACTIVE, Device.id.not_in(_shut_out()))
            .order_by(Device.id)
        )
        return [Admitted(device_id, codes_of(path), tuple(groups[device_id])) for device_id, path in rows]

    async def retired(self, *, since: datetime) -> Sequence[str]:
        """Who was retired lately."""
        gone = select(Device.id).where(Device.status == DeviceStatus.RETIRED, Device.retired_at >= since)
        return (await self._session.scalars(gone)).all()

    async def revoked(self, now: datetime) -> Sequence[RevokedName]:
        """Certificates that are revoked and would still be good otherwise."""
        return [
            RevokedName(each.device_id, int(each.serial, 16), each.revoked_at, superseded=each.reason is SUPERSEDED)
            for each in await Register(self._session).revoked(now)
            if each.revoked_at is not None
        ]


def _shut_out() -> Select[str]:
    """Return who has had certificates, and of these none counts any more: not every broker knows lists of them."""
    counts = func.count(case((Certificate.revoked_at.is_(None), 1)))
    return select(Certificate.device_id).group_by(Certificate.device_id).having(counts == 0)
