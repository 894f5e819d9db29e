"""Who may do what: every endpoint names it, and it holds."""

import pytest
from fastapi.routing import APIRoute

from controller.accounts.access import May, demand_viewer
from controller.accounts.roles import Permission, Role, permissions_of
from controller.accounts.viewer import Viewer
from controller.app import ROUTERS, health
from controller.web.pages import PAGES
from tests.support.controller import House

OPEN = {
    "POST /api/v1/session",
    "POST /api/v1/enrolment",
    "POST /api/v1/enrolment/renewal",
    "POST /api/v1/cap",
    "GET /api/v1/cap/feed",
    "GET /api/v1/cap/certificate",
    "GET /api/v1/cap/{identifier}",
    "POST /api/v1/passwords",
    "POST /api/v1/password-requests",
    "GET /content/{sha256}",
    "HEAD /content/{sha256}",
    "POST /content/{sha256}/renew",
    "GET /static/{name}",
    "POST /language",
    "GET /sign-in",
    "POST /sign-in",
    "POST /sign-in/code",
    "GET /forgotten",
    "POST /forgotten",
    "GET /join/{secret}",
    "GET /join/{secret}/openid",
    "GET /sign-in/openid",
    "GET /sign-in/openid/callback",
    "POST /join/{secret}",
    "POST /sign-out",
    "GET /subscriptions/{secret}.ics",
    "GET /healthz",
    "GET /readyz",
}
"""What is for whoever knows the address, or shows another secret than a sign-in."""


def test_every_endpoint_says_who_may_use_it():
    unguarded = {
        f"{method} {route.path}"
        for router in (*ROUTERS, *PAGES, health)
        for route in router.routes
        if isinstance(route, APIRoute)
        and not any(isinstance(each.dependency, May) or each.dependency is demand_viewer for each in route.dependencies)
        for method in route.methods
    }
    assert unguarded == OPEN


def test_everybody_may_look_and_only_some_may_act():
    assert permissions_of([]) == {Permission.READ}
    assert Permission.ANNOUNCE not in permissions_of([Role.TECHNICIAN, Role.AUDITOR])
    assert permissions_of(Role) == set(Permission)


def test_a_token_never_does_more_than_its_owner():
    officer = Viewer("u", "u", "/", "VN", roles=frozenset({Role.BROADCASTER}), scopes=frozenset(Permission))
    assert officer.permissions == permissions_of([Role.BROADCASTER])


@pytest.mark.parametrize(
    ("verb", "role", "allowed"),
    [
        ("stop", Role.BROADCASTER, True),
        ("restart", Role.BROADCASTER, False),
        ("restart", Role.TECHNICIAN, True),
        ("stop", Role.AUDITOR, False),
    ],
)
async def test_a_restart_is_the_technicians_and_a_stop_everybodys_who_works_here(
    house: House, verb: str, role: Role, *, allowed: bool
):
    await house.commune("07339", speakers=1)
    client = await house.signed_in("07339", roles=[role])
    answer = await client.post("/api/v1/devices/07339-1/commands", json={"action": {"verb": verb}})
    assert answer.status_code == (202 if allowed else 403), answer.text


async def test_a_role_counts_only_in_its_own_area(house: House):
    await house.commune("07339", speakers=1)
    await house.commune("07342")
    neighbour = await house.signed_in("07342")
    assert (await neighbour.get("/api/v1/devices/07339-1")).status_code == 404
