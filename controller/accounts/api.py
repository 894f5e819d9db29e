"""`/api/v1/session`, `/me`, `/tokens`."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from controller.accounts.access import (
    COOKIE,
    OWN,
    ViewerDep,
    clear_session_cookie,
    demand_same_site,
    set_session_cookie,
)
from controller.accounts.models import User
from controller.accounts.repository import Credentials, TokenRepository
from controller.accounts.schemas import Me, NewToken, PasswordChange, SignIn, TokenIn, TokenOut
from controller.accounts.secrets import token_hash
from controller.accounts.service import Accounts, check_password, demand_sign_in, viewer_for
from controller.accounts.throttle import Throttle
from controller.accounts.viewer import Viewer
from controller.errors import NotFound
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.runtime import Runtime

router = APIRouter(prefix="/api/v1", tags=["accounts"], route_class=TransactionRoute)


def throttle_of(runtime: Runtime) -> Throttle:
    """Return the service's one throttle."""
    throttle: Throttle = runtime.parts.setdefault(Throttle, Throttle())
    return throttle


def _me(viewer: Viewer) -> Me:
    return Me(
        id=viewer.user_id,
        name=viewer.name,
        area_code=viewer.area_code,
        scope=viewer.scope,
        roles=sorted(viewer.roles),
    )


@router.post("/session", operation_id="signIn", summary="Sign a browser in")
async def sign_in(
    *, request: Request, response: Response, body: SignIn, session: SessionDep, runtime: RuntimeDep, now: NowDep
) -> Me:
    """Answer who signed in, with the session cookie."""
    demand_same_site(request, required=False)
    address = request.client.host if request.client else ""
    user = await demand_sign_in(
        runtime.database, throttle_of(runtime), name=body.name, password=body.password, address=address, now=now
    )
    token = await Accounts(session).open_session(
        user, now, timedelta(days=runtime.settings.session_days), address=address
    )
    set_session_cookie(request, response, token)
    return _me(viewer_for(user))


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
    dependencies=[OWN],
)
async def change_password(
    *, request: Request, body: PasswordChange, session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep, now: NowDep
) -> None:
    """Change the password and end the other sign-ins."""
    address = request.client.host if request.client else ""
    await check_password(
        runtime.database, throttle_of(runtime), name=viewer.name, password=body.current, address=address, now=now
    )
    user = await session.get(User, viewer.user_id)
    if user is None:
        raise NotFound
    await Accounts(session).set_password(user, body.password, keep_token=request.cookies.get(COOKIE))


@router.get("/tokens", operation_id="listTokens", summary="One's own API tokens", dependencies=[OWN])
async def list_tokens(session: SessionDep, viewer: ViewerDep, page: PageDep) -> PageOut[TokenOut]:
    """Answer one page of tokens."""
    tokens = TokenRepository(session)
    found = await tokens.page(tokens.readable(viewer), page)
    return PageOut(items=[TokenOut.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


@router.post("/tokens", operation_id="createToken", summary="Make an API token", status_code=201, dependencies=[OWN])
async def create_token(body: TokenIn, session: SessionDep, viewer: ViewerDep, now: NowDep) -> NewToken:
    """Answer the token with its secret, this once."""
    row, secret = await Accounts(session).add_token(viewer, body.name, now, body.expires_at)
    return NewToken(**TokenOut.model_validate(row).model_dump(), secret=secret)


@router.delete(
    "/tokens/{token_id}", operation_id="revokeToken", summary="Revoke an API token", status_code=204, dependencies=[OWN]
)
async def revoke_token(token_id: str, session: SessionDep, viewer: ViewerDep) -> None:
    """Revoke at once."""
    await session.delete(await TokenRepository(session).get(viewer, token_id))
