"""What wants the air besides the plan: alerts and people speaking, by the one order, on one speaker."""

import array
import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.amplifier import Amplifier, Margins
from device_agent.clock import TrustedClock
from device_agent.journal import Journal
from device_agent.ledger import Ledger
from device_agent.ports import Play, PlayId
from device_agent.score import Cue, OnAir, Scene, next_cue
from device_agent.sinks import RATE_HZ
from protocol.messages import CapLimits, ClassVolumes, Config, Outcome, Window
from schedules.on_air import candidate, rank
from schedules.types import Heard, PlannedOccurrence, Priority, Resume
from tests.support.commune_speaker import NOON, LongSound, ManualClock, Speaker, occurrence, wish

NEWS, FLOOD, STORM, CHAIR = "tin-sang", "bao-lu", "bao-so-5", "chu-tich"
NEWS_LEVEL, CHAIR_LEVEL, FLOOD_LEVEL = 1000, 2000, 3000
FADE_FRAMES = RATE_HZ * 40 // 1000
ONE_PIECE_S = 0.021
"""The amplifier is switched between two pieces of 20 ms."""


@pytest.fixture
def speaker(tmp_path: Path) -> Speaker:
    """One on which a level in the samples is the level at the sink."""
    return Speaker(tmp_path, config=Config(device="loa-1", version=1, default_volume=100))


def stretches(speaker: Speaker) -> list[tuple[int, float]]:
    """What was heard, as (level, seconds), in order; shorter than a fade is a fade."""
    heard = array.array("h", bytes(speaker.sink.heard))
    runs = [(level, sum(1 for _ in run)) for level, run in groupby(heard)]
    return [(level, frames / RATE_HZ) for level, frames in runs if frames > FADE_FRAMES]


async def test_an_alert_over_a_live_session_over_a_routine_item_and_back(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=38))
    await speaker.run_until(7)
    voices = speaker.go_live(CHAIR, level=CHAIR_LEVEL)
    await speaker.run_until(14)
    speaker.raise_alert(FLOOD, level=FLOOD_LEVEL, lasts_s=6)
    await speaker.run_until(26)
    voices[-1].ended = True
    await speaker.run_until(42)

    assert [level for level, _ in stretches(speaker) if level] == [1000, 2000, 3000, 2000, 1000]
    # Nothing overlaps, and only where nobody can know when somebody stops speaking there is a moment of silence.
    silences = [seconds for level, seconds in stretches(speaker)[1:-1] if not level]
    assert all(seconds < 1 for seconds in silences)
    assert len(silences) == 1

    rows = [(row.play.kind, row.play.occurrence, row.outcome, row.reason) for row in speaker.journal.rows]
    assert rows == [
        ("occurrence", NEWS, Outcome.PRE_EMPTED, f"by {CHAIR}"),
        ("live", CHAIR, Outcome.PRE_EMPTED, f"by {FLOOD}"),
        ("alert", FLOOD, Outcome.COMPLETED, ""),
        ("live", CHAIR, Outcome.COMPLETED, "resumed"),
        ("occurrence", NEWS, Outcome.COMPLETED, "resumed"),
    ]
    news, _, flood, _, rest = speaker.journal.rows
    assert flood.played_ms == 6000
    assert rest.play.from_ms + rest.played_ms == pytest.approx(38_000, abs=100)
    assert news.played_ms < 6000
    for before, after in pairwise(speaker.journal.rows[:4]):
        assert before.ended_at is not None
        assert after.started_at is not None
        assert abs(before.ended_at - after.started_at) < timedelta(milliseconds=60)


async def test_an_alert_waits_until_its_own_sound_is_ready(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=20))
    await speaker.run_until(5)
    speaker.raise_alert(FLOOD, ready=False)
    await speaker.run_until(8)
    assert speaker.on_air == NEWS
    speaker.sounds_become_ready()
    await speaker.run_until(8.5)
    assert speaker.on_air == FLOOD
    assert speaker.records == [(NEWS, Outcome.PRE_EMPTED), (FLOOD, None)]


async def test_who_keeps_everybody_waiting_does_not_keep_them_silent(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=5, lasts_s=20))
    await speaker.run_until(1)
    voices = speaker.go_live(CHAIR, ready=False)
    await speaker.run_until(8)
    assert speaker.on_air == NEWS
    voices[-1].ready = True
    await speaker.run_until(9)
    assert speaker.on_air == CHAIR


