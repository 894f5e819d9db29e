"""A station, fetched and levelled by ffmpeg into a jitter buffer: connected again and again, within one window only."""

import asyncio
import audioop
import os
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

import structlog

from audio.errors import AudioError
from audio.ffmpeg import executable
from device_agent.backoff import delay_s
from device_agent.relay.gate import Gate
from device_agent.relay.jitter import HOLD_CHUNKED_FRAMES, HOLD_FRAMES, Jitter
from device_agent.sinks import FRAME_BYTES, RATE_HZ

log = structlog.get_logger(__name__)

_BLOCK_FRAMES: Final = RATE_HZ // 10
_SILENT_RMS: Final = round(32768 * 10 ** (-50 / 20))
"""−50 dBFS: below the noise of any studio, above the hum of a line that is open and carries nothing."""
_STALL_S: Final = 15.0
"""A connection that brings nothing for longer than any HLS segment lasts is given up."""
_PROVEN_S: Final = 10.0
"""One that held so long was good: the next wait is short again."""
_PROTOCOLS: Final = "http,https,httpproxy,tcp,tls,crypto"
_FORMATS: Final = "hls,mp3,aac,ogg,flac,wav,mov,mp4,m4a,matroska,webm"
_IN_SEGMENTS: Final = f"{_FORMATS},mpegts"
"""A steady tone in MP3 of 64 kbit/s and 48 kHz comes in frames of 192 bytes, which ffmpeg may take for packets of
MPEG-TS: where that is not to be expected it gives up at once, and is begun again with other frames."""
_LEVELLED: Final = (
    "acompressor=threshold=0.1:ratio=4:attack=5:release=100,dynaudnorm=f=250:g=9:r=0.1:p=0.95:m=20:t=0.001,"
    "alimiter=level_in=2:limit=0.68:level=disabled:attack=5:release=50"
)
"""Towards −16 LUFS, 1.3 s after it came: speech at −17 to −19, music at −15, be it sent 20 dB softer or not. At most
+26 dB, never lifting what is silent; 0.68 leaves 1.3 dB for true peaks."""
_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's; ffmpeg's own builds look elsewhere, or do not look at all."""
_MONO: Final = "aformat=sample_fmts=s16:sample_rates=48000:channel_layouts=mono"
_GRAPH: Final = (
    "[0:a:0]aresample=48000,aformat=sample_fmts=fltp:channel_layouts=mono,asplit=2[raw][in];"
    f"[in]{_LEVELLED},{_MONO}[out];[raw]{_MONO}[as_sent];[out][as_sent]amerge=inputs=2"
)
"""Two channels come out: what is to be heard, and beside it what was sent, by which silence is told."""


def relay_args(url: str, *, for_s: float) -> list[str]:
    """The command that fetches a station and writes what is to be heard beside what was sent, for so long at most."""
    return [
        str(executable()), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error",
        "-threads", "1", "-filter_threads", "1", "-filter_complex_threads", "1",
        "-protocol_whitelist", _PROTOCOLS, "-format_whitelist", _IN_SEGMENTS if chunked(url) else _FORMATS,
        "-rw_timeout", "8000000", "-icy", "0", "-user_agent", "Loa",
        "-probesize", "65536", "-analyzeduration", "2000000", *_verified(url),
        "-i", url, "-filter_complex", _GRAPH, "-t", f"{for_s:.3f}", "-flush_packets", "1", "-f", "s16le", "pipe:1",
    ]  # fmt: skip


def _verified(url: str) -> tuple[str, ...]:
    """Believe an https station only with a certificate: what is on the way must not speak to a commune in its place."""
    return ("-tls_verify", "1", "-ca_file", _authorities()) if urlsplit(url).scheme == "https" else ()


def _authorities() -> str:
    return os.environ.get("SSL_CERT_FILE", _AUTHORITIES)


def chunked(url: str) -> bool:
    """Whether a station comes in segments, as far as its address tells."""
    return PurePosixPath(urlsplit(url).path).suffix.lower() in {".m3u8", ".m3u"}


def place(url: str) -> str:
    """What may be said of an address in a log: neither its path nor its query, where tokens are."""
    return urlsplit(url).hostname or "?"


class RelaySource:
    """Runs in a thread of its own from `start` until `close`, or until its window is over, whichever is first."""

    def __init__(
        self, url: str, *, window_s: float, command: Callable[..., Sequence[str]] = relay_args, base_wait_s: float = 1.0
    ) -> None:
        self._url = url
        self._command = command
        self._base_wait_s = base_wait_s
        self._ends_mono_s = time.monotonic() + window_s
        self._lock = threading.Lock()
        self._closed = False
        self._cancel: Callable[[], object] | None = None
        self.jitter = Jitter(HOLD_CHUNKED_FRAMES if chunked(url) else HOLD_FRAMES)
        self.flowing = False
        """The connection stands and brings sound."""
        self.trouble = ""
        """Why it last broke off."""
        self.received_bytes = 0

    def start(self) -> None:
        """Connect, and keep connected."""
        threading.Thread(target=self._run, name="relay", daemon=True).start()

    def close(self) -> None:
        """Break off; does not wait for it."""
        with self._lock:
            if not self._closed and self._cancel is not None:
                self._cancel()
            self._closed = True

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            return
        finally:
            self.flowing = False

    async def _main(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        with self._lock:
            if self._closed or task is None:
                return
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            async with Gate(self._url, window_s=self._left_s()) as gate:
                try:
                    async with asyncio.timeout(self._left_s()):
                        await self._keep_connected(gate)
                except TimeoutError:
                    return
                finally:
                    self.received_bytes = gate.received_bytes
                    log.info("relay.over", station=place(self._url), received_kb=gate.received_bytes // 1000)
        finally:
            with self._lock:
                self._cancel = None

    async def _keep_connected(self, gate: Gate) -> None:
        attempt = 0
        while not gate.spent:
            began_s = time.monotonic()
            trouble = await self._connection(gate)
            self.flowing = False
            self.jitter.clear()
            if trouble != self.trouble:
                log.warning("relay.broken", station=place(self._url), why=trouble)
            self.trouble = trouble
            attempt = 1 if time.monotonic() - began_s > _PROVEN_S else attempt + 1
            draw = random.random()  # noqa: S311 -- jitter
            await asyncio.sleep(delay_s(attempt, base_s=self._base_wait_s, cap_s=20, draw=draw))
        self.trouble = "too much data"
        log.warning("relay.spent", station=place(self._url), received_kb=gate.received_bytes // 1000)

    async def _connection(self, gate: Gate) -> str:
        """Fetch until it ends; returns why it did."""
        try:
            command = self._command(self._url, for_s=self._left_s())
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={
                    "LC_ALL": "C.UTF-8",
                    "PATH": os.defpath,
                    "http_proxy": gate.address,
                    "SSL_CERT_FILE": _authorities(),
                },
            )
        except (OSError, AudioError) as error:
            return str(error)
        if child.stdout is None or child.stderr is None:
            return "no pipes"
        complaints = asyncio.create_task(_last_words(child.stderr), name="relay-complaints")
        try:
            stalled = await self._drain(child.stdout)
        finally:
            if child.returncode is None:
                child.kill()
            await child.stdout.read()  # wait() would wait for ever for the end of a pipe that is left full
            await child.wait()
            await asyncio.wait([complaints])
        return "nothing comes" if stalled else complaints.result() or "the station ended"

    async def _drain(self, stdout: asyncio.StreamReader) -> bool:
        """Fill the buffer; returns whether the connection stood still."""
        while True:
            try:
                async with asyncio.timeout(_STALL_S):
                    both = await stdout.readexactly(_BLOCK_FRAMES * 2 * FRAME_BYTES)
            except TimeoutError:
                return True
            except asyncio.IncompleteReadError:
                return False
            while self.jitter.full:  # noqa: ASYNC110 -- the player's thread, which makes room, must not wait for us
                await asyncio.sleep(0.05)
            as_sent = audioop.tomono(both, FRAME_BYTES, 0, 1)
            self.jitter.put(
                audioop.tomono(both, FRAME_BYTES, 1, 0), loud=audioop.rms(as_sent, FRAME_BYTES) > _SILENT_RMS
            )
            self.flowing = True

    def _left_s(self) -> float:
        return max(0.0, self._ends_mono_s - time.monotonic())


async def _last_words(stderr: asyncio.StreamReader) -> str:
    """Return why ffmpeg gave up, without any address."""
    tail = b""
    while block := await stderr.read(4096):
        tail = (tail + block)[-4096:]
    lines = tail.decode("utf-8", "replace").strip().splitlines()
    return re.sub(r"\w+://\S+", "…", lines[-1].rpartition(": ")[2])[:100] if lines else ""
