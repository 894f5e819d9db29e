"""One's own account: name and mail address, the password, one-time codes, signed-in browsers, API tokens."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from markupsafe import Markup
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import COOKIE, IN_PERSON, OWN, ViewerDep, address_of, clear_session_cookie
from controller.accounts.links import picture
from controller.accounts.mail import post_of
from controller.accounts.models import User, UserSession
from controller.accounts.own import OwnSecondFactor
from controller.accounts.own_api import OwnDep, ProfileDep
from controller.accounts.profile import OwnProfile
from controller.accounts.repository import Credentials, SessionRepository, TokenRepository
from controller.accounts.roles import Permission
from controller.accounts.schemas import OwnAddress, OwnEdit
from controller.accounts.second_factor import Enrolment
from controller.accounts.service import Accounts, check_password
from controller.accounts.throttling import throttle_of
from controller.errors import ControllerError, NotFound
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.repository import PageRequest
from controller.web.pages.common import page_for, words
from controller.web.present.words import permission_names, role_names
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/account"
ROWS = 100
Typed = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True)
class AccountView:
    """What was done, and what is wrong."""

    error: str = ""
    done: str = ""
    enrolment: Enrolment | None = None
    picture: str = ""
    recovery_codes: tuple[str, ...] = ()
    token: str = ""
    email: str = ""
    """A new address that waits to be confirmed."""
    note: str = ""
    """What confirms it."""


@router.get(HERE, dependencies=[OWN, IN_PERSON])
async def account(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    own: OwnDep,
    profile: ProfileDep,
    now: NowDep,
    confirm: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """The page. `confirm`: what a letter to a new address brings along."""
    page, view, status = await page_for(request, session, viewer, now), AccountView(), 200
    if confirm:
        try:
            view = AccountView(email=await profile.asked(confirm), note=confirm)
        except ControllerError as refusal:
            view, status = AccountView(error=words(refusal, page)), refusal.status
    return await _shown(page, own, view, status=status)


@router.post(HERE, dependencies=[OWN, IN_PERSON])
async def change(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    own: OwnDep,
    profile: ProfileDep,
    runtime: RuntimeDep,
    now: NowDep,
    do: Typed = "",
    current: Typed = "",
    password: Typed = "",
    code: Annotated[str, Form(max_length=64)] = "",
    which: Annotated[str, Form(max_length=64)] = "",
    label: Annotated[str, Form(max_length=100)] = "",
    days: Annotated[int, Form(ge=1, le=3650)] = 90,
    full_name: Typed = "",
    email: Typed = "",
    note: Typed = "",
    scopes: Annotated[list[Permission] | None, Form()] = None,
) -> Response:
    """Change one thing, and show the page again."""
    page = await page_for(request, session, viewer, now)
    view = AccountView()
    try:
        async with session.begin_nested():
            match do:
                case "password":
                    await check_password(
                        runtime.database,
                        throttle_of(runtime),
                        name=viewer.name,
                        password=current,
                        address=address_of(request),
                        browser=viewer.session_id,
                        now=now,
                    )
                    user = await session.get_one(User, viewer.user_id)
                    await Accounts(session).set_password(user, password, keep_token=request.cookies.get(COOKIE))
                    view = AccountView(done=page.t("The password is changed. Other browsers are signed out."))
                case "token":
                    expires_at = now + timedelta(days=days)
                    accounts = Accounts(session)
                    _, secret = await accounts.add_token(viewer, label.strip() or "–", now, expires_at, scopes or [])
                    view = AccountView(token=secret)
                case "name" | "email" | "confirm-email":
                    view = await _described(profile, page, do, full_name=full_name, email=email.strip(), note=note)
                case "end" | "everywhere" | "revoke":
                    await _end(own, do, which)
                case _:
                    view = await _with_codes(own, do, code)
    except (ControllerError, ValidationError) as refusal:
        enrolment = await own.under_way() if do == "confirm" else None
        waiting = _enrolling(enrolment) if enrolment else AccountView()
        view = AccountView(error=words(refusal, page), enrolment=waiting.enrolment, picture=waiting.picture)
        return await _shown(page, own, view, status=422)
    if do == "everywhere":
        answer = RedirectResponse("/sign-in", 303)
        clear_session_cookie(answer)
        return answer
    return await _shown(page, own, view)


async def _described(profile: OwnProfile, page: Page, do: str, *, full_name: str, email: str, note: str) -> AccountView:
    match do:
        case "name":
            await profile.rename(OwnEdit(full_name=full_name).full_name)
            return AccountView(done=page.t("Your name is changed."))
        case "email":
            await profile.ask(OwnAddress(email=email).email)
            said = page.t("A letter is on its way to %(email)s. Open its link to confirm the address.", email=email)
            return AccountView(done=said)
        case _:
            await profile.confirm(note)
            return AccountView(done=page.t("Your mail address is confirmed."))


async def _end(own: OwnSecondFactor, do: str, which: str) -> None:
    match do:
        case "end":
            ended = await SessionRepository(own.session).get_by_id(own.viewer, which)
            await own.credentials.forget(ended.token_hash)
        case "everywhere":
            await own.credentials.forget_all(own.viewer.user_id)
        case _:
            await own.session.delete(await TokenRepository(own.session).get(own.viewer, which))


async def _with_codes(own: OwnSecondFactor, do: str, code: str) -> AccountView:
    match do:
        case "begin":
            return _enrolling(await own.begin())
        case "confirm":
            return AccountView(recovery_codes=await own.confirm(code))
        case "codes":
            return AccountView(recovery_codes=await own.new_recovery_codes(code))
        case "remove":
            await own.remove(code)
            return AccountView()
    raise NotFound


def _enrolling(enrolment: Enrolment) -> AccountView:
    # The picture is made by us from a secret of our own: nothing in it comes from outside.
    return AccountView(enrolment=enrolment, picture=Markup(picture(enrolment.uri)))  # noqa: S704


async def _shown(page: Page, own: OwnSecondFactor, view: AccountView, *, status: int = 200) -> Response:
    viewer, session = own.viewer, own.session
    await session.flush()
    user = await session.get_one(User, viewer.user_id)
    signed_in, tokens = SessionRepository(session), TokenRepository(session)
    live = signed_in.readable(viewer).where(UserSession.expires_at > own.now)
    asked = await own.factors.asked_of(viewer.user_id)
    names = dict(role_names(page.t))
    waiting = [] if asked else await Credentials(session).roles_needing_code(viewer.scope)
    return page.html(
        "account.html",
        status=status,
        viewer_name=viewer.name,
        user=user,
        view=view,
        letters=post_of(own.runtime).is_open,
        has_password=user.password_hash is not None,
        second_factor=asked,
        waiting_roles=", ".join(names[role] for role in user.roles if role in waiting),
        sessions=(await signed_in.page(live, PageRequest(None, ROWS))).items,
        current=viewer.session_id,
        tokens=(await tokens.page(tokens.readable(viewer), PageRequest(None, ROWS))).items,
        permissions=[(value, name) for value, name in permission_names(page.t) if value in viewer.permissions],
        permission_names=dict(permission_names(page.t)),
    )
