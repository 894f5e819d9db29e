"""The design system on one page, shown from the stylesheet and the macros that every page is made of."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.http.route import NowDep, SessionDep
from controller.web.pages.common import page_for
from controller.web.present.styleguide import TONES, guide
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ICONS = ("horn", *TONES, "moon", "stop", "ear", "send", "repeat")


@router.get("/styleguide", dependencies=[READS])
async def styleguide(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """Tokens, components in their states, and icons."""
    page = await page_for(request, session, viewer, now)
    return page.html("styleguide.html", viewer_name=viewer.name, guide=guide(), icons=ICONS)
