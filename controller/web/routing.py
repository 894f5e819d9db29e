"""Routes of pages: one transaction each as in the API, but refusals are answered to people, not to programs."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from controller.errors import ControllerError, Invalid, NotFound, Unauthenticated
from controller.http.route import SAFE_METHODS, TransactionRoute
from controller.web.templating import Page

SIGN_IN = "/sign-in"


class PageRoute(TransactionRoute):
    """Renders refusals as pages, and sends whoever is not signed in to the form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the transaction, so that a refusal has rolled it back before it is rendered."""
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                return await handle(request)
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

        return handle_for_people


def refused(request: Request, refusal: ControllerError) -> Response:
    """A page that says what was refused."""
    page = Page.of(request)
    language = page.t.language.code
    title, detail = refusal.title.in_language(language), refusal.detail.in_language(language)
    return page.html("error.html", status=refusal.status, title=title, detail="" if detail == title else detail)


def to_sign_in(request: Request) -> Response:
    """Send a browser to the form, and back here afterwards. A part of a page takes the whole page along."""
    if request.headers.get("hx-request") == "true":
        here = urlsplit(request.headers.get("hx-current-url", "/")).path
        return Response(status_code=401, headers={"HX-Redirect": _address(here)})
    if request.method in SAFE_METHODS:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(_address(request.url.path + query), 303)
    return RedirectResponse(_address("/"), 303)


def _address(then: str) -> str:
    return SIGN_IN if then == "/" else f"{SIGN_IN}?next={quote(then, safe='')}"


def safe_next(then: str) -> str:
    r"""The path to go on to, if it is one of ours; else the first page.

    Browsers take `\` for `/` and drop control characters, so `/\evil` and `/\t/evil` would leave the site.
    """
    ours = then.startswith("/") and not then.startswith("//") and then.isprintable() and "\\" not in then
    return then if ours else "/"
