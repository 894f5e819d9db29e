"""Keys come and go, are stolen and revoked: what a speaker believes throughout."""

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.alerts.store import AlertStore
from device_agent.documents import ConfigStore, PlanStore
from device_agent.errors import AgentError
from device_agent.orders import OrderDesk
from device_agent.replay import Rejections, ReplayMemory
from protocol.errors import ProtocolError, UnknownKey
from protocol.messages import Config, KeyNotice, Order, TrustedKey
from protocol.signing import SigningKey, sign
from tests.support.agent_rooms import NOON, SPEAKER, occurrence, plan

FIRST, SECOND, THIRD, THIEF, SAFE = (SigningKey.generate() for _ in range(5))
RECOVERY = SAFE.public.model_copy(update={"role": "recovery"})
PINNED = (FIRST.public, RECOVERY)
FAR = 2**62


def said(body: Order, key: SigningKey, audience: str = SPEAKER) -> str:
    return sign(body, audience=audience, key=key, now=NOON, lifetime=timedelta(days=9))


def notice(key: SigningKey, *, keys: Sequence[SigningKey], revoked: Sequence[SigningKey] = (), serial: int = 1) -> str:
    body = KeyNotice(serial=serial, keys=tuple(k.public for k in keys), revoked=tuple(k.kid for k in revoked))
    return said(body, key, "all")


def config(
    version: int,
    key: SigningKey,
    *,
    keys: Sequence[SigningKey] = (),
    notices: Sequence[str] = (),
    recovery: Sequence[TrustedKey] = (),
) -> str:
    named = (*(k.public for k in keys or (key,)), *recovery)
    return said(Config(device=SPEAKER, version=version, keys=named, notices=tuple(notices)), key)


STOLEN = notice(SAFE, keys=[SECOND], revoked=[FIRST], serial=10)
HEALED = config(100, SECOND, notices=[STOLEN])


class Pole:
    """One speaker's documents, with the desk before them."""

    def __init__(self, folder: Path, pinned: tuple[TrustedKey, ...] = PINNED) -> None:
        self._folder, self._pinned = folder, pinned
        self.restart()

    def restart(self) -> None:
        refused: list[str] = []
        self.configs = ConfigStore(self._folder, SPEAKER, self._pinned, refused.append)
        self.plans = PlanStore(self._folder, SPEAKER, refused.append)
        self.desk = OrderDesk(
            SPEAKER,
            plans=self.plans,
            configs=self.configs,
            alerts=AlertStore(self._folder / "alerts", refused.append),
            replay=ReplayMemory(None, {}),  # type: ignore[arg-type]
            rejections=Rejections(None, {}),  # type: ignore[arg-type]
            now=lambda: NOON,
        )
        self.configs.load()
        self.plans.load(self.configs.keys, NOON)

    def hear(self, token: str) -> str:
        """Give it a config; return why it was refused."""
        self.desk.heed(token.encode())
        try:
            self.desk.config(token.encode())
        except (ProtocolError, AgentError) as error:
            return error.code
        return ""

    def trusts(self, key: SigningKey) -> bool:
        try:
            self.configs.keys[key.kid]
        except UnknownKey:
            return False
        return True

    @property
    def version(self) -> int | None:
        current = self.configs.current()
        return current.version if current else None


@pytest.fixture
def pole(tmp_path: Path) -> Pole:
    return Pole(tmp_path)


def test_a_rotation_with_overlap_is_followed_and_survives_a_restart(pole: Pole):
    assert pole.hear(config(1, FIRST, keys=[FIRST, SECOND])) == ""
    assert pole.hear(config(2, SECOND, keys=[FIRST, SECOND])) == ""
    assert pole.hear(config(3, SECOND, keys=[SECOND])) == ""
    pole.restart()
    assert pole.version == 3
    assert pole.trusts(SECOND)


def test_who_was_away_for_two_rotations_follows_the_notices(pole: Pole):
    way = [notice(FIRST, keys=[SECOND]), notice(SECOND, keys=[THIRD])]
    assert pole.hear(config(1, THIRD)) == "unknown_key"
    assert pole.hear(config(1, THIRD, notices=way)) == ""
    pole.restart()
    assert pole.version == 1
    assert pole.trusts(THIRD)


def test_a_stolen_pinned_key_is_distrusted_at_once_and_for_ever(pole: Pole):
    old = config(5, FIRST, keys=[FIRST, SECOND])
    pole.hear(old)
    assert pole.hear(HEALED) == ""
    for _ in range(2):
        assert not pole.trusts(FIRST)
        assert pole.trusts(SECOND)
        assert pole.hear(old) == "unknown_key"
        assert pole.hear(config(FAR, FIRST)) == "unknown_key"
        assert pole.version == 100
        pole.restart()


def test_nothing_the_thief_put_in_force_outlives_the_revocation(pole: Pole):
    pole.hear(config(FAR, FIRST, keys=[FIRST, THIEF]))
    pole.hear(config(FAR + 1, THIEF, keys=[THIEF]))
    assert pole.trusts(THIEF)
    assert pole.desk.plan(said(plan(FAR, occurrence("evil", in_s=60)), THIEF).encode())

    assert pole.hear(HEALED) == ""
    assert pole.plans.current() is None
    assert pole.version == 100
    assert not pole.trusts(THIEF)
    assert pole.desk.plan(said(plan(7), SECOND).encode()) is True
    pole.restart()
    assert pole.version == 100
    assert not pole.trusts(THIEF)
    stored = pole.plans.current()
    assert stored is not None
    assert stored.plan.version == 7


