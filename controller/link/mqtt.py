"""The MQTT connection of the controller: it comes back by itself, and whatever the broker forgot is said again."""

import asyncio
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from controller.errors import Unavailable
from controller.link import clock
from controller.link.backlog import Backlog, Pace
from controller.link.ports import Inbox, Incoming, Outbox, Outgoing
from controller.link.refusals import Refusals
from protocol import topics
from protocol.errors import ProtocolError, TooLarge
from protocol.messages import Pulse
from protocol.signing import Signer, sign
from protocol.topics import DELIVERY, Channel, DeviceTopic

log = structlog.get_logger(__name__)

LISTENS_TO: list[tuple[str, int]] = [
    (topics.all_devices(channel), topics.DELIVERY[channel].qos)
    for channel in (Channel.STATUS, Channel.STATE, Channel.RECORDS, Channel.REPLY, Channel.CLOCK, Channel.ALERT_REPORT)
]
LISTENS_TO.append((topics.ANY_ACCESS, 1))
PAGE = 50
IN_FLIGHT = 20
ANSWERS = 1_000
TOGETHER = 200
"""Messages of so many speakers are taken in together: each by itself would cost the disk a flush."""
UNREAD = 10_000
"""Messages that were taken from the socket and not looked at yet."""
UNREAD_BYTES = 128 * 1024
"""Of the socket: what one speaker pours into it others must wait behind, and the broker bounds what it holds itself."""
BURST = 1_000
"""Messages waiting at once that are worth a line in the log."""
FLOOD = "flood"
FLOODED = 500
"""Messages too many after which the broker is asked not to take any more from a speaker."""
CONNECTS_WITHIN_S = 10.0
ACKNOWLEDGES_WITHIN_S = 120.0
"""The broker's acknowledgements stand in line behind what ten thousand speakers answer to one alert: that one is late
says nothing of the line. A dead line is noticed by its keep-alive; to give up a living one would say everything again,
to a broker and a controller that have too much to do already."""
ECHO_S = 1.0
NOW_S = 0.5
"""What is to be said at once is given up after so long."""
POLL_S = 5.0
"""The database is asked this often even when nobody called: a lost hint costs seconds, never a plan."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to enter."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    client_id: str = "loa-controller"
    mqtt_version: Literal["5", "3.1.1"] = "5"
    tls: Callable[[], ssl.SSLContext] | None = None
    """Asked at each connection: certificates are renewed meanwhile."""


Allows = Callable[[aiomqtt.Message], bool]


def client_of(broker: Broker, allows: Allows = lambda _message: True) -> aiomqtt.Client:
    """Return a client that is not connected yet. What it does not allow costs hardly more than reading."""
    mqtt5 = broker.mqtt_version == "5"
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=broker.client_id,
        protocol=aiomqtt.ProtocolVersion.V5 if mqtt5 else aiomqtt.ProtocolVersion.V311,
        clean_session=None if mqtt5 else True,
        tls_context=broker.tls() if broker.tls else None,
        max_inflight_messages=IN_FLIGHT,
        queue_type=_gate(allows),
        max_queued_incoming_messages=UNREAD,
        socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BYTES)],
        keepalive=20,
        timeout=CONNECTS_WITHIN_S,
    )
    client.pending_calls_threshold = 2 * PAGE  # a page at a time is on purpose
    return client


def _gate(allows: Allows) -> type[asyncio.Queue[aiomqtt.Message]]:
    class Gate(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            if allows(item):
                super().put_nowait(item)

    return Gate


class Link:
    """Carries the outbox to the broker and the speakers' messages to the inbox, for as long as it runs."""

    def __init__(
        self,
        *,
        broker: Broker,
        outbox: Outbox,
        inbox: Inbox,
        key: Signer,
        now: Callable[[], datetime],
        pulse_every_s: int = 30,
        first_retry_s: float = 0.5,
        refusals: Refusals | None = None,
    ) -> None:
        self._broker = broker
        self._outbox = outbox
        self._inbox = inbox
        self._key = key
        self._now = now
        self._pulse_every_s = pulse_every_s
        self._first_retry_s = first_retry_s
        self.refusals = refusals or Refusals()
        self.connected = asyncio.Event()
        self._call = asyncio.Event()
        self.backlog = Backlog()
        self._pace = Pace(time.monotonic)
        self.flooded: Callable[[str], None] = lambda _device_id: None
        """Called with a speaker that says far too much."""
        self._echoes: dict[str, asyncio.Event] = {}
        self._client: aiomqtt.Client | None = None
        self._answers: asyncio.Queue[Outgoing] = asyncio.Queue(ANSWERS)

    def wake(self) -> None:
        """Something was committed that wants publishing."""
        self._call.set()

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._store(), name="link-inbox")
            tasks.create_task(self._stay_connected(), name="link-connection")

    async def _stay_connected(self) -> None:
        delays, down = self._delays(), False
        while True:
            try:
                async with client_of(self._broker, self._is_listened_to) as client:
                    await client.subscribe(LISTENS_TO)
                    client.timeout = ACKNOWLEDGES_WITHIN_S
                    log.info("link.up", host=self._broker.host, port=self._broker.port)
                    delays, down = self._delays(), False
                    self._client = client
                    self.connected.set()
                    await self._converse(client)
            except* (aiomqtt.MqttError, OSError) as errors:
                if not down:
                    log.warning("link.down", reason=str(_first(errors)))
                down = True
            finally:
                self._client = None
                self.connected.clear()
            await asyncio.sleep(next(delays))

    def _delays(self) -> Iterator[float]:
        """Doubling, jittered waits, so that a returning broker is not met by everyone at once."""
        delay = self._first_retry_s
        while True:
            yield delay * random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, protects nothing
            delay = min(delay * 2, 30.0)

    async def _converse(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(client), name="link-listen")
            tasks.create_task(self._speak(client), name="link-speak")
            tasks.create_task(self._answer(client), name="link-answer")
            tasks.create_task(self._pulse(client), name="link-pulse")

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Clock questions are answered here and now; what waits for the database does not come here."""
        async for message in client.messages:
            received_at_us = clock.now_us()
            name = str(message.topic)
            topic = DeviceTopic.parse(name)
            if topic is None:
                self._hear_echo(name)
            elif topic.channel is Channel.CLOCK:
                await self._tell_time(client, topic, message.payload, received_at_us)

    def _is_listened_to(self, message: aiomqtt.Message) -> bool:
        """Put what is for the database into the backlog at once: a queue before it would overflow first.

        What the broker kept is no flood: it comes once, at our own wish.
        """
        topic, payload = DeviceTopic.parse(message.topic.value), message.payload
        if topic is None:
            return True
        if not message.retain and (excess := self._pace.excess(topic.device_id)):
            self.refusals.add(topic.device_id, FLOOD)
            if excess % FLOODED == 0:
                self.flooded(topic.device_id)
            return False
        limit = DELIVERY[topic.channel].max_bytes
        if len(payload) > limit:
            self.refusals.add(topic.device_id, TooLarge.code, f"{topic.channel}: {len(payload)} bytes, {limit} allowed")
            return False
        if topic.channel is Channel.CLOCK:
            return True
        self._wait_for_the_database(Incoming(topic, payload, retained=bool(message.retain)))
        return False

    def _wait_for_the_database(self, message: Incoming) -> None:
        crowded_out = self.backlog.put(message)
        if crowded_out is not None:
            self.refusals.add(crowded_out, "overload")

    def _hear_echo(self, name: str) -> None:
        heard = self._echoes.get(name)
        if heard is not None:
            heard.set()

    async def say_now(self, topic: str, payload: bytes) -> bool:
        """Say something at once, or not at all; False when nobody takes it. For what loses its worth by waiting."""
        if self._client is None:
            return False
        try:
            # A broker that died in the midst takes nothing and refuses nothing: who speaks must not wait for that.
            await self._client.publish(topic, payload, qos=0, timeout=NOW_S)
        except aiomqtt.MqttError:
            return False
        return True

    async def echoes(self, topic: str, *, within_s: float = ECHO_S) -> bool:
        """Whether what we say on this topic below `topics.ACCESS` comes back to us now."""
        if not self.connected.is_set():
            return False
        heard = self._echoes.setdefault(topic, asyncio.Event())
        self._answer_with(Outgoing(topic, b"?"))
        try:
            async with asyncio.timeout(within_s):
                await heard.wait()
        except TimeoutError:
            return False
        finally:
            self._echoes.pop(topic, None)
        return True

    async def _tell_time(self, client: aiomqtt.Client, topic: DeviceTopic, payload: bytes, received_at_us: int) -> None:
        try:
            where, reply = clock.answer(
                payload, device_id=topic.device_id, received_at_us=received_at_us, key=self._key
            )
        except ProtocolError as error:
            self.refusals.add(topic.device_id, error.code)
            return
        except Unavailable:  # nothing to sign with: it asks again
            return
        await client.publish(where, reply, qos=0)

    async def _store(self) -> None:
        while True:
            first = await self.backlog.get()
            for answer in await self._inbox.receive_some([first, *self.backlog.more(TOGETHER)]):
                self._answer_with(answer)
            if not self.backlog.messages:
                if self.backlog.most >= BURST:
                    log.info("link.caught_up", most_waiting=self.backlog.most)
                self.backlog.most = 0

    def _answer_with(self, answer: Outgoing) -> None:
        if self._answers.full():
            self._answers.get_nowait()
        self._answers.put_nowait(answer)

    async def _answer(self, client: aiomqtt.Client) -> None:
        while True:
            await _publish(client, await self._answers.get())

    async def _speak(self, client: aiomqtt.Client) -> None:
        """First everything, because the broker may have forgotten it; then what changes."""
        self._call.set()
        after: str | None = None
        while page := await self._outbox.everything(after, PAGE):
            await self._say(client, page)
            after = page[-1].topic
            await self._say_urgent(client)
        while True:
            self._call.clear()
            await self._say_urgent(client)
            while page := await self._outbox.waiting(PAGE):
                await self._say(client, page)
                await self._say_urgent(client)
            try:
                async with asyncio.timeout(POLL_S):
                    await self._call.wait()
            except TimeoutError:
                continue

    async def _say_urgent(self, client: aiomqtt.Client) -> None:
        """Alerts, and then their sounds: whatever else waits."""
        while page := await self._outbox.urgent(PAGE):
            await self._say(client, page)
            for outgoing in await self._outbox.sequel(page):
                await _publish(client, outgoing)

    async def _say(self, client: aiomqtt.Client, page: Sequence[Outgoing]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for outgoing in page:
                tasks.create_task(_publish(client, outgoing))
        await self._outbox.published(page)

    async def _pulse(self, client: aiomqtt.Client) -> None:
        while True:
            now = self._now()
            with suppress(Unavailable):  # nothing to sign with: speakers say that they are blind, and are heard
                signed = sign(
                    Pulse(at=now, every_s=self._pulse_every_s),
                    audience="all",
                    key=self._key,
                    now=now,
                    lifetime=timedelta(seconds=3 * self._pulse_every_s),
                )
                await client.publish(topics.PULSE, signed, qos=0)
            await asyncio.sleep(self._pulse_every_s)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What broke first, out of the groups around it."""
    inner = errors.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _publish(client: aiomqtt.Client, outgoing: Outgoing) -> None:
    properties = None
    if outgoing.expires_in_s is not None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho; ignored below MQTT 5
        properties.MessageExpiryInterval = max(1, outgoing.expires_in_s)
    await client.publish(outgoing.topic, outgoing.payload, outgoing.qos, outgoing.retain, properties)
