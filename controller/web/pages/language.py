"""The switch between Vietnamese and English."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse

from controller.accounts.access import FROM_HERE, give_cookie
from controller.web.i18n import COOKIE, Language
from controller.web.routing import PageRoute, onward

router = APIRouter(include_in_schema=False, route_class=PageRoute)
_KEPT_FOR = timedelta(days=365)


@router.post("/language", dependencies=[FROM_HERE])
async def choose(
    request: Request, language: Annotated[Language, Form()], then: Annotated[str, Form(alias="next")] = "/"
) -> RedirectResponse:
    """Remember the language, and go back."""
    answer = RedirectResponse(onward(request, then), 303)
    give_cookie(request, answer, COOKIE, language, _KEPT_FOR)
    return answer
