"""Who is asking: the dependencies by which endpoints learn it, and the cookie that carries it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Header, Request, Response
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from controller.accounts.door import Caller
from controller.accounts.roles import Permission
from controller.accounts.secrets import SESSION_COOKIE
from controller.accounts.service import identify_browser, identify_program
from controller.accounts.viewer import ROOT_PATH, Viewer
from controller.database import Actor, new_id, set_actor
from controller.errors import Forbidden, Unauthenticated
from controller.http.idempotency import claim
from controller.http.route import SAFE_METHODS, NowDep, RuntimeDep, SessionDep
from controller.runtime import runtime_of
from controller.text import Text

COOKIE = SESSION_COOKIE
BROWSER_COOKIE = "loa_browser"
BROWSER_KNOWN_FOR = timedelta(days=400)
BROWSER_NAMES_MAX = 8
"""A station's one computer is used by several people."""

_cookie = APIKeyCookie(name=COOKIE, scheme_name="session", description="A signed-in browser", auto_error=False)
BEARER = HTTPBearer(scheme_name="token", description="An API token", auto_error=False)
"""What programs show; a sender of CAP shows its own."""


class CrossSite(Forbidden):
    """A browser was sent here by another site."""

    code = "cross_site"
    title = Text("The request comes from another site. Open this one and do it from here.")


class NotInPerson(Forbidden):
    """A token asks for what only its owner may do."""

    code = "not_in_person"
    title = Text("An API token may not do this. Sign in with a browser.")


class NotNational(Forbidden):
    """Somebody of a part of the country asks for what concerns all of it."""

    code = "not_national"
    title = Text("This is for administrators of the whole country. Ask one of them.")


async def find_viewer(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    now: NowDep,
    cookie: Annotated[str | None, Depends(_cookie)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
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
        set_actor(session, Actor(viewer.user_id, viewer.name, address_of(request)))
        request.state.viewer = viewer  # for the page that says what was refused
    return viewer


def address_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else ""


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


async def demand_person(viewer: ViewerDep) -> Viewer:
    """Return who is signed in with a browser; refuse programs."""
    if not viewer.session_id:
        raise NotInPerson
    return viewer


async def demand_national(viewer: ViewerDep) -> Viewer:
    """Return who is signed in for the whole country; refuse those of a part of it."""
    if viewer.scope != ROOT_PATH:
        raise NotNational
    return viewer


IN_PERSON = Depends(demand_person)
"""Beside one of the following: what people sign in with is changed by people, never by who holds a token."""
NATIONAL = Depends(demand_national)
"""Beside one of the following: what every speaker of the country believes is no single area's."""
OWN = Depends(demand_viewer)
"""In `dependencies=[…]` of an endpoint: whoever is signed in, for what is their own. As are the following."""
READS = Depends(May(Permission.READ))
ANNOUNCES = Depends(May(Permission.ANNOUNCE))
APPROVES = Depends(May(Permission.APPROVE))
OPERATES = Depends(May(Permission.OPERATE))
MAINTAINS = Depends(May(Permission.MAINTAIN))
ALERTS = Depends(May(Permission.ALERT))
PREPARES = Depends(May(Permission.PREPARE))
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


def _refuse_other_sites(request: Request) -> None:
    demand_same_site(request, required=False)


FROM_HERE = Depends(_refuse_other_sites)
"""In `dependencies=[…]` of what changes something for a browser that nobody has signed in with yet."""


def _caller(request: Request, runtime: RuntimeDep, now: NowDep) -> Caller:
    note = request.cookies.get(BROWSER_COOKIE, "")
    said = runtime.sealer.read(BROWSER_COOKIE, note, now, lasts=BROWSER_KNOWN_FOR) or {}
    return Caller(
        address=address_of(request),
        browser=request.headers.get("user-agent", "")[:200],
        known_as=frozenset(said.get("names", ())),
        browser_id=said.get("id", ""),
    )


CallerDep = Annotated[Caller, Depends(_caller)]
"""Who stands at the door."""


def set_session_cookie(request: Request, response: Response, token: str) -> None:
    """Give the browser its secret."""
    give_cookie(request, response, COOKIE, token, timedelta(days=runtime_of(request).settings.session_days))


def remember_browser(request: Request, response: Response, caller: Caller, name: str) -> None:
    """Let the browser prove from now on that this name has signed in on it: its failures are counted by themselves."""
    runtime = runtime_of(request)
    others = sorted(caller.known_as - {name})[: BROWSER_NAMES_MAX - 1]
    said = {"id": caller.browser_id or new_id(), "names": [name, *others]}
    note = runtime.sealer.note(BROWSER_COOKIE, said, runtime.clock())
    give_cookie(request, response, BROWSER_COOKIE, note, BROWSER_KNOWN_FOR)


def give_cookie(request: Request, response: Response, name: str, value: str, lasts: timedelta) -> None:
    """Set a cookie that scripts and other sites do not get."""
    response.set_cookie(
        name,
        value,
        max_age=int(lasts.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or runtime_of(request).settings.base_url.startswith("https:"),
        path="/",
    )


def clear_session_cookie(response: Response) -> None:
    """Take the secret back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
