"""One speaker whose time the test moves: real conductor, player, mixer and clock; the sink and the stores are fakes."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from device_agent.amplifier import Amplifier
from device_agent.clock import TrustedClock
from device_agent.conductor import Conductor
from device_agent.decoder import Piece
from device_agent.journal import is_final
from device_agent.player import Player
from device_agent.ports import Aired, Heard, Play, PlayId, Quality, StoredPlan
from device_agent.sinks import FRAME_BYTES, RATE_HZ, Sink, SinkUnavailable
from device_agent.sinks.fake import FakeSink
from protocol.messages import Config, Outcome, Plan, PlanOccurrence, Stretch
from schedules.types import OccurrenceId, Percent, PlannedOccurrence, Priority, Resume, ScheduleId

T = TypeVar("T")

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
"""Noon in Việt Nam."""
CLIP = "a" * 64
MISSING = "f" * 64


@dataclass
class ManualClock:
    """The machine's clocks, moved by the test."""

    utc: datetime = NOON
    mono_s: float = 1000.0
    boot_s: float = 1000.0
    disciplined: bool = True
    boot: str = "boot-1"
    drift: float = 0.0
    """How much faster the board's crystal runs than true time: 50 ppm are 0.00005."""

    def wall(self) -> datetime:
        return self.utc

    def mono(self) -> float:
        return self.mono_s

    def boottime(self) -> float:
        return self.boot_s

    def boot_id(self) -> str:
        return self.boot

    def synchronised(self) -> bool:
        return self.disciplined

    def advance(self, seconds: float) -> None:
        self.utc += timedelta(seconds=seconds)
        self.mono_s += seconds * (1 + self.drift)
        self.boot_s += seconds * (1 + self.drift)


@dataclass
class Row:
    """One row of the fake journal."""

    play: Play
    started_at: datetime | None
    outcome: Outcome | None = None
    reason: str = ""
    played_ms: int = 0
    start_error_ms: float | None = None
    quality: Quality | None = None
    progress_ms: int = 0
    ended_at: datetime | None = None


@dataclass
class MemoryJournal:
    """The journal without a disk; `rows` outlive the agent like the real one's."""

    rows: list[Row] = field(default_factory=list)

    async def begin(self, play: Play, started_at: datetime) -> PlayId:
        self.rows.append(Row(play, started_at))
        return PlayId(len(self.rows) - 1)

    async def progress(self, play: PlayId, played_ms: int, quality: Quality) -> None:
        self.rows[play].progress_ms, self.rows[play].quality = played_ms, quality

    async def finish(
        self,
        play: PlayId,
        outcome: Outcome,
        *,
        started_at: datetime | None,
        ended_at: datetime,
        played_ms: int,
        start_error_ms: float | None,
        quality: Quality,
        reason: str = "",
    ) -> None:
        row = self.rows[play]
        row.outcome, row.reason, row.played_ms, row.start_error_ms = outcome, reason, played_ms, start_error_ms
        row.quality = quality
        row.started_at, row.ended_at = started_at or row.started_at, ended_at

    async def note(self, play: Play, outcome: Outcome, *, at: datetime, reason: str) -> None:
        self.rows.append(Row(play, None, outcome, reason, ended_at=at))

    def heard(self, occurrence: str) -> Heard | None:
        rows = [row for row in self.rows if row.play.occurrence == occurrence and row.outcome is not None]
        if not rows:
            return None
        return Heard(
            played_ms=sum(row.played_ms for row in rows),
            reached_ms=max(row.play.from_ms + row.played_ms for row in rows),
            last_outcome=rows[-1].outcome or Outcome.INTERRUPTED,
            finished=any(row.outcome and is_final(row.play.kind, row.outcome, row.reason) for row in rows),
        )

    def heard_below(self, prefix: str) -> Iterator[tuple[str, Heard]]:
        for name in dict.fromkeys(row.play.occurrence for row in self.rows):
            if name is not None and name.startswith(prefix) and (heard := self.heard(name)) is not None:
                yield name, heard

    async def aired_since(self, since: datetime) -> Sequence[Aired]:
        return [
            Aired(row.play.occurrence, row.started_at, row.played_ms)
            for row in self.rows
            if row.play.routine and row.play.occurrence and row.started_at and row.started_at >= since and row.played_ms
        ]

    def close_open_rows(self) -> None:
        """What the next start does with rows that a kill left open."""
        for row in self.rows:
            if row.outcome is None:
                row.outcome, row.played_ms, row.reason = Outcome.INTERRUPTED, row.progress_ms, "agent_restarted"


