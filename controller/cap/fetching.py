"""GET from addresses that others chose: bounded, and never from inside our own network.

The name is resolved once and the connection goes to the very address that was checked, so that a name cannot lead to
another address between the look and the leap. Redirects are followed by hand, each checked anew.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import httpx

TIMEOUT_S: Final = 10.0
DEADLINE_S: Final = 30.0
"""For the whole of one answer, however slowly it drips."""
REDIRECTS_MAX: Final = 3
_AGAIN_LATER: Final = frozenset({408, 425, 429})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK, _NOT_MODIFIED, _SERVER_ERRORS = 200, 304, 500
_TRANSLATING: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones (RFC 6052)."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchFailed(Exception):
    """Nothing was fetched. `code` is stable."""

    code: ClassVar[str] = "fetch"
    transient: ClassVar[bool] = False


class Away(FetchFailed):
    """It does not answer just now."""

    code, transient = "away", True

    def __init__(self, reason: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Refused(FetchFailed):
    """It answers that there is no such thing, or not for us."""

    code = "refused"


class AddressRefused(FetchFailed):
    """An address that we do not go to: another scheme, or inside our own network."""

    code = "address"


class TooLong(FetchFailed):
    """More bytes than are taken."""

    code = "too_long"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer; `body` is None where nothing has changed since the validators that were sent."""

    url: str
    """Where it came from in the end."""
    body: bytes | None
    etag: str | None
    last_modified: str | None


class Fetcher:
    """Fetches over one pool of connections; to be closed."""

    def __init__(self, *, own_networks: Collection[Network] = (), tls: ssl.SSLContext | None = None) -> None:
        """`own_networks` may be gone to though they are not public, such as a province's own."""
        self._own_networks = tuple(own_networks)
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S, trust_env=False, follow_redirects=False, verify=tls or ssl.create_default_context()
        )

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def get(
        self, url: str, *, bytes_max: int, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched:
        """Fetch, or raise `FetchFailed`."""
        validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in validators.items() if value} | {"Accept-Encoding": "identity"}
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._follow(_parsed(url), headers, bytes_max)
        except (httpx.TransportError, TimeoutError, OSError) as error:
            raise Away(type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise Refused(type(error).__name__) from error

    async def _follow(self, url: httpx.URL, headers: Mapping[str, str], bytes_max: int) -> Fetched:
        for _ in range(REDIRECTS_MAX + 1):
            answer = await self._one(url, headers, bytes_max)
            if isinstance(answer, Fetched):
                return answer
            if url.scheme == "https" and answer.scheme != "https":
                raise AddressRefused("from https to http")
            url = answer
        raise Refused("too many redirects")

    async def _one(self, url: httpx.URL, headers: Mapping[str, str], bytes_max: int) -> Fetched | httpx.URL:
        """An answer, or where to look instead."""
        address = await self._address(url)
        request = self._client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )
        answer = await self._client.send(request, stream=True)
        try:
            if answer.status_code in _REDIRECTS:
                return _parsed(str(url.join(answer.headers.get("location", ""))))
            if answer.status_code not in {_OK, _NOT_MODIFIED}:
                raise _failure(answer)
            body = await _body(answer, bytes_max) if answer.status_code == _OK else None
            return Fetched(str(url), body, answer.headers.get("etag"), answer.headers.get("last-modified"))
        finally:
            await answer.aclose()

    async def _address(self, url: httpx.URL) -> Address:
        """The address to connect to: the first of the name's that may be gone to."""
        found = await asyncio.get_running_loop().getaddrinfo(
            url.host, url.port or (443 if url.scheme == "https" else 80), type=socket.SOCK_STREAM
        )
        for *_, place in found:
            address = ipaddress.ip_address(str(place[0]))
            if is_public(address) or any(address in network for network in self._own_networks):
                return address
        raise AddressRefused("not a public address")


def is_public(address: Address) -> bool:
    """Whether an address is somebody else's, out there; those that stand for another address are not."""
    return (
        address.is_global
        and not address.is_multicast
        and not (
            isinstance(address, ipaddress.IPv6Address)
            and (address.ipv4_mapped or address.sixtofour or address.teredo or address in _TRANSLATING)
        )
    )


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AddressRefused("not a URL") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        raise AddressRefused("not a plain http or https URL")
    return parsed.copy_with(fragment=None)


def _failure(answer: httpx.Response) -> FetchFailed:
    status = answer.status_code
    if status < _SERVER_ERRORS and status not in _AGAIN_LATER:
        return Refused(f"HTTP {status}")
    after = answer.headers.get("retry-after", "")
    return Away(f"HTTP {status}", retry_after_s=int(after) if after.isascii() and after.isdigit() else None)


async def _body(answer: httpx.Response, bytes_max: int) -> bytes:
    """The bytes as they come: a packed answer, which we did not ask for, could unpack to anything."""
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused("a content encoding that was not asked for")
    length = answer.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > bytes_max:
        raise TooLong(f"more than {bytes_max} bytes")
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > bytes_max:
            break
    if len(body) > bytes_max:
        raise TooLong(f"more than {bytes_max} bytes")
    return bytes(body)
