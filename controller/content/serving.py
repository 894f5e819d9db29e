"""A clip over HTTP: ranges, a strong validator, and permission to keep it for ever."""

from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

ONE_YEAR_S = 31_536_000


class ClipResponse(FileResponse):
    """Content-addressed bytes never change: one range is honoured, several are answered with the whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        await super().__call__(_without_several_ranges(scope), receive, send)


def _without_several_ranges(scope: Scope) -> Scope:
    """A speaker never asks for several, and a whole file is a correct answer (RFC 9110, 14.2)."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"range" or b"," not in value]
    return {**scope, "headers": headers}


def clip_response(path: Path, *, sha256: str, media_type: str, if_none_match: str | None, shared: bool) -> Response:
    """Return the clip, or 304 for who has it. `shared` allows proxies to keep it: only where the link is the secret."""
    headers = {
        "ETag": f'"{sha256}"',
        "Cache-Control": f"{'public' if shared else 'private'}, max-age={ONE_YEAR_S}, immutable",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }
    if if_none_match is not None and _matches(if_none_match, sha256):
        return Response(status_code=304, headers=headers)
    return ClipResponse(path, headers=headers, media_type=media_type, stat_result=path.stat())


def _matches(if_none_match: str, sha256: str) -> bool:
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in {"*", f'"{sha256}"'} for tag in tags)
