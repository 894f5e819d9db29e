"""One-time codes: asked for, never accepted twice, throttled, and needed by the roles that an area names."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from controller.accounts.models import RecoveryCode, SecondFactor
from controller.accounts.own import FRESH_FOR
from controller.accounts.roles import Role, in_force
from controller.accounts.second_factor import NoSecondFactor, WrongCode, confirm_second_factor, step_of
from controller.accounts.throttle import FREE, Counted
from controller.accounts.viewer import Viewer
from controller.errors import TooManyAttempts
from tests.support.controller import House
from tests.support.people import USERS, set_up_codes, sign_in

SECRET = pyotp.random_base32()
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 given beside


@given(MOMENTS, st.integers(-4, 4))
def test_a_code_holds_one_step_to_either_side(now: datetime, steps: int):
    current = int(now.timestamp()) // 30
    code = pyotp.TOTP(SECRET).generate_otp(current + steps)
    found = step_of(SECRET, code, now, 0)
    if abs(steps) <= 1:
        assert found is not None
        assert step_of(SECRET, code, now, found) is None, "never twice"
    else:
        assert found is None or pyotp.TOTP(SECRET).generate_otp(found) == code


@pytest.mark.parametrize("code", ["", "1", "12345", "1234567", "abcdef", "１２３４５６", "a" * 64, "\0"])
def test_what_is_no_code_is_worth_nothing(code: str):
    assert step_of(SECRET, code, datetime(2026, 1, 1, tzinfo=UTC), 0) is None


async def test_a_second_factor_is_set_up_and_then_asked_for(either_house: House):
    lan = await either_house.in_person("VN", "lan")
    telephone, recovery = await set_up_codes(either_house, lan)
    assert len(set(recovery)) == 10
    async with either_house.database.reading() as session:
        assert telephone.secret not in (await session.scalars(select(SecondFactor.secret))).one()
        assert not set(recovery) & set(await session.scalars(select(RecoveryCode.code_hash)))

    browser = either_house.browser()
    asked = await sign_in(browser, "lan")
    assert (asked.status_code, asked.json()["code"]) == (401, "second_factor_needed")
    used = await sign_in(browser, "lan", telephone.code())
    assert (used.status_code, used.json()["code"]) == (401, "wrong_code"), "the code that confirmed is used up"
    assert (await sign_in(browser, "lan", telephone.code(steps=1))).status_code == 200
    assert (await sign_in(either_house.browser(), "lan", telephone.code(steps=1))).status_code == 401
    assert (await sign_in(either_house.browser(), "lan", recovery[0].upper())).status_code == 200
    assert (await sign_in(either_house.browser(), "lan", recovery[0])).status_code == 401


async def test_a_wrong_password_says_nothing_about_codes(quiet_house: House):
    await set_up_codes(quiet_house, await quiet_house.in_person("VN", "lan"))
    answer = await sign_in(quiet_house.browser(), "lan", password="wrong")
    assert answer.json()["code"] == "wrong_password"


async def test_it_is_set_up_shortly_after_signing_in_only(quiet_house: House):
    lan = await quiet_house.in_person("VN", "lan")
    quiet_house.clock.advance(FRESH_FOR + timedelta(seconds=1))
    answer = await lan.post("/api/v1/me/second-factor")
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_anew")


async def test_setting_it_up_ends_the_sign_ins_without_it_and_it_is_not_replaced_unasked(quiet_house: House):
    here, there = await quiet_house.in_person("VN", "lan"), quiet_house.browser()
    await sign_in(there, "lan")
    telephone, _ = await set_up_codes(quiet_house, here)
    assert (await there.get("/api/v1/me")).status_code == 401
    assert (await here.post("/api/v1/me/second-factor")).status_code == 409
    assert (await here.post("/api/v1/me/second-factor/removal", json={"code": "000000"})).status_code == 403
    code = {"code": telephone.code(steps=1)}
    assert (await here.post("/api/v1/me/second-factor/removal", json=code)).status_code == 204
    assert (await sign_in(quiet_house.browser(), "lan")).status_code == 200


async def test_new_recovery_codes_replace_the_old(quiet_house: House):
    lan = await quiet_house.in_person("VN", "lan")
    telephone, old = await set_up_codes(quiet_house, lan)
    answer = await lan.post("/api/v1/me/second-factor/recovery-codes", json={"code": telephone.code(steps=1)})
    assert answer.status_code == 200
    assert (await sign_in(quiet_house.browser(), "lan", old[1])).status_code == 401
    assert (await sign_in(quiet_house.browser(), "lan", answer.json()["codes"][1])).status_code == 200


async def test_guessing_codes_is_slowed_down_wherever_it_comes_from_but_not_the_owners_browser(quiet_house: House):
    lan = await quiet_house.in_person("VN", "lan")
    telephone, _ = await set_up_codes(quiet_house, lan)
    stranger = quiet_house.browser()
    for _ in range(FREE[Counted.CODE]):
        assert (await sign_in(stranger, "lan", "000000")).status_code == 401
    assert (await sign_in(stranger, "lan", telephone.code(steps=1))).status_code == 429
    assert (await sign_in(lan, "lan", telephone.code(steps=1))).status_code == 200, "it has signed in here before"


async def test_an_administrator_removes_a_lost_one_and_not_their_own(quiet_house: House):
    top = await quiet_house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    lan = await quiet_house.in_person("VN", "lan")
    await set_up_codes(quiet_house, lan)
    lan_id, me = [(await each.get("/api/v1/me")).json()["id"] for each in (lan, top)]
    assert (await top.get(f"{USERS}/{lan_id}")).json()["second_factor"]
    assert (await top.delete(f"{USERS}/{me}/second-factor")).status_code == 403
    assert (await top.delete(f"{USERS}/{lan_id}/second-factor")).status_code == 204
    assert (await lan.get("/api/v1/me")).status_code == 401
    assert (await sign_in(lan, "lan")).status_code == 200


async def test_roles_that_an_area_names_count_only_after_a_code(quiet_house: House):
    await quiet_house.area("24", policy={"second_factor_roles": ["duty_officer"]})
    await quiet_house.area("07339", parent="24")
    lan = await quiet_house.in_person("07339", "lan", roles=[Role.DUTY_OFFICER, Role.BROADCASTER])
    assert (await lan.get("/api/v1/me")).json()["roles"] == ["broadcaster"]
    token = (await lan.post("/api/v1/tokens", json={"name": "early"})).json()
    assert "alert" not in token["scopes"]
    telephone, _ = await set_up_codes(quiet_house, lan)
    assert (await lan.get("/api/v1/me")).json()["roles"] == ["broadcaster", "duty_officer"]
    code = {"code": telephone.code(steps=1)}
    await lan.post("/api/v1/me/second-factor/removal", json=code)
    assert (await lan.get("/api/v1/me")).json()["roles"] == ["broadcaster"]


@given(st.frozensets(st.sampled_from(list(Role))), st.frozensets(st.sampled_from(list(Role))))
def test_a_code_never_adds_what_was_not_given(roles: frozenset[Role], needing: frozenset[Role]):
    assert in_force(roles, needing, code_shown=True) == roles
    assert in_force(roles, needing, code_shown=False) == roles - needing


async def test_a_release_demands_a_fresh_code_and_throttles_guesses(quiet_house: House):
    lan = await quiet_house.in_person("VN", "lan")

    async def release(code: str, session_id: str = "somewhere") -> None:
        me = (await lan.get("/api/v1/me")).json()["id"]
        viewer = Viewer(me, "lan", "/", "VN", session_id=session_id)
        async with quiet_house.database.transaction() as session:
            await confirm_second_factor(quiet_house.runtime, session, viewer, code, quiet_house.clock.now)

    with pytest.raises(NoSecondFactor):
        await release("000000")
    telephone, _ = await set_up_codes(quiet_house, lan)
    with pytest.raises(NoSecondFactor):
        await release(telephone.code(steps=1), session_id="")
    await release(telephone.code(steps=1))
    with pytest.raises(WrongCode):
        await release(telephone.code(steps=1))
    for _ in range(FREE[Counted.CODE_ON_BROWSER] - 1):
        with pytest.raises(WrongCode):
            await release("000000")
    with pytest.raises(TooManyAttempts):
        await release("000000")