class LongSound:
    """A sound of some length, at hand at once; every sample is the same."""

    failed = False

    at_hand = True

    def __init__(self, duration_ms: int, *, ready: bool = True, level: int = 1000) -> None:
        self.frames = duration_ms * RATE_HZ // 1000
        self.ready = ready
        self.dry = False
        """Its decoder does not come on: the disk is slow, or the processor taken."""
        self.level = level
        self.closed = False

    @property
    def ended(self) -> bool:
        return self.frames <= 0

    def read(self, frames: int) -> bytes:
        count = 0 if self.dry else min(frames, self.frames)
        self.frames -= count
        return self.level.to_bytes(2, "little") * count

    def close(self) -> None:
        self.closed = True


@dataclass
class Voice:
    """A person speaking for as long as they like; every sample is the same."""

    level: int
    ready: bool = True
    ended: bool = False
    failed: bool = False
    dry: bool = False
    at_hand: bool = False
    closed: bool = False

    def read(self, frames: int) -> bytes:
        return b"" if self.dry or self.ended else self.level.to_bytes(2, "little") * frames

    def close(self) -> None:
        self.closed = True


def occurrence(
    name: str,
    *,
    after_s: float = 10,
    lasts_s: float = 20,
    clip: str = CLIP,
    priority: Priority = Priority.ROUTINE,
    resume: Resume = Resume.REJOIN,
    rank: int = 0,
    volume: int = 100,
    own_volume: bool = True,
    late_join_s: int | None = None,
) -> PlanOccurrence:
    """An airing that begins some seconds after noon."""
    length_ms = round(lasts_s * 1000)
    return PlanOccurrence(
        id=name,
        schedule_id="s",
        title=name,
        starts_at=NOON + timedelta(seconds=after_s),
        duration_ms=length_ms,
        priority=priority,
        commune_rank=rank,
        resume=resume,
        late_join_s=late_join_s,
        volume=volume,
        own_volume=own_volume,
        stretches=(Stretch(clip=clip, at_ms=0, duration_ms=length_ms),),
    )


def wish(
    name: str,
    *,
    after_s: float = 0,
    lasts_s: float = 5,
    priority: Priority = Priority.EMERGENCY,
    depth: int = 2,
    raised_s: float | None = None,
    expires_s: float | None = None,
) -> PlannedOccurrence:
    """An alert or a live session that wants the air some seconds after noon."""
    emergency = priority is Priority.EMERGENCY
    return PlannedOccurrence(
        id=OccurrenceId(name),
        schedule_id=ScheduleId(""),
        title=name,
        starts_at=NOON + timedelta(seconds=after_s),
        duration_ms=round(lasts_s * 1000),
        priority=priority,
        issuer_depth=depth,
        commune_rank=0,
        resume=Resume.RESTART if emergency else Resume.REJOIN,
        late_join_s=None,
        volume=Percent(100),
        own_volume=False,
        raised_at=None if raised_s is None else NOON + timedelta(seconds=raised_s),
        expires_at=NOON + timedelta(seconds=expires_s if expires_s is not None else 3600) if emergency else None,
    )


