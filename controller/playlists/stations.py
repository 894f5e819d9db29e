"""The address of another station: what every speaker can open, and what gives nothing away. Pure."""

import re
from urllib.parse import urlsplit

from controller.text import Text

_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?|[0-9a-f:.]*:[0-9a-f:.]*")
"""A name or an IPv4 address, or an IPv6 address without its brackets."""

_UNREADABLE = Text("The address may hold no spaces and no accents. Copy the stream's address as it is.")
_NO_SERVER = Text("The address names no server, or its name or port is malformed.")
_NOT_WEB = Text("The address must begin with http:// or https://")
_PASSWORD = Text("Keep name and password out of the address: every speaker would know them. Ask for a public one.")


def station(url: str) -> str:
    """Return the address as speakers open it; ValueError says in both languages why none can."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError(_UNREADABLE)
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError as error:
        raise ValueError(_NO_SERVER) from error
    if parts.scheme not in {"http", "https"}:
        raise ValueError(_NOT_WEB)
    if "@" in parts.netloc:
        raise ValueError(_PASSWORD)
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(_NO_SERVER)
    return parts.geturl()
