"""A station on the network: a child process fetches, decodes and levels it, and is begun again when it fails."""

import audioop
import os
import random
import selectors
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import structlog

from audio.errors import AudioError
from audio.ffmpeg import CONTAINERS, DECODERS, executable
from device_agent.backoff import delay_s
from device_agent.relay.jitter import HOLD_CHUNKED_FRAMES, HOLD_FRAMES, Jitter
from device_agent.sinks import FRAME_BYTES, RATE_HZ

log = structlog.get_logger(__name__)

_PROTOCOLS: Final = "http,https,httpproxy,tcp,tls,crypto"
"""What a station, or a playlist that it sends, may be fetched by: no file of this machine."""
_LEVEL: Final = (
    "acompressor=threshold=0.1:ratio=4:attack=5:release=100,"
    "dynaudnorm=f=250:g=9:p=0.95:r=0.1:m=20:t=0.001,"
    "alimiter=level_in=2:limit=0.68:level=0:attack=5:release=50"
)
"""Towards −16 LUFS and below −2 dBTP while it passes, 1.3 s later: a file is levelled better, after all of it was read.
What lies below −60 dBFS is silence and is not made louder."""
_BLOCK_BYTES: Final = RATE_HZ // 50 * FRAME_BYTES
_LOUD: Final = 100
"""RMS above which a block is more than silence: −50 dBFS after levelling."""
_STALLED_S: Final = 12.0
"""A station that brings nothing for so long is called anew; a segment of HLS lasts 10 s at the most as a rule."""
_LATE_S: Final = 3.0
"""After so long without sound it is said that something is wrong."""
_AHEAD_FRAMES: Final = 30 * RATE_HZ
"""So much more than real time is fetched: three segments of HLS. What sends faster must wait."""
_PROVEN_S: Final = 10.0
_RETRY_S: Final = 1.0
_RETRY_MAX_S: Final = 15.0
_TICK_S: Final = 0.25
_LOG_BYTES: Final = 2000


def fetch_args(url: str, within_s: float) -> list[str]:
    """The command that streams a station's levelled samples to stdout, for `within_s` at the most."""
    return [
        str(executable()), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-threads", "1",
        "-filter_threads", "1", "-protocol_whitelist", _PROTOCOLS, "-format_whitelist", f"{CONTAINERS},hls",
        "-codec_whitelist", DECODERS, "-max_streams", "64", "-rw_timeout", "10000000",
        "-probesize", "131072", "-analyzeduration", "1000000", "-i", url,
        "-map", "0:a:0", "-vn", "-sn", "-dn",
        "-af", f"aresample={RATE_HZ},aformat=sample_fmts=fltp:channel_layouts=mono,{_LEVEL}",
        "-t", f"{within_s:.1f}", "-ac", "1", "-ar", str(RATE_HZ), "-flush_packets", "1", "-f", "s16le", "pipe:1",
    ]  # fmt: skip


class Station:
    """Keeps `jitter` filled from its making until `close`, and for `within_s` at the most: data cost money.

    `on_trouble` is called from its thread, each time the station fails or is late.
    """

    def __init__(self, url: str, within_s: float, *, on_trouble: Callable[[], None] = lambda: None) -> None:
        self.jitter = Jitter(HOLD_CHUNKED_FRAMES if urlsplit(url).path.endswith(".m3u8") else HOLD_FRAMES)
        self._url = url
        self._name = urlsplit(url).hostname or ""
        self._until = time.monotonic() + within_s
        self._on_trouble = on_trouble
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._flowing = False
        self._failures = 0
        threading.Thread(target=self._run, name="relay", daemon=True).start()

    @property
    def flowing(self) -> bool:
        """Whether the connection stands and has brought sound lately."""
        return self._flowing

    def close(self) -> None:
        """End the child; does not wait for it."""
        with self._lock:
            self._closing.set()
            if self._child is not None:
                self._child.kill()

    @property
    def _left_s(self) -> float:
        return 0.0 if self._closing.is_set() else self._until - time.monotonic()

    def _run(self) -> None:
        while self._left_s > 0:
            begun = time.monotonic()
            try:
                reason = self._fetch()
            except (OSError, AudioError) as error:
                reason = str(error)
            self._flowing = False
            self.jitter.clear()
            if self._left_s <= 0:
                break
            if time.monotonic() - begun > _PROVEN_S + _STALLED_S:
                self._failures = 0
            self._failures += 1
            if self._failures == 1:
                log.warning("relay.lost", station=self._name, reason=reason)
            self._on_trouble()
            draw = random.random()  # noqa: S311 -- jitter
            wait_s = delay_s(self._failures, base_s=_RETRY_S, cap_s=_RETRY_MAX_S, draw=draw)
            self._closing.wait(min(wait_s, max(0.0, self._left_s)))

    def _fetch(self) -> str:
        """Listen to the station until it fails; returns why."""
        with subprocess.Popen(
            fetch_args(self._url, max(1.0, self._left_s)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            with self._lock:
                self._child = child
                if self._closing.is_set():
                    child.kill()
            try:
                return self._listen(child)
            finally:
                child.kill()
                with self._lock:
                    self._child = None

    def _listen(self, child: subprocess.Popen[bytes]) -> str:
        said, rest, received = b"", b"", 0
        begun = last = time.monotonic()
        told = False
        with selectors.DefaultSelector() as selector:
            for pipe in (child.stdout, child.stderr):
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
                    selector.register(pipe, selectors.EVENT_READ)
            while self._left_s > 0:
                now = time.monotonic()
                if self.jitter.full or received > _AHEAD_FRAMES + (now - begun) * RATE_HZ:
                    last = now
                    self._closing.wait(_TICK_S / 5)
                    continue
                for key, _ in selector.select(_TICK_S):
                    data = _read(key.fileobj)
                    if key.fileobj is child.stderr:
                        said = (said + data)[-_LOG_BYTES:]
                        if not data:
                            selector.unregister(key.fileobj)
                    elif not data:
                        return self._last_words(said, child)
                    else:
                        last, told = now, False
                        received += len(data) // FRAME_BYTES
                        rest = self._keep(rest + data)
                quiet_s = time.monotonic() - last
                if quiet_s > _STALLED_S:
                    return f"nothing for {_STALLED_S:g} s"
                if quiet_s > _LATE_S and not told:
                    told = True
                    self._on_trouble()
        return "over"

    def _keep(self, pcm: bytes) -> bytes:
        """Put whole blocks into the buffer; returns the rest."""
        whole = len(pcm) - len(pcm) % _BLOCK_BYTES
        for at in range(0, whole, _BLOCK_BYTES):
            block = pcm[at : at + _BLOCK_BYTES]
            self.jitter.put(block, loud=audioop.rms(block, FRAME_BYTES) > _LOUD)
        if whole and not self._flowing:
            self._flowing = True
            log.info("relay.flowing", station=self._name)
        return pcm[whole:]

    def _last_words(self, said: bytes, child: subprocess.Popen[bytes]) -> str:
        """Why ffmpeg ended; the address may hold a password and is left out."""
        if child.stderr is not None:
            said = (said + _read(child.stderr))[-_LOG_BYTES:]
        lines = said.decode(errors="replace").replace(self._url, self._name).strip().splitlines()
        return lines[-1][:200] if lines else "the stream ended"


def _read(pipe: object) -> bytes:
    if not hasattr(pipe, "fileno"):
        return b""
    try:
        return os.read(pipe.fileno(), 1 << 16)
    except BlockingIOError:
        return b""