async def test_an_alert_that_is_cut_off_is_heard_whole_afterwards(speaker: Speaker) -> None:
    speaker.raise_alert(FLOOD, level=3000, lasts_s=6)
    await speaker.run_until(4)
    speaker.raise_alert(STORM, level=4000, lasts_s=6, depth=1)
    await speaker.run_until(20)
    assert [level for level, _ in stretches(speaker) if level] == [3000, 4000, 3000]
    assert stretches(speaker)[-2][1] == pytest.approx(6, abs=0.001)
    assert speaker.records == [
        (FLOOD, Outcome.PRE_EMPTED),
        (STORM, Outcome.COMPLETED),
        (FLOOD, Outcome.COMPLETED),
    ]


async def test_what_comes_back_lets_an_alert_that_began_late_end(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=20))
    await speaker.run_until(3)
    write = speaker.journal.begin

    async def slow_disk(play: Play, started_at: datetime) -> PlayId:
        if play.kind == "alert":
            speaker.system.advance(0.3)
        return await write(play, started_at)

    monkeypatch.setattr(speaker.journal, "begin", slow_disk)
    speaker.raise_alert(FLOOD, lasts_s=2)
    await speaker.run_until(24)
    assert speaker.records == [(NEWS, Outcome.PRE_EMPTED), (FLOOD, Outcome.COMPLETED), (NEWS, Outcome.COMPLETED)]
    rest = speaker.journal.rows[-1]
    assert speaker.row(FLOOD).played_ms == 2000
    assert rest.play.from_ms + rest.played_ms == pytest.approx(20_000, abs=20)
    assert rest.ended_at == pytest.approx(NOON + timedelta(seconds=21), abs=timedelta(milliseconds=20))


async def test_an_alert_that_was_heard_is_not_heard_again_though_it_is_called_again(speaker: Speaker) -> None:
    speaker.raise_alert(FLOOD)
    await speaker.run_until(8)
    speaker.kill()
    speaker.power_up()
    speaker.raise_alert(FLOOD)
    await speaker.run_until(16)
    assert speaker.records == [(FLOOD, Outcome.COMPLETED)]


async def test_a_called_off_alert_fades_out_and_what_it_cut_off_comes_back(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=20))
    await speaker.run_until(3)
    speaker.raise_alert(FLOOD, lasts_s=60)
    await speaker.run_until(6)
    await speaker.ask(_said(speaker.conductor.withdraw(FLOOD, "cancelled")))
    await speaker.run_until(8)
    assert speaker.on_air == NEWS
    row = speaker.row(FLOOD)
    assert (row.play.kind, row.outcome, row.reason) == ("alert", Outcome.STOPPED, "cancelled")


async def test_an_alert_called_off_before_it_sounded_is_on_record(speaker: Speaker) -> None:
    await speaker.run_until(1)
    speaker.raise_alert(FLOOD, ready=False)
    await speaker.run_until(2)
    await speaker.ask(_said(speaker.conductor.withdraw(FLOOD)))
    speaker.sounds_become_ready()
    await speaker.run_until(6)
    row = speaker.row(FLOOD)
    assert (row.play.kind, row.outcome, row.reason) == ("alert", Outcome.SKIPPED, "withdrawn")
    assert speaker.heard_ms(FLOOD) == 0


async def test_an_alert_that_never_could_sound_is_on_record_when_it_expires(speaker: Speaker) -> None:
    await speaker.run_until(1)
    speaker.raise_alert(FLOOD, ready=False, expires_s=8)
    await speaker.run_until(10)
    row = speaker.row(FLOOD)
    assert (row.play.kind, row.outcome) == ("alert", Outcome.MISSED)
    assert speaker.conductor._calls[FLOOD] is None


async def test_an_emergency_sounds_without_a_trusted_clock_and_a_live_session_waits(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path, ManualClock(disciplined=False))
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=60))
    speaker.go_live(CHAIR)
    await speaker.run_until(3)
    assert speaker.on_air is None
    # The wall clock of a speaker without a battery: by it the alert is years away.
    speaker.system.utc -= timedelta(days=3000)
    speaker.conductor.call(wish(FLOOD, after_s=0, lasts_s=5), "alert", _at_once)
    for _ in range(400):
        await speaker.step()
    row = speaker.row(FLOOD)
    assert (row.outcome, row.played_ms, row.play.clock) == (Outcome.COMPLETED, 5000, "untrusted")
    assert {row.play.occurrence for row in speaker.journal.rows} == {FLOOD}


