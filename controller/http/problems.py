"""Errors as problem+json (RFC 9457) that name the field, in the language of the one who asked."""

import errno
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from controller.errors import (
    Conflict,
    ControllerError,
    FieldError,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    StorageFull,
    TooLarge,
    TooManyAttempts,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from controller.http.language import language_of
from controller.http.validation import sentence
from controller.text import Language

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
FOR_PROGRAMS = ("/api/", "/content/")


class FieldProblem(BaseModel):
    """One wrong field."""

    field: str
    message: str


class Problem(BaseModel):
    """The shape of every error."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    number: int | None = None
    """What another standard calls it: IPAWS-OPEN, for CAP messages. Absent where none does."""
    errors: list[FieldProblem] = []


def problem(error: ControllerError, language: Language) -> JSONResponse:
    """Return an error as an answer."""
    body = Problem(
        type=f"urn:loa:problem:{error.code}",
        title=error.title.in_language(language),
        status=error.status,
        code=error.code,
        detail=error.detail.in_language(language),
        number=error.number,
        errors=[FieldProblem(field=e.field, message=e.message.in_language(language)) for e in error.errors],
    )
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after_s)
    elif error.transient:
        headers["Retry-After"] = "5"
    return JSONResponse(
        body.model_dump(exclude_none=True), status_code=error.status, headers=headers, media_type=MEDIA_TYPE
    )


def invalid(errors: Sequence[Any]) -> Invalid | Malformed:
    """Return pydantic's complaints as one error: `body.items.0.title` → `items.0.title`."""
    if any(item["type"] == "json_invalid" for item in errors):
        return Malformed()
    found = tuple(FieldError(_field(item["loc"]), sentence(item)) for item in errors)
    return Invalid(errors=found)


def _field(location: Sequence[str | int]) -> str:
    parts = location[1:] if location and location[0] in {"body", "query", "path", "header", "cookie"} else location
    return ".".join(str(part) for part in parts)


_BY_STATUS: dict[int, type[ControllerError]] = {
    kind.status: kind
    for kind in (Malformed, Unauthenticated, NotFound, MethodNotAllowed, TooSlow, TooLarge, Unavailable)
}


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def _of_status(status: int) -> ControllerError:
    """Return our error for a status of the framework's."""
    otherwise = Malformed if status < ControllerError.status else ControllerError
    return _BY_STATUS.get(status, otherwise)()


def for_a_person(request: Request) -> bool:
    """Whether a browser asks for a page: it is answered with one, programs with problems."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(FOR_PROGRAMS)


def install(app: FastAPI, page: Callable[[Request, ControllerError], Response]) -> None:
    """Answer every error of `app` as a problem, or as a `page` to who browses."""

    def answered(request: Request, error: ControllerError) -> Response:
        return page(request, error) if for_a_person(request) else problem(error, language_of(request))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ControllerError)  # noqa: S101 registered for this class only
        return answered(request, error)

    async def not_valid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 registered for this class only
        return answered(request, invalid(error.errors()))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 registered for this class only
        answer = answered(request, _of_status(error.status_code))
        for name, value in (error.headers or {}).items():
            answer.headers.setdefault(name, value)
        return answer

    async def lost_race(request: Request, _error: Exception) -> Response:
        return answered(request, PreconditionFailed())

    async def conflicting(request: Request, error: Exception) -> Response:
        log.info("integrity_conflict", path=request.url.path, reason=str(getattr(error, "orig", "")))
        return answered(request, Conflict())

    async def out_of_order(request: Request, error: Exception) -> Response:
        full = getattr(error, "errno", None) in _NO_ROOM or "disk is full" in str(error)
        log.error("storage_full" if full else "storage_unavailable", path=request.url.path, exc_info=error)
        return answered(request, StorageFull() if full else Unavailable())

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("unforeseen_error", method=request.method, path=request.url.path, exc_info=error)
        return answered(request, ControllerError())

    app.add_exception_handler(ControllerError, refused)
    app.add_exception_handler(RequestValidationError, not_valid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(StaleDataError, lost_race)
    app.add_exception_handler(IntegrityError, conflicting)
    app.add_exception_handler(OperationalError, out_of_order)
    app.add_exception_handler(InterfaceError, out_of_order)
    app.add_exception_handler(OSError, out_of_order)
    app.add_exception_handler(PoolTimeout, out_of_order)
    app.add_exception_handler(Exception, unforeseen)
