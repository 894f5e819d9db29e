"""What speakers say of alerts: many at once, after one press, and each of them counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.alerts.models import AlertReach
from controller.alerts.repository import AlertTraffic
from controller.database import after_commit
from controller.monitoring.hub import Hub, Topic
from protocol.messages import AlertPhase, AlertReport, AlertStanding

log = structlog.get_logger(__name__)

ACKNOWLEDGED_WITHIN: Final = timedelta(seconds=100)
"""EN 54-21: an alarm that is not acknowledged for so long is a fault."""
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
        rows = await self._traffic.reach_of(said.keys())
        if unexpected := said.keys() - rows.keys():
            # Quicker than the counting, or a speaker that joined the area since: it counts as well.
            known = await self._traffic.known({alert for alert, _ in unexpected})
            fresh = sorted((alert, device, False) for alert, device in unexpected if alert in known)
            await self._traffic.add_reach(fresh)
            rows |= await self._traffic.reach_of([(alert, device) for alert, device, _ in fresh])
        for key, row in rows.items():
            _note(row, said[key], now)
        if said:
            after_commit(self._session, lambda: self._hub.publish(Topic.ALERTS))
        return frozenset({report.device for report in reports} - registered)

    async def notice_silence(self, now: datetime) -> int:
        """Make incidents of speakers that were online and said nothing; returns how many."""
        silent = await self._traffic.note_silent(released_before=now - ACKNOWLEDGED_WITHIN, now=now)
        for alert_id, device_id in silent:
            log.warning("alert.not_acknowledged", alert=alert_id, device=device_id)
        if silent:
            after_commit(self._session, lambda: self._hub.publish(Topic.ALERTS))
        return len(silent)


def _note(row: AlertReach, standing: AlertStanding, now: datetime) -> None:
    """Write one standing down. An older revision that comes late says nothing any more."""
    if standing.revision < row.revision:
        return
    row.revision, row.reason = standing.revision, standing.reason
    row.received_at = row.received_at or now
    row.first_sound_at = row.first_sound_at or standing.first_sound_at
    if standing.phase is AlertPhase.FINISHED:
        row.finished_at = row.finished_at or now
    # That an alert ended here does not unsay what came of it before.
    if standing.phase is not AlertPhase.ENDED or row.phase not in _SAID_IT_ALL:
        row.phase = standing.phase
