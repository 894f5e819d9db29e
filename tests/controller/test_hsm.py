"""Signing keys in a PKCS#11 token: SoftHSM2, as Debian has it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass
from sqlalchemy import select

from controller.broadcasting import keeping_keys, key_watch_of, link_of, linked, planning, roll
from controller.hsm import Token, TokenKey, TokenUnreachable
from controller.keys import Keys
from controller.records.models import PlayRecordRow
from loa.brokers import Broker
from protocol.messages import ClockRequest, Config, Pulse, RecordsAck
from protocol.signing import KeyRing, sign, verify
from protocol.topics import Channel
from tests.support.broadcasts import document, keys_of
from tests.support.controller import NOON, House, open_house
from tests.support.eventually import becomes
from tests.support.softhsm import MODULE, PIN, soft_token, unplugged
from tests.support.speaker import bare_speaker


@pytest.fixture(scope="module")
def label() -> Iterator[str]:
    with soft_token("loa") as label:
        yield label


@pytest.fixture
def token(label: str) -> Iterator[Token]:
    opened = Token(MODULE, label, PIN)
    yield opened
    opened.close()


def test_a_key_of_the_token_signs_orders_that_any_speaker_verifies(token: Token):
    key = token.make()
    signed = sign(Pulse(at=NOON, every_s=30), audience="all", key=key, now=NOON, lifetime=timedelta(minutes=1))
    assert verify(signed, Pulse, audiences={"all"}, keys=KeyRing([key.public]), now=NOON).body.every_s == 30
    again = token.find(key.kid)
    assert again is not None
    assert again.public == key.public


def test_a_destroyed_key_is_nowhere(token: Token):
    key = token.make()
    token.destroy(key.kid)
    assert token.find(key.kid) is None
    with pytest.raises(TokenUnreachable):
        key.sign(b"x")


# The library's own search complains when it is thrown away with its session.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_that_was_lost_is_opened_again(token: Token):
    key = token.make()
    token._opened().close()
    assert key.sign(b"x")


def test_a_wrong_pin_and_a_missing_library_are_said(label: str, tmp_path: Path):
    with pytest.raises(TokenUnreachable):
        Token(MODULE, label, "0000").make()
    with pytest.raises(TokenUnreachable):
        Token(tmp_path / "none.so", label, PIN).make()


async def test_a_rotation_moves_the_service_into_the_token(label: str, tmp_path: Path):
    hsm = {"hsm_module": MODULE, "hsm_token": label, "hsm_pin": PIN}
    async with open_house(tmp_path / "data", **hsm) as house:
        await house.commune("07339", speakers=1)
        of_file = house.runtime.keys.signing.kid
        admin = await house.signed_in("VN")
        await admin.post("/api/v1/signing-keys/rotation", json={"overlap_hours": 0})
        await key_watch_of(house.runtime).look()
        await roll(house.runtime)
        kid = house.runtime.keys.signing.kid
        assert kid != of_file
        assert not list((tmp_path / "data").glob("keys/*"))
    token = Token(MODULE, label, PIN)
    assert Keys.load(tmp_path / "data", token).signing.kid == kid
    token.close()


async def test_with_the_token_unplugged_edits_are_refused_speakers_are_heard_and_nothing_is_lost(
    label: str, tmp_path: Path, broker: Broker
):
    hsm = {"hsm_module": MODULE, "hsm_token": label, "hsm_pin": PIN}
    services = (keeping_keys, planning, linked)
    async with open_house(tmp_path / "data", services=services, broker_port=broker.port, **hsm) as house:
        await house.commune("07339", speakers=1)
        admin = await house.signed_in("VN")
        await admin.post("/api/v1/signing-keys/rotation", json={"overlap_hours": 0})
        await becomes(lambda: signs_in_the_token(house))
        await roll(house.runtime)
        before = await document(house, "07339-1", Channel.PLAN)
        rules = {"policy": {"max_volume": 40}}
        async with bare_speaker(broker.port, "07339-1") as speaker:
            await speaker.hears(Channel.CONFIG)
            with unplugged():
                tag = (await admin.get("/api/v1/areas/07339")).headers["ETag"]
                refused = await admin.patch("/api/v1/areas/07339", json=rules, headers={"If-Match": tag})
                assert (refused.status_code, refused.json()["code"]) == (503, "token_unreachable")
                assert (await admin.get("/api/v1/areas/07339")).headers["ETag"] == tag
                await speaker.say(ClockRequest(nonce="n1", sent_mono_us=1))
                await speaker.records(1)
                await becomes(lambda: recorded(house))
                after = await document(house, "07339-1", Channel.PLAN)
                assert before is not None
                assert after is not None
                assert after.payload == before.payload
            assert link_of(house.runtime).connected.is_set()
            accepted = await admin.patch("/api/v1/areas/07339", json=rules, headers={"If-Match": tag})
            assert accepted.status_code == 200, accepted.text
            told = await speaker.hears(Channel.CONFIG)
            config = verify(told, Config, audiences=["07339-1"], keys=keys_of(house), now=NOON).body
            assert config.max_volume == 40
            await speaker.records(1, 2)
            acked = await speaker.hears(Channel.RECORDS_ACK)
            ack = verify(acked, RecordsAck, audiences=["07339-1"], keys=keys_of(house), now=NOON).body
            assert dict(ack.stored) == {"boot-1": 2}


async def signs_in_the_token(house: House) -> bool:
    return isinstance(house.runtime.keys.signing.itself(), TokenKey)


async def recorded(house: House) -> bool:
    async with house.database.reading() as session:
        return await session.scalar(select(PlayRecordRow.seq)) is not None


def test_the_private_half_cannot_be_taken_out(token: Token):
    key = token.make()
    query = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: key.kid.encode()}
    (private,) = token._opened().get_objects(query)
    assert private[Attribute.SENSITIVE]
    assert not private[Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.PKCS11Error):
        private[Attribute.VALUE]
