from typing import Any

import pytest

from controller.app import create_app
from controller.settings import Settings
from tests.support.controller import House


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("data"))).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/")
    ]


def test_every_operation_has_a_name_a_summary_and_documented_problems(document: dict[str, Any]):
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for where, operation in operations(document):
        assert operation["operationId"].isalnum(), where
        assert operation["summary"], where
        assert "application/problem+json" in operation["responses"]["422"]["content"], where


def test_every_operation_but_signing_in_says_how_to_authenticate(document: dict[str, Any]):
    assert set(document["components"]["securitySchemes"]) == {"session", "token"}
    open_to_all = {operation["operationId"] for _, operation in operations(document) if "security" not in operation}
    assert "signIn" in open_to_all
    assert not open_to_all & {"listDevices", "createArea", "editGroup", "getMe", "createToken"}


def test_edits_demand_if_match_and_creations_take_a_key(document: dict[str, Any]):
    for where, operation in operations(document):
        headers = {p["name"].lower() for p in operation.get("parameters", []) if p["in"] == "header"}
        if operation["operationId"] in {"editArea", "deleteArea", "editDevice", "editGroup", "deleteGroup"}:
            assert "if-match" in headers, where
        if operation["operationId"] in {"createArea", "registerDevice", "createGroup"}:
            assert "idempotency-key" in headers, where


def test_every_reference_leads_somewhere(document: dict[str, Any]):
    schemas = document["components"]["schemas"]

    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    assert {reference.rsplit("/", 1)[1] for reference in references(document)} <= set(schemas)


async def test_the_document_and_health_are_served(quiet_house: House):
    browser = quiet_house.browser()
    assert (await browser.get("/api/v1/openapi.json")).json()["info"]["title"] == "Loa"
    assert (await browser.get("/healthz")).json() == {"status": "ok"}
    assert (await browser.get("/readyz")).json() == {"status": "ok"}
