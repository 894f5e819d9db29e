"""`/content/{sha256}`: sound for speakers by signed links, and for signed-in people."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from controller.accounts.access import MaybeViewerDep
from controller.content.links import Link
from controller.content.service import Clips, LinkRefused, links_of, store_of
from controller.content.serving import clip_response
from controller.errors import NotFound, Unauthenticated
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute

router = APIRouter(prefix="/content", tags=["content"], route_class=TransactionRoute)

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


def _link(
    sha256: Sha256,
    exp: Annotated[int | None, Query(ge=0, le=1 << 40, description="When the link ends, s since the epoch")] = None,
    dev: Annotated[str | None, Query(max_length=128, description="The speaker it was made for")] = None,
    sig: Annotated[str | None, Query(max_length=128)] = None,
) -> Link | None:
    if exp is None or dev is None or sig is None:
        return None
    return Link(sha256, exp, dev, sig)


LinkDep = Annotated[Link | None, Depends(_link)]


class RenewedLink(BaseModel):
    """A link that is good again."""

    url: str


@router.api_route(
    "/{sha256}",
    methods=["GET"],
    operation_id="getContent",
    summary="The bytes of a clip",
    response_class=FileResponse,
    responses={
        206: {"description": "A range of it"},
        304: {"description": "You have it"},
        416: {"description": "No such range"},
    },
)
@router.api_route("/{sha256}", methods=["HEAD"], include_in_schema=False)
async def get_content(
    *,
    sha256: Sha256,
    link: LinkDep,
    session: SessionDep,
    runtime: RuntimeDep,
    viewer: MaybeViewerDep,
    now: NowDep,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Answer a clip, or one range of it, to who holds a good link or may hear it."""
    clips = Clips(session, store_of(runtime))
    if link is not None:
        if not links_of(runtime).genuine(link) or not link.valid_at(now):
            raise LinkRefused
    elif viewer is None:
        raise Unauthenticated
    elif not await clips.repository.audible(viewer, sha256):
        raise NotFound
    path, media_type = await clips.file(sha256)
    return await asyncio.to_thread(
        clip_response,
        path,
        sha256=sha256,
        media_type=media_type,
        if_none_match=if_none_match,
        shared=link is not None,
    )


@router.post("/{sha256}/renew", operation_id="renewContentLink", summary="Exchange an ended link for a fresh one")  # noqa: FAST003 the link takes it
async def renew(link: LinkDep, session: SessionDep, runtime: RuntimeDep, now: NowDep) -> RenewedLink:
    """Answer a fresh link to a clip that the speaker's plan still needs."""
    if link is None:
        raise LinkRefused
    settings = runtime.settings
    url = await Clips(session, store_of(runtime)).renewed(
        link, links_of(runtime), now=now, zone=settings.zone, days=settings.plan_days
    )
    return RenewedLink(url=url)
