import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

import aiomqtt
import pytest

from device_agent.link import Link
from device_agent.settings import BrokerSettings
from loa.brokers import Broker
from protocol import topics
from protocol.messages import ClockQuality, ClockState, DeviceState, Message, PlayerState, Reply, Status
from protocol.topics import Channel, device
from schedules.types import DeviceId
from tests.support.agent_rooms import SPEAKER

Version = Literal["auto", "5", "3.1.1"]


class Speaker:
    """A link and what it hears."""

    def __init__(self, port: int, protocol: Version = "5", session: str = "s1") -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.connected = asyncio.Event()
        self.session = session
        self.link = Link(
            BrokerSettings(host="127.0.0.1", port=port, protocol=protocol),
            SPEAKER,
            handlers={self.topic(Channel.COMMAND): self._hear, topics.PULSE: self._stumble},
            status=lambda online: Status(device=SPEAKER, session=session, online=online),
            connected=self.connected.set,
            changed=lambda: None,
        )

    def cut(self) -> None:
        """Cut the wire, as a mast that loses its power does."""
        client = self.link._client
        assert client is not None
        wire = client._client.socket()
        assert isinstance(wire, socket.socket)
        wire.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def topic(channel: Channel) -> str:
        return device(DeviceId(SPEAKER), channel)

    async def _hear(self, payload: bytes) -> None:
        self.heard.put_nowait(payload)

    async def _stumble(self, _: bytes) -> None:
        raise RuntimeError("a handler with a fault")


@asynccontextmanager
async def running(speaker: Speaker) -> AsyncIterator[Speaker]:
    work = asyncio.create_task(speaker.link.run())
    try:
        async with asyncio.timeout(15):
            yield speaker
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


@asynccontextmanager
async def controller(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe(f"{topics.ROOT}/devices/{SPEAKER}/#", qos=1)
        yield client


async def next_of(client: aiomqtt.Client, channel: Channel) -> bytes:
    async with asyncio.timeout(10):
        async for message in client.messages:
            if message.topic.value == Speaker.topic(channel):
                assert isinstance(message.payload, bytes)
                return message.payload
    raise AssertionError("the stream of messages ended")


def state(ready: int) -> DeviceState:
    return DeviceState(
        device=SPEAKER,
        session="s1",
        ready=ready,
        clock=ClockState(quality=ClockQuality.TRUSTED, source="exchange"),
        player=PlayerState(state="silent"),
    )


async def test_a_speaker_says_when_it_comes_and_when_it_goes(broker: Broker) -> None:
    async with controller(broker) as client:
        async with running(Speaker(broker.port)):
            assert Status.decode(await next_of(client, Channel.STATUS)).online
        gone = Status.decode(await next_of(client, Channel.STATUS))
        assert (gone.online, gone.session) == (False, "s1")


async def test_a_speaker_that_vanishes_leaves_its_will(broker: Broker) -> None:
    async with controller(broker) as client, running(Speaker(broker.port)) as speaker:
        await next_of(client, Channel.STATUS)
        await speaker.connected.wait()
        speaker.cut()
        said = [Status.decode(await next_of(client, Channel.STATUS)) for _ in range(2)]
    assert [one.online for one in said] == [False, True]


async def test_a_faulty_handler_does_not_take_the_link_down(broker: Broker) -> None:
    async with running(Speaker(broker.port)) as speaker, controller(broker) as client:
        await speaker.connected.wait()
        await client.publish(topics.PULSE, b"x", qos=1)
        await client.publish(speaker.topic(Channel.COMMAND), b"after the fault", qos=1)
        assert await speaker.heard.get() == b"after the fault"


async def test_what_is_said_while_the_link_is_down_is_sent_later_but_only_the_newest_state(
    broker: Broker,
) -> None:
    async with controller(broker) as client:
        speaker = Speaker(broker.port)
        for message in (state(1), Reply(device=SPEAKER, command_id="c1", outcome="done"), state(2)):
            speaker.link.send(message)
        assert not await speaker.link.send_now(Reply(device=SPEAKER, command_id="c2", outcome="done"))
        async with running(speaker):
            assert Reply.decode(await next_of(client, Channel.REPLY)).command_id == "c1"
            assert DeviceState.decode(await next_of(client, Channel.STATE)).ready == 2


async def test_the_link_comes_back_after_the_broker_was_killed(broker: Broker) -> None:
    async with running(Speaker(broker.port)) as speaker:
        await speaker.connected.wait()
        speaker.connected.clear()
        broker.kill()
        broker.forget()
        speaker.link.send(state(3))
        broker.start()
        await speaker.connected.wait()
        async with controller(broker) as client:
            assert DeviceState.decode(await next_of(client, Channel.STATE)).ready == 3


async def test_last_words_are_sent_before_goodbye(broker: Broker) -> None:
    async with controller(broker) as client:
        async with running(Speaker(broker.port)) as speaker:
            await speaker.connected.wait()
            last: Message = Reply(device=SPEAKER, command_id="restart", outcome="done")
            speaker.link.send(last)
        assert Reply.decode(await next_of(client, Channel.REPLY)).command_id == "restart"


async def test_a_speaker_that_is_ended_at_the_worst_moment_still_ends_and_says_so(broker: Broker) -> None:
    async with controller(broker) as client:
        for session in ("s1", "s2", "s3", "s4", "s5"):
            async with running(Speaker(broker.port, session=session)):
                # Its birth is heard before the broker's answer to it reaches the speaker: the end comes in between.
                assert Status.decode(await next_of(client, Channel.STATUS)).online
            gone = Status.decode(await next_of(client, Channel.STATUS))
            assert (gone.online, gone.session) == (False, session)


@pytest.mark.parametrize("protocol", ["3.1.1", "auto"])
async def test_a_broker_of_the_older_protocol_is_spoken_to_in_its_words(
    broker: Broker, protocol: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_agent.link.ANSWER_S", 1.0)  # iotcore leaves a question in the wrong protocol unanswered
    async with running(Speaker(broker.port_v311, protocol)) as speaker, controller(broker) as client:
        await speaker.connected.wait()
        await client.publish(speaker.topic(Channel.COMMAND), b"hello", qos=1)
        assert await speaker.heard.get() == b"hello"
