"""Errors as problem+json (RFC 9457) that name the field, in the language of the one who asked."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
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
    TooLarge,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from controller.http.language import language_of
from controller.http.validation import sentence
from controller.text import Language

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


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
    errors: list[FieldProblem] = []


def problem(error: ControllerError, language: Language) -> JSONResponse:
    """Return an error as an answer."""
    body = Problem(
        type=f"urn:loa:problem:{error.code}",
        title=error.title.in_language(language),
        status=error.status,
        code=error.code,
        detail=error.detail.in_language(language),
        errors=[FieldProblem(field=e.field, message=e.message.in_language(language)) for e in error.errors],
    )
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after_s)
    elif error.transient:
        headers["Retry-After"] = "5"
    return JSONResponse(body.model_dump(), status_code=error.status, headers=headers, media_type=MEDIA_TYPE)


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
    kind.status: kind for kind in (Malformed, Unauthenticated, NotFound, MethodNotAllowed, TooLarge, Unavailable)
}


def install(app: FastAPI) -> None:
    """Answer every error of `app` as a problem."""

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ControllerError)  # noqa: S101 registered for this class only
        return problem(error, language_of(request))

    async def not_valid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 registered for this class only
        return problem(invalid(error.errors()), language_of(request))

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 registered for this class only
        kind = _BY_STATUS.get(
            error.status_code, Malformed if error.status_code < ControllerError.status else ControllerError
        )
        answer = problem(kind(), language_of(request))
        for name, value in (error.headers or {}).items():
            answer.headers.setdefault(name, value)
        return answer

    async def lost_race(request: Request, _error: Exception) -> JSONResponse:
        return problem(PreconditionFailed(), language_of(request))

    async def conflicting(request: Request, error: Exception) -> JSONResponse:
        log.info("integrity_conflict", path=request.url.path, reason=str(getattr(error, "orig", "")))
        return problem(Conflict(), language_of(request))

    async def no_database(request: Request, error: Exception) -> JSONResponse:
        log.warning("database_unavailable", path=request.url.path, exc_info=error)
        return problem(Unavailable(), language_of(request))

    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("unforeseen_error", method=request.method, path=request.url.path, exc_info=error)
        return problem(ControllerError(), language_of(request))

    app.add_exception_handler(ControllerError, refused)
    app.add_exception_handler(RequestValidationError, not_valid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(StaleDataError, lost_race)
    app.add_exception_handler(IntegrityError, conflicting)
    app.add_exception_handler(OperationalError, no_database)
    app.add_exception_handler(InterfaceError, no_database)
    app.add_exception_handler(Exception, unforeseen)
