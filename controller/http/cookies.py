"""Over https, browsers know our cookies by names that begin with `__Host-`; inside, by their plain names."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST_ONLY = "__Host-"
"""Browsers take such a cookie from https only, for this host alone, for all its paths (RFC 6265bis, 4.1.3.2)."""


class HostCookies:
    """Renames cookies on their way out and in: neither a neighbouring host nor plain http can plant or read one.

    A cookie that comes over https under its plain name is none of ours, and is dropped.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http" or scope["scheme"] != "https":
            await self.app(scope, receive, send)
            return

        async def send_renamed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                given = headers.getlist("set-cookie")
                del headers["set-cookie"]
                for cookie in given:
                    headers.append("set-cookie", _host_only(cookie))
            await send(message)

        await self.app({**scope, "headers": _ours(scope)}, receive, send_renamed)


def _host_only(cookie: str) -> str:
    secure = "" if "; secure" in cookie.lower() else "; Secure"
    return f"{HOST_ONLY}{cookie}{secure}"


def _ours(scope: Scope) -> list[tuple[bytes, bytes]]:
    sent = [cookie.strip() for value in Headers(scope=scope).getlist("cookie") for cookie in value.split(";")]
    ours = "; ".join(cookie.removeprefix(HOST_ONLY) for cookie in sent if cookie.startswith(HOST_ONLY))
    others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    return [*others, (b"cookie", ours.encode("latin-1"))] if ours else others
