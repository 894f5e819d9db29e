"""Secret addresses of calendars: made and ended by people, read by their calendar programs."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import IN_PERSON, READS, ViewerDep
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.subscriptions.service import Subscriptions
from controller.web.i18n import language_of
from controller.web.pages.common import page_for
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/calendar/subscriptions"


@router.get(HERE, dependencies=[READS, IN_PERSON])
async def mine(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The reader's own addresses, without their secrets."""
    page = await page_for(request, session, viewer, now)
    repository = Subscriptions(session).repository
    rows = await repository.all(repository.readable(viewer))
    return page.html("subscriptions.html", viewer_name=viewer.name, rows=rows, address="", area_code=viewer.area_code)


@router.post(HERE, dependencies=[READS, IN_PERSON])
async def subscribe(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    runtime: RuntimeDep,
    now: NowDep,
    area_code: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Make an address; it is shown this once."""
    page = await page_for(request, session, viewer, now)
    service = Subscriptions(session)
    _, secret = await service.subscribe(viewer, area_code or viewer.area_code, now)
    base = runtime.settings.base_url.rstrip("/") or str(request.base_url).rstrip("/")
    return page.html(
        "subscriptions.html",
        viewer_name=viewer.name,
        rows=await service.repository.all(service.repository.readable(viewer)),
        address=f"{base}/subscriptions/{secret}.ics",
        area_code=area_code,
    )


@router.post(f"{HERE}/{{subscription_id}}/end", dependencies=[READS, IN_PERSON])
async def end(session: SessionDep, viewer: ViewerDep, subscription_id: str) -> RedirectResponse:
    """End one: its address leads nowhere from now on."""
    await Subscriptions(session).end(viewer, subscription_id)
    return RedirectResponse(HERE, 303)


@router.get("/subscriptions/{secret}.ics")
async def document(
    request: Request, session: SessionDep, now: NowDep, secret: Annotated[str, Path(max_length=100)]
) -> Response:
    """The calendar, for whoever has its address."""
    body = await Subscriptions(session).read(secret, now, language_of(request).code)
    return Response(
        body,
        media_type="text/calendar; charset=utf-8",
        headers={"Cache-Control": "private, max-age=900", "Content-Disposition": 'inline; filename="loa.ics"'},
    )
