"""What holds for every request and answer: how much may come in, and what browsers may do with what goes out."""

import asyncio
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.errors import TooLarge, TooSlow
from controller.http.language import preferred
from controller.http.problems import problem

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Scripts and styles from our files only; `blob:` is a recording that is listened to before it is sent."""
SECURITY_HEADERS: Sequence[tuple[str, str]] = (
    ("Content-Security-Policy", _CSP),
    ("X-Content-Type-Options", "nosniff"),
    # Never a path: that of an invitation is a secret. `no-referrer` would also blank the Origin of our own forms.
    ("Referrer-Policy", "strict-origin"),
    ("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), payment=(), usb=()"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
"""A year; for a site whose public address is https."""


class SecurityHeaders:
    """Adds what keeps browsers strict. An endpoint's own header of the same name stands.

    `images` is one further origin whose pictures are shown: that of map tiles.
    """

    def __init__(self, app: ASGIApp, *, https: bool, images: str = "") -> None:
        self.app = app
        headers = dict((*SECURITY_HEADERS, HTTPS_ONLY) if https else SECURITY_HEADERS)
        if images:
            headers["Content-Security-Policy"] = _CSP.replace("img-src 'self'", f"img-src 'self' {images}")
        self.headers = tuple(headers.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers:
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


PATIENCE_S = 30.0
SLOWEST_BYTES_PER_S = 1000
"""Far below the worst mobile line. Who sends less, after some patience, only keeps a connection busy."""


class BodyLimit:
    """Refuses bodies that are too long, announced or not, or never end. Forms with files may be longer."""

    def __init__(
        self, app: ASGIApp, *, body_max_bytes: int, upload_max_bytes: int, patience_s: float = PATIENCE_S
    ) -> None:
        self.app = app
        self.body_max_bytes = body_max_bytes
        self.upload_max_bytes = upload_max_bytes
        self.patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_upload = headers.get("content-type", "").startswith("multipart/form-data")
        limit = self.upload_max_bytes if is_upload else self.body_max_bytes
        announced = headers.get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > limit:
            answer = problem(TooLarge(), preferred(headers.get("accept-language", "")))
            await answer(scope, receive, send)
            return
        received, whole = 0, False
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        async def receive_within_limit() -> Message:
            nonlocal received, whole
            if whole:  # what comes next is that the other side has gone
                return await receive()
            try:
                async with asyncio.timeout_at(began_s + self.patience_s + received / SLOWEST_BYTES_PER_S):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(TooSlow.status) from error
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(TooLarge.status)
            whole = not message.get("more_body", False)
            return message

        await self.app(scope, receive_within_limit, send)
