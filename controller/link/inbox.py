"""The inbox: each message from a speaker is one transaction, and nothing that a speaker says can stop the link."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.commands.service import CommandService
from controller.database import Database
from controller.link.ports import Incoming, Outgoing
from controller.link.refusals import Refusals
from controller.monitoring.hub import Hub
from controller.monitoring.repository import IncomingStates
from controller.monitoring.service import MonitoringService
from controller.records.service import RecordService
from protocol import topics
from protocol.errors import Malformed, ProtocolError, WrongAudience
from protocol.messages import DeviceState, Records, RecordsAck, Reply, Status
from protocol.signing import Signer, sign
from protocol.topics import Channel, DeviceTopic
from schedules.types import DeviceId

log = structlog.get_logger(__name__)

ACK_LIFETIME = timedelta(hours=1)
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
        self._refusals.good(topic.device_id)
        return answers

    async def _take(self, session: AsyncSession, message: Incoming) -> Sequence[Outgoing]:
        now, topic, payload = self._now(), message.topic, message.payload
        match topic.channel:
            case Channel.STATUS:
                status = _of(topic, Status.decode(payload))
                await MonitoringService(session, self._hub).take_status(status, now=now, retained=message.retained)
            case Channel.STATE:
                state = _of(topic, DeviceState.decode(payload))
                await MonitoringService(session, self._hub).take_state(state, now=now, retained=message.retained)
            case Channel.REPLY:
                reply = _of(topic, Reply.decode(payload))
                await CommandService(session, wake_link=self._wake_link, hub=self._hub).take_reply(reply, now=now)
            case Channel.RECORDS:
                records = _of(topic, Records.decode(payload))
                stored = await RecordService(session, self._hub).take(records, now=now)
                return [self._ack(records, stored, now)]
            case _:
                log.debug("link.not_for_us", channel=topic.channel)
        return ()

    def _ack(self, records: Records, stored: int, now: datetime) -> Outgoing:
        body = RecordsAck(device=records.device, stored={records.boot: stored})
        signed = sign(body, audience=records.device, key=self._key, now=now, lifetime=ACK_LIFETIME)
        return Outgoing(topics.device(DeviceId(records.device), Channel.RECORDS_ACK), signed.encode())


S = TypeVar("S", Status, DeviceState, Reply, Records)


def _of(topic: DeviceTopic, said: S) -> S:
    """Return a message that speaks for the device on whose topic it came; refuse any other."""
    if said.device != topic.device_id:
        raise WrongAudience(f"{said.device!r} on the topic of {topic.device_id!r}")
    return said
