"""The microphone: choose who is to hear, press, and speak. What happens then is the page's own script and the API."""

from fastapi import APIRouter, Request, Response

from controller.accounts.access import ANNOUNCES, ViewerDep
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.web import gather
from controller.web.pages.common import page_for
from controller.web.present.targets import NOTHING
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/live", dependencies=[ANNOUNCES])
async def microphone(
    request: Request, session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep, now: NowDep
) -> Response:
    """The page of who wants to speak."""
    page = await page_for(request, session, viewer, now)
    return page.html(
        "microphone.html",
        viewer_name=viewer.name,
        area_code=viewer.area_code,
        picker=await gather.picker(session, viewer, NOTHING),
        settings=runtime.settings,
        limit_min=runtime.settings.live_limit_s // 60,
        silence_s=runtime.settings.live_silence_s,
    )
