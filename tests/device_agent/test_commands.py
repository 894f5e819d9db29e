import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from device_agent.alerts.store import AlertStore
from device_agent.commands import QUEUE_MAX, Commands
from device_agent.documents import ConfigStore, PlanStore
from device_agent.errors import AgentError, ReplayedOrder
from device_agent.ledger import Ledger
from device_agent.logs import LogRing
from device_agent.orders import AnyCommand, OrderDesk
from device_agent.replay import Rejections, ReplayMemory
from protocol import messages
from protocol.errors import Expired
from protocol.messages import Action, Command, Reply, Restart, SendLogs, SetVolume, Skip, Stop
from protocol.topics import DELIVERY, Channel
from tests.support.agent_rooms import KEY, NOON, SPEAKER, order


class Stage:
    """Does what it is told and remembers it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.refuses = False

    async def stop(self, occurrence: str | None = None) -> str:
        return self._did(f"stop {occurrence}")

    async def skip(self, occurrence: str) -> str:
        return self._did(f"skip {occurrence}")

    def set_volume(self, volume: int, until: datetime) -> str:
        return self._did(f"volume {volume} until {until:%H:%M}")

    async def test_tone(self, seconds: float) -> str:
        return self._did(f"tone {seconds:g}")

    def _did(self, what: str) -> str:
        if self.refuses:
            raise AgentError("the sink is gone")
        self.done.append(what)
        return what


class Speaker:
    def __init__(self, ledger: Ledger, replay: ReplayMemory, rejections: Rejections, folder: Path) -> None:
        del ledger
        self.now: datetime | None = NOON
        self.stage = Stage()
        self.logs = LogRing()
        self.rejections = rejections
        self.replies: asyncio.Queue[Reply] = asyncio.Queue()
        self.restarts = 0
        configs = ConfigStore(folder, SPEAKER, (KEY.public,), rejections.count)
        desk = OrderDesk(
            SPEAKER,
            plans=PlanStore(folder, SPEAKER, rejections.count),
            configs=configs,
            alerts=AlertStore(folder / "alerts", rejections.count),
            replay=replay,
            rejections=rejections,
            now=lambda: self.now,
        )
        self.commands = Commands(
            SPEAKER,
            desk=desk,
            stage=self.stage,
            logs=self.logs,
            now=lambda: self.now,
            reply=self.replies.put_nowait,
            restart=self._restart,
        )

    def _restart(self) -> None:
        self.restarts += 1

    async def told(self, action: Action, *, name: str = "c1", now: datetime = NOON) -> None:
        await self.commands.receive(order(Command(id=name, action=action), jti=name, now=now))

    async def reply(self) -> Reply:
        async with asyncio.timeout(5):
            return await self.replies.get()


@asynccontextmanager
async def speaker(folder: Path) -> AsyncIterator[Speaker]:
    ledger = await Ledger.open(folder / "journal.sqlite3", now=NOON)
    one = Speaker(ledger, await ReplayMemory.open(ledger), await Rejections.open(ledger), folder)
    work = asyncio.create_task(one.commands.run())
    try:
        yield one
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        await ledger.aclose()


@pytest.mark.parametrize(
    ("action", "done"),
    [
        (Stop(), "stop None"),
        (Stop(occurrence="s.1"), "stop s.1"),
        (Skip(occurrence="s.1"), "skip s.1"),
        (SetVolume(volume=40, until=NOON), "volume 40 until 05:00"),
        (messages.TestTone(seconds=3), "tone 3"),
    ],
)
async def test_a_command_is_obeyed_and_answered(tmp_path: Path, action: Action, done: str) -> None:
    async with speaker(tmp_path) as one:
        await one.told(action)
        reply = await one.reply()
    assert (reply.command_id, reply.outcome, reply.detail) == ("c1", "done", done)
    assert one.stage.done == [done]


async def test_a_command_that_comes_twice_is_obeyed_once(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        await one.told(Stop())
        await one.reply()
        with pytest.raises(ReplayedOrder):
            await one.told(Stop())
        assert one.stage.done == ["stop None"]


async def test_an_expired_command_is_not_obeyed(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        with pytest.raises(Expired):
            await one.told(Stop(), now=NOON - timedelta(days=2))
        assert one.stage.done == []


async def test_an_unknown_verb_is_refused_by_name(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        await one.commands.receive(order(AnyCommand(id="c9", action={"verb": "dance"}), jti="c9"))
        reply = await one.reply()
    assert (reply.command_id, reply.outcome) == ("c9", "refused")


async def test_what_could_not_be_done_is_said_to_have_failed(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        one.stage.refuses = True
        await one.told(messages.TestTone())
        reply = await one.reply()
    assert (reply.outcome, reply.detail) == ("failed", "the sink is gone")


async def test_without_the_time_only_stop_is_obeyed_at_once(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        one.now = None
        await one.told(messages.TestTone(), name="fresh")
        await one.told(messages.TestTone(), name="stale", now=NOON - timedelta(days=2))
        await one.told(Stop(), name="stop")
        assert (await one.reply()).command_id == "stop"
        assert one.stage.done == ["stop None"]

        one.now = NOON
        await one.commands.clock_trusted()
        outcomes = {reply.command_id: reply.outcome for reply in [await one.reply(), await one.reply()]}
    assert outcomes == {"fresh": "done", "stale": "refused"}
    assert one.rejections.totals() == {"expired": 1}


async def test_logs_fit_into_one_reply_and_the_newest_lines_are_in_it(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        for number in range(400):
            one.logs.append(f'{{"event": "{number}", "text": "{"ệ" * 200}"}}')
        await one.told(SendLogs(lines=300))
        reply = await one.reply()
    assert '"399"' in reply.detail
    assert len(reply.encode()) <= DELIVERY[Channel.REPLY].max_bytes


async def test_restart_is_answered_before_it_is_done(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        await one.told(Restart())
        assert (await one.reply()).outcome == "done"
        assert one.restarts == 1


async def test_a_line_too_long_for_any_reply_does_not_hide_the_others(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        one.logs.append("before")
        one.logs.append("ệ" * 100_000)
        await one.told(SendLogs())
        reply = await one.reply()
    assert reply.detail.startswith("before\nệ")
    assert len(reply.encode()) <= DELIVERY[Channel.REPLY].max_bytes


async def test_of_too_many_commands_that_wait_for_the_time_the_oldest_is_refused(tmp_path: Path) -> None:
    async with speaker(tmp_path) as one:
        one.now = None
        for number in range(QUEUE_MAX + 1):
            await one.told(messages.TestTone(), name=f"c{number}")
        reply = await one.reply()
        assert (reply.command_id, reply.outcome) == ("c0", "refused")
        one.now = NOON
        await one.commands.clock_trusted()
        assert {(await one.reply()).outcome for _ in range(QUEUE_MAX)} == {"done"}


async def test_a_fault_in_a_room_is_answered_and_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fall(*_: object) -> str:
        raise ZeroDivisionError

    async with speaker(tmp_path) as one:
        with monkeypatch.context() as faulty:
            faulty.setattr(one.stage, "stop", fall)
            await one.told(Stop(), name="c1")
            assert (await one.reply()).outcome == "failed"
        await one.told(Stop(), name="c2")
        assert (await one.reply()).outcome == "done"


@pytest.mark.parametrize(
    "action", [{}, {"verb": None}, {"verb": "skip"}, {"verb": "volume", "volume": 400}, {"verb": ["stop"]}], ids=str
)
async def test_a_command_that_makes_no_sense_is_refused(tmp_path: Path, action: dict[str, object]) -> None:
    async with speaker(tmp_path) as one:
        await one.commands.receive(order(AnyCommand(id="c9", action=action), jti="c9"))
        assert (await one.reply()).outcome == "refused"
    assert one.stage.done == []
