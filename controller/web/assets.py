"""The built files under /static: named by their content, therefore cached for ever; sent compressed to who takes it."""

import json
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import structlog
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from controller.web.build import DIST

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


@cache
def manifest(folder: Path = DIST) -> Mapping[str, str]:
    """Plain name → hashed name. Empty when the assets were never built: pages then work unstyled."""
    try:
        names: dict[str, str] = json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError:
        log.warning("page_assets_missing", hint="python -m controller.web.build")
        return {}
    return names


def address(name: str) -> str:
    """The path at which a page asks for an asset."""
    return f"/static/{manifest().get(name, name)}"


@router.get("/static/{name}")
async def asset(request: Request, name: str) -> FileResponse:
    """A built file. Only names of the manifest exist, so no path can lead elsewhere."""
    if name not in manifest().values():
        raise HTTPException(404)
    packed = DIST / f"{name}.gz"
    if takes_gzip(request.headers.get("accept-encoding", "")) and packed.exists():
        media_type, _ = mimetypes.guess_type(name)
        return FileResponse(packed, headers={**_FOREVER, "Content-Encoding": "gzip"}, media_type=media_type)
    return FileResponse(DIST / name, headers=_FOREVER)


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` asks for gzip by its name: a weight of nought refuses it."""
    for each in accepted.lower().split(","):
        coding, _, weight = (part.strip() for part in each.partition(";"))
        if coding == "gzip":
            return weight.replace(" ", "").removeprefix("q=").strip("0.") != "" if weight else True
    return False
