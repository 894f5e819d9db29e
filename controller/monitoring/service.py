"""What speakers say about themselves, and what their silence says."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.database import after_commit
from controller.health.repository import Samples
from controller.health.sampling import FINE_S, sampled
from controller.incidents.edges import OFFLINE, Edge, Wrong, edges, wrong_with
from controller.incidents.service import note
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
        before = _wrong(row)
        if status.online and not retained:
            row.seen_at = now
        row.session = status.session
        if status.agent_version:
            row.agent_version = status.agent_version
        # A retained birth may be long ago: only a state tells whether the speaker is still there.
        if not (status.online and retained):
            self._set_online(row, online=status.online, now=now)
        await note(self._session, *edges(row.device_id, before, _wrong(row)), now)
        self._tell()

    async def take_state(self, state: DeviceState, *, now: datetime, retained: bool) -> None:
        """Take a report in. A retained one is as old as it says."""
        row = await self._rows.of(state.device)
        before = _wrong(row)
        said_at = min(state.at or now, now) if retained else now
        if retained and (state.at is None or (row.seen_at is not None and row.seen_at > said_at)):
            said_at = row.seen_at or now - SILENT_AFTER
        on_air = state.player.occurrence if state.player.state == "playing" else None
        row.seen_at, row.session, row.agent_version = said_at, state.session, state.agent_version
        row.plan_version, row.config_version = state.plan_version, state.config_version
        row.ready, row.planned = state.ready, state.planned
        row.clock, row.player, row.on_air = state.clock.quality.value, state.player.state, on_air
        row.complains, row.state = bool(state.problems), state.model_dump(mode="json", exclude_none=True)
        if not retained or said_at > now - SILENT_AFTER:
            self._set_online(row, online=True, now=now)
        if not retained:
            self._sample(row, state, now)
        await note(self._session, *edges(row.device_id, before, _wrong(row)), now)
        self._tell()

    async def notice_silence(self, *, now: datetime) -> None:
        """Show as offline who has not been heard for `SILENT_AFTER`."""
        gone = await self._rows.silence(unseen_since=now - SILENT_AFTER, now=now)
        for device_id in gone:
            log.warning("device.silent", device=device_id)
        if gone:
            await note(self._session, tuple(Edge(device_id, Wrong(OFFLINE)) for device_id in gone), (), now)
            self._tell()

    def _sample(self, row: DeviceStateRow, state: DeviceState, now: datetime) -> None:
        """Keep the first report of each slot."""
        sample = sampled(state, now)
        if row.sampled_s is None or sample.slot_s > row.sampled_s:
            row.sampled_s = sample.slot_s
            Samples(self._session).add(row.device_id, sample, FINE_S)

    def _set_online(self, row: DeviceStateRow, *, online: bool, now: datetime) -> None:
        if row.online is not online:
            log.info("device.online" if online else "device.offline", device=row.device_id)
            row.online, row.online_changed_at = online, now

    def _tell(self) -> None:
        after_commit(self._session, lambda: self._hub.publish(Topic.DEVICES, Topic.OCCURRENCES))


def _wrong(row: DeviceStateRow) -> dict[str, Wrong]:
    """What is wrong with a speaker as we know it. One that never came is not away."""
    return wrong_with(row.state, away=not row.online and row.online_changed_at is not None)
