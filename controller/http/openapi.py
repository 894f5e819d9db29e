"""The OpenAPI document: every refusal described, every error a problem."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from controller.http.problems import MEDIA_TYPE, Problem

_REFERENCE = {"$ref": f"#/components/schemas/{Problem.__name__}"}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe these statuses as problems, for `responses=`."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _REFERENCE}}}
        for status in statuses
    }


def describe(app: FastAPI) -> None:
    """Complete the document that FastAPI makes: the shape of problems, and servers."""
    original = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = original()
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            definition = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(definition.pop("$defs", {}))
            schemas[Problem.__name__] = definition
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend it
