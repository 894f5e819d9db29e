from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import ApiToken, User, UserSession
from controller.accounts.sign_ins import Means, Refusal, SignedIn, SignInRefused
from controller.accounts.throttle import FREE, WAIT_FIRST, Counted, Throttle, keys_for
from controller.errors import TooManyAttempts
from controller.events import Event
from tests.support.controller import NOON, ORIGIN, PASSWORD, House

ME = "/api/v1/me"
SESSION = "/api/v1/session"
LAN = {"name": "lan", "password": PASSWORD}


async def test_a_browser_signs_in_sees_itself_and_signs_out(quiet_house: House):
    await quiet_house.user("lan", "VN")
    browser = quiet_house.browser()
    assert (await browser.get(ME)).status_code == 401

    answer = await browser.post(SESSION, json={"name": " Lan ", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await browser.get(ME)).json()["name"] == "lan"

    secret = browser.cookies["loa_session"]
    assert (await browser.delete(SESSION)).status_code == 204
    assert (await browser.get(ME)).status_code == 401
    browser.cookies.set("loa_session", secret)
    assert (await browser.get(ME)).status_code == 401, "the old secret is worth nothing"


async def test_behind_https_the_cookie_is_secure(quiet_house: House):
    await quiet_house.user("lan", "VN")
    answer = await quiet_house.browser(Origin="https://testserver").post(f"https://testserver{SESSION}", json=LAN)
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_only_hashes_of_secrets_are_stored(quiet_house: House):
    _, token = await quiet_house.user("lan", "VN")
    browser = quiet_house.browser()
    await browser.post(SESSION, json=LAN)
    async with quiet_house.database.reading() as session:
        user = (await session.scalars(select(User))).one()
        stored = [row.token_hash for row in await session.scalars(select(UserSession))]
        stored += [row.token_hash for row in await session.scalars(select(ApiToken))]
    assert user.password_hash.startswith("$argon2id$")
    assert browser.cookies["loa_session"] not in stored
    assert token not in stored


async def test_an_unknown_name_and_a_wrong_password_look_alike(quiet_house: House):
    await quiet_house.user("lan", "VN")
    answers = [
        await quiet_house.browser().post(SESSION, json={"name": name, "password": "wrong"})
        for name in ("lan", "nobody", "Không ai", "x\u0000")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "wrong_password"


async def test_a_disabled_user_is_out_at_once(quiet_house: House):
    _, token = await quiet_house.user("lan", "VN")
    browser, program = quiet_house.browser(), quiet_house.browser(Authorization=f"Bearer {token}")
    await browser.post(SESSION, json=LAN)
    async with quiet_house.database.transaction() as session:
        await session.execute(update(User).values(disabled=True))
    assert (await browser.get(ME)).status_code == 401
    assert (await program.get(ME)).status_code == 401
    assert (await browser.post(SESSION, json=LAN)).status_code == 401


async def test_a_sign_in_slides_with_use_and_ends_without(quiet_house: House):
    await quiet_house.user("lan", "VN")
    browser = quiet_house.browser()
    await browser.post(SESSION, json=LAN)
    for _ in range(3):
        quiet_house.clock.advance(timedelta(days=10))
        assert (await browser.get(ME)).status_code == 200
    quiet_house.clock.advance(timedelta(days=15))
    assert (await browser.get(ME)).status_code == 401


async def test_guessing_is_slowed_down_and_then_allowed_again(quiet_house: House):
    await quiet_house.user("lan", "VN")
    browser = quiet_house.browser()
    for _ in range(FREE[Counted.NAME_AND_ADDRESS]):
        assert (await browser.post(SESSION, json={**LAN, "password": "wrong"})).status_code == 401
    refused = await browser.post(SESSION, json=LAN)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= WAIT_FIRST.total_seconds()
    quiet_house.clock.advance(WAIT_FIRST)
    assert (await browser.post(SESSION, json=LAN)).status_code == 200


def test_one_address_cannot_try_many_names():
    throttle = Throttle()
    for number in range(FREE[Counted.ADDRESS]):
        throttle.attempt(keys_for(f"user{number}", "203.0.113.9", None), NOON)
    with pytest.raises(TooManyAttempts):
        throttle.attempt(keys_for("one-more", "203.0.113.9", None), NOON)
    throttle.attempt(keys_for("lan", "198.51.100.7", None), NOON)


def test_the_throttle_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("controller.accounts.throttle.REMEMBERED_MAX", 10)
    throttle = Throttle()
    for number in range(100):
        throttle.attempt(keys_for("lan", f"address-{number}", None), NOON)
    assert len(throttle.remembered()) == 10


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 204),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_another_site_cannot_act_with_the_browsers_cookie(
    quiet_house: House, headers: dict[str, str], status: int
):
    await quiet_house.user("lan", "VN")
    browser = quiet_house.browser()
    await browser.post(SESSION, json=LAN)
    assert (await browser.delete(SESSION, headers=headers)).status_code == status


async def test_a_browser_that_does_not_say_where_it_comes_from_may_only_read(quiet_house: House):
    await quiet_house.user("lan", "VN")
    browser = quiet_house.browser()
    await browser.post(SESSION, json=LAN)
    del browser.headers["Origin"]
    assert (await browser.get(ME)).status_code == 200
    refused = await browser.delete(SESSION)
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site")


async def test_another_site_cannot_sign_a_browser_in(quiet_house: House):
    await quiet_house.user("lan", "VN")
    assert (await quiet_house.browser(Origin="https://evil.example").post(SESSION, json=LAN)).status_code == 403


async def test_a_token_is_made_used_listed_without_its_secret_and_revoked(quiet_house: House):
    lan = await quiet_house.in_person("VN", "lan")
    made = await lan.post("/api/v1/tokens", json={"name": "cổng tỉnh"})
    assert made.status_code == 201
    secret, token_id = made.json()["secret"], made.json()["id"]
    program = quiet_house.browser(Authorization=f"Bearer {secret}")
    assert (await program.get(ME)).json()["name"] == "lan"

    listed = await lan.get("/api/v1/tokens")
    assert "cổng tỉnh" in {token["name"] for token in listed.json()["items"]}
    assert secret not in listed.text

    assert (await lan.delete(f"/api/v1/tokens/{token_id}")).status_code == 204
    assert (await program.get(ME)).status_code == 401


async def test_a_token_ends_when_it_says(quiet_house: House):
    lan = await quiet_house.in_person("VN", "lan")
    soon = (quiet_house.clock.now + timedelta(hours=1)).isoformat()
    secret = (await lan.post("/api/v1/tokens", json={"name": "soon over", "expires_at": soon})).json()["secret"]
    program = quiet_house.browser(Authorization=f"Bearer {secret}")
    assert (await program.get(ME)).status_code == 200
    quiet_house.clock.advance(timedelta(hours=1))
    assert (await program.get(ME)).status_code == 401
    past = await lan.post("/api/v1/tokens", json={"name": "never", "expires_at": soon})
    assert past.json()["errors"][0]["field"] == "expires_at"


async def test_changing_the_password_ends_the_other_sign_ins(quiet_house: House):
    await quiet_house.user("lan", "VN")
    here, elsewhere = quiet_house.browser(), quiet_house.browser()
    for browser in (here, elsewhere):
        await browser.post(SESSION, json=LAN)
    change = {"current": PASSWORD, "password": "mật khẩu hoàn toàn mới"}
    assert (await here.put("/api/v1/me/password", json={**change, "current": "wrong"})).status_code == 401
    short = await here.put("/api/v1/me/password", json={**change, "password": "short"})
    assert short.json()["errors"][0]["field"] == "password"
    assert (await here.put("/api/v1/me/password", json=change)).status_code == 204
    assert (await here.get(ME)).status_code == 200
    assert (await elsewhere.get(ME)).status_code == 401
    assert (await elsewhere.post(SESSION, json=LAN)).status_code == 401


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer x", "Basic bGFuOmxhbg==", "Bearer " + "a" * 5000])
async def test_a_bad_authorization_header_is_nobody(quiet_house: House, value: str):
    assert (await quiet_house.browser(Authorization=value).get(ME)).status_code == 401


async def test_whoever_comes_in_or_does_not_is_noted(quiet_house: House):
    lan, _ = await quiet_house.user("lan", "VN")
    await quiet_house.user("old", "VN")
    async with quiet_house.database.transaction() as session:
        await session.execute(update(User).where(User.name == "old").values(disabled=True))
    noted: list[Event] = []

    async def listen(_session: AsyncSession, events: Sequence[Event]) -> None:
        noted.extend(events)

    quiet_house.database.before_commit.append(listen)
    browser = quiet_house.browser()
    for name, password in (("lan", "wrong"), ("nobody", "wrong"), ("old", PASSWORD), ("Lan", PASSWORD)):
        await browser.post(SESSION, json={"name": name, "password": password})
    assert [(e.name, e.why) for e in noted if isinstance(e, SignInRefused)] == [
        ("lan", Refusal.WRONG),
        ("nobody", Refusal.WRONG),
        ("old", Refusal.DISABLED),
    ]
    assert noted[-1] == SignedIn(lan.user_id, "lan", "127.0.0.1", Means.PASSWORD, NOON)
