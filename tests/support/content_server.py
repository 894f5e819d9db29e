"""A content server that can be told to fail, as honest as HTTP itself: raw answers on a real socket."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Self


class Mood(Enum):
    GOOD = auto()
    BROKEN = auto()
    HALF = auto()
    WRONG = auto()
    LONG = auto()
    EXPIRED = auto()
    ELSEWHERE = auto()
    NO_RANGES = auto()


class ContentServer:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.mood = Mood.GOOD
        self.moods: list[Mood] = []
        """One for each coming request; when they are used up, `mood` holds."""
        self.requests: list[str] = []
        self.ranges: list[int] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _ = head.split(" ", 2)
            self.requests.append(f"{method} {target}")
            asked = re.search(r"range: bytes=(\d+)-", head, re.IGNORECASE)
            writer.write(self._reply(method, target, int(asked[1]) if asked else 0))
            await writer.drain()
        finally:
            writer.close()

    def _reply(self, method: str, target: str, start: int) -> bytes:
        path = target.split("?", maxsplit=1)[0]
        if method == "POST":
            return _http("200 OK", b'{"url": "%s?fresh"}' % path.removesuffix("/renew").encode())
        mood = self.moods.pop(0) if self.moods else self.mood
        if mood is Mood.EXPIRED and not target.endswith("?fresh"):
            return _http("403 Forbidden", b"")
        body = self.files.get(path)
        if body is None:
            return _http("404 Not Found", b"")
        self.ranges.append(start)
        match mood:
            case Mood.BROKEN:
                return _http("500 Internal Server Error", b"")
            case Mood.ELSEWHERE:
                return _http("302 Found", b"", "Location: http://127.0.0.1:9/")
            case Mood.WRONG:
                body = bytes(len(body))
            case Mood.LONG:
                body += b"more"
            case Mood.NO_RANGES:
                start = 0
        part = body[start:]
        status = "206 Partial Content" if start else "200 OK"
        answer = _http(status, part, f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}")
        return answer[: len(answer) - len(part) // 2] if mood is Mood.HALF else answer


def _http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
