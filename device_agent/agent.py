"""The agent put together: every room built once, its tasks run, and all of it ended in the right order.

The stored plan is conducted before there is any network; the link only brings news.
"""

import asyncio
import secrets
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import NoReturn, Self

import structlog

from device_agent.alerts.button import Button
from device_agent.alerts.door import LocalDoor, socket_of
from device_agent.alerts.local import LocalAlarm
from device_agent.alerts.store import AlertStore, targets_of
from device_agent.alerts.watch import AlertWatch
from device_agent.alerts.words import SpotWords
from device_agent.amplifier import Amplifier
from device_agent.cache import MIB, ClipCache
from device_agent.clock import SystemClock, TrustedClock
from device_agent.clock_exchange import ClockExchange
from device_agent.commands import Commands
from device_agent.conductor import Conductor
from device_agent.documents import ConfigStore, PlanStore
from device_agent.download import Downloader
from device_agent.fetcher import Fetcher, by_need
from device_agent.health import read_health
from device_agent.identity import IdentityStore, Own
from device_agent.inbox import Inbox
from device_agent.journal import Journal
from device_agent.ledger import Ledger
from device_agent.link import Link
from device_agent.live.watch import LiveWatch
from device_agent.lock import only_instance
from device_agent.logs import LogRing
from device_agent.manifest import ManifestFollower
from device_agent.modem import Modem
from device_agent.orders import OrderDesk
from device_agent.player import Player
from device_agent.pulse import PulseWatch
from device_agent.records import RecordSender
from device_agent.renewal import Renewer
from device_agent.replay import Rejections, ReplayMemory
from device_agent.settings import AgentSettings
from device_agent.sinks.choose import sink_opener
from device_agent.state import MISSING_MAX, ProblemLog, StateReporter, readiness
from protocol.messages import ClipRef, ClockRequest, DeviceState, Message, Status, standing_digest
from protocol.topics import DELIVERY, Channel

log = structlog.get_logger(__name__)

CHECK_CLOCK_S = 1.0
COUNT_EVERY_S = 30.0
RETRY_EVERY_S = 5.0
"""How soon what a full disk refused is written once there is room."""
TRIM_EVERY_S = 3600.0

try:
    AGENT_VERSION = version("loa")
except PackageNotFoundError:  # run from a bare checkout
    AGENT_VERSION = "0"


