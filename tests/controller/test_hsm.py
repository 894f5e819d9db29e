"""Signing keys in a PKCS#11 token: SoftHSM2, as Debian has it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from controller.broadcasting import key_watch_of, roll
from controller.hsm import Token, TokenUnreachable
from controller.keys import Keys
from protocol.messages import Pulse
from protocol.signing import KeyRing, sign, verify
from tests.support.controller import NOON, open_house
from tests.support.softhsm import MODULE, PIN, soft_token


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


def test_the_private_half_cannot_be_taken_out(token: Token):
    key = token.make()
    query = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: key.kid.encode()}
    (private,) = token._opened().get_objects(query)
    assert private[Attribute.SENSITIVE]
    assert not private[Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.PKCS11Error):
        private[Attribute.VALUE]
