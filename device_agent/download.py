"""Fetching over HTTP: only from allowed hosts, never following a redirect, resuming where it broke off."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import httpx

from device_agent.cache import ClipCache, disk_error, hash_file
from device_agent.errors import DownloadError, HashMismatch, HostNotAllowed, UrlExpired
from protocol.messages import ClipRef

TIMEOUT = httpx.Timeout(15, connect=10)
_EXPIRED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.GONE}


def allowed(url: str, hosts: Sequence[str]) -> str:
    """Return the absolute address of `url`, or raise `HostNotAllowed`. A relative one belongs to the first host."""
    if not hosts:
        raise HostNotAllowed("no content_hosts are configured")
    absolute = urljoin(hosts[0] + "/", url)
    wanted = urlsplit(absolute)
    for host in hosts:
        base = urlsplit(host)
        same = (wanted.scheme, wanted.hostname, wanted.port) == (base.scheme, base.hostname, base.port)
        if same and not wanted.username and wanted.path.startswith(f"{base.path}/"):
            return absolute
    raise HostNotAllowed(f"{wanted.scheme}://{wanted.netloc.rpartition('@')[2]} is not among content_hosts")


class Downloader:
    """The agent's only way out over HTTP."""

    def __init__(self, hosts: Sequence[str], *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._hosts = tuple(hosts)
        self._client = httpx.AsyncClient(follow_redirects=False, timeout=timeout, trust_env=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def clip(self, clip: ClipRef, cache: ClipCache, url: str) -> None:
        """Fetch a clip into the cache, going on where an earlier try ended. Raises a `DownloadError`."""
        part = cache.part(clip.sha256)
        digest, have = await asyncio.to_thread(hash_file, part)
        if have > clip.size_bytes:
            part.unlink(missing_ok=True)
            raise HashMismatch(f"{clip.sha256}: more bytes than announced")
        if have < clip.size_bytes:
            headers = {"Range": f"bytes={have}-"} if have else {}
            async with self._get(url, headers) as response:
                if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not _resumes(response, have):
                    if response.status_code != HTTPStatus.OK:
                        part.unlink(missing_ok=True)
                        raise DownloadError(f"{clip.sha256}: the server cannot resume; beginning again")
                    digest, have = hashlib.sha256(), 0
                try:
                    with part.open("ab" if have else "wb") as file:
                        async for block in response.aiter_raw():
                            have += len(block)
                            if have > clip.size_bytes:
                                break
                            digest.update(block)
                            await asyncio.to_thread(file.write, block)
                except OSError as error:
                    raise disk_error(error) from error
        if have > clip.size_bytes:
            part.unlink(missing_ok=True)
            raise HashMismatch(f"{clip.sha256}: more bytes than announced")
        if have < clip.size_bytes:
            raise DownloadError(f"{clip.sha256}: {have} of {clip.size_bytes} bytes arrived")
        await cache.adopt(clip, part, digest.hexdigest())

    async def document(self, url: str, *, max_bytes: int) -> bytes:
        """Fetch something small into memory. Raises a `DownloadError`."""
        content = bytearray()
        async with self._get(url, {}) as response:
            async for block in response.aiter_raw():
                content += block
                if len(content) > max_bytes:
                    raise DownloadError(f"longer than {max_bytes} bytes")
        return bytes(content)

    async def renew(self, sha256: str, url: str) -> str:
        """Return a fresh address for an expired one. Raises a `DownloadError`."""
        old = urlsplit(allowed(url, self._hosts))
        address = old._replace(path=f"{old.path.rstrip('/')}/renew").geturl()
        try:
            response = await self._client.post(address)
            fresh = str(response.json()["url"]) if response.status_code == HTTPStatus.OK else None
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise DownloadError(f"{sha256}: its address could not be renewed: {error}") from error
        if fresh is None:
            raise DownloadError(f"{sha256}: its address could not be renewed: {response.status_code}")
        return allowed(fresh, self._hosts)

    @asynccontextmanager
    async def _get(self, url: str, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        headers = {"Accept-Encoding": "identity", **headers}
        try:
            async with self._client.stream("GET", allowed(url, self._hosts), headers=headers) as response:
                if response.status_code in _EXPIRED:
                    raise UrlExpired(f"the server answered {response.status_code}")
                acceptable = {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}
                if response.status_code not in acceptable:
                    raise DownloadError(f"the server answered {response.status_code}")
                yield response
        except httpx.HTTPError as error:
            raise DownloadError(f"{type(error).__name__}: {error}") from error
        except httpx.InvalidURL as error:
            raise DownloadError(str(error)) from error


def _resumes(response: httpx.Response, have: int) -> bool:
    """Whether the body goes on at byte `have`."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        return str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
    return have == 0 and response.status_code == HTTPStatus.OK