async def test_only_an_emergency_passes_quiet_hours_and_caps(speaker: Speaker) -> None:
    speaker.config = Config(
        device="loa-1",
        version=1,
        quiet_hours=(Window(start="11:00", end="13:00"),),
        caps=CapLimits(daily_max_s=1),
        volume_rules=(),
    )
    speaker.go_live(CHAIR)
    speaker.raise_alert(FLOOD)
    await speaker.run_until(8)
    assert speaker.records == [(FLOOD, Outcome.COMPLETED)]


async def test_a_class_has_its_volume_and_an_emergency_may_exceed_the_ceiling(speaker: Speaker) -> None:
    speaker.config = Config(
        device="loa-1", version=1, default_volume=50, max_volume=60, class_volumes=ClassVolumes(live=55, emergency=100)
    )
    speaker.conductor.set_volume(20, NOON + timedelta(seconds=2))
    speaker.go_live(CHAIR)
    await speaker.run_until(1.5)
    assert speaker.conductor.state().volume == 20
    await speaker.run_until(4)
    assert speaker.conductor.state().volume == 55
    speaker.raise_alert(FLOOD)
    await speaker.run_until(6)
    assert speaker.conductor.state().volume == 100
    assert max(level for level, _ in stretches(speaker)) == FLOOD_LEVEL


@pytest.mark.parametrize("news_s", [3, 30])
async def test_who_goes_on_speaking_is_ended_at_the_limit(speaker: Speaker, news_s: float) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=news_s))
    await speaker.run_until(2)
    voices = speaker.go_live(CHAIR, limit_s=6)
    await speaker.run_until(12)
    row = speaker.row(CHAIR)
    assert (row.outcome, row.reason) == (Outcome.STOPPED, "limit")
    assert row.play.from_ms + row.played_ms == pytest.approx(6000, abs=100)
    assert voices[-1].closed
    assert speaker.on_air == (NEWS if news_s == 30 else None)


async def test_who_speaks_as_the_speaker_starts_is_ended_at_the_limit_too(speaker: Speaker) -> None:
    speaker.go_live(CHAIR, limit_s=6)
    await speaker.run_until(12)
    assert speaker.row(CHAIR).reason == "limit"
    assert speaker.on_air is None


async def test_a_sink_that_stands_still_gives_nobody_more_time_to_speak(speaker: Speaker) -> None:
    await speaker.run_until(2)
    voices = speaker.go_live(CHAIR, limit_s=6)
    await speaker.run_until(4)
    speaker.sink.stall(3)
    await speaker.run_until(9)
    assert voices[-1].closed


async def test_a_source_that_runs_dry_gives_the_air_back_until_it_speaks_again(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=60))
    await speaker.run_until(2)
    voices = speaker.go_live(CHAIR)
    await speaker.run_until(5)
    voices[-1].dry = True
    await speaker.run_until(10.9)
    row = speaker.row(CHAIR)
    assert (row.outcome, row.reason) == (Outcome.INTERRUPTED, "source_dry")
    assert row.played_ms < 4000
    await speaker.run_until(14)
    assert speaker.on_air == CHAIR
    assert len(voices) == 2


async def test_a_stop_silences_an_alert_and_everything_under_it(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=30))
    await speaker.run_until(2)
    speaker.go_live(CHAIR)
    await speaker.run_until(4)
    speaker.raise_alert(FLOOD, lasts_s=20)
    await speaker.run_until(6)
    await speaker.ask(speaker.conductor.stop())
    before = speaker.heard_ms(FLOOD)
    await speaker.run_until(20)
    assert speaker.on_air is None
    assert speaker.heard_ms(FLOOD) - before < 200
    settled = {row.play.occurrence: row.outcome for row in speaker.journal.rows}
    assert settled == {NEWS: Outcome.SKIPPED, CHAIR: Outcome.SKIPPED, FLOOD: Outcome.STOPPED}


