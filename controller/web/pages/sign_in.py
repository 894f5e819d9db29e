"""Signing in, in one step or two, and out; choosing a password by a one-time link, and asking for one."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import (
    COOKIE,
    FROM_HERE,
    CallerDep,
    MaybeViewerDep,
    clear_session_cookie,
    remember_browser,
    set_session_cookie,
)
from controller.accounts.api import DoorDep
from controller.accounts.door import Admitted, Door
from controller.accounts.links import PATH, send_forgotten
from controller.accounts.mail import post_of
from controller.accounts.repository import Credentials
from controller.accounts.second_factor import CodeNeeded, CodeRefused
from controller.accounts.secrets import PASSWORD_MIN, token_hash
from controller.accounts.service import Accounts, LinkOver, WrongPassword
from controller.accounts.throttle import Counted, Key, network_of
from controller.accounts.throttling import throttle_of
from controller.errors import ControllerError, Invalid, TooManyAttempts
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.web.routing import PageRoute, onward
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Typed = Annotated[str, Form(max_length=2000)]


@router.get("/sign-in")
async def show(
    *,
    request: Request,
    viewer: MaybeViewerDep,
    runtime: RuntimeDep,
    then: Annotated[str, Query(alias="next", max_length=2000)] = "/",
    chosen: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The form; whoever is signed in already goes on. `chosen`: whose password was chosen just now."""
    target = onward(request, then)
    if viewer is not None:
        return RedirectResponse(target, 303)
    return _form(Page.of(request), target, runtime.settings.oidc_button, username=chosen, chosen=bool(chosen))


@router.post("/sign-in", dependencies=[FROM_HERE])
async def sign_in(
    *,
    request: Request,
    session: SessionDep,
    door: DoorDep,
    username: Annotated[str, Form(max_length=200)] = "",
    password: Typed = "",
    then: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Let somebody in, ask for their code, or say plainly that name and password do not fit."""
    page, target = Page.of(request), onward(request, then)
    try:
        admitted = await door.password(username, password)
        return await come_in(request, session, door, admitted, target)
    except (WrongPassword, TooManyAttempts) as refusal:
        return _form(page, target, door.runtime.settings.oidc_button, username=username, refusal=refusal)


@router.post("/sign-in/code", dependencies=[FROM_HERE])
async def show_code(
    *,
    request: Request,
    session: SessionDep,
    door: DoorDep,
    ticket: Typed = "",
    code: Annotated[str, Form(max_length=64)] = "",
    then: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """The second step: the one-time code."""
    page, target = Page.of(request), onward(request, then)
    admitted = await door.redeem(ticket)
    if admitted is None:
        error = page.t("That took too long. Enter your name and password again.")
        return _form(page, target, door.runtime.settings.oidc_button, error=error, status=401)
    try:
        return await come_in(request, session, door, admitted, target, code=code)
    except (CodeRefused, TooManyAttempts) as refusal:
        return _code_form(page, ticket, target, refusal)


async def come_in(
    request: Request, session: AsyncSession, door: Door, admitted: Admitted, target: str, *, code: str = ""
) -> Response:
    """Give a browser its session and send it on, or ask for a code first."""
    try:
        admitted = await door.code(admitted, code or None)
    except CodeNeeded:
        return _code_form(Page.of(request), door.ticket(admitted), target)
    token = await door.enter(session, admitted)
    answer = RedirectResponse(target, 303)
    set_session_cookie(request, answer, token)
    remember_browser(request, answer, door.caller, admitted.user.name)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, session: SessionDep, viewer: MaybeViewerDep) -> Response:
    """End this browser's session."""
    if viewer is not None:
        await Credentials(session).forget(token_hash(request.cookies.get(COOKIE, "")))
    answer = RedirectResponse("/sign-in", 303)
    clear_session_cookie(answer)
    return answer


@router.get("/forgotten")
async def forgotten(request: Request, runtime: RuntimeDep) -> Response:
    """How one comes to a new password."""
    return Page.of(request).html("forgotten.html", mail=post_of(runtime).is_open, asked=False, error="")


@router.post("/forgotten", dependencies=[FROM_HERE])
async def ask_for_link(
    *,
    request: Request,
    runtime: RuntimeDep,
    caller: CallerDep,
    now: NowDep,
    username: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Send a link if there is such a user, and say the same if there is not."""
    page, error = Page.of(request), ""
    try:
        throttle_of(runtime).attempt([Key(Counted.REQUEST, network_of(caller.address))], now)
        send_forgotten(runtime, username, now)
    except TooManyAttempts as refusal:
        error = refusal.detail.in_language(page.t.language.code)
    status = TooManyAttempts.status if error else 200
    return page.html("forgotten.html", status=status, mail=post_of(runtime).is_open, asked=not error, error=error)


@router.get(f"{PATH}/{{secret}}")
async def open_link(request: Request, secret: str, session: SessionDep, runtime: RuntimeDep, now: NowDep) -> Response:
    """Where a one-time link leads. Opening it spends nothing: mail programs look ahead."""
    page = Page.of(request)
    try:
        user = await Accounts(session).user_of_link(secret, now)
    except LinkOver as over:
        return _link_over(page, over)
    return page.html(
        "join.html", secret=secret, name=user.name, error="", shortest=PASSWORD_MIN, openid=runtime.settings.oidc_button
    )


@router.post(f"{PATH}/{{secret}}", dependencies=[FROM_HERE])
async def choose_password(
    *, request: Request, secret: str, session: SessionDep, runtime: RuntimeDep, now: NowDep, password: Typed = ""
) -> Response:
    """Spend the link."""
    page, accounts = Page.of(request), Accounts(session)
    try:
        user = await accounts.user_of_link(secret, now)
        await accounts.choose_password(secret, password, now)
    except LinkOver as over:
        return _link_over(page, over)
    except Invalid as refusal:
        error = refusal.errors[0].message.in_language(page.t.language.code)
        return page.html(
            "join.html",
            status=422,
            secret=secret,
            name=user.name,
            error=error,
            shortest=PASSWORD_MIN,
            openid=runtime.settings.oidc_button,
        )
    answer = RedirectResponse(f"/sign-in?chosen={user.name}", 303)
    clear_session_cookie(answer)
    return answer


def _form(
    page: Page,
    target: str,
    openid: str,
    *,
    username: str = "",
    refusal: ControllerError | None = None,
    error: str = "",
    status: int = 200,
    chosen: bool = False,
) -> Response:
    if refusal is not None:
        error, status = refusal.detail.in_language(page.t.language.code), refusal.status
    return page.html(
        "sign_in.html",
        status=status,
        next=target,
        username=username,
        error=error,
        chosen=chosen,
        openid=openid,
    )


def _code_form(page: Page, ticket: str, target: str, refusal: ControllerError | None = None) -> Response:
    error = "" if refusal is None else refusal.detail.in_language(page.t.language.code)
    status = 200 if refusal is None else refusal.status
    return page.html("sign_in_code.html", status=status, ticket=ticket, next=target, error=error)


def _link_over(page: Page, over: LinkOver) -> Response:
    said = over.detail.in_language(page.t.language.code)
    return page.html("error.html", status=over.status, title=page.t("This link is over"), detail=said)
