"""The one place where a request's transaction is opened and committed."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from controller.audit.refusals import address_of, note_refusal
from controller.database import Actor, set_actor
from controller.errors import ControllerError, Malformed
from controller.http.arrival import receive_body
from controller.http.idempotency import AnsweredBefore, remember
from controller.runtime import Runtime, runtime_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TransactionRoute(APIRoute):
    """Runs its endpoint inside one transaction, committed before the answer leaves. Safe methods only read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()

        async def handle_in_transaction(request: Request) -> Response:
            database = runtime_of(request).database
            if "\0" in request.url.path or "%00" in request.url.query:
                raise Malformed  # no database keeps this character
            reads = request.method in SAFE_METHODS
            try:
                if not reads:
                    await receive_body(request)
                async with database.reading() if reads else database.transaction() as session:
                    request.state.session = session
                    set_actor(session, Actor("", "", address_of(request)))
                    response = await handle(request)
                    await remember(request, response)
            except AnsweredBefore as before:
                return before.response
            except ControllerError as refusal:
                await note_refusal(request, refusal.status, refusal)
                raise
            finally:
                await request.close()
            await note_refusal(request, response.status_code, getattr(request.state, "refusal", None))
            return response

        return handle_in_transaction


def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


def _runtime(request: Request) -> Runtime:
    return runtime_of(request)


def _now(request: Request) -> datetime:
    return runtime_of(request).clock()


SessionDep = Annotated[AsyncSession, Depends(_session)]
"""The request's transaction. Nobody below commits it."""
RuntimeDep = Annotated[Runtime, Depends(_runtime)]
NowDep = Annotated[datetime, Depends(_now)]
