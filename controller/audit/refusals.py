"""Refused requests in the trail, each in a short transaction of its own: theirs came to nothing."""

from collections.abc import Sequence

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from controller.audit.chain import Deed
from controller.audit.tally import REFUSAL, Refusal, Tally
from controller.audit.trail import tell
from controller.database import Actor, actor_of
from controller.errors import ControllerError, Forbidden, TooManyAttempts, Unauthenticated
from controller.runtime import Runtime, runtime_of

log = structlog.get_logger(__name__)

NOTED = {kind.status: kind.code for kind in (Unauthenticated, Forbidden, TooManyAttempts)}
_SIGNING_IN = ("/sign-in", "/api/v1/session")


def tally_of(runtime: Runtime) -> Tally:
    """Return the service's one tally."""
    tally: Tally = runtime.parts.setdefault(Tally, Tally())
    return tally


async def note_refusal(request: Request, status: int, error: ControllerError | None = None) -> None:
    """Write down that a request was refused, in a transaction of its own: in the trail of what it was about, if any."""
    about = error.about if error is not None else None
    if about is None and (status not in NOTED or _told_otherwise(request, status)):
        return
    runtime = runtime_of(request)
    session = getattr(request.state, "session", None)
    actor = Actor("", "", address_of(request)) if session is None else actor_of(session)
    code = NOTED[status] if error is None else error.code
    if about is None:
        deed = Deed(REFUSAL, code, "refused", f"{request.method} {request.url.path}")
    else:
        deed = Deed(about.kind, about.key, "refused", about.label, about.area, {"why": [None, code]})
    await write(runtime, tally_of(runtime).add(Refusal(actor, deed, code), runtime.clock()))


async def write(runtime: Runtime, refusals: Sequence[Refusal]) -> None:
    """Write refusals down. They stand even if that fails: who was refused must not be let in by a full disk."""
    if not refusals:
        return
    try:
        async with runtime.database.transaction() as session:
            for refusal in refusals:
                await tell(session, refusal)
    except (SQLAlchemyError, OSError):
        log.exception("audit.refusals_not_written", refusals=len(refusals))


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


def _told_otherwise(request: Request, status: int) -> bool:
    """Whether a page was merely opened without a session, or a sign-in failed, which its own event tells."""
    if status != Unauthenticated.status:
        return False
    path = request.url.path
    return path.startswith(_SIGNING_IN) or (request.method == "GET" and not path.startswith("/api/"))
