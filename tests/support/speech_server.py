"""A small speech service: a real HTTP server that answers as it is told."""

import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

RATE_HZ = 24_000


def tone(seconds: float, rate_hz: int = RATE_HZ, tone_hz: float = 300.0) -> bytes:
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    return (12_000 * np.sin(2 * np.pi * tone_hz * at)).astype("<i2").tobytes()


def wav(
    samples: bytes, rate_hz: int = RATE_HZ, *, channels: int = 1, bits: int = 16, length: int | None = None
) -> bytes:
    size = len(samples) if length is None else length
    form = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * channels * bits // 8, channels * bits // 8, bits
    )
    inside = b"WAVE" + form + b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", min(0xFFFFFFFF, len(inside) + size)) + inside + samples


@dataclass
class SpeechServer:
    """`answer` gets the wish and the handler; what came is in `asked` and `tokens`."""

    answer: Callable[[dict[str, Any], "Handler"], None]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    leave: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    service: SpeechServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.service.asked.append(wish)
        self.service.tokens.append(self.headers.get("Authorization"))
        try:
            self.service.answer(wish, self)
        except OSError:
            self.close_connection = True

    def send(self, body: bytes, kind: str = "audio/wav", status: int = 200, *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def speech_server(answer: Callable[[dict[str, Any], Handler], None]) -> Iterator[SpeechServer]:
    service = SpeechServer(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"service": service}))
    service.url = f"http://127.0.0.1:{server.server_port}/speak"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.leave.set()
        server.shutdown()
        server.server_close()
        thread.join()
