"""A broker that is in no hurry: it takes everything at once and acknowledges after a while (MQTT 3.1.1)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class SlowBroker:
    """Counts connections, and what was published on them."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s
        self._lines = set[asyncio.StreamWriter]()
        self.port = 0
        self.connections = 0
        self.published = list[str]()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._lines.add(writer)
        loop = asyncio.get_running_loop()
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head, body = await _packet(reader)
                match head >> 4:
                    case 1:
                        writer.write(b"\x20\x02\x00\x00")
                    case 8:
                        topics = body.count(b"loa/1")
                        writer.write(bytes([0x90, 2 + topics]) + body[:2] + b"\x01" * topics)
                    case 3:
                        end = 2 + int.from_bytes(body[:2], "big")
                        self.published.append(body[2:end].decode())
                        if head & 0x06:
                            loop.call_later(self._late_s, writer.write, b"\x40\x02" + body[end : end + 2])
                    case 12:
                        writer.write(b"\xd0\x00")

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SlowBroker"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for line in self._lines:
                line.close()
            await server.wait_closed()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readexactly(1))[0]
    count, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        count |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return head, await reader.readexactly(count)
