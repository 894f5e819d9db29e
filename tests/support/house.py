"""One speaker in real time: the real conductor, threads and decoders on a real sound server; the stores are fakes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from device_agent.calls import MakeSound
from device_agent.clock import SystemClock, TrustedClock
from device_agent.conductor import Conductor
from device_agent.player import Player
from device_agent.ports import Journal, StoredPlan
from device_agent.sinks.pulse import PulseSink
from protocol.messages import Outcome, Plan, PlanOccurrence, Stretch
from schedules.types import Priority
from tests.support.commune_speaker import CLIP, MemoryJournal, Row, wish


class Disciplined(SystemClock):
    """This machine, as if its wall clock were known to be right."""

    def synchronised(self) -> bool:
        return True


@dataclass(frozen=True)
class Store:
    current: Any


@dataclass
class House:
    """A speaker that plays one programme on a real sound server."""

    folder: Path
    server: str
    sink: str
    programme: Path
    lasts_s: float
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    sink_type: type[PulseSink] = PulseSink
    kept: Journal | None = None
    """A journal on a disk, which takes the place of the one in memory."""

    def __post_init__(self) -> None:
        self.starts_at = datetime.now(UTC) + timedelta(seconds=1.5)
        self.player = Player(lambda: self.sink_type(server=self.server, device=self.sink))
        self.conductor = Conductor(
            clock=TrustedClock(Disciplined(), self.folder / "clock.json"),
            player=self.player,
            clips=self,
            journal=self.kept or self.journal,
            plans=Store(self._plan),
            configs=Store(lambda: None),
        )

    def path(self, sha256: str) -> Path | None:
        return self.programme if sha256 == CLIP else None

    def _plan(self) -> StoredPlan:
        length_ms = round(self.lasts_s * 1000)
        occurrence = PlanOccurrence(
            id="tin", schedule_id="s", title="tin", starts_at=self.starts_at, duration_ms=length_ms, volume=100,
            priority=Priority.ROUTINE, stretches=(Stretch(clip=CLIP, at_ms=0, duration_ms=length_ms),),
        )  # fmt: skip
        hour = timedelta(hours=1)
        window = {"window_start": self.starts_at - hour, "window_end": self.starts_at + hour}
        return StoredPlan(Plan(device="loa-1", version=1, occurrences=(occurrence,), **window), self.starts_at - hour)

    def call(self, name: str, kind: Any, sound: MakeSound, *, lasts_s: float, priority: Priority) -> None:
        wanted = replace(
            wish(name, lasts_s=lasts_s, priority=priority),
            starts_at=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(minutes=5) if kind == "alert" else None,
            own_volume=True,
        )
        self.conductor.call(wanted, kind, sound)

    async def until(self, check: Callable[[], object], within_s: float = 90) -> None:
        async with asyncio.timeout(within_s):
            while not check():  # noqa: ASYNC110 -- the sink and the children announce nothing
                await asyncio.sleep(0.02)

    def on_air(self, name: str) -> Callable[[], bool]:
        return lambda: self.conductor.state().occurrence == name

    @property
    def outcomes(self) -> list[tuple[str | None, Outcome | None]]:
        """What came of everything, but for what a machine that was too busy had to begin again."""
        return [(row.play.occurrence, row.outcome) for row in self.journal.rows if row not in self.broken_off]

    @property
    def broken_off(self) -> list[Row]:
        """What ended with the sink: a sound server that gets no processor time is taken for one that hangs."""
        return [row for row in self.journal.rows if row.reason == "sink_lost"]


@asynccontextmanager
async def at_work(house: House) -> AsyncIterator[House]:
    house.player.start()
    running = asyncio.create_task(house.conductor.run())
    try:
        yield house
    finally:
        running.cancel()
        await asyncio.wait([running])
        await house.player.aclose()