def test_a_revocation_counts_even_in_a_config_that_is_not_for_this_speaker(pole: Pole):
    other = said(Config(device="luc-nam-1", version=1, notices=(STOLEN,)), SECOND, "luc-nam-1")
    assert pole.hear(other) == "wrong_audience"
    assert not pole.trusts(FIRST)
    pole.restart()
    assert not pole.trusts(FIRST)


def test_the_stolen_key_by_another_name_stays_the_stolen_key(pole: Pole):
    alias = FIRST.public.model_copy(update={"kid": "another"})
    body = Config(device=SPEAKER, version=101, keys=(SECOND.public, alias), notices=(STOLEN,))
    pole.hear(said(body, SECOND))
    with pytest.raises(UnknownKey):
        pole.configs.keys["another"]


def test_only_the_recovery_key_revokes_and_it_signs_no_orders(pole: Pole):
    pole.hear(config(1, FIRST, keys=[FIRST, SECOND]))
    pole.hear(config(2, FIRST, notices=[notice(FIRST, keys=[FIRST], revoked=[SECOND, SAFE])]))
    assert pole.configs.trust.revoked == ()
    assert pole.hear(config(3, SAFE)) == "unknown_key"


def test_a_notice_that_would_leave_no_key_is_not_heeded(pole: Pole):
    nothing = notice(SAFE, keys=[], revoked=[FIRST], serial=3)
    assert pole.hear(config(1, FIRST, notices=[nothing])) == ""
    assert pole.trusts(FIRST)


def test_a_speaker_without_a_recovery_key_keeps_the_first_that_it_is_told(tmp_path: Path):
    pole = Pole(tmp_path, (FIRST.public,))
    pole.hear(config(1, FIRST, recovery=[RECOVERY]))
    evil = THIEF.public.model_copy(update={"role": "recovery"})
    pole.hear(config(2, FIRST, recovery=[evil]))
    pole.restart()
    pole.hear(config(3, FIRST, notices=[notice(THIEF, keys=[THIEF], revoked=[SECOND], serial=99)]))
    assert pole.configs.trust.revoked == ()
    assert pole.hear(HEALED) == ""
    assert not pole.trusts(FIRST)


def test_a_full_disk_delays_only_the_storing_of_a_revocation(pole: Pole, monkeypatch: pytest.MonkeyPatch):
    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("device_agent.documents.write_durably", full)
        assert pole.hear(HEALED) == ""
        assert not pole.trusts(FIRST)
        assert {problem.code for problem in pole.configs.problems()} == {"disk_full"}
    pole.configs.flush()
    assert pole.configs.problems() == ()
    pole.restart()
    assert not pole.trusts(FIRST)


def test_a_damaged_memory_is_taken_from_its_copy(pole: Pole, tmp_path: Path):
    pole.hear(HEALED)
    (tmp_path / "trust.json").write_bytes(b"\0" * 40)
    pole.restart()
    assert not pole.trusts(FIRST)


HONEST = (
    config(1, FIRST),
    config(2, FIRST, keys=[FIRST, SECOND], notices=[notice(FIRST, keys=[SECOND])]),
    config(3, SECOND, keys=[FIRST, SECOND], notices=[notice(FIRST, keys=[SECOND])]),
    config(4, SECOND, notices=[notice(FIRST, keys=[SECOND])]),
)
STEALING = (
    config(FAR, FIRST, keys=[FIRST, THIEF]),
    config(FAR + 1, THIEF, keys=[THIEF]),
    config(FAR + 2, THIEF, keys=[THIEF], notices=[notice(FIRST, keys=[THIEF], revoked=[SECOND, SAFE], serial=FAR)]),
    config(9, FIRST, recovery=[THIEF.public.model_copy(update={"role": "recovery"})]),
    config(10, FIRST, notices=["junk", notice(THIEF, keys=[THIEF], revoked=[SECOND], serial=FAR)]),
)
RESTART = "restart"


@settings(deadline=None, max_examples=60)
@given(
    before=st.lists(st.sampled_from((*HONEST, *STEALING, RESTART)), max_size=8),
    after=st.lists(st.sampled_from((*HONEST, *STEALING, HEALED, RESTART)), max_size=8),
)
def test_whatever_came_before_and_is_replayed_after_a_revocation_heals_and_holds(before: list[str], after: list[str]):
    with tempfile.TemporaryDirectory() as folder:
        pole = Pole(Path(folder))
        for token in before:
            pole.restart() if token is RESTART else pole.hear(token)
            assert any(map(pole.trusts, (FIRST, SECOND, THIEF)))
        pole.hear(HEALED)
        for token in after:
            assert pole.version == 100
            assert pole.trusts(SECOND)
            assert not pole.trusts(FIRST)
            assert not pole.trusts(THIEF)
            pole.restart() if token is RESTART else pole.hear(token)
        assert pole.hear(config(101, SECOND, notices=[STOLEN])) == ""
