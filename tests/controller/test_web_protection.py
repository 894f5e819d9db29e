"""What protects people in front of a browser: other sites' requests, headers, and who is believed about addresses."""

import re
from datetime import timedelta
from itertools import chain
from unittest.mock import Mock

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import ValidationError
from sqlalchemy import select

from controller.accounts import secrets
from controller.accounts.models import User, UserSession
from controller.app import ROUTERS, create_app
from controller.http.route import SAFE_METHODS
from controller.server import server_of
from controller.settings import Settings
from controller.web.pages import PAGES
from tests.support.controller import ORIGIN, PASSWORD, House

NO_COOKIE_COUNTS = {
    "/api/v1/cap",
    "/api/v1/enrolment",
    "/api/v1/enrolment/renewal",
    "/content/{sha256}/renew",
}
"""For speakers and senders of CAP: they show a key or a signature, and what a browser holds opens nothing there."""

CHANGES = [
    (method, route.path)
    for route in chain.from_iterable(router.routes for router in (*ROUTERS, *PAGES))
    if isinstance(route, APIRoute) and route.path not in NO_COOKIE_COUNTS
    for method in sorted(route.methods - SAFE_METHODS)
]


async def test_no_change_is_made_for_another_site(quiet_house: House):
    browser = await quiet_house.in_person("VN")
    assert (await browser.get("/api/v1/me")).status_code == 200
    browser.headers["Sec-Fetch-Site"] = "cross-site"
    answers = {}
    for method, path in CHANGES:
        answer = await browser.request(method, re.sub(r"\{[^}]*\}", "x", path))
        answers[f"{method} {path}"] = answer.status_code
    assert {each: status for each, status in answers.items() if status != 403} == {}


@pytest.mark.parametrize("path", ["/sign-in", "/join/secret", "/api/v1/areas", "/", "/nowhere"])
async def test_every_answer_keeps_browsers_strict(quiet_house: House, path: str):
    headers = (await quiet_house.browser().get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "strict-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["permissions-policy"].startswith("microphone=(self), camera=()")
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


async def test_a_site_with_tls_is_asked_for_with_tls_only(quiet_house: House):
    settings = quiet_house.runtime.settings.model_copy(update={"public_url": "https://loa.example.vn"})
    app = create_app(settings, runtime=quiet_house.runtime, services=())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        headers = (await client.get("/healthz")).headers
    assert headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "seen"),
    [
        ("", "127.0.0.1", "9.9.9.9", "127.0.0.1"),
        ("127.0.0.1,::1", "203.0.113.7", "9.9.9.9", "203.0.113.7"),
        ("127.0.0.1,::1", "127.0.0.1", "9.9.9.9", "9.9.9.9"),
        ("127.0.0.1", "127.0.0.1", "9.9.9.9, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1,10.0.0.0/8", "127.0.0.1", "9.9.9.9, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("::1", "::1", "2001:db8::7", "2001:db8::7"),
    ],
)
async def test_only_a_trusted_proxy_says_where_somebody_comes_from(
    quiet_house: House, monkeypatch: pytest.MonkeyPatch, trusted: str, peer: str, forwarded: str, seen: str
):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    settings = quiet_house.runtime.settings.model_copy(update={"trusted_proxies": trusted})
    config = server_of(quiet_house.app, settings).config
    config.load()
    await quiet_house.user("lan", "VN")
    transport = httpx.ASGITransport(config.loaded_app, client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN}) as client:
        answer = await client.post(
            "/api/v1/session",
            json={"name": "lan", "password": PASSWORD},
            headers={"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"},
        )
    assert answer.status_code == 200
    assert ("secure" in answer.headers["set-cookie"].lower()) == (seen != peer)
    async with quiet_house.database.reading() as session:
        assert (await session.scalars(select(UserSession.address))).all() == [seen]


@pytest.mark.parametrize("proxies", ["*", "proxy.example.vn", "10.0.0.1/8", "127.0.0.1;::1"])
def test_a_proxy_is_trusted_by_its_address_only(proxies: str):
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=proxies)


@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/session"])
async def test_an_unknown_or_disabled_name_costs_as_many_hashes_as_a_known_one(
    quiet_house: House, monkeypatch: pytest.MonkeyPatch, path: str
):
    await quiet_house.user("lan", "VN")
    await quiet_house.user("left", "VN")
    async with quiet_house.database.transaction() as session:
        (await session.scalars(select(User).where(User.name == "left"))).one().disabled = True
    spent = []
    for name in ("lan", "nobody", "left"):
        hasher = Mock(wraps=secrets._hasher)
        monkeypatch.setattr(secrets, "_hasher", hasher)
        browser = quiet_house.browser()
        if path == "/sign-in":
            await browser.post(path, data={"username": name, "password": "wrong"})
        else:
            await browser.post(path, json={"name": name, "password": "wrong"})
        spent.append(hasher.verify.call_count)
    assert spent == [1, 1, 1]


async def test_asking_for_a_link_tells_nobody_who_exists(quiet_house: House):
    await quiet_house.user("lan", "VN")
    await quiet_house.user("left", "VN")
    async with quiet_house.database.transaction() as session:
        (await session.scalars(select(User).where(User.name == "left"))).one().disabled = True
        (await session.scalars(select(User).where(User.name == "lan"))).one().email = "lan@example.vn"
    for path, ask in (("/forgotten", "data"), ("/api/v1/password-requests", "json")):
        field = "username" if ask == "data" else "name"
        seen = set()
        for name in ("lan", "left", "nobody", "lan'--", "LAN ", "x" * 64):
            answer = await quiet_house.browser().request("POST", path, **{ask: {field: name}})
            seen.add((answer.status_code, answer.text, tuple(sorted(set(answer.headers) - {"date"}))))
        assert len(seen) == 1, path


async def test_a_spent_an_old_and_an_invented_link_look_alike(quiet_house: House):
    house = quiet_house
    chief = await house.in_person("VN", "chief")
    links = {}
    for name in ("spent", "old"):
        person, _ = await house.user(name, "VN")
        made = await chief.post(f"/api/v1/users/{person.user_id}/links", json={})
        links[name] = made.json()["url"].rpartition("/")[2]
    guest = house.browser()
    chosen = await guest.post(
        f"/join/{links['spent']}", data={"password": "một mật khẩu rất dài", "again": "một mật khẩu rất dài"}
    )
    assert chosen.status_code == 303, chosen.text
    house.clock.now += timedelta(days=60)
    seen = set()
    for secret in (links["spent"], links["old"], "loa_" + "x" * 40, "nothing"):
        answer = await house.browser().get(f"/join/{secret}")
        seen.add((answer.status_code, answer.text.replace(secret, "")))
    assert len(seen) == 1