class Agent:
    """One speaker's agent. `open` it, `run` it until `stop` is called, then it has closed everything."""

    def __init__(
        self,
        settings: AgentSettings,
        *,
        logs: LogRing,
        clock: TrustedClock,
        ledger: Ledger,
        journal: Journal,
        replay: ReplayMemory,
        rejections: Rejections,
        own: Own | None,
    ) -> None:
        state_dir, device_id = settings.state_dir, settings.device_id
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._journal = journal
        self._replay = replay
        self._rejections = rejections
        self._session = secrets.token_hex(8)
        self._started_mono_s = clock.mono()
        self._stopping = asyncio.Event()
        self._problem_log = ProblemLog()
        self._clock_trusted = asyncio.Event()

        self._configs = ConfigStore(state_dir, device_id, settings.trusted_keys, rejections.count)
        self._plans = PlanStore(state_dir, device_id, rejections.count)
        self._alerts = AlertStore(state_dir / "alerts", rejections.count)
        self._cache = ClipCache(state_dir / "clips", limit_bytes=settings.cache_limit_mb * MIB)
        self._downloader = Downloader(settings.content_hosts)
        self._fetcher = Fetcher(self._cache, self._downloader, changed=self._clips_changed)
        switched = settings.amplifier
        self._amplifier = Amplifier(switched.line_of(), switched.margins) if switched is not None else None
        self._player = Player(
            sink_opener(_sink(settings), state_dir=state_dir),
            self._amplifier,
            sink_offset_ms=settings.sink_offset_ms,
        )
        self._conductor = Conductor(
            clock=clock,
            player=self._player,
            clips=self._cache,
            journal=journal,
            plans=self._plans,
            configs=self._configs,
            changed=self._sound_changed,
        )
        self._desk = OrderDesk(
            device_id,
            plans=self._plans,
            configs=self._configs,
            alerts=self._alerts,
            replay=replay,
            rejections=rejections,
            now=clock.now,
        )
        alarm = settings.local_alarm
        self._words = SpotWords(
            alarm.hazard if alarm is not None else None,
            file=state_dir / "alarm-words.json",
            configs=self._configs,
            clips=self._cache,
            mono=clock.mono,
        )
        self._local = LocalAlarm(
            alarm.stored if alarm is not None else None,
            self._words,
            file=state_dir / "local-alarm.json",
            configs=self._configs,
            journal=journal,
            clock=clock,
            changed=self._local_alarm_changed,
        )
        self._door = LocalDoor(socket_of(state_dir), {"sound": self._local.sound, "stop": self._local.stop})
        pressed = alarm.button if alarm is not None else None
        self._button = (
            Button(pressed.contact_of(), pressed.hold_ms / 1000, mono=clock.mono, held=self._local.toggle)
            if pressed is not None
            else None
        )
        self._watch = AlertWatch(
            device_id,
            store=self._alerts,
            local=self._local,
            stage=self._conductor,
            journal=journal,
            clips=self._cache,
            clock=clock,
            send=self._send,
            link_up=lambda: self._link.up,
            turn=lambda: config.turn if (config := self._configs.current()) is not None else 0,
        )
        self._live = LiveWatch(stage=self._conductor, clock=clock)
        self._manifests = ManifestFollower(self._desk, self._downloader, adopted=self._plan_changed)
        self._pulse = PulseWatch(clock.mono)
        self._modem = Modem()
        self._reporter = StateReporter(self._state, self._send)
        self._records = RecordSender(device_id, journal, send=self._send, link_up=lambda: self._link.up)
        self._exchange = ClockExchange(mono=clock.mono, send=self._ask_time, eager=lambda: not clock.trusted)
        self._commands = Commands(
            device_id,
            desk=self._desk,
            stage=self._conductor,
            logs=logs,
            now=clock.now,
            reply=self._send,
            restart=self.stop,
        )
        self._inbox = Inbox(
            device_id,
            desk=self._desk,
            manifests=self._manifests,
            commands=self._commands,
            records=self._records,
            clock=clock,
            exchange=self._exchange,
            pulse=self._pulse,
            live=self._live,
            plan_changed=self._plan_changed,
            config_changed=self._config_changed,
            alerts_changed=self._alerts_changed,
            alert_sound=self._fetcher.take,
            refused=self._reporter.poke,
        )
        self._link = Link(
            settings.broker,
            device_id,
            handlers=self._inbox.handlers(),
            status=self._status,
            connected=self._connected,
            changed=self._reporter.poke,
        )
        self._renewer = (
            Renewer(
                IdentityStore(state_dir),
                own,
                clock=clock,
                link_up=lambda: self._link.up,
                renewed=self._link.renew,
                changed=self._reporter.poke,
            )
            if own is not None
            else None
        )

    @classmethod
    async def open(cls, settings: AgentSettings, logs: LogRing) -> Self:
        """Open what lies on disk. Raises `JournalBroken` when there is no place to write down what is played."""
        pokes: list[Agent] = []

        def tell_clock() -> None:
            for agent in pokes:
                agent._clock_changed()  # noqa: SLF001 — the agent itself; it does not exist yet when its clock starts

        clock = TrustedClock(SystemClock(), settings.state_dir / "clock.json", changed=tell_clock)
        ledger = await Ledger.open(settings.state_dir / "journal.sqlite3", now=clock.best_guess())
        agent = cls(
            settings,
            logs=logs,
            clock=clock,
            ledger=ledger,
            journal=await Journal.open(ledger),
            replay=await ReplayMemory.open(ledger),
            rejections=await Rejections.open(ledger),
            own=_own(settings),
        )
        pokes.append(agent)
        agent._configs.load()
        agent._plans.load(agent._configs.keys, clock.now())
        agent._local.load()
        agent._words.load()
        agent._follow_alerts()
        agent._want_clips()
        agent._clock_changed()
        return agent

    def stop(self) -> None:
        """Have `run` end in good order."""
        self._stopping.set()

    async def run(self) -> None:
        """Play, listen and report until `stop`; what sounds is closed in the journal, then the link says goodbye."""
        log.info("agent_started", device=self._settings.device_id, session=self._session, version=AGENT_VERSION)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._ledger.aclose)
            stack.push_async_callback(self._rejections.flush)
            stack.push_async_callback(self._downloader.aclose)
            self._player.start()
            stack.push_async_callback(self._player.aclose)
            async with asyncio.TaskGroup() as group:
                link = group.create_task(self._link.run(), name="link")
                tasks = [
                    group.create_task(work, name=name)
                    for name, work in {
                        "conductor": self._conductor.run(),
                        "alerts": self._watch.run(),
                        "fetcher": self._fetcher.run(),
                        "manifests": self._manifests.run(),
                        "clock-exchange": self._exchange.run(),
                        "commands": self._commands.run(),
                        "parked-commands": self._judge_parked(),
                        "records": self._records.run(),
                        "state": self._reporter.run(),
                        "local-door": self._door.run(),
                        "modem": self._modem.run(),
                        "housekeeping": self._housekeeping(),
                        **({"button": self._button.run()} if self._button is not None else {}),
                        **({"renewal": self._renewer.run()} if self._renewer is not None else {}),
                    }.items()
                ]
                await self._stopping.wait()
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                link.cancel()
        log.info("agent_ended")

    async def _housekeeping(self) -> NoReturn:
        """The slow rounds: the clock, what waits for the disk, the counts of refusals, and what is too old to keep."""
        loop = asyncio.get_running_loop()
        retry_at = loop.time() + RETRY_EVERY_S
        count_at = loop.time() + COUNT_EVERY_S
        trim_at = loop.time()
        while True:
            self._clock.check()
            if loop.time() >= retry_at:
                retry_at = loop.time() + RETRY_EVERY_S
                await self._write_what_waits()
            if loop.time() >= count_at:
                count_at = loop.time() + COUNT_EVERY_S
                await self._rejections.flush()
            now = self._clock.now()
            if loop.time() >= trim_at and now is not None:
                trim_at = loop.time() + TRIM_EVERY_S
                await self._replay.forget_expired(now)
                await self._journal.trim(
                    now,
                    keep=timedelta(days=self._settings.journal_days),
                    limit_bytes=self._settings.journal_limit_mb * MIB,
                )
            await asyncio.sleep(CHECK_CLOCK_S)

    async def _write_what_waits(self) -> None:
        if self._ledger.waits or self._plans.waits or self._configs.waits or self._alerts.waits:
            await self._ledger.retry()
            self._plans.flush()
            self._alerts.flush()
            self._configs.flush()
            self._reporter.poke()

    async def _judge_parked(self) -> NoReturn:
        while True:
            await self._clock_trusted.wait()
            self._clock_trusted.clear()
            await self._commands.clock_trusted()

    def _plan_changed(self) -> None:
        plan = self._plans.current()
        log.info("plan_in_force", version=plan.plan.version if plan else None)
        self._want_clips()
        self._conductor.poke()
        self._reporter.poke()

    def _config_changed(self) -> None:
        config = self._configs.current()
        log.info("config_in_force", version=config.version if config else None)
        self._words.keep()
        self._want_clips()
        self._follow_alerts()
        self._watch.poke()
        self._conductor.poke()
        self._reporter.poke()

    def _follow_alerts(self) -> None:
        if self._desk.follow():
            self._link.listen(self._inbox.handlers(targets_of(self._settings.device_id, self._configs.current())))
            self._watch.poke()

    def _alerts_changed(self) -> None:
        log.info("alerts_in_force", versions=self._alerts.versions())
        self._want_clips()
        self._watch.poke()

    def _local_alarm_changed(self) -> None:
        self._want_clips()
        self._watch.poke()
        self._reporter.poke()

    def _clips_changed(self) -> None:
        if self._words.keep():
            self._want_clips()
        self._conductor.poke()
        self._watch.poke()
        self._reporter.poke()

    def _sound_changed(self) -> None:
        self._records.poke()
        self._watch.poke()
        self._reporter.poke()

    def _clock_changed(self) -> None:
        now = self._clock.now()
        if now is not None:
            self._clock_trusted.set()
            if self._desk.review(now):
                self._want_clips()
            if self._renewer is not None:
                self._renewer.poke()
        self._conductor.poke()
        self._watch.poke()
        self._reporter.poke()

    def _connected(self) -> None:
        self._exchange.begin_anew()
        self._fetcher.retry_now()
        self._records.poke()
        self._reporter.again()
        self._watch.again()

    def _want_clips(self) -> None:
        stored, alerting = self._plans.current(), tuple(self._watch.clips())
        planned = by_need(stored.plan, self._clock.best_guess()) if stored else ()
        standing = self._standing()
        kept = {clip.sha256 for clip in standing}
        small = [clip.sha256 for clip in alerting if clip.size_bytes <= DELIVERY[Channel.AUDIO].max_bytes]
        inline = [name for name in small if name not in kept]
        self._fetcher.want((*alerting, *self._words.clips(), *standing, *planned), inline=inline)

    def _standing(self) -> tuple[ClipRef, ...]:
        """The standing messages, wanted before they are needed: what is wanted the cache never drops."""
        config = self._configs.current()
        return config.standing if config is not None else ()

    def _send(self, message: Message) -> None:
        self._link.send(message)

    async def _ask_time(self, request: ClockRequest) -> bool:
        return await self._link.send_now(request)

    def _status(self, online: bool) -> Status:  # noqa: FBT001 — a callback of one argument
        return Status(
            device=self._settings.device_id,
            session=self._session,
            online=online,
            agent_version=AGENT_VERSION,
            at=self._clock.now() if online else None,
        )

    def _state(self) -> DeviceState:
        now = self._clock.best_guess()
        stored = self._plans.current()
        plan = stored.plan if stored else None
        config = self._configs.current()
        ready, planned, missing = readiness(plan, lambda clip: self._cache.path(clip) is not None, now)
        problems = chain(
            self._conductor.problems(),
            self._amplifier.problems() if self._amplifier is not None else (),
            self._fetcher.problems(),
            self._manifests.problems(),
            self._ledger.problems(),
            self._journal.problems(),
            self._plans.problems(),
            self._configs.problems(),
            self._alerts.problems(),
            self._local.problems(),
            self._words.problems(),
            self._button.problems() if self._button is not None else (),
            self._pulse.problems(),
            self._live.problems(),
            self._renewer.problems() if self._renewer is not None else (),
        )
        return DeviceState(
            device=self._settings.device_id,
            session=self._session,
            at=self._clock.now(),
            agent_version=AGENT_VERSION,
            plan_version=plan.version if plan else None,
            plan_until=plan.window_end if plan else None,
            config_version=config.version if config else None,
            ready=ready,
            planned=planned,
            missing=missing[:MISSING_MAX],
            standing=standing_digest(
                clip.sha256 for clip in self._standing() if self._cache.path(clip.sha256) is not None
            ),
            clock=self._clock.state(),
            player=self._conductor.state(),
            cache_mb=round(self._cache.size_bytes() / MIB, 1),
            cache_limit_mb=self._settings.cache_limit_mb,
            records_waiting=self._journal.waiting,
            rejected=self._rejections.totals(),
            problems=self._problem_log.dated(problems, now),
            health=read_health(
                self._settings.state_dir,
                uptime_s=self._clock.mono() - self._started_mono_s,
                signal_percent=self._modem.signal_percent,
            ),
        )


def _own(settings: AgentSettings) -> Own | None:
    """The identity, where it is this speaker's: one that is set up by hand has none, or another one's."""
    own = IdentityStore(settings.state_dir).load()
    return own if own is not None and own.identity.device_id == settings.device_id else None


def _sink(settings: AgentSettings) -> str:
    return f"{settings.sink}:{settings.sink_device}" if settings.sink_device else settings.sink


@contextmanager
def _ended_by_signals(agent: Agent) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, agent.stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def run_agent(settings: AgentSettings, logs: LogRing) -> None:
    """Run one agent until it is told to end.

    Raises `AlreadyRunning`, `ConfigError` or `JournalBroken` when it cannot begin.
    """
    with only_instance(settings.state_dir):
        agent = await Agent.open(settings, logs)
        with _ended_by_signals(agent):
            await agent.run()