async def test_an_alert_called_before_a_planned_item_begins_takes_its_place(speaker: Speaker) -> None:
    speaker.plan(
        occurrence(NEWS, after_s=2, lasts_s=20),
        occurrence("hop", after_s=10, lasts_s=20, clip="b" * 64, priority=Priority.PRIORITY),
    )
    # The second is bound to begin: the alert comes between.
    await speaker.run_until(9.5)
    speaker.raise_alert(FLOOD, lasts_s=5)
    await speaker.run_until(40)
    first, bound, alert = speaker.journal.rows[:3]
    assert (first.play.occurrence, first.outcome, first.reason) == (NEWS, Outcome.PRE_EMPTED, f"by {FLOOD}")
    assert (bound.play.occurrence, bound.outcome, bound.played_ms) == ("hop", Outcome.PRE_EMPTED, 0)
    assert (alert.outcome, alert.played_ms) == (Outcome.COMPLETED, 5000)
    rest = speaker.journal.rows[3]
    assert (rest.play.occurrence, rest.outcome) == ("hop", Outcome.COMPLETED)
    assert rest.play.from_ms == pytest.approx(4500, abs=600)


# --- the order alone, whatever is called

names = st.sampled_from(["a", "b", "c", "d", "e"])


@st.composite
def crowds(draw: st.DrawFn) -> list[PlannedOccurrence]:
    return [
        wish(
            f"w{number}",
            after_s=draw(st.integers(-20, 20)),
            lasts_s=draw(st.integers(1, 20)),
            priority=draw(st.sampled_from(Priority)),
            depth=draw(st.integers(0, 3)),
            raised_s=draw(st.none() | st.integers(-60, 0)),
            expires_s=draw(st.integers(21, 90)),
        )
        for number in range(draw(st.integers(1, 6)))
    ]


class Air:
    """Plays a crowd by `next_cue` alone, as fast as it can be told."""

    def __init__(self, crowd: list[PlannedOccurrence]) -> None:
        self.crowd = crowd
        self.on_air: OnAir | None = None
        self.heard: dict[str, Heard] = {}
        self.told: list[tuple[str, int]] = []

    def play(self, seconds: int) -> None:
        now = NOON
        while now < NOON + timedelta(seconds=seconds):
            if self.on_air is not None and now >= self.on_air.until:
                self._over(finished=True)
            cue = next_cue(self._scene(), now, timedelta())
            if cue is not None and cue.at <= now:
                self._begin(cue)
            now += timedelta(milliseconds=250)

    def _scene(self) -> Scene:
        on_air = (self.on_air,) if self.on_air else ()
        return Scene(tuple(self.crowd), heard=self.heard.get, on_air=on_air)

    def _over(self, *, finished: bool) -> None:
        assert self.on_air is not None
        self.heard[self.on_air.occurrence.id] = Heard(played_ms=1, finished=finished)
        self.on_air = None

    def _begin(self, cue: Cue) -> None:
        if self.on_air is not None:
            assert rank(candidate(cue.occurrence, ready=True)) < rank(candidate(self.on_air.occurrence, ready=True))
            self._over(finished=False)
        self.told.append((cue.occurrence.id, cue.offset_ms))
        left = timedelta(milliseconds=cue.occurrence.duration_ms - cue.offset_ms)
        self.on_air = OnAir(cue.occurrence, cue.at + left)


