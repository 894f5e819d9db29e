"""`/api/v1/session`, `/me`, `/tokens`, `/passwords`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from controller.accounts.access import (
    COOKIE,
    FROM_HERE,
    IN_PERSON,
    OWN,
    CallerDep,
    ViewerDep,
    address_of,
    clear_session_cookie,
    remember_browser,
    set_session_cookie,
)
from controller.accounts.door import Door
from controller.accounts.links import send_forgotten
from controller.accounts.models import User
from controller.accounts.repository import Credentials, TokenRepository
from controller.accounts.schemas import (
    Forgotten,
    Me,
    NewToken,
    PasswordChange,
    PasswordChoice,
    SignIn,
    TokenIn,
    TokenOut,
)
from controller.accounts.secrets import token_hash
from controller.accounts.service import Accounts, check_password, viewer_for
from controller.accounts.throttle import Counted, Key, network_of
from controller.accounts.throttling import throttle_of
from controller.accounts.viewer import Viewer
from controller.errors import NotFound
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute

router = APIRouter(prefix="/api/v1", tags=["accounts"], route_class=TransactionRoute)


def _door(runtime: RuntimeDep, caller: CallerDep, now: NowDep) -> Door:
    return Door(runtime, caller, now)


DoorDep = Annotated[Door, Depends(_door)]


def _me(viewer: Viewer) -> Me:
    return Me(
        id=viewer.user_id,
        name=viewer.name,
        area_code=viewer.area_code,
        scope=viewer.scope,
        roles=sorted(viewer.roles),
        permissions=sorted(viewer.permissions),
    )


@router.post("/session", operation_id="signIn", summary="Sign a browser in", dependencies=[FROM_HERE])
async def sign_in(*, request: Request, response: Response, body: SignIn, session: SessionDep, door: DoorDep) -> Me:
    """Answer who signed in, with the session cookie. Whoever has a second factor sends its code along."""
    admitted = await door.code(await door.password(body.name, body.password), body.code)
    token = await door.enter(session, admitted)
    set_session_cookie(request, response, token)
    remember_browser(request, response, door.caller, admitted.user.name)
    return _me(viewer_for(admitted.user))


@router.delete("/session", operation_id="signOut", summary="Sign a browser out", status_code=204, dependencies=[OWN])
async def sign_out(request: Request, response: Response, session: SessionDep, _viewer: ViewerDep) -> None:
    """End this browser's session."""
    if token := request.cookies.get(COOKIE):
        await Credentials(session).forget(token_hash(token))
    clear_session_cookie(response)


@router.get("/me", operation_id="getMe", summary="Who is signed in", dependencies=[OWN])
async def me(viewer: ViewerDep) -> Me:
    """Answer who is signed in."""
    return _me(viewer)


@router.put(
    "/me/password",
    operation_id="changePassword",
    summary="Change one's own password",
    status_code=204,
    dependencies=[OWN, IN_PERSON],
)
async def change_password(
    *, request: Request, body: PasswordChange, session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep, now: NowDep
) -> None:
    """Change the password and end the other sign-ins."""
    await check_password(
        runtime.database,
        throttle_of(runtime),
        name=viewer.name,
        password=body.current,
        address=address_of(request),
        browser=viewer.session_id,
        now=now,
    )
    user = await session.get(User, viewer.user_id)
    if user is None:
        raise NotFound
    await Accounts(session).set_password(user, body.password, keep_token=request.cookies.get(COOKIE))


@router.post(
    "/passwords",
    operation_id="choosePassword",
    summary="Choose a password by a one-time link",
    dependencies=[FROM_HERE],
)
async def choose_password(body: PasswordChoice, session: SessionDep, now: NowDep) -> dict[str, str]:
    """Spend the link, end all sign-ins of before and answer the name to sign in with."""
    user = await Accounts(session).choose_password(body.link, body.password, now)
    return {"name": user.name}


@router.post(
    "/password-requests",
    operation_id="forgetPassword",
    summary="Ask for a one-time link by mail",
    status_code=202,
    dependencies=[FROM_HERE],
)
async def forget_password(body: Forgotten, runtime: RuntimeDep, caller: CallerDep, now: NowDep) -> None:
    """Answer the same whether there is such a user or not."""
    throttle_of(runtime).attempt([Key(Counted.REQUEST, network_of(caller.address))], now)
    send_forgotten(runtime, body.name, now)


@router.get("/tokens", operation_id="listTokens", summary="One's own API tokens", dependencies=[OWN])
async def list_tokens(session: SessionDep, viewer: ViewerDep, page: PageDep) -> PageOut[TokenOut]:
    """Answer one page of tokens."""
    tokens = TokenRepository(session)
    found = await tokens.page(tokens.readable(viewer), page)
    return PageOut(items=[TokenOut.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "/tokens",
    operation_id="createToken",
    summary="Make an API token",
    status_code=201,
    dependencies=[OWN, IN_PERSON],
)
async def create_token(body: TokenIn, session: SessionDep, viewer: ViewerDep, now: NowDep) -> NewToken:
    """Answer the token with its secret, this once."""
    row, secret = await Accounts(session).add_token(viewer, body.name, now, body.expires_at, body.scopes)
    return NewToken(**TokenOut.model_validate(row).model_dump(), secret=secret)


@router.delete(
    "/tokens/{token_id}",
    operation_id="revokeToken",
    summary="Revoke an API token",
    status_code=204,
    dependencies=[OWN, IN_PERSON],
)
async def revoke_token(token_id: str, session: SessionDep, viewer: ViewerDep) -> None:
    """Revoke at once."""
    await session.delete(await TokenRepository(session).get(viewer, token_id))
