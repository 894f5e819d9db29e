"""The inbox: what speakers say is written down, and nothing that one says can stop the link."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.alerts.reach import Reach
from controller.commands.service import CommandService
from controller.database import Database, after_commit
from controller.errors import Unavailable
from controller.link.ports import Incoming, Outgoing
from controller.link.refusals import Refusals
from controller.monitoring.hub import Hub
from controller.monitoring.repository import IncomingStates
from controller.monitoring.service import MonitoringService
from controller.records.service import RecordService
from protocol import topics
from protocol.errors import Malformed, ProtocolError, WrongAudience
from protocol.messages import AlertReport, ClockQuality, DeviceState, Records, RecordsAck, Reply, Status
from protocol.signing import Signer, sign
from protocol.topics import Channel, DeviceTopic
from schedules.types import DeviceId

log = structlog.get_logger(__name__)

ACK_LIFETIME = timedelta(hours=1)
CLOCK_DIFFERS = "clock_differs"
CLOCKS_DIFFER_BY = timedelta(minutes=1)
"""As far apart orders are refused as issued in the future."""
UNKNOWN_DEVICE = "unknown_device"


class DatabaseInbox:
    """Reads a message, checks who it speaks for, and lets the room that it concerns write it down."""

    def __init__(
        self,
        database: Database,
        *,
        key: Signer,
        hub: Hub,
        wake_link: Callable[[], None],
        now: Callable[[], datetime],
        refusals: Refusals,
    ) -> None:
        self._database = database
        self._key = key
        self._hub = hub
        self._wake_link = wake_link
        self._now = now
        self._refusals = refusals

    async def receive(self, message: Incoming) -> Sequence[Outgoing]:
        """Take one message in. What cannot be read is counted; what cannot be stored comes again by itself."""
        topic = message.topic
        if not message.payload:
            return ()
        try:
            async with self._database.transaction() as session:
                if not await IncomingStates(session).is_registered(topic.device_id):
                    self._refusals.add(topic.device_id, UNKNOWN_DEVICE)
                    return ()
                answers = await self._take(session, message)
        except ProtocolError as error:
            self._refusals.add(topic.device_id, error.code, str(error))
            return ()
        except (DataError, OverflowError, ValueError) as error:
            # Well-formed, but of a size or with characters that no database takes.
            self._refusals.add(topic.device_id, Malformed.code, str(error))
            return ()
        except (SQLAlchemyError, OSError):
            # States come again within 30 s and records until they are acknowledged.
            log.exception("link.not_stored", device=topic.device_id, channel=topic.channel)
            return ()
        return answers

    async def receive_some(self, messages: Sequence[Incoming]) -> Sequence[Outgoing]:
        """Take in messages of different speakers, in one transaction; where one prevents that, each by itself."""
        answers: list[Outgoing] = []
        if len(messages) > 1:
            try:
                async with self._database.transaction() as session:
                    reports: list[AlertReport] = []
                    states = IncomingStates(session)
                    await states.load({each.topic.device_id for each in messages if not _of_alerts(each)})
                    for message in messages:
                        if _of_alerts(message):
                            reports += [said] if isinstance(said := _said(message), AlertReport) else []
                        elif message.payload and await states.is_registered(message.topic.device_id):
                            answers += await self._take(session, message)
                        elif message.payload:
                            self._refuse_stranger(session, message.topic.device_id)
                    for device_id in await Reach(session, self._hub).take(reports, self._now()):
                        self._refuse_stranger(session, device_id)
            except (ProtocolError, SQLAlchemyError, OverflowError, ValueError, OSError):
                answers.clear()
            else:
                return answers
        for message in messages:
            answers += await self.receive(message)
        return answers

    def _refuse_stranger(self, session: AsyncSession, device_id: str) -> None:
        after_commit(session, lambda: self._refusals.add(device_id, UNKNOWN_DEVICE))

    async def _take(self, session: AsyncSession, message: Incoming) -> Sequence[Outgoing]:
        now, said = self._now(), understood(message.topic, message.payload)
        match said:
            case Status():
                await MonitoringService(session, self._hub).take_status(said, now=now, retained=message.retained)
            case DeviceState():
                if not message.retained:
                    after_commit(session, lambda: self._doubt_clock(said, now))
                await MonitoringService(session, self._hub).take_state(said, now=now, retained=message.retained)
            case Reply():
                await CommandService(session, wake_link=self._wake_link, hub=self._hub).take_reply(said, now=now)
            case Records():
                stored = await RecordService(session, self._hub).take(said, now=now)
                with suppress(Unavailable):  # nothing to sign with: it sends them again, and they are known
                    return [self._ack(said, stored, now)]
            case AlertReport():
                await Reach(session, self._hub).take([said], now)
            case None:
                log.debug("link.not_for_us", channel=message.topic.channel)
        return ()

    def _doubt_clock(self, state: DeviceState, now: datetime) -> None:
        """Find fault with a speaker that trusts a clock far from ours: what it plays, it plays at a wrong time."""
        if state.clock.quality is not ClockQuality.TRUSTED or state.at is None:
            return
        if abs(state.at - now) > CLOCKS_DIFFER_BY:
            self._refusals.add(state.device, CLOCK_DIFFERS, f"it says {state.at.isoformat()}")

    def _ack(self, records: Records, stored: int, now: datetime) -> Outgoing:
        body = RecordsAck(device=records.device, stored={records.boot: stored})
        signed = sign(body, audience=records.device, key=self._key, now=now, lifetime=ACK_LIFETIME)
        return Outgoing(topics.device(DeviceId(records.device), Channel.RECORDS_ACK), signed.encode())


Said = Status | DeviceState | Reply | Records | AlertReport
_READS: Mapping[Channel, type[Said]] = {
    Channel.STATUS: Status,
    Channel.STATE: DeviceState,
    Channel.REPLY: Reply,
    Channel.RECORDS: Records,
    Channel.ALERT_REPORT: AlertReport,
}


def _of_alerts(message: Incoming) -> bool:
    return message.topic.channel is Channel.ALERT_REPORT


def _said(message: Incoming) -> "Said | None":
    return understood(message.topic, message.payload) if message.payload else None


def understood(topic: DeviceTopic, payload: bytes) -> Said | None:
    """Return what a speaker said, None on a topic that is not ours. Raises a `ProtocolError`.

    It must speak for the device on whose topic it came: the broker lets nobody else say anything there.
    """
    model = _READS.get(topic.channel)
    if model is None:
        return None
    said = model.decode(payload)
    if said.device != topic.device_id:
        raise WrongAudience(f"{said.device!r} on the topic of {topic.device_id!r}")
    return said
