"""A proxy between speakers and the content server that can be told to misbehave."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class Mood(StrEnum):
    """How the content server behaves."""

    GOOD = "good"
    ERROR_500 = "error-500"
    HALF_A_FILE = "half-a-file"
    WRONG_BYTES = "wrong-bytes"
    HANGS = "hangs"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: "ContentProxy") -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)


class ContentProxy:
    """Forwards to `upstream` while the mood is good."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.mood = Mood.GOOD
        self.seen: Counter[Mood] = Counter()
        """How many requests met each mood."""
        self.released = threading.Event()
        """Lets requests go that a hanging server holds."""
        self.client = httpx.Client(trust_env=False)
        self._server = _Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["ContentProxy"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()
            self.client.close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _pass_on(self, body: bytes) -> None:
        proxy = self.server.proxy
        mood = proxy.mood
        proxy.seen[mood] += 1
        if mood is Mood.ERROR_500:
            self.send_error(500)
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "accept-encoding"}}
        self._answer(
            mood, proxy.client.request(self.command, proxy.upstream + self.path, content=body, headers=headers)
        )

    def _answer(self, mood: Mood, answer: httpx.Response) -> None:
        content = answer.content
        self.send_response(answer.status_code)
        for name in ("ETag", "Content-Type", "Content-Range", "Accept-Ranges"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if mood is Mood.WRONG_BYTES:
            content = bytes(len(content))
        if mood in {Mood.HALF_A_FILE, Mood.HANGS}:
            content = content[: len(content) // 2]
        with suppress(ConnectionError):
            self.wfile.write(content)
            self.wfile.flush()
        if mood is Mood.HANGS:
            self.server.proxy.released.wait(60)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
