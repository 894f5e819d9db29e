"""Guessing is slowed down, nobody is locked out by others, and a restart forgets nothing."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.accounts.throttle import (
    FREE,
    WAIT_FIRST,
    WAIT_MAX,
    Counted,
    Failures,
    Throttle,
    keys_for,
    network_of,
)
from controller.errors import TooManyAttempts
from tests.support.controller import NOON, House, open_house
from tests.support.people import sign_in


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(-100_000, 100_000))
def test_a_wait_grows_with_failures_and_has_an_end(count: int, free: int, later_s: int):
    now = NOON + timedelta(seconds=later_s)
    wait, next_wait = Failures(count, NOON).wait(free, now), Failures(count + 1, NOON).wait(free, now)
    assert wait <= next_wait or wait <= timedelta()
    assert wait <= WAIT_MAX, "also when the clock was set back"
    assert count >= free or wait == timedelta()


async def test_a_stranger_next_door_cannot_lock_out_the_browser_that_its_owner_uses(quiet_house: House):
    owner = await quiet_house.in_person("VN", "lan")
    stranger = quiet_house.browser()
    for _ in range(FREE[Counted.NAME_AND_ADDRESS]):
        assert (await sign_in(stranger, "lan", password="wrong")).status_code == 401
    assert (await sign_in(stranger, "lan")).status_code == 429
    assert (await sign_in(owner, "lan")).status_code == 200


async def test_a_browser_is_known_for_those_who_signed_in_on_it_only(quiet_house: House):
    await quiet_house.user("minh", "VN")
    shared = await quiet_house.in_person("VN", "lan")
    for _ in range(FREE[Counted.NAME_AND_ADDRESS]):
        await sign_in(shared, "minh", password="wrong")
    assert (await sign_in(shared, "minh")).status_code == 429
    quiet_house.clock.advance(WAIT_FIRST)
    assert (await sign_in(shared, "minh")).status_code == 200
    forged = quiet_house.browser()
    forged.cookies.set("loa_browser", "lan")
    assert (await sign_in(forged, "lan")).status_code == 200, "a cookie that is not ours is none"


def test_from_elsewhere_the_owner_still_comes_in():
    throttle = Throttle()
    for number in range(1000):
        try:
            throttle.attempt(keys_for("lan", f"203.0.113.{number % 50}", None), NOON)
        except TooManyAttempts:
            continue
    throttle.attempt(keys_for("lan", "198.51.100.7", None), NOON)


def test_who_succeeds_does_not_clear_what_others_failed_from_the_same_address():
    throttle = Throttle()
    for number in range(FREE[Counted.ADDRESS] - 1):
        throttle.attempt(keys_for(f"user{number}", "203.0.113.9", None), NOON)
    for _ in range(3):
        throttle.attempt(keys_for("mine", "203.0.113.9", None), NOON)
        throttle.succeeded(keys_for("mine", "203.0.113.9", None))
    throttle.attempt(keys_for("lan", "203.0.113.9", None), NOON)
    with pytest.raises(TooManyAttempts):
        throttle.attempt(keys_for("minh", "203.0.113.9", None), NOON)


def test_a_subscribers_whole_network_is_one_address():
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:203.0.113.9") == network_of("203.0.113.9")
    assert network_of("") == ""


async def test_a_restart_forgets_no_failure(tmp_path: Path):
    async with open_house(tmp_path / "data") as house:
        await house.user("lan", "VN")
        for _ in range(FREE[Counted.NAME_AND_ADDRESS]):
            await sign_in(house.browser(), "lan", password="wrong")
    async with open_house(tmp_path / "data") as house:
        assert (await sign_in(house.browser(), "lan")).status_code == 429
