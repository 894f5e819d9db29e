"""The identity on disk: whole or not at all, for this speaker only, read by nobody else."""

import contextlib
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from controller.authority.authority import Authority
from device_agent.documents import TrustMemory
from device_agent.errors import ConfigError, IdentityRefused
from device_agent.identity import IDENTITY_FILE, IdentityStore, request_of
from device_agent.renewal import SHUT_OUT_AFTER_S, Renewer
from device_agent.settings import load_settings, unenrolled
from protocol.enrolment import BrokerAddress, Identity
from protocol.signing import SigningKey
from protocol.trust import Trust

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
SPEAKER = "tan-yen-1"
ORDERS = SigningKey.generate().public


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.load(tmp_path / "authority", NOW)


@pytest.fixture
def store(tmp_path: Path) -> IdentityStore:
    return IdentityStore(tmp_path / "state")


def identity(authority: Authority, key: ec.EllipticCurvePrivateKey, name: str = SPEAKER, **more: Any) -> Identity:
    certificate = authority.issue_device(request_of(key), name, NOW) + authority.certificate
    said = {
        "device_id": SPEAKER,
        "certificate": certificate,
        "broker": BrokerAddress(host="loa.example.vn", port=8883, authority=authority.certificate),
        "trusted_keys": (ORDERS,),
        "content_hosts": ("https://loa.example.vn",),
        "controller": "https://loa.example.vn",
    }
    return Identity.model_validate(said | more)


def test_it_is_kept_for_its_owner_only(store: IdentityStore, authority: Authority, tmp_path: Path):
    key = store.next_key()
    own = store.adopt(identity(authority, key), key)
    assert store.load() == own
    state = tmp_path / "state"
    assert {path.name for path in state.iterdir()} == {"identity.json", "identity.pem", "authority.pem"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in state.iterdir())
    assert "PRIVATE" not in repr(own)


def test_the_next_key_stays_until_there_is_an_answer(store: IdentityStore):
    assert store.next_key().private_numbers() == store.next_key().private_numbers()


class Cut(BaseException):
    """The power goes."""


