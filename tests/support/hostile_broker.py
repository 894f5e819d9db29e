"""A broker that means harm: a proxy before a real one that drops, doubles, reorders, replays and invents.

It speaks MQTT 3.1.1, and changes what goes to the speaker only: what the speaker says passes as it is.
"""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from loa.brokers import free_port

PUBLISH = 3
RETAIN = 1


def _length(count: int) -> bytes:
    made = b""
    while True:
        count, digit = divmod(count, 128)
        made += bytes([digit | (0x80 if count else 0)])
        if not count:
            return made


def packed(head: int, body: bytes) -> bytes:
    """A packet as it goes over the line."""
    return bytes([head]) + _length(len(body)) + body


def publish(topic: str, payload: bytes, *, retained: bool) -> bytes:
    """A message as a broker would deliver it with QoS 0."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + payload
    return packed(PUBLISH << 4 | (RETAIN if retained else 0), body)


@dataclass(frozen=True)
class Heard:
    """A message on its way to the speaker."""

    topic: str
    payload: bytes
    mid: bytes

    @classmethod
    def of(cls, head: int, body: bytes) -> "Heard":
        end = 2 + int.from_bytes(body[:2], "big")
        mid = body[end : end + 2] if head >> 1 & 3 else b""
        return cls(body[2:end].decode(), body[end + len(mid) :], mid)


async def packets(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, bytes]]:
    """Yield what comes over a line, whole packet by whole packet."""
    while True:
        head = (await reader.readexactly(1))[0]
        count, shift = 0, 0
        while True:
            digit = (await reader.readexactly(1))[0]
            count |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
        yield head, await reader.readexactly(count)


@dataclass
class HostileBroker:
    """Stands before the broker at `behind`. Harmless until `hostile` is set."""

    behind: int
    seed: int = 1
    hostile: bool = False
    inventions: list[tuple[str, bytes]] = field(default_factory=list)
    """Said again and again while it is hostile, each as retained and as new."""
    past: list[Heard] = field(default_factory=list)
    """All that it ever carried."""
    harm: dict[str, int] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def running(self) -> Iterator["HostileBroker"]:
        started, ended = threading.Event(), asyncio.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            started.set()
            await ended.wait()
            server.close()
            for line in set(self._lines):
                line.close()
            await asyncio.sleep(0.1)

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="hostile-broker")
        thread.start()
        started.wait(10)
        try:
            yield self
        finally:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(ended.set)
            thread.join(10)

    def hang_up(self) -> None:
        """End every connection: the speaker connects anew, and is told what stands there."""
        assert self._loop is not None
        for line in set(self._lines):
            self._loop.call_soon_threadsafe(line.close)

    async def _carry(self, down: asyncio.StreamReader, to_speaker: asyncio.StreamWriter) -> None:
        up, to_broker = await asyncio.open_connection("127.0.0.1", self.behind)
        self._lines.add(to_speaker)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_up(down, to_broker))
                tasks.create_task(self._pass_down(up, to_speaker, to_broker))
                tasks.create_task(self._invent(to_speaker))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._lines.discard(to_speaker)
            for line in (to_speaker, to_broker):
                line.close()

    async def _pass_up(self, down: asyncio.StreamReader, to_broker: asyncio.StreamWriter) -> None:
        while said := await down.read(65536):
            to_broker.write(said)
            await to_broker.drain()
        raise ConnectionResetError

    async def _pass_down(
        self, up: asyncio.StreamReader, to_speaker: asyncio.StreamWriter, to_broker: asyncio.StreamWriter
    ) -> None:
        chance, held = random.Random(self.seed), b""
        async for head, body in packets(up):
            packet = packed(head, body)
            if head >> 4 != PUBLISH:
                to_speaker.write(packet)
                continue
            heard = Heard.of(head, body)
            self.past.append(heard)
            if not self.hostile:
                to_speaker.write(packet)
                continue
            said = publish(heard.topic, heard.payload, retained=bool(head & RETAIN))
            if heard.mid:
                to_broker.write(b"\x40\x02" + heard.mid)  # it pretends that all went well
            match chance.choice(("drop", "double", "hold", "pass", "pass")):
                case "drop":
                    self._note("dropped")
                case "double":
                    self._note("doubled")
                    to_speaker.write(said + said)
                case "hold" if not held:
                    self._note("reordered")
                    held = said
                    continue
                case _:
                    to_speaker.write(said)
            to_speaker.write(held)
            held = b""
            await to_speaker.drain()
        raise ConnectionResetError

    async def _invent(self, to_speaker: asyncio.StreamWriter) -> None:
        chance = random.Random(self.seed)
        while True:
            await asyncio.sleep(0.2)
            if not self.hostile or not self.past:
                continue
            old = chance.choice([each for each in self.past if "/clock/" not in each.topic] or self.past)
            self._note("replayed")
            to_speaker.write(publish(old.topic, old.payload, retained=chance.random() < 0.7))
            if self.inventions:
                self._note("invented")
                topic, payload = chance.choice(self.inventions)
                to_speaker.write(publish(topic, payload, retained=chance.random() < 0.5))
            with suppress(ConnectionError):
                await to_speaker.drain()

    def _note(self, what: str) -> None:
        self.harm[what] = self.harm.get(what, 0) + 1
