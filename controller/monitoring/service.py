"""What speakers say about themselves, and what their silence says."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.database import after_commit
from controller.monitoring.hub import Hub, Topic
from controller.monitoring.models import DeviceStateRow
from controller.monitoring.repository import IncomingStates
from protocol.messages import DeviceState, Status

log = structlog.get_logger(__name__)

SILENT_AFTER = timedelta(seconds=100)
"""EN 54-16 wants a fault shown within 100 s; a speaker speaks every 30."""


class MonitoringService:
    """What may happen to the picture we have of a speaker."""

    def __init__(self, session: AsyncSession, hub: Hub) -> None:
        self._session = session
        self._rows = IncomingStates(session)
        self._hub = hub

    async def take_status(self, status: Status, *, now: datetime, retained: bool) -> None:
        """Take a birth or a death in. The death of an older session than the one that spoke last is no news."""
        row = await self._rows.of(status.device)
        if not status.online and row.session not in {None, status.session}:
            return
        if status.online and not retained:
            row.seen_at = now
        row.session = status.session
        if status.agent_version:
            row.agent_version = status.agent_version
        # A retained birth may be long ago: only a state tells whether the speaker is still there.
        if not (status.online and retained):
            self._set_online(row, online=status.online, now=now)
        self._tell()

    async def take_state(self, state: DeviceState, *, now: datetime, retained: bool) -> None:
        """Take a report in. A retained one is as old as it says."""
        row = await self._rows.of(state.device)
        said_at = min(state.at or now, now) if retained else now
        if retained and (state.at is None or (row.seen_at is not None and row.seen_at > said_at)):
            said_at = row.seen_at or now - SILENT_AFTER
        on_air = state.player.occurrence if state.player.state == "playing" else None
        row.seen_at, row.session, row.agent_version = said_at, state.session, state.agent_version
        row.plan_version, row.config_version = state.plan_version, state.config_version
        row.ready, row.planned = state.ready, state.planned
        row.clock, row.player, row.on_air = state.clock.quality.value, state.player.state, on_air
        row.state = state.model_dump(mode="json", exclude_none=True)
        if not retained or said_at > now - SILENT_AFTER:
            self._set_online(row, online=True, now=now)
        self._tell()

    async def notice_silence(self, *, now: datetime) -> None:
        """Show as offline who has not been heard for `SILENT_AFTER`."""
        gone = await self._rows.silence(unseen_since=now - SILENT_AFTER, now=now)
        for device_id in gone:
            log.warning("device.silent", device=device_id)
        if gone:
            self._tell()

    def _set_online(self, row: DeviceStateRow, *, online: bool, now: datetime) -> None:
        if row.online is not online:
            log.info("device.online" if online else "device.offline", device=row.device_id)
            row.online, row.online_changed_at = online, now

    def _tell(self) -> None:
        after_commit(self._session, lambda: self._hub.publish(Topic.DEVICES, Topic.OCCURRENCES))
