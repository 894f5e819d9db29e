"""Generated requests to every operation of the API, as each role, on a house where a neighbour's things are marked.

What a request is made of comes from the OpenAPI document (schemathesis); ids in paths are often real ones, of the own
area and of the neighbour's, so that handlers get to work. Each answer is held against the document, must be no failure
of the server, and must not say a word of the neighbour's.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    CHECKS,
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup
from sqlalchemy import select

from controller.accounts.models import ApiToken
from controller.accounts.roles import Permission, Role
from tests.support.site import Site

Operation = schemathesis.APIOperation[Any, Any, Any, Any]
OWN, NEIGHBOUR = "07339", "07342"
MARK = "nguoi-la-8361"
"""Stands in every name, text and id of the neighbour's, and in no request that is not meant for it."""
ASKERS: Mapping[str, tuple[Role, ...] | None] = {
    **{str(role): (role,) for role in Role},
    "scoped_token": tuple(Role),
    "nobody": None,
}
_WANTED = {
    not_a_server_error.__name__,
    status_code_conformance.__name__,
    content_type_conformance.__name__,
    response_schema_conformance.__name__,
}
_OTHERS = [check for check in CHECKS.get_all() if getattr(check, "__name__", "") not in _WANTED]
_REAL = 0.7
"""Of path parameters that are ids, so many are real ones."""


@dataclass
class Neighbourhood:
    """Two communes with the same things in each, and a client for each role of the first."""

    site: Site
    ids: dict[str, list[str]] = field(default_factory=dict)
    """Real ids by the name of the path parameter."""
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    def build(self) -> "Neighbourhood":
        """Make everything, by the API itself."""
        self.site.ask(self._people)
        for area, word in ((OWN, "nhà"), (NEIGHBOUR, MARK)):
            with httpx.Client(
                base_url=f"{self.site.url}/api/v1", headers=self.headers[f"maker-{area}"], timeout=30
            ) as client:
                self._things(client, area, word)
        return self

    async def _people(self) -> None:
        house = self.site.house
        for area in (OWN, NEIGHBOUR):
            await house.commune(area)
        for area, name in ((OWN, "maker"), (NEIGHBOUR, f"maker-{MARK}")):
            _, secret = await house.user(name, area)
            self.headers[f"maker-{area}"] = _bearer(secret)
        for asker, roles in ASKERS.items():
            if roles is not None:
                viewer, secret = await house.user(f"asker-{asker.replace('_', '-')}", OWN, roles=roles)
                self.headers[asker] = _bearer(secret)
                if asker == "scoped_token":
                    await self._narrow(viewer.user_id)
        self.headers["nobody"] = {}

    async def _narrow(self, user_id: str) -> None:
        """Leave a token of somebody who may do everything with reading and announcing alone."""
        async with self.site.house.database.transaction() as session:
            token = await session.scalar(select(ApiToken).where(ApiToken.user_id == user_id))
            assert token is not None
            token.scopes = sorted((Permission.READ, Permission.ANNOUNCE))

    def _things(self, client: httpx.Client, area: str, word: str) -> None:
        made = client.post("/devices", json={"id": f"{area}-{word}".replace("à", "a"), "name": word, "area_code": area})
        self._note("device_id", _created(made)["id"])
        self._note("code", area)
        self._note("area_code", area)
        self._note("group_id", _created(client.post("/groups", json={"name": word, "area_code": area}))["id"])
        announcement = {"title": word, "text": word, "area_code": area}
        announced = _created(client.post("/announcements", json=announcement))["id"]
        self._note("announcement_id", announced)
        items = [{"kind": "announcement", "announcement_id": announced}]
        playlist = _created(client.post("/playlists", json={"title": word, "area_code": area, "items": items}))["id"]
        self._note("playlist_id", playlist)
        schedule = {
            "title": word, "playlist_id": playlist, "area_code": area, "first_local": "2026-12-01T17:00:00",
            "targets": [{"kind": "area", "key": area}],
        }  # fmt: skip
        self._note("schedule_id", _created(client.post("/schedules", json=schedule))["id"])
        alert = {"area_code": area, "headline": word, "targets": [{"kind": "area", "key": area}]}
        self._note("alert_id", _created(client.post("/alerts", json=alert))["id"])
        said = {"written": word, "spoken": word, "area_code": area}
        self._note("pronunciation_id", _created(client.post("/pronunciations", json=said)).get("id", ""))

    def _note(self, parameter: str, value: str) -> None:
        self.ids.setdefault(parameter, []).append(value)


@dataclass
class Outcome:
    """What a run found."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def operations(site: Site) -> Iterator[Operation]:
    """Yield every operation of the API, as its own document describes it."""
    schema = schemathesis.openapi.from_dict(site.house.app.openapi())
    schema.config.update(base_url=site.url)
    for found in schema.get_all_operations():
        yield found.ok()


def tried(where: Neighbourhood, operation: Operation, asker: str, *, cases: int, number: int) -> Outcome:
    """Try one operation as one of the askers so many times; the same number goes the same way."""
    outcome, dice = Outcome(), Random(f"{number} {operation.label} {asker}")  # repeats itself on purpose

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(operation))
    def try_it(case: schemathesis.Case) -> None:
        for name in case.path_parameters or {}:
            if name in where.ids and dice.random() < _REAL:
                case.path_parameters[name] = dice.choice(where.ids[name])
        outcome.cases += 1
        response = case.call(headers=where.headers[asker], timeout=30)
        outcome.statuses[response.status_code] += 1
        asked = f"{case.method} {response.request.url}"
        try:
            case.validate_response(response, excluded_checks=_OTHERS)
        except FailureGroup as group:
            words = "; ".join(str(each) for each in group.exceptions)
            outcome.faults.append(f"{asker}: {asked} -> {response.status_code}: {words[:500]}")
        if MARK.encode() in response.content and MARK not in _said(case, asked):
            outcome.faults.append(f"{asker}: {asked} -> {response.status_code}: tells of the neighbour")

    try_it()
    return outcome


def _cases(operation: Operation) -> st.SearchStrategy[schemathesis.Case]:
    """Well-formed requests, and such as the document forbids."""
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    return st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])


def _said(case: schemathesis.Case, asked: str) -> str:
    return "".join(map(str, itertools.chain([asked], [case.body], (case.query or {}).values())))


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def _created(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    made: dict[str, Any] = answer.json()
    return made
