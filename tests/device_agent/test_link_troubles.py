"""A link in trouble: nobody there, a broker that forgot everything, more to say than can wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from device_agent.link import OUTBOX_MAX, Link
from device_agent.settings import BrokerSettings
from loa.brokers import Broker, Mosquitto, free_port
from protocol import topics
from protocol.messages import Outcome, PlayRecord, Records, Reply, Status
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.agent_rooms import SPEAKER
from tests.support.speaker import bare_speaker

COMMAND = topics.device(DeviceId(SPEAKER), Channel.COMMAND)
PLAN = topics.device(DeviceId(SPEAKER), Channel.PLAN)


class Ears:
    """What a link hands over, and its ups and downs."""

    def __init__(self, port: int) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.changes: asyncio.Queue[bool] = asyncio.Queue()
        self.link = Link(
            BrokerSettings(host="127.0.0.1", port=port),
            SPEAKER,
            handlers={COMMAND: self._hear, PLAN: self._hear},
            status=lambda online: Status(device=SPEAKER, session="s-7", online=online),
            connected=lambda: None,
            changed=lambda: self.changes.put_nowait(self.link.up),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.link.run())
        try:
            async with asyncio.timeout(20):
                yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _hear(self, payload: bytes) -> None:
        self.messages.put_nowait(payload)


class Delays:
    """Has a link try again at once, `failures` times; after that, never."""

    def __init__(self, failures: int) -> None:
        self.tried: asyncio.Queue[int] = asyncio.Queue()
        self._failures = failures

    def __call__(self, attempt: int, **_: float) -> float:
        self.tried.put_nowait(attempt)
        return 0 if attempt < self._failures else 3600


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_broker_that_was_away_is_spoken_to_in_its_best_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    delays = Delays(failures)
    monkeypatch.setattr("device_agent.link.delay_s", delays)
    port = free_port()
    ears = Ears(port)
    with capture_logs() as logs:
        async with ears.running():
            assert [await delays.tried.get() for _ in range(failures)] == list(range(1, failures + 1))
        assert [entry["event"] for entry in logs] == ["link_lost"], "told once, not at each try"
        with Mosquitto(tmp_path / "broker", port=port):
            async with ears.running():
                assert await ears.changes.get()
    assert [entry["protocol"] for entry in logs if entry["event"] == "link_up"] == ["5"]


async def test_it_listens_and_speaks_again_at_a_broker_that_forgot_everything(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_agent.link.delay_s", lambda *_, **__: 0.02)
    ears = Ears(broker.port)
    async with ears.running():
        assert await ears.changes.get()
        await asyncio.to_thread(broker.kill)
        broker.forget()
        assert not await ears.changes.get()
        ears.link.send(Reply(device=SPEAKER, command_id="meanwhile", outcome="done"))
        await asyncio.to_thread(broker.start)
        assert await ears.changes.get()
        async with bare_speaker(broker.port, SPEAKER) as controller:
            assert Status.decode(await controller.hears(Channel.STATUS)).online, "the greeting is retained"
            await controller.say_raw(Channel.PLAN, b"the plan again")
            assert await ears.messages.get() == b"the plan again"


async def test_a_retained_order_is_heard_by_one_that_comes_late_and_its_end_too(broker: Broker) -> None:
    ears = Ears(broker.port)
    async with bare_speaker(broker.port, SPEAKER) as controller:
        await controller.say_raw(Channel.PLAN, b"the plan")
        await controller.hears(Channel.PLAN)
        async with ears.running():
            assert await ears.messages.get() == b"the plan"
            await controller.say_raw(Channel.PLAN, b"")
            assert await ears.messages.get() == b""


async def test_a_command_waits_for_a_speaker_that_is_away_for_a_moment(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_agent.link.delay_s", lambda *_, **__: 0)
    ears = Ears(broker.port)
    async with bare_speaker(broker.port, SPEAKER) as controller:
        async with ears.running():
            assert await ears.changes.get()
        await controller.say_raw(Channel.COMMAND, b"while away")
        await controller.hears(Channel.COMMAND)
        async with ears.running():
            assert await ears.messages.get() == b"while away"


async def test_when_more_is_to_be_said_than_can_wait_the_oldest_is_forgotten(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        ears = Ears(broker.port)
        for number in range(1, OUTBOX_MAX + 3):
            play = PlayRecord(seq=number, outcome=Outcome.COMPLETED)
            ears.link.send(Records(device=SPEAKER, boot="b", boot_order=1, records=(play,)))
        async with bare_speaker(broker.port, SPEAKER) as controller:
            numbers: list[int] = []

            def keep(payload: bytes) -> bool:
                numbers.append(Records.decode(payload).records[0].seq)
                return numbers[-1] == OUTBOX_MAX + 2

            async with ears.running():
                await controller.hears(Channel.RECORDS, keep)
    assert min(numbers) >= 3
