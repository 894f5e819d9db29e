"""All SQL about incidents."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.devices.models import Device
from controller.incidents.models import Incident
from controller.repository import Repository

_IDS_AT_A_TIME = 1000


class IncidentRepository(Repository[Incident]):
    """Incidents of the viewer's speakers, the newest first."""

    model = Incident
    order = (Incident.began_at, Incident.id)
    descending = True

    def readable(self, viewer: Viewer) -> Select[Incident]:
        """Incidents of the speakers in the viewer's subtree."""
        return (
            select(Incident)
            .join(Device, Device.id == Incident.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )

    def of(self, viewer: Viewer, device_id: str) -> Select[Incident]:
        """Those of one speaker."""
        return self.readable(viewer).where(Incident.device_id == device_id)


class IncidentBook:
    """The rows as reports and the passing of time touch them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def recent(self, device_ids: Collection[str], ended_since: datetime) -> Sequence[Incident]:
        """Return the incidents of these speakers that go on, or ended a moment ago; the oldest first."""
        found: list[Incident] = []
        for some in _chunks(sorted(device_ids)):
            going_on = or_(Incident.ended_at.is_(None), Incident.ended_at >= ended_since)
            statement = select(Incident).where(Incident.device_id.in_(some), going_on).order_by(Incident.id)
            found += await self._session.scalars(statement)
        return found

    def add(self, incident: Incident) -> None:
        """Keep an incident."""
        self._session.add(incident)

    async def drop(self, incident: Incident) -> None:
        """Let go of one that was none."""
        await self._session.delete(incident)

    async def forget(self, ended_before: datetime) -> None:
        """Forget what ended long ago."""
        await self._session.execute(delete(Incident).where(Incident.ended_at < ended_before))


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _IDS_AT_A_TIME):
        yield ids[start : start + _IDS_AT_A_TIME]
