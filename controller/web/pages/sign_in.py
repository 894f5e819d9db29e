"""Signing in and out."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import (
    COOKIE,
    MaybeViewerDep,
    clear_session_cookie,
    demand_same_site,
    set_session_cookie,
)
from controller.accounts.api import throttle_of
from controller.accounts.repository import Credentials
from controller.accounts.secrets import token_hash
from controller.accounts.service import Accounts, WrongPassword, demand_sign_in
from controller.errors import TooManyAttempts
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.web.routing import PageRoute, safe_next
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/sign-in")
async def show(
    request: Request, viewer: MaybeViewerDep, then: Annotated[str, Query(alias="next", max_length=2000)] = "/"
) -> Response:
    """The form; whoever is signed in already goes on."""
    target = safe_next(then)
    if viewer is not None:
        return RedirectResponse(target, 303)
    return Page.of(request).html("sign_in.html", next=target, username="", error="")


@router.post("/sign-in")
async def sign_in(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    now: NowDep,
    username: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    then: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Let somebody in, or say plainly that name and password do not fit."""
    demand_same_site(request, required=False)
    page, target = Page.of(request), safe_next(then)
    address = request.client.host if request.client else ""
    try:
        user = await demand_sign_in(
            runtime.database, throttle_of(runtime), name=username, password=password, address=address, now=now
        )
    except (WrongPassword, TooManyAttempts) as refusal:
        error = refusal.detail.in_language(page.t.language.code)
        return page.html("sign_in.html", status=refusal.status, next=target, username=username, error=error)
    token = await Accounts(session).open_session(
        user, now, timedelta(days=runtime.settings.session_days), address=address
    )
    answer = RedirectResponse(target, 303)
    set_session_cookie(request, answer, token)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, session: SessionDep, viewer: MaybeViewerDep) -> Response:
    """End this browser's session."""
    if viewer is not None:
        await Credentials(session).forget(token_hash(request.cookies.get(COOKIE, "")))
    answer = RedirectResponse("/sign-in", 303)
    clear_session_cookie(answer)
    return answer
