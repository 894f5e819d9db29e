"""Losing the way of the sound while something plays: noticed within a second, told, tried again, and back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from device_agent.mixer import Ended, Started
from device_agent.player import Player, PlayerEvent, SinkChanged
from device_agent.sinks import Sink, SinkLost, SinkUnavailable
from device_agent.sinks.choose import sink_opener
from device_agent.sinks.pulse import PulseSink
from tests.support.commune_speaker import LongSound
from tests.support.pulse import PulseServer
from tests.support.starved import undisturbed

Event = TypeVar("Event", Started, Ended, SinkChanged)


class Watcher:
    """A player on a real server, and its events."""

    def __init__(self, server: PulseServer, open_sink: Callable[[], Sink] | None = None) -> None:
        self._events: asyncio.Queue[PlayerEvent] = asyncio.Queue()
        self.player = Player(open_sink or (lambda: PulseSink(server=server.address, device=server.sinks[0])))
        self.player.listen(self._events.put_nowait)

    async def sees(self, kind: type[Event]) -> Event:
        async with asyncio.timeout(30):
            while True:
                event = await self._events.get()
                if isinstance(event, kind):
                    return event

    async def sees_sink(self, *, open_: bool) -> str:
        while (event := await self.sees(SinkChanged)).open is not open_:
            pass
        return event.detail

    async def plays(self) -> None:
        self.player.play(LongSound(60_000), at_mono_s=time.monotonic() + 0.3, of="a", gain=0.5)
        await self.sees(Started)


def feed(sink: PulseSink) -> None:
    """Write silence until it fails."""
    while True:
        sink.write(bytes(1920))
        sink.consumed()


@asynccontextmanager
async def watching(server: PulseServer, open_sink: Callable[[], Sink] | None = None) -> AsyncIterator[Watcher]:
    watcher = Watcher(server, open_sink)
    watcher.player.start()
    try:
        await watcher.sees_sink(open_=True)
        yield watcher
    finally:
        await watcher.player.aclose()


async def test_a_killed_server_is_noticed_and_played_to_again_when_it_is_back(tmp_path: Path) -> None:
    with PulseServer(tmp_path) as server:
        async with watching(server) as watcher:
            await watcher.plays()
            server.kill()
            await watcher.sees_sink(open_=False)
            assert not watcher.player.status.open
            assert (await watcher.sees(Ended)).cause == "lost"
            server.start()
            await watcher.sees_sink(open_=True)
            await watcher.plays()


async def test_a_hung_server_is_noticed_and_played_to_again_when_it_goes_on(tmp_path: Path) -> None:
    with PulseServer(tmp_path) as server:
        async with watching(server) as watcher:
            await watcher.plays()
            server.hang()
            assert "hangs" in await watcher.sees_sink(open_=False)
            assert (await watcher.sees(Ended)).cause == "lost"
            server.go_on()
            await watcher.sees_sink(open_=True)
            await watcher.plays()


def test_an_idle_stream_notices_a_hung_server_too(tmp_path: Path) -> None:
    with PulseServer(tmp_path) as server:
        sink = PulseSink(server=server.address)
        server.hang()
        with pytest.raises(SinkLost, match="hangs"):
            feed(sink)
        sink.close()
        server.go_on()


def test_a_hung_server_is_not_waited_for_when_it_is_opened(tmp_path: Path) -> None:
    with PulseServer(tmp_path) as server:
        server.hang()
        with pytest.raises(SinkUnavailable, match="does not answer"):
            PulseSink(server=server.address)
        server.go_on()


def test_a_sink_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with PulseServer(tmp_path) as server, pytest.raises(SinkUnavailable, match="No such entity"):
        PulseSink(server=server.address, device="nobody")


STOCK = ("module-rescue-streams", "module-always-sink")
"""What a stock PulseAudio loads: it moves the streams of a sink that goes to another one, or to nowhere."""


async def test_a_card_that_is_unplugged_is_lost_and_no_other_is_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await undisturbed(partial(_unplugged, monkeypatch), tmp_path)


async def _unplugged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with PulseServer(tmp_path, 0, modules=STOCK) as server:
        monkeypatch.setenv("PULSE_SERVER", server.address)
        server.plug("card")
        server.control("set-default-sink", "card")
        async with watching(server, sink_opener("auto", state_dir=tmp_path)) as watcher:
            await watcher.plays()
            server.unplug("card")
            await watcher.sees_sink(open_=False)
            assert (await watcher.sees(Ended)).cause == "lost"

            server.plug("monitor")
            server.control("set-default-sink", "monitor")
            assert "No such entity" in await watcher.sees_sink(open_=False)

            server.plug("card")
            await watcher.sees_sink(open_=True)
            await watcher.plays()


def test_a_server_without_a_card_is_no_way_out(tmp_path: Path) -> None:
    with PulseServer(tmp_path, 0, modules=STOCK) as server, pytest.raises(SinkUnavailable, match="no sound card"):
        PulseSink(server=server.address)
