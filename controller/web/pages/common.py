"""What every signed-in page begins with."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData

from controller.accounts.viewer import Viewer
from controller.areas.repository import AreaRepository
from controller.web.templating import Page


async def page_for(request: Request, session: AsyncSession, viewer: Viewer, now: datetime) -> Page:
    """A page in the reader's language, its times in the zone of the viewer's area."""
    policy = await AreaRepository(session).policy(viewer.scope)
    return Page.of(request, zone=policy.zone, now=now, may=viewer.permissions)


async def _fields(request: Request) -> AsyncIterator[FormData]:
    """What a form sent; its files are closed afterwards."""
    async with request.form() as fields:
        yield fields


FieldsDep = Annotated[FormData, Depends(_fields)]
