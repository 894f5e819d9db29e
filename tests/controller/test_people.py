"""Users as administrators see and change them; one-time links; tokens that never grow."""

import asyncio
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from controller.accounts import secrets
from controller.accounts.models import AccountLink, User
from controller.accounts.people import LastKeeper, OwnAccount, Place, check_change
from controller.accounts.roles import Role
from controller.accounts.service import INVITATION_LASTS, RESET_LASTS
from tests.support.controller import PASSWORD, House
from tests.support.people import USERS, add_user, link_for, sign_in

ANY = {"If-Match": "*"}
NEW = "mật khẩu hoàn toàn mới"
ADMINISTRATOR = [Role.ADMINISTRATOR]


async def test_an_administrator_manages_only_users_within_their_own_subtree(either_house: House):
    house = either_house
    await house.commune("07339")
    await house.commune("07444")
    top = await house.in_person("VN", "top", roles=ADMINISTRATOR)
    chief = await house.in_person("07339", "chief", roles=ADMINISTRATOR)
    above = await add_user(top, "above", "24", "administrator")
    beside = await add_user(top, "beside", "07444", "broadcaster")
    own = await add_user(chief, "own", "07339", "broadcaster", "approver")

    assert {user["name"] for user in (await chief.get(USERS)).json()["items"]} == {"chief", "own"}
    assert {user["name"] for user in (await top.get(USERS, params={"area": "24"})).json()["items"]} == {
        "above",
        "beside",
        "chief",
        "own",
    }
    for stranger in (above, beside):
        assert (await chief.get(f"{USERS}/{stranger}")).status_code == 404
        assert (await chief.patch(f"{USERS}/{stranger}", json={"disabled": True}, headers=ANY)).status_code == 404
        assert (await chief.post(f"{USERS}/{stranger}/links", json={})).status_code == 404
        assert (await chief.delete(f"{USERS}/{stranger}/second-factor")).status_code == 404
        assert (await chief.delete(f"{USERS}/{stranger}/sessions")).status_code == 404
    for place in ("VN", "24", "07444"):
        refused = await chief.post(USERS, json={"name": "x", "area_code": place})
        assert refused.json()["errors"][0]["field"] == "area_code"
        refused = await chief.patch(f"{USERS}/{own}", json={"area_code": place}, headers=ANY)
        assert refused.json()["errors"][0]["field"] == "area_code"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
async def test_only_administrators_see_users(quiet_house: House, role: Role):
    somebody = await quiet_house.in_person("VN", "somebody", roles=[role])
    assert (await somebody.get(USERS)).status_code == 403
    assert (await somebody.post(USERS, json={"name": "x", "area_code": "VN"})).status_code == 403


async def test_nobody_changes_what_they_themselves_may_do(quiet_house: House):
    await quiet_house.user("other", "VN")
    top = await quiet_house.in_person("VN", "top", roles=ADMINISTRATOR)
    me = (await top.get("/api/v1/me")).json()["id"]
    for change in ({"roles": [role.value for role in Role]}, {"disabled": True}):
        answer = await top.patch(f"{USERS}/{me}", json=change, headers=ANY)
        assert (answer.status_code, answer.json()["code"]) == (403, "own_account")
    assert (await top.patch(f"{USERS}/{me}", json={"full_name": "Lê Thị Lan"}, headers=ANY)).status_code == 200


async def test_the_last_administrator_of_the_whole_stays(either_house: House):
    top = await either_house.in_person("VN", "top", roles=ADMINISTRATOR)
    me = (await top.get("/api/v1/me")).json()["id"]
    second = await either_house.in_person("VN", "second", roles=ADMINISTRATOR)
    invited = await add_user(top, "invited", "VN", "administrator")
    assert (await second.patch(f"{USERS}/{me}", json={"roles": []}, headers=ANY)).status_code == 200
    assert (await top.get(USERS)).status_code == 403, "roles change at once"
    third = await either_house.in_person("VN", "third", roles=[Role.AUDITOR])
    assert (await third.get(USERS)).status_code == 403
    assert (await second.patch(f"{USERS}/{invited}", json={"disabled": True}, headers=ANY)).status_code == 200


PLACES = st.builds(
    Place, st.sampled_from(["VN", "24"]), st.frozensets(st.sampled_from(list(Role)), max_size=3), st.booleans()
)


