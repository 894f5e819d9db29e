"""What ties a browser's cookies to this host, and this host to its names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from controller.accounts.access import BROWSER_COOKIE
from controller.accounts.secrets import SESSION_COOKIE
from controller.app import create_app
from controller.http.cookies import HOST_ONLY
from controller.web.i18n import COOKIE as LANGUAGE_COOKIE
from tests.support.controller import PASSWORD, House

SITE = "https://loa.example.vn"


@asynccontextmanager
async def secure_browser(house: House, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that visits the house over TLS."""
    chosen = house.runtime.settings.model_copy(update={"public_url": SITE, **settings})
    app = create_app(chosen, runtime=house.runtime, services=())
    headers = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE, headers=headers) as client:
        yield client


async def given_by(browser: httpx.AsyncClient) -> dict[str, str]:
    """Every cookie that signing in, choosing a language and signing out give or take, by name."""
    answers = [
        await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD}),
        await browser.post("/language", data={"language": "en"}),
        await browser.post("/sign-out"),
        await browser.post("/api/v1/session", json={"name": "lan", "password": PASSWORD}),
        await browser.delete("/api/v1/session"),
    ]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 200, 204]
    cookies = [cookie for answer in answers for cookie in answer.headers.get_list("set-cookie")]
    return {cookie.partition("=")[0]: cookie for cookie in cookies}


async def test_over_tls_every_cookie_is_for_this_host_alone(quiet_house: House):
    await quiet_house.user("lan", "VN")
    async with secure_browser(quiet_house) as browser:
        given = await given_by(browser)
    assert set(given) == {HOST_ONLY + name for name in (SESSION_COOKIE, BROWSER_COOKIE, LANGUAGE_COOKIE)}
    for cookie in given.values():
        attributes = [each.strip().lower() for each in cookie.split(";")[1:]]
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= set(attributes)
        assert not any(each.startswith("domain") for each in attributes)


async def test_without_tls_cookies_bear_their_plain_names(quiet_house: House):
    await quiet_house.user("lan", "VN")
    given = await given_by(quiet_house.browser())
    assert set(given) == {SESSION_COOKIE, BROWSER_COOKIE, LANGUAGE_COOKIE}
    assert all("httponly" in cookie.lower() and "samesite=lax" in cookie.lower() for cookie in given.values())


async def test_a_cookie_that_another_host_could_have_planted_is_not_looked_at(quiet_house: House):
    await quiet_house.user("lan", "VN")
    async with secure_browser(quiet_house) as browser:
        await browser.post("/api/v1/session", json={"name": "lan", "password": PASSWORD})
        assert (await browser.get("/api/v1/me")).status_code == 200
        token = browser.cookies[HOST_ONLY + SESSION_COOKIE]
        browser.cookies.clear()
        planted = await browser.get("/api/v1/me", headers={"Cookie": f"{SESSION_COOKIE}={token}; x=1"})
        own = {"Cookie": f"{SESSION_COOKIE}=planted; {HOST_ONLY}{SESSION_COOKIE}={token}"}
        both = await browser.get("/api/v1/me", headers=own)
    assert (planted.status_code, both.status_code) == (401, 200)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("loa.example.vn", 200),
        ("LOA.example.vn:443", 200),
        ("loa.example.vn.", 200),
        ("loa.commune.vn", 200),
        ("www.loa.vn", 200),
        ("localhost:8080", 200),
        ("192.0.2.7:8080", 200),
        ("[2001:db8::7]:8080", 200),
        ("", 200),
        ("evil.example", 400),
        ("loa.example.vn.evil.example", 400),
        ("evil.example@loa.example.vn.evil", 400),
        ("loa.example.vn:80@evil.example", 400),
        ("[::1", 400),
        ("192.0.2.7.evil.example", 400),
        ("\x00", 400),
    ],
)
async def test_only_our_own_names_are_answered(quiet_house: House, host: str, status: int):
    async with secure_browser(quiet_house, hosts="loa.commune.vn, www.loa.vn") as browser:
        answer = await browser.get("/healthz", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["code"] == "unknown_host"
        assert "LOA_HOSTS" in answer.json()["detail"]


async def test_who_comes_without_a_name_is_no_browser_and_is_answered(quiet_house: House):
    async with secure_browser(quiet_house) as browser:
        request = browser.build_request("GET", "/healthz")
        del request.headers["host"]
        assert (await browser.send(request)).status_code == 200
