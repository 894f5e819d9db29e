"""What every signed-in page begins with."""

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import codes_of
from controller.errors import ControllerError
from controller.http.problems import invalid
from controller.web.templating import Page


class MapFeed(JSONResponse):
    """What a map fetches: thousands of marks, which pydantic writes in little more than half the time."""

    def render(self, content: object) -> bytes:
        """Write it."""
        return to_json(content)


async def page_for(request: Request, session: AsyncSession, viewer: Viewer, now: datetime) -> Page:
    """A page in the reader's language, its times in the zone of the viewer's area."""
    areas = AreaRepository(session)
    policy = await areas.policy(viewer.scope)
    contact = await areas.contact(viewer.scope)
    return Page.of(request, zone=policy.zone, now=now, may=viewer.permissions, contact=contact)


def words(refusal: ControllerError | ValidationError, page: Page) -> str:
    """What is wrong, in the reader's language."""
    problem = invalid(refusal.errors()) if isinstance(refusal, ValidationError) else refusal
    said = problem.errors[0].message if problem.errors else problem.detail
    return said.in_language(page.t.language.code)


def words_by_field(
    refusal: ControllerError | ValidationError, page: Page, field_of: Callable[[str], str], otherwise: str = ""
) -> dict[str, str]:
    """What is wrong beside each field of a form, in the reader's language.

    `field_of` says which field of the form the service's belongs to; what belongs to none stands under `otherwise`.
    """
    problem = invalid(refusal.errors()) if isinstance(refusal, ValidationError) else refusal
    language = page.t.language.code
    found = {field_of(each.field) or otherwise: each.message.in_language(language) for each in problem.errors}
    return found or {otherwise: problem.detail.in_language(language)}


def to_kept(page: Page, where: str) -> Response:
    """Go on to what was kept, by whatever means the form was sent."""
    where = f"{where}?kept=yes"
    return Response(status_code=204, headers={"HX-Redirect": where}) if page.partial else RedirectResponse(where, 303)


async def _fields(request: Request) -> AsyncIterator[FormData]:
    """What a form sent; its files are closed afterwards."""
    async with request.form() as fields:
        yield fields


FieldsDep = Annotated[FormData, Depends(_fields)]


async def tree_of(session: AsyncSession, viewer: Viewer, paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The places at these paths and what lies above them, as a tree written down."""
    areas = AreaRepository(session)
    codes = {code for path in paths for code in codes_of(path)}
    rows = await areas.all(areas.readable(viewer).where(Area.code.in_(codes)).order_by(Area.path))
    top = min((row.depth for row in rows), default=0)
    return tuple((row.code, "\u2003" * (row.depth - top) + row.name) for row in rows)
