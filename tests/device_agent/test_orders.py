import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from device_agent.alerts.store import AlertStore
from device_agent.documents import ConfigStore, PlanStore
from device_agent.errors import AgentError, ConflictingOrder, HashMismatch, OlderOrder, ReplayedOrder
from device_agent.ledger import Ledger
from device_agent.orders import OrderDesk
from device_agent.replay import Rejections, ReplayMemory
from protocol.errors import BadSignature, Expired, Malformed, NotYetValid, ProtocolError, UnknownKey, WrongAudience
from protocol.messages import Command, Config, Plan, PlanManifest, Pulse, Stop, TrustedKey
from protocol.signing import SigningKey
from tests.support.agent_rooms import KEY, NOON, SPEAKER, occurrence, order, plan

OTHER = SigningKey.generate()


class Office:
    """The desk with its stores, as one start of the agent has them."""

    def __init__(self, folder: Path, replay: ReplayMemory, rejections: Rejections) -> None:
        self.now: datetime | None = NOON
        self.rejections = rejections
        self.configs = ConfigStore(folder, SPEAKER, (KEY.public,), rejections.count)
        self.plans = PlanStore(folder, SPEAKER, rejections.count)
        self.desk = OrderDesk(
            SPEAKER,
            plans=self.plans,
            configs=self.configs,
            alerts=AlertStore(folder / "alerts", rejections.count),
            replay=replay,
            rejections=rejections,
            now=lambda: self.now,
        )
        self.configs.load()
        self.plans.load(self.configs.keys, self.now)

    @property
    def version(self) -> int | None:
        stored = self.plans.current()
        return stored.plan.version if stored else None


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Office]:
    ledger = await Ledger.open(folder / "journal.sqlite3", now=NOON)
    try:
        yield Office(folder, await ReplayMemory.open(ledger), await Rejections.open(ledger))
    finally:
        await ledger.aclose()


async def test_a_plan_stays_in_force_over_a_restart_without_network(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        assert one.desk.plan(order(plan(7, occurrence("a", in_s=60)))) is True
    async with office(tmp_path) as one:
        stored = one.plans.current()
    assert stored is not None
    assert (stored.plan.version, stored.received_at) == (7, NOON)


def tampered(token: bytes) -> bytes:
    head, body, signature = token.split(b".")
    return b".".join((head, body[:8] + bytes([body[8] ^ 1]) + body[9:], signature))


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        pytest.param(b"", Malformed, id="empty"),
        pytest.param(b"no order at all", Malformed, id="words"),
        pytest.param(b'{"version": 9}', Malformed, id="not signed"),
        pytest.param(tampered(order(plan(9))), BadSignature, id="tampered"),
        pytest.param(order(plan(9), key=OTHER), UnknownKey, id="another key"),
        pytest.param(order(plan(9), audience="luc-nam-1"), WrongAudience, id="for another"),
        pytest.param(order(plan(9), now=NOON - timedelta(days=2)), Expired, id="expired"),
        pytest.param(order(plan(9), now=NOON + timedelta(hours=1)), NotYetValid, id="from the future"),
        pytest.param(order(plan(4)), OlderOrder, id="older"),
        pytest.param(order(plan(5, occurrence("other", in_s=60))), ConflictingOrder, id="of the same number"),
    ],
)
async def test_what_is_refused_changes_nothing(
    tmp_path: Path, token: bytes, refusal: type[ProtocolError | AgentError]
) -> None:
    async with office(tmp_path) as one:
        one.desk.plan(order(plan(5)))
        with pytest.raises(refusal):
            one.desk.plan(token)
        assert one.version == 5


