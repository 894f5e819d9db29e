"""The link to the broker: connect, subscribe, hand over what arrives, send what waits, come back after every loss."""

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, NoReturn

import aiomqtt
import structlog
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device_agent.backoff import delay_s
from device_agent.settings import BrokerSettings, TlsSettings
from protocol import topics
from protocol.messages import Message, Status
from protocol.topics import DELIVERY, Channel
from schedules.types import DeviceId

log = structlog.get_logger(__name__)

Handler = Callable[[bytes], Awaitable[None]]

SESSION_EXPIRY_S = 3600
"""How long the broker keeps commands for a speaker that is away; they carry their own expiry besides."""
OUTBOX_MAX = 200
INBOX_MAX = 500
ANSWER_S = 10.0
"""How long the broker may take for an answer: a bad mobile line is slow."""
GOODBYE_S = 2.0
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python has no name for."""
STEADY_S = 10.0
"""A connection that lasted this long was a good one: the back-off begins anew."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that waits for the link."""

    channel: Channel
    payload: bytes


class Link:
    """One speaker's connection to the broker, for as long as `run` runs."""

    def __init__(
        self,
        broker: BrokerSettings,
        device_id: str,
        *,
        handlers: Mapping[str, Handler],
        status: Callable[[bool], Status],
        connected: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._device_id = DeviceId(device_id)
        self._handlers = dict(handlers)
        self._status = status
        self._on_connected = connected
        self._changed = changed
        self._client: aiomqtt.Client | None = None
        self._outbox: deque[Outgoing] = deque(maxlen=OUTBOX_MAX)
        self._wake = asyncio.Event()
        self._renewal = asyncio.Event()
        self._relisten = asyncio.Event()
        self._version: Literal["5", "3.1.1"] = "3.1.1" if broker.protocol == "3.1.1" else "5"

    @property
    def up(self) -> bool:
        """Whether the broker hears this speaker now."""
        return self._client is not None

    def send(self, message: Message) -> None:
        """Queue a message for the broker. Of a retained kind only the newest waits; a full queue drops the oldest."""
        channel = message.channel
        if DELIVERY[channel].retained:
            for waiting in [waiting for waiting in self._outbox if waiting.channel == channel]:
                self._outbox.remove(waiting)
        self._outbox.append(Outgoing(channel, message.encode()))
        self._wake.set()

    async def send_now(self, message: Message) -> bool:
        """Send at once or not at all; for what loses its worth by waiting."""
        if self._client is None:
            return False
        try:
            await self._publish(self._client, Outgoing(message.channel, message.encode()))
        except aiomqtt.MqttError:
            return False
        return True

    def listen(self, handlers: Mapping[str, Handler]) -> None:
        """Hear these topics from now on, and no others."""
        self._handlers = dict(handlers)
        self._relisten.set()

    def renew(self) -> None:
        """Connect anew: there is another certificate to show."""
        self._renewal.set()

    async def run(self) -> NoReturn:
        """Keep the link up until cancelled; then say goodbye."""
        attempts = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._connection()
            except (aiomqtt.MqttError, OSError) as error:
                was_up = self._drop()
                attempts = 1 if was_up and loop.time() - began > STEADY_S else attempts + 1
                if was_up or attempts == 1:
                    log.warning("link_lost", reason=str(error), broker=f"{self._broker.host}:{self._broker.port}")
                if not was_up and not _unreachable(error):
                    self._try_other_version()
            finally:
                self._drop()
            await asyncio.sleep(delay_s(attempts, base_s=0.5, cap_s=30, draw=random.random()))  # noqa: S311 — jitter

    async def _connection(self) -> NoReturn:
        self._renewal.clear()
        async with AsyncExitStack() as stack:
            with _no_cancellation_lost():
                client = await stack.enter_async_context(self._new_client())
            heard = await self._subscribe(client, frozenset())
            try:
                await self._publish(client, self._greeting(online=True))
                self._client = client
                log.info("link_up", broker=f"{self._broker.host}:{self._broker.port}", protocol=self._version)
                self._on_connected()
                self._changed()
                await self._exchange(client, heard)
            except asyncio.CancelledError:
                with suppress(aiomqtt.MqttError, TimeoutError):
                    await self._say_goodbye(client)
                raise

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        async with asyncio.timeout(GOODBYE_S):
            while self._outbox:
                await self._publish(client, self._outbox.popleft())
            await self._publish(client, self._greeting(online=False))

    async def _subscribe(self, client: aiomqtt.Client, heard: frozenset[str]) -> frozenset[str]:
        """Ask for the topics that are heard from now on; returns them."""
        self._relisten.clear()
        wanted = frozenset(self._handlers)
        for topic in sorted(wanted - heard):
            with _no_cancellation_lost():
                await client.subscribe(topic, qos=1)
        for topic in sorted(heard - wanted):
            with _no_cancellation_lost():
                await client.unsubscribe(topic)
        return wanted

    async def _follow_topics(self, client: aiomqtt.Client, heard: frozenset[str]) -> NoReturn:
        while True:
            await self._relisten.wait()
            heard = await self._subscribe(client, heard)

    async def _exchange(self, client: aiomqtt.Client, heard: frozenset[str]) -> NoReturn:
        reason = "neither direction ever returns"
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive(client), name="link-receive")
                group.create_task(self._send_waiting(client), name="link-send")
                group.create_task(self._follow_topics(client, heard), name="link-topics")
                group.create_task(self._until_renewal(), name="link-renewal")
        except* aiomqtt.MqttError as errors:
            reason = str(errors.exceptions[0])
        # Not from within the clause above: Python before 3.11.4 would wrap it in a group once more.
        raise aiomqtt.MqttError(reason)

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            handler = self._handlers.get(message.topic.value)
            if handler is None or not isinstance(message.payload, bytes):
                continue
            try:
                await handler(message.payload)
            except Exception:  # whatever one message does to its handler, the next must still be heard
                log.exception("handler_failed", topic=message.topic.value)

    async def _send_waiting(self, client: aiomqtt.Client) -> NoReturn:
        while True:
            self._wake.clear()
            while self._outbox:
                first = self._outbox[0]
                await self._publish(client, first)
                with suppress(ValueError):  # a newer one of its kind may have taken its place meanwhile
                    self._outbox.remove(first)
            await self._wake.wait()

    async def _until_renewal(self) -> NoReturn:
        await self._renewal.wait()
        raise aiomqtt.MqttError("another certificate is to be shown")

    async def _publish(self, client: aiomqtt.Client, message: Outgoing) -> None:
        delivery = DELIVERY[message.channel]
        topic = topics.device(self._device_id, message.channel)
        with _no_cancellation_lost():
            await client.publish(topic, message.payload, qos=delivery.qos, retain=delivery.retained)

    def _greeting(self, *, online: bool) -> Outgoing:
        return Outgoing(Channel.STATUS, self._status(online).encode())

    def _drop(self) -> bool:
        was_up, self._client = self.up, None
        if was_up:
            self._changed()
        return was_up

    def _try_other_version(self) -> None:
        if self._broker.protocol == "auto":
            self._version = "3.1.1" if self._version == "5" else "5"

    def _new_client(self) -> aiomqtt.Client:
        broker = self._broker
        modern = self._version == "5"
        properties = None
        if modern:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
        will = self._greeting(online=False)
        tls = broker.tls
        return aiomqtt.Client(
            broker.host,
            broker.port,
            # Some brokers want to be told the name that the certificate bears.
            username=broker.username or (self._device_id if broker.tls and broker.tls.cert else None),
            password=broker.password.get_secret_value() if broker.password else None,
            identifier=topics.client_id(self._device_id),
            protocol=aiomqtt.ProtocolVersion.V5 if modern else aiomqtt.ProtocolVersion.V311,
            clean_start=False if modern else MQTT_CLEAN_START_FIRST_ONLY,
            clean_session=None if modern else False,
            properties=properties,
            timeout=ANSWER_S,
            keepalive=broker.keepalive_s,
            will=aiomqtt.Will(topics.device(self._device_id, will.channel), will.payload, qos=1, retain=True),
            tls_context=_tls(tls) if tls is not None else None,
            max_queued_incoming_messages=INBOX_MAX,
        )


def _tls(settings: TlsSettings) -> ssl.SSLContext:
    """Return how to know the broker, and what to show it: read anew for each connection, since certificates change.

    With an authority of our own the dates of the broker's certificate are not judged: a board without a clock chip
    learns the time only after it was let in. Who kept an old certificate of the broker could make us deaf, as anyone
    who cuts the line; what is heard is signed.
    """
    context = ssl.create_default_context(cafile=str(settings.ca) if settings.ca else None)
    if settings.ca is not None:
        context.verify_flags |= _NO_CHECK_TIME
    if settings.cert is not None:
        context.load_cert_chain(settings.cert, settings.key)
    return context


def _unreachable(error: Exception) -> bool:
    """Whether nobody was there to speak to; a broker that is there but stays silent may not know our version."""
    reason = error.__context__ or error
    return isinstance(reason, OSError) and not isinstance(reason, TimeoutError)


@contextmanager
def _no_cancellation_lost() -> Iterator[None]:
    """Cancel after all when the broker's answer came with the cancellation: Python 3.11's `wait_for` swallows that."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    yield
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
