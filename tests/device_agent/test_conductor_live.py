"""The same in real time: the real thread, the real decoder, the sink without a sound card."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audio.ffmpeg import executable
from device_agent.clock import SystemClock, TrustedClock
from device_agent.conductor import Conductor
from device_agent.player import Player
from device_agent.ports import StoredPlan
from device_agent.sinks.choose import sink_opener
from protocol.messages import Outcome, Plan, PlanOccurrence, Stretch
from schedules.types import Priority
from tests.support.commune_speaker import CLIP, MemoryJournal


class Disciplined(SystemClock):
    """This machine, as if its wall clock were known to be right."""

    def synchronised(self) -> bool:
        return True


@dataclass(frozen=True)
class Store:
    current: Any


@dataclass(frozen=True)
class OneClip:
    file: Path

    def path(self, sha256: str) -> Path | None:
        return self.file if sha256 == CLIP else None


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip"
    source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=1.5"]
    opus = ["-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg"]
    subprocess.run([executable(), "-v", "error", *source, *opus, path], check=True)
    return path


def plan(starts_at: datetime, duration_ms: int) -> StoredPlan:
    stretch = Stretch(clip=CLIP, at_ms=0, duration_ms=duration_ms)
    occurrence = PlanOccurrence(
        id="tin", schedule_id="s", title="tin", starts_at=starts_at, duration_ms=duration_ms, volume=100,
        priority=Priority.ROUTINE, stretches=(stretch,),
    )  # fmt: skip
    window = {"window_start": starts_at - timedelta(hours=1), "window_end": starts_at + timedelta(hours=1)}
    return StoredPlan(Plan(device="loa-1", version=1, occurrences=(occurrence,), **window), starts_at)


@asynccontextmanager
async def conducting(
    folder: Path, clip: Path, stored: StoredPlan
) -> AsyncIterator[tuple[MemoryJournal, asyncio.Event]]:
    changed = asyncio.Event()
    journal = MemoryJournal()
    player = Player(sink_opener("wav", state_dir=folder))
    conductor = Conductor(
        clock=TrustedClock(Disciplined(), folder / "clock.json"),
        player=player,
        clips=OneClip(clip),
        journal=journal,
        plans=Store(lambda: stored),
        configs=Store(lambda: None),
        changed=changed.set,
    )
    player.start()
    running = asyncio.create_task(conductor.run())
    try:
        yield journal, changed
    finally:
        running.cancel()
        await asyncio.wait([running])
        await player.aclose()


async def test_a_clip_sounds_whole_and_on_time(tmp_path: Path, clip: Path) -> None:
    starts_at = datetime.now(UTC) + timedelta(seconds=1.5)
    async with asyncio.timeout(15), conducting(tmp_path, clip, plan(starts_at, 1500)) as (journal, changed):
        while not journal.rows or journal.rows[0].outcome is None:
            await changed.wait()
            changed.clear()
    (row,) = journal.rows
    assert row.outcome is Outcome.COMPLETED
    assert row.played_ms == pytest.approx(1500, abs=3)
    assert abs(row.start_error_ms or 0) < 20


async def test_an_agent_that_ends_closes_what_it_plays(tmp_path: Path, clip: Path) -> None:
    starts_at = datetime.now(UTC) + timedelta(seconds=0.5)
    async with asyncio.timeout(15), conducting(tmp_path, clip, plan(starts_at, 1500)) as (journal, changed):
        while len(journal.rows) == 0 or not list((tmp_path / "sounded").glob("*.wav")):
            changed.clear()
            await changed.wait()
    (row,) = journal.rows
    assert (row.outcome, row.reason) == (Outcome.INTERRUPTED, "agent_stopped")
