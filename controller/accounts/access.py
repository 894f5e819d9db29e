"""Who is asking: the dependencies by which endpoints learn it, and the cookie that carries it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Header, Request, Response
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from controller.accounts.roles import Permission
from controller.accounts.secrets import SESSION_COOKIE
from controller.accounts.service import identify_browser, identify_program
from controller.accounts.viewer import Viewer
from controller.database import Actor, set_actor
from controller.errors import Forbidden, Unauthenticated
from controller.http.idempotency import claim
from controller.http.route import SAFE_METHODS, NowDep, RuntimeDep, SessionDep
from controller.runtime import runtime_of
from controller.text import Text

COOKIE = SESSION_COOKIE

_cookie = APIKeyCookie(name=COOKIE, scheme_name="session", description="A signed-in browser", auto_error=False)
_bearer = HTTPBearer(scheme_name="token", description="An API token", auto_error=False)


class CrossSite(Forbidden):
    """A browser was sent here by another site."""

    code = "cross_site"
    title = Text("Yêu cầu đến từ một trang khác", "The request comes from another site")


async def find_viewer(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    now: NowDep,
    cookie: Annotated[str | None, Depends(_cookie)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Viewer | None:
    """Return who is signed in, or None: for pages that then show the sign-in form."""
    viewer = None
    if bearer is not None:
        viewer = await identify_program(session, bearer.credentials, now)
    elif cookie:
        if request.method not in SAFE_METHODS:
            demand_same_site(request, required=True)
        lasts = timedelta(days=runtime.settings.session_days)
        viewer = await identify_browser(runtime.database, session, cookie, now, lasts)
    if viewer is not None:
        set_actor(session, Actor(viewer.user_id, viewer.name, request.client.host if request.client else ""))
    return viewer


MaybeViewerDep = Annotated[Viewer | None, Depends(find_viewer)]


async def demand_viewer(viewer: MaybeViewerDep) -> Viewer:
    """Return who is signed in, or refuse."""
    if viewer is None:
        raise Unauthenticated
    return viewer


ViewerDep = Annotated[Viewer, Depends(demand_viewer)]


@dataclass(frozen=True, slots=True)
class May:
    """Lets in who may do such things, and refuses others. The table of endpoints and roles is made from it."""

    permission: Permission

    async def __call__(self, viewer: ViewerDep) -> Viewer:
        """Return who asks."""
        if not viewer.may(self.permission):
            raise Forbidden
        return viewer


OWN = Depends(demand_viewer)
"""In `dependencies=[…]` of an endpoint: whoever is signed in, for what is their own. As are the following."""
READS = Depends(May(Permission.READ))
ANNOUNCES = Depends(May(Permission.ANNOUNCE))
APPROVES = Depends(May(Permission.APPROVE))
OPERATES = Depends(May(Permission.OPERATE))
MAINTAINS = Depends(May(Permission.MAINTAIN))
ALERTS = Depends(May(Permission.ALERT))
ADMINISTERS = Depends(May(Permission.ADMINISTER))
AUDITS = Depends(May(Permission.AUDIT))


async def _claim_key(
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=200, description="Makes a repetition safe for 24 hours: any unique text"),
    ] = None,
) -> None:
    if idempotency_key is not None:
        await claim(request, session, user_id=viewer.user_id, key=idempotency_key, now=now)


Idempotent = Depends(_claim_key)
"""Goes into `dependencies=[…]` of a creating endpoint. Not of one whose answer holds a secret: answers are stored."""


def demand_same_site(request: Request, *, required: bool) -> None:
    """Refuse what another site makes a browser send. `required`: also what does not say where it comes from."""
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if fetch_site is not None:
        allowed = fetch_site in {"same-origin", "none"}
    elif origin is not None:
        ours = {request.headers.get("host", ""), urlsplit(runtime_of(request).settings.base_url).netloc}
        allowed = urlsplit(origin).netloc in ours - {""}
    else:
        allowed = not required
    if not allowed:
        raise CrossSite


def set_session_cookie(request: Request, response: Response, token: str) -> None:
    """Give the browser its secret."""
    settings = runtime_of(request).settings
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.session_days * 24 * 3600,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or settings.base_url.startswith("https:"),
        path="/",
    )


def clear_session_cookie(response: Response) -> None:
    """Take the secret back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
