"""A web server that answers as it is told, on a real socket, and remembers what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    """Else the connection breaks off before the end."""
    measured: bool = True
    """Else it does not say how long it is."""


@dataclass(frozen=True)
class Asked:
    target: str
    headers: dict[str, str]


class WebServer:
    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def targets(self) -> list[str]:
        return [each.target for each in self.asked]

    def url(self, path: str, *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
            await asyncio.gather(*self._serving)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
            target = first.split(" ")[1]
            self.asked.append(Asked(target, headers))
            writer.write(_http(self._answer(target, headers)))
            await writer.drain()

    def _answer(self, target: str, headers: dict[str, str]) -> Answer:
        answer = self.answers.get(target, Answer(status=404))
        etag = answer.headers.get("ETag")
        return Answer(status=304) if etag and headers.get("if-none-match") == etag else answer


def _http(answer: Answer) -> bytes:
    length = len(answer.body) + (0 if answer.whole else 1)
    measure = {"Content-Length": str(length)} if answer.measured else {}
    headers = {**measure, "Connection": "close", **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode() + answer.body