async def test_the_plan_in_force_coming_again_is_no_news(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        assert one.desk.plan(order(plan(5))) is True
        written = (tmp_path / "plan.json").stat().st_mtime_ns
        assert one.desk.plan(order(plan(5), jti="another")) is False
        assert (tmp_path / "plan.json").stat().st_mtime_ns == written


async def test_a_plan_changed_on_disk_gives_way_to_the_one_before_it(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        one.desk.plan(order(plan(5)))
        one.desk.plan(order(plan(6)))
    file = tmp_path / "plan.json"
    file.write_bytes(file.read_bytes().replace(b"a", b"b"))
    async with office(tmp_path) as one:
        assert one.version == 5
        assert sum(one.rejections.totals().values()) == 1
        one.desk.plan(order(plan(6)))
        assert one.version == 6


async def test_a_half_written_file_gives_way_to_the_one_before_it(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        one.desk.plan(order(plan(5)))
        one.desk.plan(order(plan(6)))
    file = tmp_path / "plan.json"
    file.write_bytes(file.read_bytes()[:100])
    async with office(tmp_path) as one:
        assert one.version == 5


async def test_a_plan_that_cannot_be_stored_is_in_force_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with office(tmp_path) as one:
        with monkeypatch.context() as disk:
            disk.setattr("device_agent.documents.write_durably", full)
            one.desk.plan(order(plan(5)))
            assert one.version == 5
            assert [problem.code for problem in one.plans.problems()] == ["disk_full"]
        one.plans.flush()
        assert one.plans.problems() == ()
    async with office(tmp_path) as one:
        assert one.version == 5


async def test_a_plan_taken_without_the_time_is_judged_when_the_time_is_known(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        one.desk.plan(order(plan(5), days=30))
        one.now = None
        one.desk.plan(order(plan(6), now=NOON - timedelta(days=3)))
        assert one.version == 6
        assert one.desk.review(NOON)
        assert (one.version, one.rejections.totals()) == (5, {"expired": 2})


async def test_a_manifest_is_followed_to_the_plan_it_names(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        token = order(plan(8))
        manifest = PlanManifest(
            device=SPEAKER, version=8, sha256=hashlib.sha256(token).hexdigest(), url="/p", size_bytes=len(token)
        )
        assert one.desk.plan(order(manifest)) == manifest
        with pytest.raises(HashMismatch):
            one.desk.fetched_plan(manifest, order(plan(9)))
        assert one.desk.fetched_plan(manifest, token)
        assert one.version == 8
        assert one.desk.plan(order(manifest)) is False


def config(version: int, *keys: TrustedKey) -> Config:
    return Config(device=SPEAKER, version=version, keys=keys)


async def test_a_config_may_introduce_a_key_and_that_key_the_next(tmp_path: Path) -> None:
    third = SigningKey.generate()
    async with office(tmp_path) as one:
        one.desk.config(order(config(1, OTHER.public)))
        one.desk.config(order(config(2, OTHER.public, third.public), key=OTHER))
        one.desk.config(order(config(3, third.public), key=third))
        one.desk.config(order(config(4, third.public), key=third))
    async with office(tmp_path) as one:
        held = one.configs.current()
        assert held is not None
        assert held.version == 4
        one.desk.plan(order(plan(9), key=third))
        with pytest.raises(UnknownKey):
            one.desk.plan(order(plan(10), key=OTHER))


async def test_a_config_with_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        with pytest.raises(Malformed):
            one.desk.config(order(config(1, TrustedKey(kid="bad", x="AAAA"))))
        assert one.configs.current() is None


async def test_a_command_is_claimed_once_also_after_a_restart(tmp_path: Path) -> None:
    token = order(Command(id="c1", action=Stop()), jti="c1")
    async with office(tmp_path) as one:
        await one.desk.claim(one.desk.command(token))
    async with office(tmp_path) as one:
        with pytest.raises(ReplayedOrder):
            await one.desk.claim(one.desk.command(token))


async def test_a_pulse_is_addressed_to_all_and_nothing_else_is(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        assert one.desk.pulse(order(Pulse(at=NOON), audience="all")).at == NOON
        with pytest.raises(WrongAudience):
            one.desk.pulse(order(Pulse(at=NOON)))
        with pytest.raises(WrongAudience):
            one.desk.plan(order(Plan.model_validate(plan(9)), audience="all"))


async def test_a_command_that_would_outlive_the_replay_memory_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        long = order(Command(id="c1", action=Stop()), days=1.5)
        with pytest.raises(Malformed, match="lives until"):
            one.desk.command(long)