@given(before=PLACES, after=PLACES, own=st.booleans(), others=st.integers(0, 2))
def test_no_change_leaves_the_whole_without_a_keeper(*, before: Place, after: Place, own: bool, others: int):
    try:
        check_change(before, after, own=own, other_keepers=others)
    except (OwnAccount, LastKeeper):
        return
    assert not own or before == after
    assert others or after.keeps_the_whole or not before.keeps_the_whole


async def test_an_invitation_lets_somebody_choose_a_password_once(either_house: House):
    top = await either_house.in_person("VN", "top", roles=ADMINISTRATOR)
    lan = await add_user(top, "lan", "VN", "broadcaster")
    assert (await top.get(f"{USERS}/{lan}")).json()["invited"]
    secret = await link_for(top, lan)
    async with either_house.database.reading() as session:
        assert secret not in [row.token_hash for row in await session.scalars(select(AccountLink))]

    browser = either_house.browser()
    short = await browser.post("/api/v1/passwords", json={"link": secret, "password": "ngắn"})
    assert short.json()["errors"][0]["field"] == "password"
    chosen = await browser.post("/api/v1/passwords", json={"link": secret, "password": NEW})
    assert (chosen.status_code, chosen.json()) == (200, {"name": "lan"})
    again = await browser.post("/api/v1/passwords", json={"link": secret, "password": PASSWORD})
    never = await browser.post("/api/v1/passwords", json={"link": "loa_never", "password": PASSWORD})
    assert (again.status_code, again.json()) == (404, never.json())
    assert (await sign_in(browser, "lan", password=NEW)).status_code == 200
    assert not (await top.get(f"{USERS}/{lan}")).json()["invited"]


async def test_links_end_by_time_by_a_newer_one_and_with_the_account(quiet_house: House):
    top = await quiet_house.in_person("VN", "top", roles=ADMINISTRATOR)
    lan = await add_user(top, "lan", "VN")

    async def status(secret: str) -> int:
        body = {"link": secret, "password": NEW}
        return (await quiet_house.browser().post("/api/v1/passwords", json=body)).status_code

    first, second = await link_for(top, lan), await link_for(top, lan)
    assert await status(first) == 404
    quiet_house.clock.advance(INVITATION_LASTS)
    assert await status(second) == 404
    assert await status(await link_for(top, lan)) == 200
    reset = await link_for(top, lan)
    quiet_house.clock.advance(RESET_LASTS)
    assert await status(reset) == 404, "a reset is over sooner than an invitation"
    last = await link_for(top, lan)
    await top.patch(f"{USERS}/{lan}", json={"disabled": True}, headers=ANY)
    assert await status(last) == 404
    assert (await top.post(f"{USERS}/{lan}/links", json={})).status_code == 409


async def test_a_reset_ends_every_sign_in_and_every_token(quiet_house: House):
    top = await quiet_house.in_person("VN", "top", roles=ADMINISTRATOR)
    lan = await quiet_house.in_person("VN", "lan", roles=[Role.BROADCASTER])
    token = (await lan.post("/api/v1/tokens", json={"name": "thief's"})).json()["secret"]
    program = quiet_house.browser(Authorization=f"Bearer {token}")
    assert (await program.get("/api/v1/me")).status_code == 200
    secret = await link_for(top, (await lan.get("/api/v1/me")).json()["id"])
    await quiet_house.browser().post("/api/v1/passwords", json={"link": secret, "password": NEW})
    assert (await lan.get("/api/v1/me")).status_code == 401
    assert (await program.get("/api/v1/me")).status_code == 401


async def test_whoever_is_disabled_is_out_and_stays_out_of_old_sign_ins(quiet_house: House):
    top = await quiet_house.in_person("VN", "top", roles=ADMINISTRATOR)
    lan = await quiet_house.in_person("VN", "lan", roles=[Role.BROADCASTER])
    lan_id = (await lan.get("/api/v1/me")).json()["id"]
    for disabled in (True, False):
        await top.patch(f"{USERS}/{lan_id}", json={"disabled": disabled}, headers=ANY)
        assert (await lan.get("/api/v1/me")).status_code == 401


