"""Bodies are read whole before the transaction begins: a slow line must not hold a lock."""

from datetime import timedelta

from fastapi import Request
from starlette.requests import ClientDisconnect

from controller.accounts.secrets import SESSION_COOKIE
from controller.accounts.service import identify_browser, identify_program
from controller.errors import Malformed, Unauthenticated
from controller.runtime import runtime_of


async def receive_body(request: Request) -> None:
    """Take in the body, as the form or the bytes that the endpoint will ask for. Files come from users only."""
    try:
        if request.headers.get("content-type", "").startswith("multipart/"):
            await _demand_user(request)
            await request.form()
        else:
            await request.body()
    except ClientDisconnect as error:
        raise Malformed from error


async def _demand_user(request: Request) -> None:
    """Refuse a stranger's files before they fill the disk. What a user may do is judged later."""
    runtime = runtime_of(request)
    now, lasts = runtime.clock(), timedelta(days=runtime.settings.session_days)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    async with runtime.database.reading() as session:
        if scheme.lower() == "bearer":
            viewer = await identify_program(session, token.strip(), now)
        else:
            cookie = request.cookies.get(SESSION_COOKIE, "")
            viewer = await identify_browser(runtime.database, session, cookie, now, lasts)
    if viewer is None:
        raise Unauthenticated
