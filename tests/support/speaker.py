"""A speaker made of a bare MQTT client: says what a test tells it to, and waits for what it should hear."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

from protocol import topics
from protocol.messages import (
    ClockQuality,
    ClockState,
    DeviceState,
    Message,
    Outcome,
    PlayerState,
    PlayRecord,
    Records,
    Status,
)
from protocol.topics import DELIVERY, Channel
from schedules.types import DeviceId


class BareSpeaker:
    """One connection to the broker that remembers everything on the wire."""

    def __init__(self, client: aiomqtt.Client, device: str, session: str) -> None:
        self.device = device
        self.session = session
        self.heard: dict[str, bytes] = {}
        self._client = client
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        async for message in self._client.messages:
            async with self._news:
                assert isinstance(message.payload, bytes)
                self.heard[str(message.topic)] = message.payload
                self._news.notify_all()

    async def say(self, message: Message, *, channel: Channel | None = None) -> None:
        await self.say_raw(channel or message.channel, message.encode())

    async def say_raw(self, channel: Channel, payload: bytes) -> None:
        topic = topics.device(DeviceId(self.device), channel)
        delivery = DELIVERY[channel]
        await self._client.publish(topic, payload, delivery.qos, delivery.retained)

    async def birth(self, *, online: bool = True, session: str | None = None) -> None:
        await self.say(Status(device=self.device, session=session or self.session, online=online))

    async def state(self, **more: Any) -> None:
        await self.say(state_of(self.device, self.session, **more))

    async def records(self, *numbers: int, boot: str = "boot-1", oldest: int | None = None) -> None:
        await self.say(
            Records(
                device=self.device,
                boot=boot,
                boot_order=1,
                oldest=oldest,
                records=tuple(
                    PlayRecord(seq=number, outcome=Outcome.COMPLETED, title=f"số {number}") for number in numbers
                ),
            )
        )

    async def hears(self, channel: Channel, check: Callable[[bytes], bool] = bool, *, within_s: float = 10) -> bytes:
        """Wait until the last word on a channel satisfies `check`; return it and forget it."""
        topic = topics.device(DeviceId(self.device), channel)
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(lambda: topic in self.heard and check(self.heard[topic]))
            return self.heard.pop(topic)


def state_of(device: str, session: str, **more: Any) -> DeviceState:
    """A healthy speaker's report."""
    facts: dict[str, Any] = {
        "clock": ClockState(quality=ClockQuality.TRUSTED, source="exchange"),
        "player": PlayerState(state="silent"),
        **more,
    }
    return DeviceState(device=device, session=session, **facts)


@asynccontextmanager
async def bare_speaker(port: int, device: str, *, session: str = "s1") -> AsyncIterator[BareSpeaker]:
    """Connect a speaker to the broker; it hears everything under its own topics."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        speaker = BareSpeaker(client, device, session)
        await client.subscribe(f"loa/1/devices/{device}/#", 1)
        listening = asyncio.create_task(speaker.listen(), name="bare-speaker")
        try:
            yield speaker
        finally:
            listening.cancel()
            await asyncio.wait([listening])
