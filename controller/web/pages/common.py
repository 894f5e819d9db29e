"""What every signed-in page begins with."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData

from controller.accounts.viewer import Viewer
from controller.areas.repository import AreaRepository
from controller.errors import ControllerError
from controller.http.problems import invalid
from controller.web.templating import Page


async def page_for(request: Request, session: AsyncSession, viewer: Viewer, now: datetime) -> Page:
    """A page in the reader's language, its times in the zone of the viewer's area."""
    policy = await AreaRepository(session).policy(viewer.scope)
    return Page.of(request, zone=policy.zone, now=now, may=viewer.permissions)


def words(refusal: ControllerError | ValidationError, page: Page) -> str:
    """What is wrong, in the reader's language."""
    problem = invalid(refusal.errors()) if isinstance(refusal, ValidationError) else refusal
    said = problem.errors[0].message if problem.errors else problem.detail
    return said.in_language(page.t.language.code)


async def _fields(request: Request) -> AsyncIterator[FormData]:
    """What a form sent; its files are closed afterwards."""
    async with request.form() as fields:
        yield fields


FieldsDep = Annotated[FormData, Depends(_fields)]
