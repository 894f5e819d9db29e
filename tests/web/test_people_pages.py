"""The pages of people, of one's own account, and of one-time links."""

import re

import httpx

from controller.accounts.roles import Role
from tests.support.controller import PASSWORD, House
from tests.support.people import Telephone

NEW = "mật khẩu hoàn toàn mới"


async def typed(browser: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return await browser.post("/sign-in", data={"username": name, "password": password, "next": "/account"})


async def test_an_administrator_adds_somebody_who_comes_in_by_the_link(house: House):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    added = await top.post("/people", data={"name": "lan", "area_code": "VN", "roles": ["broadcaster", "approver"]})
    assert added.status_code == 200, added.text
    assert "<svg" in added.text
    link = httpx.URL(re.findall(r'value="(http[^"]+/join/[^"]+)"', added.text)[0]).path

    browser = house.browser()
    for _ in range(2):
        assert "lan" in (await browser.get(link)).text, "looking spends nothing"
    assert (await browser.post(link, data={"password": "ngắn"})).status_code == 422
    chosen = await browser.post(link, data={"password": NEW})
    assert chosen.headers["location"] == "/sign-in?chosen=lan"
    assert (await browser.get(link)).status_code == 404
    assert (await browser.post(link, data={"password": PASSWORD})).status_code == 404
    assert (await typed(browser, "lan", NEW)).headers["location"] == "/account"
    assert (await browser.get("/people")).status_code == 403


async def test_what_is_wrong_is_said_and_nothing_typed_is_lost(house: House):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    answer = await top.post("/people", data={"name": "bà lan", "full_name": "Lê Thị Lan", "area_code": "VN"})
    assert answer.status_code == 422
    assert "Lê Thị Lan" in answer.text
    again = await top.post("/people", data={"name": "top", "area_code": "VN"})
    assert again.status_code == 422
    assert "Đã có người dùng top" in again.text


async def test_an_administrator_changes_disables_and_lets_in_again(house: House):
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    lan = await house.in_person("VN", "lan", roles=[Role.BROADCASTER])
    lan_id = (await lan.get("/api/v1/me")).json()["id"]

    async def change(do: str, **more: object) -> httpx.Response:
        version = (await top.get(f"/api/v1/users/{lan_id}")).headers["etag"].strip('"')
        return await top.post(f"/people/{lan_id}", data={"version": version, "do": do, **more})

    saved = await change("save", full_name="Lê Thị Lan", area_code="VN", roles=["approver"])
    assert saved.status_code == 303, saved.text
    assert (await lan.get("/api/v1/me")).json()["roles"] == ["approver"]
    assert (await change("save", area_code="nowhere")).status_code == 422
    assert (await change("disable")).status_code == 303
    assert (await typed(house.browser(), "lan")).status_code == 401
    assert (await change("enable")).status_code == 303
    assert (await typed(house.browser(), "lan")).status_code == 303
    assert "/join/" in (await change("link")).text
    late = await top.post(f"/people/{lan_id}", data={"version": "1", "do": "disable"})
    assert late.status_code == 412


async def test_two_step_sign_in_from_the_account_page(house: House):
    lan = await house.in_person("VN", "lan", roles=[Role.BROADCASTER])
    begun = await lan.post("/account", data={"do": "begin"})
    telephone = Telephone(house, re.findall(r"<code>([A-Z2-7]{32})</code>", begun.text)[0])
    wrong = await lan.post("/account", data={"do": "confirm", "code": "000000"})
    assert wrong.status_code == 422
    assert telephone.secret in wrong.text, "the picture stays"
    confirmed = await lan.post("/account", data={"do": "confirm", "code": telephone.code()})
    assert len(re.findall(r"<li><code>[a-z0-9-]{19}</code>", confirmed.text)) == 10

    browser = house.browser()
    first = await typed(browser, "lan")
    assert first.status_code == 200
    assert "loa_session" not in browser.cookies
    ticket = re.findall(r'name="ticket" value="([^"]+)"', first.text)[0]
    step = {"ticket": ticket, "next": "/account"}
    assert (await browser.post("/sign-in/code", data={**step, "code": "000000"})).status_code == 401
    assert (await browser.post("/sign-in/code", data={**step, "ticket": "x", "code": "1"})).status_code == 401
    entered = await browser.post("/sign-in/code", data={**step, "code": telephone.code(steps=1)})
    assert entered.headers["location"] == "/account"


async def test_password_browsers_and_tokens_on_the_account_page(house: House):
    lan = await house.in_person("VN", "lan", roles=[Role.BROADCASTER])
    assert (await lan.post("/account", data={"do": "password", "current": "x", "password": NEW})).status_code == 422
    changed = await lan.post("/account", data={"do": "password", "current": PASSWORD, "password": NEW})
    assert changed.status_code == 200
    other = house.browser()
    assert (await typed(other, "lan", NEW)).status_code == 303

    made = await lan.post("/account", data={"do": "token", "label": "cổng tỉnh", "days": "30", "scopes": ["read"]})
    secret = re.findall(r"<code>(loa_[^<]+)</code>", made.text)[0]
    program = house.browser(Authorization=f"Bearer {secret}")
    assert (await program.get("/api/v1/me")).json()["permissions"] == ["read"]
    assert (await program.get("/account")).status_code == 403
    beyond = await lan.post("/account", data={"do": "token", "label": "x", "scopes": ["administer"]})
    assert beyond.status_code == 422

    assert (await lan.post("/account", data={"do": "everywhere"})).headers["location"] == "/sign-in"
    assert (await other.get("/account")).status_code == 303
    assert (await lan.get("/account")).status_code == 303


async def test_without_a_mail_server_whoever_forgot_asks_a_person(house: House):
    page = await house.browser().get("/forgotten")
    assert "người quản trị" in page.text
    assert "<input name" not in page.text.split("<main")[1]
