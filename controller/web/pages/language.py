"""The switch between Vietnamese and English."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse

from controller.accounts.access import demand_same_site
from controller.web.i18n import COOKIE, Language
from controller.web.routing import PageRoute, safe_next

router = APIRouter(include_in_schema=False, route_class=PageRoute)
_YEAR_S = 365 * 24 * 3600


@router.post("/language")
async def choose(
    request: Request, language: Annotated[Language, Form()], then: Annotated[str, Form(alias="next")] = "/"
) -> RedirectResponse:
    """Remember the language, and go back."""
    demand_same_site(request, required=False)
    answer = RedirectResponse(safe_next(then), 303)
    answer.set_cookie(
        COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/"
    )
    return answer
