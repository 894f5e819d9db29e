"""What arrives over the wire: only what the controller signed for this speaker, now, has any effect."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_agent.alerts.store import AlertStore
from device_agent.clock import TrustedClock
from device_agent.clock_exchange import EAGER_GAP_S, QUICK, UNANSWERED_MAX, ClockExchange, gap_s
from device_agent.documents import ConfigStore, PlanStore
from device_agent.inbox import Inbox
from device_agent.ledger import Ledger
from device_agent.orders import OrderDesk
from device_agent.pulse import PulseWatch
from device_agent.replay import Rejections, ReplayMemory
from protocol import topics
from protocol.messages import ClockQuality, ClockReply, ClockRequest, Config, Plan, Pulse, RecordsAck
from protocol.signing import SigningKey
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.agent_rooms import KEY, NOON, SPEAKER, order, plan
from tests.support.commune_speaker import ManualClock

DELAY_S = 0.02


class Rooms:
    """The rooms behind the inbox: real where they judge, else only remembering what reached them."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.machine = ManualClock(utc=datetime.fromtimestamp(0, NOON.tzinfo), disciplined=False)
        self.truth = NOON
        self.clock = TrustedClock(self.machine, folder / "clock.json")
        self.rejections = Rejections(ledger, {})
        self.plans = PlanStore(folder, SPEAKER, self.rejections.count)
        desk = OrderDesk(
            SPEAKER,
            plans=self.plans,
            configs=ConfigStore(folder, SPEAKER, (KEY.public,), self.rejections.count),
            alerts=AlertStore(folder / "alerts", self.rejections.count),
            replay=ReplayMemory(ledger, {}),
            rejections=self.rejections,
            now=self.clock.now,
        )
        self.asked: list[ClockRequest] = []
        self.exchange = ClockExchange(mono=self.clock.mono, send=self._ask)
        self.pulse = PulseWatch(self.machine.mono)
        self.reached: list[str] = []
        stub: Any = self
        self.handlers = Inbox(
            SPEAKER,
            desk=desk,
            manifests=stub,
            commands=stub,
            records=stub,
            clock=self.clock,
            exchange=self.exchange,
            pulse=self.pulse,
            live=stub,
            plan_changed=lambda: self.reached.append("plan"),
            config_changed=lambda: self.reached.append("config"),
            alerts_changed=lambda: self.reached.append("alerts"),
            alert_sound=self._sound,
            refused=lambda: self.reached.append("refused"),
        ).handlers()

    async def hear(self, channel: Channel, payload: bytes) -> None:
        topic = topics.PULSE if channel is Channel.PULSE else topics.device(DeviceId(SPEAKER), channel)
        await self.handlers[topic](payload)

    async def _sound(self, sha256: str, _: bytes) -> None:
        self.reached.append(sha256)

    async def receive(self, _: bytes) -> None:
        self.reached.append("command")

    async def acknowledged(self, _: RecordsAck) -> None:
        self.reached.append("ack")

    def forget(self) -> None:
        self.reached.append("forget")

    async def question(self) -> ClockRequest:
        """Ask for the time as the running exchange does."""
        await self.exchange._ask()
        return self.asked[-1]

    def pass_time(self, seconds: float) -> None:
        self.machine.advance(seconds)
        self.truth += timedelta(seconds=seconds)

    def answer(self, question: ClockRequest, **changes: object) -> ClockReply:
        now_us = round(self.truth.timestamp() * 1e6)
        facts = {**question.model_dump(), "received_at_us": now_us, "replied_at_us": now_us, **changes}
        return ClockReply.model_validate(facts)

    async def _ask(self, request: ClockRequest) -> bool:
        self.asked.append(request)
        return True


@pytest_asyncio.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    ledger = await Ledger.open(tmp_path / "journal.sqlite3", now=NOON)
    yield Rooms(tmp_path, ledger)
    await ledger.aclose()


async def agree(rooms: Rooms, times: int = 5) -> None:
    for _ in range(times):
        question = await rooms.question()
        rooms.pass_time(DELAY_S)
        await rooms.hear(Channel.CLOCK_REPLY, order(rooms.answer(question), now=rooms.truth))


