"""Keys that orders are signed with: announced, put to use, retired, revoked, and what speakers are told meanwhile."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from controller.accounts.roles import Role
from controller.broadcasting import key_watch_of, roll
from controller.errors import Conflict
from controller.keys import KeyExposed, KeyMissing, Keys
from controller.link.models import RetainedDocument
from controller.planning.service import CONFIG_LIFETIME, PLAN_OUTLIVES_WINDOW
from controller.signing.lifecycle import TRUSTED, KeyState, Life, NoSuccessor, due, retire, revoke
from controller.signing.service import ORDERS_LIVE, SigningKeyService, countersign
from device_agent.documents import ConfigStore
from device_agent.orders import OrderDesk
from protocol.errors import UnknownKey
from protocol.messages import Config, KeyNotice, TrustedKey
from protocol.signing import SigningKey, signer_of
from tests.support.controller import NOON, House, open_house

KEYS = "/api/v1/signing-keys"
CONFIG, PLAN = "loa/1/devices/07339-1/config", "loa/1/devices/07339-1/plan"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        await house.commune("07339", speakers=1)
        await roll(house.runtime)
        yield house


async def followed(house: House) -> None:
    """What the running service does every few seconds: it does so beside the test, too."""
    await key_watch_of(house.runtime).look()
    await roll(house.runtime)


async def standing(house: House) -> dict[str, str]:
    async with house.database.reading() as session:
        return {row.topic: row.payload.decode() for row in await session.scalars(select(RetainedDocument))}


async def signers(house: House) -> set[str]:
    return {signer_of(payload) for payload in (await standing(house)).values()}


class Pole:
    """A real speaker's stores, that hear the config which stands on the broker."""

    def __init__(self, folder: Path, pinned: tuple[TrustedKey, ...]) -> None:
        folder.mkdir()
        self.configs = ConfigStore(folder, "07339-1", pinned, lambda _: None)
        self.configs.load()

    async def hears(self, house: House) -> None:
        token = (await standing(house))[CONFIG]
        self.configs.heed(token)
        desk = OrderDesk(
            "07339-1",
            plans=None,  # type: ignore[arg-type]
            configs=self.configs,
            alerts=None,  # type: ignore[arg-type]
            replay=None,  # type: ignore[arg-type]
            rejections=None,  # type: ignore[arg-type]
            now=house.clock,
        )
        order = desk._verify(token.encode(), Config, keys=self.configs.keys_for(token))
        self.configs.save(token, order, house.clock.now)

    def trusts(self, kid: str) -> bool:
        try:
            self.configs.keys[kid]
        except UnknownKey:
            return False
        return True


async def test_a_rotation_is_announced_takes_over_by_itself_and_everything_is_signed_anew(house: House, tmp_path: Path):
    admin = await house.signed_in("VN", roles=[Role.ADMINISTRATOR])
    old = house.runtime.keys.signing.kid
    at_home, away = (Pole(tmp_path / name, house.runtime.keys.signing.to_pin) for name in ("home", "away"))
    answer = await admin.post(f"{KEYS}/rotation", json={"overlap_hours": 24})
    assert answer.status_code == 201, answer.text
    new = answer.json()["kid"]
    await followed(house)
    assert await signers(house) == {old}
    await at_home.hears(house)
    assert at_home.trusts(new)

    house.clock.advance(timedelta(hours=25))
    await followed(house)
    assert await signers(house) == {new}
    assert house.runtime.keys.signing.kid == new
    await away.hears(house)
    await at_home.hears(house)
    assert away.trusts(new)
    assert away.trusts(old)

    house.clock.advance(ORDERS_LIVE)
    await followed(house)
    states = {each["kid"]: each["state"] for each in (await admin.get(KEYS)).json()}
    assert states == {old: "gone", new: "signing"}
    with pytest.raises(KeyMissing):
        house.runtime.keys.find(old)


async def test_who_pinned_a_key_long_gone_follows_the_notices(house: House, tmp_path: Path):
    admin = await house.signed_in("VN")
    pole = Pole(tmp_path / "pole", house.runtime.keys.signing.to_pin)
    for _ in range(2):
        await admin.post(f"{KEYS}/rotation", json={"overlap_hours": 0})
        await followed(house)
        house.clock.advance(ORDERS_LIVE + timedelta(days=1))
        await followed(house)
    await roll(house.runtime)
    await pole.hears(house)
    assert pole.trusts(house.runtime.keys.signing.kid)


async def with_recovery(house: House, tmp_path: Path, *, replace: bool = False) -> SigningKey:
    key = SigningKey.generate()
    async with house.database.transaction() as session:
        service = SigningKeyService(session, house.runtime.keys, house.clock.now, changed=lambda: None)
        await service.add_recovery(key.public, replace=replace)
    await followed(house)
    return key


async def test_a_stolen_key_is_revoked_with_the_recovery_key_and_nothing_of_it_stays(house: House, tmp_path: Path):
    recovery = await with_recovery(house, tmp_path)
    admin = await house.signed_in("VN")
    stolen = house.runtime.keys.signing.kid
    pole = Pole(tmp_path / "pole", house.runtime.keys.signing.to_pin)
    assert len(house.runtime.keys.signing.to_pin) == 2
    await pole.hears(house)

    statement = KeyNotice.model_validate((await admin.post(f"{KEYS}/{stolen}/statement")).json())
    notice = countersign(statement, recovery, house.clock.now)
    answer = await admin.post(f"{KEYS}/{stolen}/revocation", json={"notice": notice})
    assert answer.json()["state"] == "revoked", answer.text
    await followed(house)
    assert stolen not in await signers(house)
    await pole.hears(house)
    assert not pole.trusts(stolen)
    assert pole.trusts(house.runtime.keys.signing.kid)
    with pytest.raises(KeyMissing):
        house.runtime.keys.find(stolen)


