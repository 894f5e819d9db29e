"""The one way out for the program that fetches a station: a proxy on this machine that counts, bounds and refuses.

A SIM is paid by the megabyte, and a station may be far richer than its sound is worth here; so what comes in is
counted, passes no faster than radio needs, and ends at a budget. Where the plan names a public station, nothing (no
redirect, no playlist) leads to a machine of the local network.
"""

import asyncio
import ipaddress
import socket
import time
from contextlib import AsyncExitStack, suppress
from typing import Final, Self
from urllib.parse import urlsplit

_HEAD_MAX_BYTES: Final = 16_384
_BLOCK_BYTES: Final = 16_384
_RATE_BYTES_S: Final = 48_000
"""384 kbit/s: above what radio sends, far below video."""
_BURST_BYTES: Final = 1_000_000
"""What may come at once: a station's first burst, or the first three segments of a playlist."""
_CONNECT_LIMIT_S: Final = 8.0
_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address is inside, and counts (RFC 6052): a mobile network may lead to every station this way."""
_NAT64_OF_A_NETWORK: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
"""Where inside it lies, each network decides (RFC 8215)."""


class Gate:
    """Open while one relay is fetched. Speaks HTTP's proxy requests (RFC 9110, sections 7.1 and 9.3.6)."""

    def __init__(self, url: str, *, window_s: float) -> None:
        self._named = urlsplit(url)
        self._began_s = time.monotonic()
        self._budget_bytes = round(_BURST_BYTES + window_s * _RATE_BYTES_S)
        self._exit = AsyncExitStack()
        self._inside: bool | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.received_bytes = 0
        self.address = ""
        """What the program is told as its proxy."""

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self.received_bytes >= self._budget_bytes

    async def __aenter__(self) -> Self:
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=_HEAD_MAX_BYTES)
        self._exit.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            with suppress(OSError):
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        except asyncio.CancelledError:
            return  # the gate closes; asyncio's server would log what it cannot await
        finally:
            self._serving.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _version = line.split(" ")
        tunnel = method == "CONNECT"
        place = urlsplit(f"//{target}" if tunnel else target)
        if not place.hostname or (not tunnel and place.scheme != "http"):
            raise ValueError(f"{method} goes nowhere")
        async with asyncio.timeout(_CONNECT_LIMIT_S):
            address = await self._allowed(place.hostname, place.port or _PORTS["https" if tunnel else "http"])
            far_reader, far_writer = await asyncio.open_connection(*address)
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = (place.path or "/") + (f"?{place.query}" if place.query else "")
                kept = [field for field in fields if not field.lower().startswith(("connection:", "proxy-"))]
                said = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""])
                far_writer.write(said.encode("latin-1"))
            await self._both_ways(reader, writer, far_reader, far_writer)
        finally:
            far_writer.close()

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        up = asyncio.create_task(_pass_on(reader, far_writer), name="relay-up")
        try:
            while not self.spent and (block := await far_reader.read(_BLOCK_BYTES)):
                self.received_bytes += len(block)
                writer.write(block)
                await writer.drain()
                ahead_s = (self.received_bytes - _BURST_BYTES) / _RATE_BYTES_S - (time.monotonic() - self._began_s)
                await asyncio.sleep(max(0.0, ahead_s))
        finally:
            up.cancel()
            await asyncio.wait([up])

    async def _allowed(self, host: str, port: int) -> tuple[str, int]:
        """Return the very address to connect to, or raise: a name must not lead elsewhere the second time."""
        address = await _resolved(host, port)
        if self._inside is None:
            own = self._named.hostname or ""
            self._inside = not _public(await _resolved(own, self._named.port or _PORTS[self._named.scheme]))
        if not self._inside and not _public(address):
            raise ValueError("a public station leads into the local network")
        return address, port


async def _resolved(host: str, port: int) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


def _public(address: str) -> bool:
    """Whether an address leads out into the world: neither to this network, by whatever disguise, nor to many."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64_OF_A_NETWORK or ip.teredo is not None:
            return False
        inside = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else ip.ipv4_mapped or ip.sixtofour
        ip = inside or ip
    return ip.is_global and not ip.is_multicast


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(_BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
