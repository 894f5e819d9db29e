"""The whole agent: it plays by what it has stored, bears broken files, and ends when it is told."""

import asyncio
import hashlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from device_agent.agent import Agent, run_agent
from device_agent.clock import Exchange, SystemClock, TrustedClock
from device_agent.errors import AgentError, AlreadyRunning, ConfigError
from device_agent.lock import only_instance
from device_agent.logs import LogRing
from device_agent.settings import AgentSettings, BrokerSettings, write_settings
from loa.brokers import free_port
from loa.process import Child
from protocol.messages import ClipRef, Config, Plan, PlanOccurrence, Stretch, standing_digest
from schedules.types import Priority
from tests.support.agent_rooms import KEY, SPEAKER, order
from tests.support.content_server import ContentServer
from tests.support.eventually import becomes, eventually
from tests.support.recordings import make_recording


class Logbook:
    """What an agent logs, as it logs it, from whatever thread."""

    def __init__(self) -> None:
        self.entries: list[EventDict] = []
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[EventDict] = asyncio.Queue()

    def __call__(self, _logger: object, _method: str, entry: EventDict) -> EventDict:
        self.entries.append(dict(entry))
        self._loop.call_soon_threadsafe(self._news.put_nowait, dict(entry))
        raise structlog.DropEvent

    async def says(self, event: str, within_s: float = 15) -> EventDict:
        """Wait for the next entry of a kind."""
        async with asyncio.timeout(within_s):
            while (entry := await self._news.get())["event"] != event:
                pass
            return entry


@pytest.fixture
async def logbook() -> AsyncIterator[Logbook]:
    book = Logbook()
    structlog.configure(processors=[book])
    yield book
    structlog.reset_defaults()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def speaker(state_dir: Path) -> AgentSettings:
    """A speaker whose broker does not answer and whose sound goes to a file."""
    return AgentSettings(
        device_id=SPEAKER,
        state_dir=state_dir,
        broker=BrokerSettings.model_validate({"host": "127.0.0.1", "port": free_port(), "password": "hush-hush"}),
        trusted_keys=(KEY.public,),
        sink="wav",
    )


@asynccontextmanager
async def running(settings: AgentSettings, logbook: Logbook) -> AsyncIterator[asyncio.Task[None]]:
    """Run an agent until SIGTERM; it must end in three seconds."""
    agent = asyncio.create_task(run_agent(settings, LogRing()), name="agent")
    try:
        await logbook.says("agent_started")
        yield agent
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(3):
            await agent
    finally:
        agent.cancel()
        await asyncio.wait([agent])


def trust_the_time(state_dir: Path) -> None:
    """As if an agent had run here since the machine started, and had asked the controller for the time."""
    clock = TrustedClock(SystemClock(), state_dir / "clock.json")
    for _ in range(8):
        sent, now = clock.mono(), datetime.now(UTC)
        clock.observe(Exchange(sent, now, now, clock.mono()))
    assert clock.trusted
    assert (state_dir / "clock.json").exists()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clip") / "clip.ogg"
    return make_recording(path, "-ac", "1", "-c:a", "libopus", "-f", "ogg", seconds=30).read_bytes()


def store_plan(state_dir: Path, clip: bytes, starts_at: datetime) -> None:
    """What an agent leaves behind that has fetched everything."""
    sha256 = hashlib.sha256(clip).hexdigest()
    (state_dir / "clips").mkdir()
    (state_dir / "clips" / sha256).write_bytes(clip)
    plan = Plan(
        device=SPEAKER,
        version=7,
        window_start=starts_at - timedelta(hours=1),
        window_end=starts_at + timedelta(days=7),
        occurrences=(
            PlanOccurrence(
                id="tin.1",
                schedule_id="tin",
                title="Bản tin",
                starts_at=starts_at,
                duration_ms=30_000,
                priority=Priority.ROUTINE,
                volume=80,
                stretches=(Stretch(clip=sha256, at_ms=0, duration_ms=30_000),),
            ),
        ),
        clips=(ClipRef(sha256=sha256, url="/c", size_bytes=len(clip), duration_ms=30_000),),
    )
    token = order(plan, now=datetime.now(UTC)).decode()
    (state_dir / "plan.json").write_text(f'{{"token": "{token}"}}')


def plays(state_dir: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(state_dir / "journal.sqlite3")) as journal:
        journal.row_factory = sqlite3.Row
        return journal.execute("SELECT * FROM plays").fetchall()


async def test_the_stored_plan_sounds_without_any_network_and_sigterm_closes_what_sounds(
    speaker: AgentSettings, state_dir: Path, clip: bytes, logbook: Logbook
) -> None:
    trust_the_time(state_dir)
    store_plan(state_dir, clip, datetime.now(UTC) - timedelta(seconds=1))
    async with running(speaker, logbook):
        started = await logbook.says("airing.started")
        assert started["occurrence"] == "tin.1"
        assert "link_up" not in [entry["event"] for entry in logbook.entries]
    assert "hush" not in str(logbook.entries)
    (row,) = plays(state_dir)
    assert (row["occurrence"], row["outcome"], row["reason"]) == ("tin.1", "interrupted", "agent_stopped")


