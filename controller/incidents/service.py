"""What may happen to incidents: they begin, come back, end, and somebody says that they see to them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.database import after_commit
from controller.errors import NotFound
from controller.incidents.edges import AGAIN_WITHIN, OVER_WHEN_SEEN, Edge, passing
from controller.incidents.models import Incident
from controller.incidents.repository import IncidentBook, IncidentRepository
from controller.monitoring.hub import Hub, Topic


async def note(session: AsyncSession, began: Sequence[Edge], ended: Sequence[Edge], now: datetime) -> None:
    """Write down what began and what ended."""
    if not (began or ended):
        return
    book = IncidentBook(session)
    recent = await book.recent({edge.device_id for edge in (*began, *ended)}, now - AGAIN_WITHIN)
    known = {(each.device_id, each.code): each for each in recent}
    for edge in ended:
        incident = known.get((edge.device_id, edge.wrong.code))
        if incident is None or incident.ended_at is not None:
            continue
        if passing(incident.code, began_at=incident.began_at, ended_at=now, times=incident.times):
            await book.drop(incident)
            del known[edge.device_id, edge.wrong.code]
        else:
            incident.ended_at = now
    for edge in began:
        _begin(book, known.get((edge.device_id, edge.wrong.code)), edge, now)


def _begin(book: IncidentBook, known: Incident | None, edge: Edge, now: datetime) -> None:
    wrong = edge.wrong
    if known is None:
        began_at = min(wrong.since or now, now)
        book.add(Incident(device_id=edge.device_id, code=wrong.code, said=wrong.said, began_at=began_at))
    elif known.ended_at is not None:
        known.ended_at, known.said, known.times = None, wrong.said, known.times + 1


class Incidents:
    """Incidents within one transaction, as one viewer may see to them."""

    def __init__(self, session: AsyncSession, viewer: Viewer, hub: Hub) -> None:
        self.repository = IncidentRepository(session)
        self._session = session
        self._viewer = viewer
        self._hub = hub

    async def acknowledge(self, device_id: str, incident_id: str, now: datetime) -> Incident:
        """Note that this person sees to it. Who said so first stays."""
        incident = await self.repository.find(self._viewer, incident_id)
        if incident is None or incident.device_id != device_id:
            raise NotFound
        if incident.acknowledged_at is None:
            incident.acknowledged_by, incident.acknowledged_at = self._viewer.name, now
            if incident.code in OVER_WHEN_SEEN:
                incident.ended_at = incident.ended_at or now
            after_commit(self._session, lambda: self._hub.publish(Topic.DEVICES))
        return incident