@pytest.mark.parametrize("at", range(12))
def test_a_cut_at_any_step_leaves_the_old_identity_or_the_new_one(
    store: IdentityStore, authority: Authority, monkeypatch: pytest.MonkeyPatch, at: int
):
    first = store.next_key()
    store.adopt(identity(authority, first), first)
    second = store.next_key()
    steps = 0

    def cut(step: Any) -> Any:
        def done(*arguments: Any, **more: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > at:
                raise Cut
            return step(*arguments, **more)

        return done

    with monkeypatch.context() as power:
        power.setattr(os, "fsync", cut(os.fsync))
        power.setattr(Path, "replace", cut(Path.replace))
        power.setattr(Path, "unlink", cut(Path.unlink))
        with contextlib.suppress(Cut):
            store.adopt(identity(authority, second), second)
    own = store.load()
    assert own is not None
    assert own.private.private_numbers() in {first.private_numbers(), second.private_numbers()}
    assert store.pem.read_text() == own.identity.certificate + own.key
    again = store.next_key()
    if own.private.private_numbers() == first.private_numbers():
        assert again.private_numbers() == second.private_numbers(), "it asks again with the key that was certified"


def test_what_is_for_another_key_or_name_is_not_believed(store: IdentityStore, authority: Authority, tmp_path: Path):
    key, other = store.next_key(), ec.generate_private_key(ec.SECP256R1())
    impostor = Authority.load(tmp_path / "impostor", NOW)
    foreign = identity(impostor, key).certificate
    for wrong in (
        identity(authority, other),
        identity(authority, key, "someone-else"),
        identity(authority, key, certificate=foreign),
        identity(authority, key, certificate="nonsense"),
        identity(authority, key, trusted_keys=()),
        identity(authority, key, trusted_keys=(ORDERS.model_copy(update={"x": "AA"}),)),
    ):
        with pytest.raises(IdentityRefused):
            store.adopt(wrong, key)
    assert store.load() is None


def test_a_renewal_keeps_what_was_learnt_about_keys_and_an_enrolment_does_not(
    store: IdentityStore, authority: Authority, tmp_path: Path
):
    key = store.next_key()
    store.adopt(identity(authority, key), key)
    memory = TrustMemory(tmp_path / "state" / "trust.json")
    memory.learn(Trust(revoked=("stolen",), serial=5))

    def remembered() -> Trust:
        again = TrustMemory(tmp_path / "state" / "trust.json")
        again.load()
        return again.trust

    key = store.next_key()
    store.adopt(identity(authority, key), key)
    assert remembered().revoked == ("stolen",)
    key = store.next_key()
    with pytest.raises(IdentityRefused):
        store.enrol(identity(authority, key, "another"), key)
    assert remembered().revoked == ("stolen",)
    store.enrol(identity(authority, key), key)
    assert remembered() == Trust()


def test_a_damaged_identity_is_said_to_be_so(store: IdentityStore, authority: Authority, tmp_path: Path):
    key = store.next_key()
    store.adopt(identity(authority, key), key)
    (tmp_path / "state" / IDENTITY_FILE).write_text("{")
    with pytest.raises(ConfigError, match="enrol this speaker again"):
        store.load()


def test_the_configuration_needs_no_more_than_its_sound(store: IdentityStore, authority: Authority, tmp_path: Path):
    config = tmp_path / "agent.toml"
    config.write_text(
        'state_dir = "state"\ncontroller = "https://loa.example.vn/"\nsink = "wav"\n[broker]\nkeepalive_s = 7\n'
    )
    asking = unenrolled(config)
    assert asking is not None
    assert (asking.state_dir, asking.controller) == (tmp_path / "state", "https://loa.example.vn")
    with pytest.raises(ConfigError):
        load_settings(config)

    key = store.next_key()
    store.adopt(identity(authority, key), key)
    settings = load_settings(config)
    assert unenrolled(config) is None
    assert (settings.device_id, settings.trusted_keys) == (SPEAKER, (ORDERS,))
    assert (settings.broker.host, settings.broker.port, settings.broker.keepalive_s) == ("loa.example.vn", 8883, 7)
    assert settings.broker.tls is not None
    assert settings.broker.tls.cert == settings.broker.tls.key == store.pem


def test_the_example_is_enough_for_a_speaker_that_was_enrolled(
    store: IdentityStore, authority: Authority, tmp_path: Path
):
    key = store.next_key()
    store.adopt(identity(authority, key), key)
    example = Path(__file__).parents[2] / "deploy" / "agent.toml"
    settings = load_settings(example, state_dir=tmp_path / "state")
    assert (settings.device_id, settings.sink) == (SPEAKER, "alsa")


class Hands:
    """A clock and a link that the test moves."""

    def __init__(self) -> None:
        self.trusted, self.now, self.seconds, self.up = True, NOW, 0.0, True

    def best_guess(self) -> datetime:
        return self.now

    def mono(self) -> float:
        return self.seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def renewer(store: IdentityStore, authority: Authority, hands: Hands) -> Renewer:
    key = store.next_key()
    unreachable = identity(authority, key, controller="http://127.0.0.1:9")
    own = store.adopt(unreachable, key)
    return Renewer(store, own, clock=hands, link_up=lambda: hands.up, renewed=lambda: None, changed=lambda: None)


@pytest.mark.parametrize(("days", "time"), [(0, False), (58, False), (63, True), (91, True), (400, True)])
def test_it_is_renewed_when_a_third_of_its_time_is_left(renewer: Renewer, hands: Hands, days: int, *, time: bool):
    hands.now = NOW + timedelta(days=days)
    assert renewer.is_time() is time


def test_without_knowing_the_time_it_asks_when_nobody_lets_it_in(renewer: Renewer, hands: Hands):
    hands.trusted, hands.up, hands.now = False, False, datetime(2020, 1, 1, tzinfo=UTC)
    assert not renewer.is_time()
    hands.seconds = SHUT_OUT_AFTER_S + 1
    assert renewer.is_time()


async def test_trouble_with_renewing_is_reported(renewer: Renewer, hands: Hands):
    assert renewer.problems() == ()
    for _ in range(3):
        await renewer._try()
    assert [problem.code for problem in renewer.problems()] == ["renewal_failing"]
    hands.now = NOW + timedelta(days=85)
    assert [problem.code for problem in renewer.problems()] == ["certificate_expiring", "renewal_failing"]
