"""What speakers say of alerts: many at once, after one press, and each of them counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.alerts.repository import AlertTraffic, Stands
from controller.database import after_commit
from controller.incidents.edges import ALERT_UNANSWERED, Edge, Wrong
from controller.incidents.service import note
from controller.monitoring.hub import Hub, Topic
from protocol.messages import AlertPhase, AlertReport, AlertStanding

log = structlog.get_logger(__name__)

ACKNOWLEDGED_WITHIN: Final = timedelta(seconds=100)
"""EN 54-21: an alarm that is not acknowledged for so long is a fault."""
STOOD_FOR: Final = timedelta(seconds=10)
"""What was called off sooner may never have reached anybody: silence is no fault then."""
LOOKED_BACK: Final = timedelta(days=1)
"""Of what was released earlier nobody looks for silences any more."""
_SAID_IT_ALL: Final = frozenset({AlertPhase.FINISHED, AlertPhase.FAILED, AlertPhase.ENDED})


class Reach:
    """Speakers' words on alerts within one transaction."""

    def __init__(self, session: AsyncSession, hub: Hub) -> None:
        self._session = session
        self._hub = hub
        self._traffic = AlertTraffic(session)

    async def take(self, reports: Sequence[AlertReport], now: datetime) -> frozenset[str]:
        """Write down what these speakers say; returns those that do not take part, which are not believed."""
        registered = await self._traffic.registered({report.device for report in reports})
        said: dict[tuple[str, str], AlertStanding] = {}
        for report in reports:
            if report.device in registered:
                said |= {(standing.alert, report.device): standing for standing in report.standings}
        before = await self._traffic.reach_of(said.keys())
        if unexpected := said.keys() - before.keys():
            # Quicker than the counting, or a speaker that joined the area since: it counts as well.
            known = await self._traffic.known({alert for alert, _ in unexpected})
            fresh = sorted((alert, device) for alert, device in unexpected if alert in known)
            await self._traffic.add_reach(fresh)
            before |= await self._traffic.reach_of(fresh)
        after = {key: noted(stands, said[key], now) for key, stands in before.items()}
        news = {key: stands for key, stands in after.items() if stands != before[key]}
        await self._traffic.note_reach(news)
        if news:
            after_commit(self._session, lambda: self._hub.publish(Topic.ALERTS))
        return frozenset({report.device for report in reports} - registered)

    async def notice_silence(self, now: datetime) -> int:
        """Make incidents of speakers that were online and said nothing, whatever became of the alert; returns how many.

        A call-off takes none of them back: who did not have the alert may not have the next one either.
        """
        released = await self._traffic.released(now - LOOKED_BACK, now - ACKNOWLEDGED_WITHIN)
        stood = [alert_id for alert_id, at, ended_at in released if ended_at is None or ended_at - at >= STOOD_FOR]
        silent = await self._traffic.note_silent(stood, now)
        for alert_id, device_id in silent:
            log.warning("alert.not_acknowledged", alert=alert_id, device=device_id)
        if silent:
            devices = sorted({device_id for _, device_id in silent})
            await note(self._session, tuple(Edge(each, Wrong(ALERT_UNANSWERED)) for each in devices), (), now)
            after_commit(self._session, lambda: self._hub.publish(Topic.ALERTS))
        return len(silent)


def noted(before: Stands, said: AlertStanding, now: datetime) -> Stands:
    """Return how an alert stands after a speaker's word. An older revision that comes late says nothing any more."""
    if said.revision < before.revision:
        return before
    # That an alert ended here does not unsay what came of it before.
    unsays = said.phase is AlertPhase.ENDED and before.phase in _SAID_IT_ALL
    return Stands(
        revision=said.revision,
        phase=before.phase if unsays else said.phase,
        reason=said.reason,
        received_at=before.received_at or now,
        first_sound_at=before.first_sound_at or said.first_sound_at,
        finished_at=before.finished_at or (now if said.phase is AlertPhase.FINISHED else None),
    )
