"""Routes of pages: one transaction each as in the API, but refusals are answered to people, not to programs."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from controller.accounts.viewer import Viewer
from controller.errors import ControllerError, Invalid, NotFound, Unauthenticated
from controller.http.route import SAFE_METHODS, TransactionRoute
from controller.monitoring.hub import hub_of
from controller.runtime import runtime_of
from controller.web.resting import Costing, rest_ms
from controller.web.templating import Page

SIGN_IN = "/sign-in"


class PageRoute(TransactionRoute):
    """Renders refusals as pages, and sends whoever is not signed in to the form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the transaction, so that a refusal has rolled it back before it is rendered."""
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            costing = Costing(handle(request))
            try:
                answer: Response = await costing
            except Unauthenticated:
                return to_sign_in(request)
            except ControllerError as refusal:
                return refused(request, refusal)
            except RequestValidationError:
                return refused(request, Invalid())
            except HTTPException as refusal:
                if refusal.status_code != NotFound.status:
                    raise
                return refused(request, NotFound())
            if request.method in SAFE_METHODS:
                rests = rest_ms(costing.cost_ms, hub_of(runtime_of(request)).watchers)
                answer.headers["Server-Timing"] = f"page;dur={costing.cost_ms:.0f}, rest;dur={rests:.0f}"
            return answer

        return handle_for_people


def refused(request: Request, refusal: ControllerError) -> Response:
    """A page that says what was refused; whoever is signed in goes on from it as from any other."""
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    page = Page.of(request, may=viewer.permissions if viewer else frozenset())
    language = page.t.language.code
    title, detail = refusal.title.in_language(language), refusal.detail.in_language(language)
    return page.html(
        "error.html",
        status=refusal.status,
        title=title,
        detail=detail.removeprefix(title).removeprefix(". "),
        viewer_name=viewer.name if viewer else "",
    )


def to_sign_in(request: Request) -> Response:
    """Send a browser to the form, and back here afterwards. A part of a page takes the whole page along."""
    if request.headers.get("hx-request") == "true":
        here = urlsplit(request.headers.get("hx-current-url", "/"))
        return Response(status_code=401, headers={"HX-Redirect": _address(here)})
    if request.method in SAFE_METHODS:
        return RedirectResponse(_address(urlsplit(str(request.url))), 303)
    return RedirectResponse(SIGN_IN, 303)  # which page its form stood on, the browser knows (keep.js)


def _address(page: SplitResult) -> str:
    then = page.path + (f"?{page.query}" if page.query else "")
    return SIGN_IN if then == "/" else f"{SIGN_IN}?next={quote(then, safe='')}"


def onward(request: Request, then: str) -> str:
    """Where to go on to: `then`, if it is an address of ours that can be looked at; else the nearest page above it.

    A refusal is drawn at the address that its form was sent to, and many of these take nothing but forms.
    """
    target = safe_next(then)
    path = urlsplit(target).path
    if _can_be_seen(request, path):
        return target
    while path and not _can_be_seen(request, path):
        path = path.rpartition("/")[0]
    return path or "/"


def _can_be_seen(request: Request, path: str) -> bool:
    """Whether there is something to get. A word of ours is no name: `/playlists/form` is no playlist."""
    pages: list[APIRoute] = request.app.state.pages
    routes = [each for each in pages if each.path_regex.match(unquote(path))]
    plainest = min((each.path.count("{") for each in routes), default=0)
    return any("GET" in (each.methods or ()) for each in routes if each.path.count("{") == plainest)


def safe_next(then: str) -> str:
    r"""The path to go on to, if it is one of ours; else the first page.

    Browsers take `\` for `/` and drop control characters, so `/\evil` and `/\t/evil` would leave the site.
    """
    ours = then.startswith("/") and not then.startswith("//") and then.isprintable() and "\\" not in then
    return then if ours else "/"