async def test_signed_answers_bring_trusted_time(rooms: Rooms) -> None:
    await agree(rooms)
    assert rooms.clock.quality is ClockQuality.TRUSTED
    assert rooms.clock.now() == pytest.approx(rooms.truth, abs=timedelta(seconds=DELAY_S))
    assert rooms.rejections.totals() == {}


Forge = Callable[[Rooms, ClockRequest], bytes]


def unsigned(rooms: Rooms, question: ClockRequest) -> bytes:
    return rooms.answer(question).encode()


def signed_by_a_stranger(rooms: Rooms, question: ClockRequest) -> bytes:
    return order(rooms.answer(question), key=SigningKey.generate())


def for_another_speaker(rooms: Rooms, question: ClockRequest) -> bytes:
    return order(rooms.answer(question), audience="elsewhere")


def of_another_kind(_: Rooms, __: ClockRequest) -> bytes:
    return order(Pulse(at=NOON))


def to_another_question(rooms: Rooms, question: ClockRequest) -> bytes:
    return order(rooms.answer(question, nonce="never-asked"))


def asked_at_another_time(rooms: Rooms, question: ClockRequest) -> bytes:
    return order(rooms.answer(question, sent_mono_us=question.sent_mono_us - 1))


def late(rooms: Rooms, question: ClockRequest) -> bytes:
    answer = order(rooms.answer(question))
    rooms.pass_time(11)
    return answer


def running_backwards(rooms: Rooms, question: ClockRequest) -> bytes:
    return order(rooms.answer(question, received_at_us=2, replied_at_us=1))