@given(crowds(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_who_is_heard_when_does_not_depend_on_the_order_of_the_calls(
    crowd: list[PlannedOccurrence], dice: Random
) -> None:
    shuffled = list(crowd)
    dice.shuffle(shuffled)
    one, other = Air(crowd), Air(shuffled)
    one.play(120)
    other.play(120)
    assert one.told == other.told


@given(crowds())
@settings(max_examples=60, deadline=None)
def test_nobody_cuts_anybody_off_endlessly(crowd: list[PlannedOccurrence]) -> None:
    air = Air(crowd)
    air.play(180)
    # Each beginning follows a wish that came or one that ended: two for each of them, and no more.
    assert len(air.told) <= 2 * len(crowd)
    assert air.on_air is None


@given(crowds())
@settings(max_examples=60, deadline=None)
def test_every_emergency_with_time_left_is_heard_to_its_end(crowd: list[PlannedOccurrence]) -> None:
    lasting = [
        each if each.priority is not Priority.EMERGENCY else wish(
            each.id, lasts_s=each.duration_ms / 1000, depth=each.issuer_depth, expires_s=600
        )
        for each in crowd
    ]  # fmt: skip
    air = Air(lasting)
    air.play(240)
    for each in lasting:
        if each.priority is Priority.EMERGENCY:
            assert each.resume is Resume.RESTART
            assert air.heard[each.id].finished


async def _said(done: Coroutine[Any, Any, None]) -> str:
    await done
    return ""


def _at_once(_from_ms: int, on_ready: Callable[[], None]) -> LongSound:
    on_ready()
    return LongSound(5000)


async def test_who_withdraws_and_goes_away_disturbs_nobody(speaker: Speaker) -> None:
    speaker.raise_alert(FLOOD, lasts_s=20)
    await speaker.run_until(2)
    asking = asyncio.create_task(speaker.conductor.withdraw(FLOOD))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    await speaker.run_until(4)
    assert speaker.records == [(FLOOD, Outcome.STOPPED)]


@pytest.mark.parametrize("trusted", [True, False])
async def test_an_alert_that_is_withdrawn_fades_out_with_or_without_a_trusted_clock(
    tmp_path: Path, *, trusted: bool
) -> None:
    speaker = Speaker(tmp_path, system=ManualClock(disciplined=trusted))
    speaker.raise_alert(FLOOD, lasts_s=20)
    await speaker.run_until(3)
    assert speaker.on_air == FLOOD
    await speaker.ask(speaker.conductor.withdraw(FLOOD))
    await speaker.run_until(8)
    assert speaker.on_air is None
    (row,) = speaker.journal.rows
    assert (row.outcome, row.reason) == (Outcome.STOPPED, "withdrawn")


async def test_what_a_new_plan_drops_goes_on_while_the_time_is_not_known(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=20))
    await speaker.run_until(5)
    monkeypatch.setattr(TrustedClock, "trusted", property(lambda _: False))
    speaker.plan(occurrence("tin-chieu", after_s=300))
    await speaker.run_until(10)
    assert speaker.on_air == NEWS


async def test_a_failing_decision_neither_ends_the_agent_nor_makes_it_deaf(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = speaker.conductor.tick
    failures = iter([RuntimeError("nobody thought of this")])

    async def tick() -> float:
        for failure in failures:
            raise failure
        return await decide()

    monkeypatch.setattr(speaker.conductor, "tick", tick)
    conducting = asyncio.create_task(speaker.conductor.run())
    async with asyncio.timeout(10):
        assert await speaker.conductor.stop() == "nothing was on air"
    conducting.cancel()
    await asyncio.wait([conducting])


@dataclass
class TimedLine:
    """An amplifier's line that remembers when it was switched on."""

    system: ManualClock
    on_at: list[datetime] = field(default_factory=list)

    def set(self, *, on: bool) -> None:
        if on:
            self.on_at.append(self.system.utc)

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.mark.parametrize("lead_s", [0.3, 5.0])
async def test_the_first_syllable_of_an_alert_waits_for_the_amplifier(tmp_path: Path, lead_s: float) -> None:
    system = ManualClock()
    line = TimedLine(system)
    speaker = Speaker(tmp_path, system=system, amplifier=Amplifier(line, Margins(lead_s=lead_s)))
    await speaker.run_until(3)
    speaker.raise_alert(FLOOD, level=FLOOD_LEVEL)
    await speaker.run_until(12)
    (on_at,) = line.on_at
    powered_s = speaker.first_sound_at_s() - (on_at - NOON).total_seconds()
    assert lead_s - ONE_PIECE_S < powered_s < lead_s + 0.1
    assert speaker.first_sound_at_s() < 3 + lead_s + 0.8


async def test_a_disk_that_hangs_holds_up_neither_an_alert_nor_stop(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    ledger = await Ledger.open(path, now=NOON)
    journal = await Journal.open(ledger)
    speaker = Speaker(tmp_path, journal=journal)
    with closing(sqlite3.connect(path, isolation_level=None)) as disk:
        disk.execute("BEGIN EXCLUSIVE")
        speaker.raise_alert(FLOOD, lasts_s=20)
        await speaker.run_until(2)
        assert speaker.on_air == FLOOD
        assert await speaker.ask(speaker.conductor.stop()) == f"stopped: {FLOOD}"
        assert speaker.on_air is None
        speaker.raise_alert(STORM, lasts_s=2)
        await speaker.run_until(speaker.now_s + 5)
        assert [each.code for each in ledger.problems()] == ["journal_unwritable"]
        disk.execute("ROLLBACK")
    batch = await journal.pending()
    assert batch is not None
    assert [(each.occurrence, each.outcome) for each in batch.records] == [
        (FLOOD, Outcome.STOPPED),
        (STORM, Outcome.COMPLETED),
    ]
    assert [each.played_ms for each in batch.records] == [pytest.approx(1500, abs=700), 2000]
    assert ledger.problems() == ()
    await ledger.aclose()
