"""The built files under /static: named by their content, therefore cached for ever."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import structlog
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from controller.web.build import DIST

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


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
async def asset(name: str) -> FileResponse:
    """A built file. Only names of the manifest exist, so no path can lead elsewhere."""
    if name not in manifest().values():
        raise HTTPException(404)
    return FileResponse(DIST / name, headers=_FOREVER)