def beyond_all_calendars(rooms: Rooms, question: ClockRequest) -> bytes:
    return order(rooms.answer(question, received_at_us=10**30, replied_at_us=10**30))


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (unsigned, "malformed"),
        (signed_by_a_stranger, "unknown_key"),
        (for_another_speaker, "wrong_audience"),
        (of_another_kind, "wrong_type"),
        (to_another_question, "malformed"),
        (asked_at_another_time, "malformed"),
        (late, "malformed"),
        (running_backwards, "malformed"),
        (beyond_all_calendars, "malformed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_time_that_must_not_be_believed_is_not(rooms: Rooms, forge: Forge, code: str) -> None:
    for number in range(1, 6):
        question = await rooms.question()
        rooms.pass_time(DELAY_S)
        await rooms.hear(Channel.CLOCK_REPLY, forge(rooms, question))
        assert rooms.rejections.totals() == {code: number}
    assert rooms.clock.now() is None
    assert rooms.reached == ["refused"] * 5


async def test_an_answer_that_comes_again_moves_nothing(rooms: Rooms) -> None:
    await agree(rooms)
    question = await rooms.question()
    rooms.pass_time(DELAY_S)
    answer = order(rooms.answer(question))
    await rooms.hear(Channel.CLOCK_REPLY, answer)
    before = rooms.clock.now()
    for _ in range(5):
        await rooms.hear(Channel.CLOCK_REPLY, answer)
    assert rooms.clock.now() == before
    assert rooms.rejections.totals() == {"malformed": 5}


async def test_of_questions_without_answer_only_the_last_are_remembered(rooms: Rooms) -> None:
    questions = [await rooms.question() for _ in range(UNANSWERED_MAX + 1)]
    await rooms.hear(Channel.CLOCK_REPLY, order(rooms.answer(questions[0])))
    assert rooms.rejections.totals() == {"malformed": 1}
    await rooms.hear(Channel.CLOCK_REPLY, order(rooms.answer(questions[1])))
    assert rooms.rejections.totals() == {"malformed": 1}


def test_while_the_time_is_not_known_it_is_asked_for_often() -> None:
    assert max(gap_s(asked, eager=True) for asked in range(1, 100)) == EAGER_GAP_S
    assert gap_s(QUICK - 1) < 1 < gap_s(QUICK)


async def test_a_question_that_could_not_be_sent_is_not_waited_for(rooms: Rooms) -> None:
    async def down(request: ClockRequest) -> bool:
        rooms.asked.append(request)
        return False

    exchange = ClockExchange(mono=rooms.clock.mono, send=down)
    await exchange._ask()
    assert exchange._asked == {}


async def test_only_a_genuine_pulse_takes_the_blindness_away(rooms: Rooms) -> None:
    await agree(rooms)
    rooms.pass_time(200)
    for pulse in (b"{}", order(Pulse(at=NOON), audience="all", key=SigningKey.generate()), order(Pulse(at=NOON))):
        await rooms.hear(Channel.PULSE, pulse)
        assert rooms.pulse.problems(), "a pulse is signed by the controller for all"
    old = order(Pulse(at=NOON), audience="all", days=-1, now=NOON)
    await rooms.hear(Channel.PULSE, old)
    assert rooms.pulse.problems(), "a pulse of yesterday, said again"
    await rooms.hear(Channel.PULSE, order(Pulse(at=NOON), audience="all"))
    assert rooms.pulse.problems() == ()


async def test_each_order_reaches_its_room(rooms: Rooms) -> None:
    await agree(rooms)
    await rooms.hear(Channel.PLAN, order(plan(3)))
    await rooms.hear(Channel.RECORDS_ACK, order(RecordsAck(device=SPEAKER, stored={"boot": 5})))
    await rooms.hear(Channel.COMMAND, b"judged in its own room")
    assert rooms.reached == ["forget", "plan", "ack", "command"]


async def test_a_retained_message_that_is_cleared_changes_nothing(rooms: Rooms) -> None:
    await agree(rooms)
    await rooms.hear(Channel.PLAN, order(plan(3)))
    await rooms.hear(Channel.PLAN, b"")
    stored = rooms.plans.current()
    assert stored is not None
    assert stored.plan.version == 3
    assert rooms.rejections.totals() == {}


CHANNELS = (Channel.PLAN, Channel.CONFIG, Channel.RECORDS_ACK, Channel.CLOCK_REPLY, Channel.PULSE)
GENUINE = order(plan(9))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    channel=st.sampled_from(CHANNELS),
    payload=st.binary(min_size=1, max_size=300)
    | st.builds(
        lambda at, byte: GENUINE[:at] + bytes([byte]) + GENUINE[at + 1 :], st.integers(0, 400), st.integers(0, 255)
    )
    | st.builds(lambda at: GENUINE[:at], st.integers(1, len(GENUINE) - 1)),
)
def test_no_bytes_can_do_anything_but_be_counted(
    tmp_path_factory: pytest.TempPathFactory, channel: Channel, payload: bytes
) -> None:
    if payload == GENUINE:
        return
    asyncio.run(_hear_nonsense(tmp_path_factory.mktemp("rooms"), channel, payload))


async def _hear_nonsense(folder: Path, channel: Channel, payload: bytes) -> None:
    nowhere: Any = None
    rooms = Rooms(folder, nowhere)
    await rooms.hear(channel, payload)
    assert sum(rooms.rejections.totals().values()) == 1
    assert rooms.reached == ["refused"]
    assert rooms.plans.current() is None


@pytest.mark.parametrize("body", [{"device": 5}, {}, [], None, "x" * 500, {"v": 2}])
@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_signed_order_of_another_shape_is_refused(rooms: Rooms, channel: Channel, body: object) -> None:
    kinds = {model.channel: model.typ for model in (Plan, Config, RecordsAck, ClockReply, Pulse)}
    claims = {"aud": "all" if channel is Channel.PULSE else SPEAKER, "iat": 1, "exp": 2**33, "jti": "j", "v": 1}
    headers = {"kid": KEY.kid, "typ": kinds[channel]}
    token = jwt.encode({**claims, "body": body}, KEY.private, algorithm="EdDSA", headers=headers)
    await rooms.hear(channel, token.encode())
    assert rooms.rejections.totals() in ({"malformed": 1}, {"unsupported_version": 1})
    assert rooms.reached == ["refused"]
