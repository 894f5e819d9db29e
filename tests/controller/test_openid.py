"""Signing in through an identity provider, which runs for real in a process of its own."""

import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from controller.accounts.roles import Role
from tests.support.controller import House, open_house
from tests.support.eventually import eventually
from tests.support.people import add_user, link_for, set_up_codes


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that lets anybody be anybody."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "oidc_provider_mock", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(where), within_s=60, what="the provider answers")
        yield where
    finally:
        process.terminate()
        process.wait(timeout=20)


def answers(where: str) -> bool:
    try:
        return httpx.get(f"{where}/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
async def house(issuer: str, tmp_path: Path) -> AsyncIterator[House]:
    """A controller that sends people to that provider."""
    settings = {
        "oidc_issuer": issuer,
        "oidc_client_id": "loa",
        "oidc_client_secret": "between us",
        "oidc_title": "Bắc Ninh",
        "oidc_trust_email": True,
    }
    async with open_house(tmp_path / "data", services=(), **settings) as opened:
        yield opened


def consent(address: str, subject: str) -> str:
    """Sign in at the provider as somebody; return where it sends the browser back to."""
    answer = httpx.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def go(
    browser: httpx.AsyncClient, subject: str, *, start: str = "/sign-in/openid?next=/records"
) -> httpx.Response:
    """There and back."""
    there = await browser.get(start)
    assert there.status_code == 302, there.text
    return await browser.get(consent(there.headers["location"], subject))


async def describe(issuer: str, subject: str, **claims: object) -> None:
    """Tell the provider who somebody is."""
    async with httpx.AsyncClient() as client:
        (await client.put(f"{issuer}/users/{subject}", json=claims)).raise_for_status()


async def test_who_was_invited_links_by_the_link_and_comes_in_without_it_afterwards(house: House):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    lan = await add_user(top, "lan", "VN", "broadcaster")
    link = await link_for(top, lan)
    browser = house.browser()
    first = await go(browser, "subject-lan", start=f"/join/{link}/openid")
    assert first.status_code == 303, first.text
    assert (await browser.get("/api/v1/me")).json()["name"] == "lan"
    assert (await top.get(f"/api/v1/users/{lan}")).json()["linked"]

    other = house.browser()
    assert (await go(other, "subject-lan")).headers["location"] == "/records"
    assert (await other.get("/api/v1/me")).json()["name"] == "lan"
    again = await go(house.browser(), "subject-thief", start=f"/join/{link}/openid")
    assert again.status_code == 404, "the link was used"

    await top.patch(f"/api/v1/users/{lan}", json={"disabled": True}, headers={"If-Match": "*"})
    assert (await go(house.browser(), "subject-lan")).status_code == 403
    assert (await other.get("/api/v1/me")).status_code == 401


async def test_whom_nobody_invited_stays_out_whatever_they_are_called(house: House, issuer: str):
    await house.user("minh", "VN")
    await describe(issuer, "minh", email="minh@example.vn", email_verified=True, preferred_username="minh")
    browser = house.browser()
    assert (await go(browser, "minh")).status_code == 403
    assert (await browser.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize(("verified", "status"), [(True, 303), (False, 403)])
async def test_a_mail_address_links_an_invitation_only_when_it_is_verified(
    house: House, issuer: str, *, verified: bool, status: int
):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    await add_user(top, "hoa", "VN", email="Hoa@example.vn")
    await describe(issuer, f"subject-hoa-{verified}", email="hoa@example.vn", email_verified=verified)
    assert (await go(house.browser(), f"subject-hoa-{verified}")).status_code == status


async def test_two_invited_with_one_address_are_not_guessed_between(house: House, issuer: str):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    for name in ("one", "two"):
        await add_user(top, name, "VN", email="office@example.vn")
    await describe(issuer, "subject-office", email="office@example.vn", email_verified=True)
    assert (await go(house.browser(), "subject-office")).status_code == 403


async def test_a_way_back_counts_once_in_the_browser_that_went_and_not_for_long(house: House):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    link = await link_for(top, await add_user(top, "lan", "VN"))
    browser = house.browser()
    there = (await browser.get(f"/join/{link}/openid")).headers["location"]
    asked = httpx.URL(there).params
    assert asked["code_challenge_method"] == "S256"
    assert asked["nonce"]
    back = consent(there, "subject-x")
    assert (await house.browser().get(back)).status_code == 403, "another browser"
    forged = httpx.URL(back).copy_set_param("state", "forged")
    assert (await browser.get(str(forged))).status_code == 403
    house.clock.advance(timedelta(minutes=11))
    assert (await browser.get(back)).status_code == 403, "too late"
    assert (await browser.get("/api/v1/me")).status_code == 401


async def test_a_second_factor_is_asked_for_after_the_provider_too(house: House):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    link = await link_for(top, await add_user(top, "lan", "VN"))
    browser = house.browser()
    await go(browser, "subject-coded", start=f"/join/{link}/openid")
    await set_up_codes(house, browser)
    other = house.browser()
    assert 'name="ticket"' in (await go(other, "subject-coded")).text
    assert "loa_session" not in other.cookies


async def test_a_provider_that_is_away_is_said_and_passwords_still_work(tmp_path: Path):
    settings = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "loa"}
    async with open_house(tmp_path / "data", services=(), **settings) as house:
        assert (await house.browser().get("/sign-in/openid")).status_code == 503
        await house.in_person("VN", "lan")


async def test_without_a_provider_there_is_no_way_to_one(quiet_house: House):
    assert (await quiet_house.browser().get("/sign-in/openid")).status_code == 404