async def test_only_the_recovery_key_can_sign_a_revocation(house: House, tmp_path: Path):
    await with_recovery(house, tmp_path)
    admin = await house.signed_in("VN")
    kid = house.runtime.keys.signing.kid
    statement = KeyNotice.model_validate((await admin.post(f"{KEYS}/{kid}/statement")).json())
    forged = countersign(statement, SigningKey.generate(), house.clock.now)
    assert (await admin.post(f"{KEYS}/{kid}/revocation", json={"notice": forged})).status_code == 422
    assert (await admin.post(f"{KEYS}/{kid}/revocation", json={"notice": "junk"})).status_code == 422


async def test_another_recovery_key_takes_the_place_of_a_stolen_one_for_whoever_is_enrolled_anew(
    house: House, tmp_path: Path
):
    stolen = await with_recovery(house, tmp_path)
    born_before = Pole(tmp_path / "before", house.runtime.keys.signing.to_pin)
    with pytest.raises(Conflict, match="enrolled again"):
        await with_recovery(house, tmp_path)
    safe = await with_recovery(house, tmp_path, replace=True)
    pins = house.runtime.keys.signing.to_pin
    assert [key.kid for key in pins if key.role == "recovery"] == [safe.kid]
    born_anew = Pole(tmp_path / "anew", pins)

    admin, kid = await house.signed_in("VN"), house.runtime.keys.signing.kid
    statement = KeyNotice.model_validate((await admin.post(f"{KEYS}/{kid}/statement")).json())
    by_thief = countersign(statement, stolen, house.clock.now)
    assert (await admin.post(f"{KEYS}/{kid}/revocation", json={"notice": by_thief})).status_code == 422
    notice = countersign(statement, safe, house.clock.now)
    assert (await admin.post(f"{KEYS}/{kid}/revocation", json={"notice": notice})).status_code == 200
    await followed(house)
    for pole, heeds in ((born_anew, True), (born_before, False)):
        pole.configs.heed((await standing(house))[CONFIG])
        assert pole.trusts(kid) is not heeds


async def test_a_province_does_not_touch_the_countrys_keys(house: House):
    local = await house.signed_in("24", roles=[Role.ADMINISTRATOR])
    assert (await local.get(KEYS)).status_code == 403
    assert (await local.post(f"{KEYS}/rotation", json={})).status_code == 403


async def test_a_second_rotation_waits_for_the_first_and_the_last_key_stays(house: House):
    admin = await house.signed_in("VN")
    kid = house.runtime.keys.signing.kid
    await followed(house)
    assert (await admin.post(f"{KEYS}/{kid}/retirement")).status_code == 409
    announced = (await admin.post(f"{KEYS}/rotation", json={})).json()["kid"]
    assert (await admin.post(f"{KEYS}/rotation", json={})).status_code == 409
    assert (await admin.post(f"{KEYS}/{announced}/retirement")).json()["state"] == "gone"
    assert (await admin.post(f"{KEYS}/rotation", json={})).status_code == 201
    assert (await admin.post(f"{KEYS}/nobody/retirement")).status_code == 404


async def test_another_process_signs_with_the_same_key_after_a_rotation(house: House, tmp_path: Path):
    admin = await house.signed_in("VN")
    await admin.post(f"{KEYS}/rotation", json={"overlap_hours": 0})
    await followed(house)
    assert Keys.load(house.runtime.settings.data_dir).signing.kid == house.runtime.keys.signing.kid


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path):
    Keys.load(tmp_path)
    (tmp_path / "signing-key.pem").chmod(0o640)
    with pytest.raises(KeyExposed, match="chmod 600"):
        Keys.load(tmp_path)


def test_the_orders_of_a_retired_key_are_over_before_it_is_gone():
    assert max(CONFIG_LIFETIME, timedelta(days=31 + 1) + PLAN_OUTLIVES_WINDOW) < ORDERS_LIVE


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["rotate", "retire", "revoke", "wait"]), st.integers(0, 5), st.integers(0, 40)),
        max_size=25,
    )
)
def test_exactly_one_key_signs_whatever_happens_and_what_is_gone_stays_gone(steps: list[tuple[str, int, int]]):
    keys: tuple[Life, ...] = (Life("k0", KeyState.SIGNING, NOON),)
    now, ended = NOON, set[str]()
    for act, which, days in steps:
        kid = keys[which % len(keys)].kid
        try:
            if act == "rotate":
                keys = (*keys, Life(f"k{len(keys)}", KeyState.ANNOUNCED, now + timedelta(days=days)))
            elif act == "retire":
                keys = retire(keys, kid, now, ORDERS_LIVE)
            elif act == "revoke" and kid not in ended:
                keys = revoke(keys, kid, now, ORDERS_LIVE)
            else:
                now += timedelta(days=days)
        except NoSuccessor:
            pass
        keys = due(keys, now, ORDERS_LIVE)
        assert due(keys, now, ORDERS_LIVE) == keys
        assert [key.state for key in keys].count(KeyState.SIGNING) == 1
        states = {key.kid: key.state for key in keys}
        assert all(states[each] not in TRUSTED for each in ended)
        ended |= {each for each, state in states.items() if state in {KeyState.GONE, KeyState.REVOKED}}