async def test_a_token_does_no_more_than_its_scopes_and_its_owner(quiet_house: House):
    lan = await quiet_house.in_person("VN", "lan", roles=[Role.ADMINISTRATOR])
    beyond = await lan.post("/api/v1/tokens", json={"name": "x", "scopes": ["read", "alert"]})
    assert beyond.json()["errors"][0]["field"] == "scopes"
    reader = (await lan.post("/api/v1/tokens", json={"name": "x", "scopes": ["read"]})).json()
    assert reader["scopes"] == ["read"]
    program = quiet_house.browser(Authorization=f"Bearer {reader['secret']}")
    assert (await program.get("/api/v1/areas")).status_code == 200
    assert (await program.get(USERS)).status_code == 403

    whole = (await lan.post("/api/v1/tokens", json={"name": "y"})).json()
    async with quiet_house.database.transaction() as session:
        (await session.scalars(select(User))).one().roles = [role.value for role in Role]
    program = quiet_house.browser(Authorization=f"Bearer {whole['secret']}")
    assert "announce" not in (await program.get("/api/v1/me")).json()["permissions"], "made before its owner could"


async def test_a_token_changes_nothing_that_people_sign_in_with(quiet_house: House):
    program = await quiet_house.signed_in("VN", "lan")
    me = (await program.get("/api/v1/me")).json()["id"]
    for method, path, body in (
        ("POST", "/api/v1/tokens", {"name": "offspring"}),
        ("DELETE", "/api/v1/tokens/x", None),
        ("PUT", "/api/v1/me/password", {"current": PASSWORD, "password": NEW}),
        ("GET", "/api/v1/me/sessions", None),
        ("DELETE", "/api/v1/me/sessions", None),
        ("DELETE", "/api/v1/me/sessions/x", None),
        ("POST", "/api/v1/me/second-factor", None),
        ("POST", "/api/v1/me/second-factor/confirmation", {"code": "000000"}),
        ("POST", "/api/v1/me/second-factor/recovery-codes", {"code": "000000"}),
        ("POST", "/api/v1/me/second-factor/removal", {"code": "000000"}),
        ("POST", f"{USERS}/{me}/links", {}),
        ("DELETE", f"{USERS}/{me}/sessions", None),
        ("DELETE", f"{USERS}/{me}/second-factor", None),
    ):
        answer = await program.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_in_person"), path


async def test_sign_ins_are_listed_and_ended_one_by_one_or_all(quiet_house: House):
    here = await quiet_house.in_person("VN", "lan")
    there, third = quiet_house.browser(**{"User-Agent": "Firefox at home"}), quiet_house.browser()
    await sign_in(there, "lan")
    await sign_in(third, "lan")
    listed = (await here.get("/api/v1/me/sessions")).json()["items"]
    assert len(listed) == 3
    assert [each["current"] for each in listed].count(True) == 1
    (home,) = [each for each in listed if each["browser"] == "Firefox at home"]
    assert home["address"] == "127.0.0.1"

    other = await quiet_house.in_person("VN", "minh")
    assert (await other.delete(f"/api/v1/me/sessions/{home['id']}")).status_code == 404
    assert (await here.delete(f"/api/v1/me/sessions/{home['id']}")).status_code == 204
    assert (await there.get("/api/v1/me")).status_code == 401
    assert (await here.delete("/api/v1/me/sessions")).status_code == 204
    assert (await third.get("/api/v1/me")).status_code == 401
    assert (await here.get("/api/v1/me")).status_code == 401
    assert (await other.get("/api/v1/me")).status_code == 200


async def test_a_hash_of_old_parameters_is_made_anew_at_the_next_sign_in(
    quiet_house: House, monkeypatch: pytest.MonkeyPatch
):
    await quiet_house.user("lan", "VN")
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=2, memory_cost=128, parallelism=1))
    assert (await sign_in(quiet_house.browser(), "lan")).status_code == 200
    async with quiet_house.database.reading() as session:
        assert "m=128,t=2" in str((await session.scalars(select(User.password_hash))).one())
    assert (await sign_in(quiet_house.browser(), "lan")).status_code == 200


async def test_two_who_spend_one_link_are_one(quiet_house: House):
    top = await quiet_house.in_person("VN", "top", roles=ADMINISTRATOR)
    secret = await link_for(top, await add_user(top, "lan", "VN"))
    quiet_house.clock.advance(timedelta(seconds=1))
    tries = [
        quiet_house.browser().post("/api/v1/passwords", json={"link": secret, "password": f"{NEW} {number}"})
        for number in range(3)
    ]
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*tries)])
    assert statuses == [200, 404, 404]