async def test_without_the_time_the_stored_plan_waits(
    speaker: AgentSettings, state_dir: Path, clip: bytes, logbook: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "synchronised", lambda _: False)
    store_plan(state_dir, clip, datetime.now(UTC) - timedelta(seconds=1))
    async with running(speaker, logbook):
        while (await logbook.says("problem"))["code"] != "clock_untrusted":
            pass
    assert plays(state_dir) == []


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(4096))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_another_shape(path: Path) -> None:
    path.write_text('{"token": 5, "boot_id": [], "utc_s": 1e30}')


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [garbage, emptied, halved, of_another_shape, a_folder])
async def test_broken_files_stop_no_agent(
    speaker: AgentSettings, state_dir: Path, clip: bytes, logbook: Logbook, damage: Callable[[Path], None]
) -> None:
    trust_the_time(state_dir)
    store_plan(state_dir, clip, datetime.now(UTC) + timedelta(hours=1))
    (state_dir / "config.json").write_bytes((state_dir / "plan.json").read_bytes())
    with closing(sqlite3.connect(state_dir / "journal.sqlite3")) as journal:
        journal.execute("CREATE TABLE anything (x)")
    for name in ("plan.json", "config.json", "clock.json", "journal.sqlite3"):
        if (name, damage) != ("journal.sqlite3", a_folder):
            damage(state_dir / name)
    async with running(speaker, logbook) as agent:
        await logbook.says("link_lost")
        assert not agent.done()
    refused = {entry["file"] for entry in logbook.entries if entry["event"] == "stored_document_refused"}
    assert refused == {"plan.json", "config.json"}


async def test_broken_clips_are_thrown_away(
    speaker: AgentSettings, state_dir: Path, clip: bytes, logbook: Logbook
) -> None:
    trust_the_time(state_dir)
    store_plan(state_dir, clip, datetime.now(UTC) + timedelta(hours=1))
    sha256 = hashlib.sha256(clip).hexdigest()
    halved(state_dir / "clips" / sha256)
    async with running(speaker, logbook):
        assert (await logbook.says("cached_clip_broken"))["clip"] == sha256
        await logbook.says("download_failing")


async def test_a_second_agent_on_the_same_state_is_refused(speaker: AgentSettings, logbook: Logbook) -> None:
    async with running(speaker, logbook) as first:
        with pytest.raises(AlreadyRunning, match=str(speaker.state_dir)):
            await run_agent(speaker, LogRing())
        assert not first.done()
    async with running(speaker, logbook):
        pass


def test_the_refusal_is_a_sentence_and_no_traceback(speaker: AgentSettings, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    write_settings(speaker, config)
    with only_instance(speaker.state_dir):
        ended = subprocess.run(
            [sys.executable, "-m", "device_agent.cli", "run", "--config", config],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.strip() == f"already_running: another agent is running on {speaker.state_dir}"


async def test_a_state_folder_that_cannot_be_is_said_plainly(speaker: AgentSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match="state_dir"):
        await run_agent(speaker.model_copy(update={"state_dir": tmp_path / "file"}), LogRing())


async def test_a_journal_that_cannot_be_is_said_plainly(speaker: AgentSettings, state_dir: Path) -> None:
    (state_dir / "journal.sqlite3").mkdir()
    with pytest.raises(AgentError, match="journal"):
        await run_agent(speaker, LogRing())


async def test_a_broker_that_accepts_and_never_answers_does_not_hold_up_the_end(
    speaker: AgentSettings, logbook: Logbook
) -> None:
    met: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: met.put_nowait(writer), "127.0.0.1", 0)
    async with server:
        broker = BrokerSettings(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        async with running(speaker.model_copy(update={"broker": broker}), logbook):
            connection = await met.get()
        connection.close()
        await connection.wait_closed()
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port where connecting neither succeeds nor fails, as beyond a mast without power."""
    with ExitStack() as stack:
        server = stack.enter_context(closing(socket.socket()))
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            caller = stack.enter_context(closing(socket.socket()))
            caller.setblocking(False)
            with suppress(BlockingIOError):
                caller.connect(server.getsockname())
        yield server.getsockname()[1]


def test_a_connection_that_hangs_does_not_hold_up_the_end(speaker: AgentSettings, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    log = tmp_path / "agent.log"
    with black_hole() as port:
        broker = BrokerSettings(host="127.0.0.1", port=port)
        write_settings(speaker.model_copy(update={"broker": broker}), config)
        command = [sys.executable, "-m", "device_agent.cli", "run", "--config", str(config)]
        with Child("agent", command, log=log) as agent:
            eventually(lambda: "sink.opened" in log.read_text(), within_s=15, what="the agent runs")
            agent.terminate()
            eventually(lambda: agent.returncode is not None, within_s=3, what="the agent has ended")
            assert agent.returncode == 0
    assert "agent_ended" in log.read_text()


def sound(number: int) -> tuple[ClipRef, bytes]:
    """A clip, and its bytes."""
    content = bytes([number]) * 50_000
    sha256 = hashlib.sha256(content).hexdigest()
    return ClipRef(sha256=sha256, url=f"/content/{sha256}", size_bytes=len(content), duration_ms=9000), content


async def test_standing_messages_are_fetched_kept_and_told_of(
    speaker: AgentSettings, state_dir: Path, logbook: Logbook
) -> None:
    (here, bytes_here), (away, bytes_away) = sound(1), sound(2)
    (state_dir / "clips").mkdir()
    (state_dir / "clips" / here.sha256).write_bytes(bytes_here)
    config = Config(device=SPEAKER, version=1, standing=(here, away))
    (state_dir / "config.json").write_text(f'{{"token": "{order(config, now=datetime.now(UTC)).decode()}"}}')
    async with ContentServer().running() as server:
        agent = await Agent.open(speaker.model_copy(update={"content_hosts": (server.url,)}), LogRing())
        running = asyncio.create_task(agent.run(), name="agent")
        await becomes(lambda: _holds(agent, here))
        server.files[away.url] = bytes_away
        agent._fetcher.retry_now()
        await becomes(lambda: _holds(agent, here, away))
        agent.stop()
        await running
    assert f"GET {here.url}" not in server.requests


async def _holds(agent: Agent, *clips: ClipRef) -> bool:
    return agent._state().standing == standing_digest(clip.sha256 for clip in clips)