@dataclass
class Speaker:
    """The whole sound side of one agent. `kill()` and `power_up()` keep what lies on its disk."""

    folder: Path
    system: ManualClock = field(default_factory=ManualClock)
    journal: Any = field(default_factory=MemoryJournal)
    config: Config | None = None
    stored: StoredPlan | None = None
    missing: set[str] = field(default_factory=lambda: {MISSING})
    slow: bool = False
    """Sounds are not ready until `sounds_become_ready()`."""
    sink_works: bool = True
    versions: int = 0
    amplifier: Amplifier | None = None

    def __post_init__(self) -> None:
        self.power_up()

    def power_up(self) -> None:
        self.sounds: list[LongSound] = []
        self.sinks: list[FakeSink] = []
        self.clock = TrustedClock(self.system, self.folder / "anchor.json")
        self.player = Player(self._open_sink, self.amplifier, mono=self.system.mono)
        self.conductor = Conductor(
            clock=self.clock,
            player=self.player,
            clips=self,
            journal=self.journal,
            plans=Current(lambda: self.stored),
            configs=Current(lambda: self.config),
            prepare=self._prepare,
        )

    def raise_alert(self, name: str, *, level: int = 3000, ready: bool = True, lasts_s: float = 5, **more: Any) -> None:
        """An alert is called whose sound is so long; its samples tell it from others."""

        def make_sound(from_ms: int, on_ready: Callable[[], None]) -> LongSound:
            self.sounds.append(LongSound(round(lasts_s * 1000) - from_ms, ready=ready and not self.slow, level=level))
            on_ready()
            return self.sounds[-1]

        self.conductor.call(wish(name, after_s=self.now_s, lasts_s=lasts_s, **more), "alert", make_sound)

    def go_live(
        self, name: str, *, level: int = 2000, limit_s: float = 60, ready: bool = True, **more: Any
    ) -> "list[Voice]":
        """Somebody speaks; each element is one connection to them, the newest last."""
        voices: list[Voice] = []

        def make_sound(_from_ms: int, on_ready: Callable[[], None]) -> Voice:
            voices.append(Voice(level, ready=ready))
            on_ready()
            return voices[-1]

        live = wish(name, after_s=self.now_s, lasts_s=limit_s, priority=Priority.LIVE, **more)
        self.conductor.call(live, "live", make_sound)
        return voices

    @property
    def now_s(self) -> float:
        """Seconds after noon."""
        return (self.system.utc - NOON).total_seconds()

    def kill(self) -> None:
        """SIGKILL, and the journal's next opening."""
        self.journal.close_open_rows()

    def path(self, sha256: str) -> Path | None:
        return None if sha256 in self.missing else self.folder / sha256

    def plan(self, *occurrences: PlanOccurrence, known_since: datetime | None = NOON - timedelta(days=1)) -> None:
        """A new plan is in force."""
        self.versions += 1
        plan = Plan(
            device="loa-1",
            version=self.versions,
            window_start=NOON - timedelta(days=1),
            window_end=NOON + timedelta(days=7),
            occurrences=occurrences,
        )
        self.stored = StoredPlan(plan, known_since)

    async def run_until(self, seconds: float) -> None:
        """Let time pass, to so many seconds after noon by true time."""
        while self.system.utc < NOON + timedelta(seconds=seconds):
            await self.step()

    async def step(self) -> None:
        self.system.advance(0.02)
        self.player.step()
        self.clock.check()
        await self.conductor.tick()
        await asyncio.sleep(0)

    async def ask(self, request: Coroutine[Any, Any, T]) -> T:
        """Make a request of the conductor while time passes."""
        task = asyncio.create_task(request)
        for _ in range(1000):
            await self.step()
            if task.done():
                break
        return await task

    def sounds_become_ready(self) -> None:
        self.slow = False
        for sound in self.sounds:
            sound.ready = True

    @property
    def sink(self) -> FakeSink:
        return self.sinks[-1]

    @property
    def on_air(self) -> str | None:
        return self.conductor.state().occurrence

    @property
    def records(self) -> list[tuple[str | None, Outcome | None]]:
        return [(row.play.occurrence, row.outcome) for row in self.journal.rows]

    def row(self, name: str) -> Row:
        return next(row for row in self.journal.rows if row.play.occurrence == name)

    def heard_ms(self, name: str) -> int:
        """How much of it the horn's side was given, over all sinks."""
        return sum(count for sink in self.sinks for of, count in sink.runs if of == name) * 1000 // RATE_HZ

    def first_sound_at_s(self) -> float:
        """When the first sample that is not silence sounded, in seconds after noon."""
        heard = bytes(self.sink.heard)
        index = next(i for i in range(0, len(heard), FRAME_BYTES) if heard[i] or heard[i + 1]) // FRAME_BYTES
        mono_s = self.sink.opened_at + self.sink.latency_ms / 1000 + self.sink.stalled_s + index / RATE_HZ
        return mono_s - self.system.mono_s + (self.system.utc - NOON).total_seconds()

    def _open_sink(self) -> Sink:
        if not self.sink_works:
            raise SinkUnavailable("the test broke it")
        self.sinks.append(FakeSink(self.system.mono))
        return self.sinks[-1]

    def _prepare(self, pieces: Sequence[Piece], on_ready: Callable[[], None]) -> LongSound:
        assert self.stored is not None
        lengths = {each.stretches[0].clip: each.duration_ms for each in self.stored.plan.occurrences}
        piece = pieces[0]
        assert piece.path is not None
        self.sounds.append(LongSound(lengths[piece.path.name] - piece.from_ms, ready=not self.slow))
        on_ready()
        return self.sounds[-1]


@dataclass(frozen=True)
class Current:
    """A store that has exactly this."""

    current: Any
