"""The player and its mixer: every sample where it belongs, and only what the sink consumed is said to have sounded."""

import array
import asyncio
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.amplifier import Amplifier
from device_agent.decoder import Samples
from device_agent.mixer import Ended, Started
from device_agent.player import Player, PlayerEvent, SinkChanged
from device_agent.ports import Quality
from device_agent.sinks import RATE_HZ, Position, Sink, SinkUnavailable
from device_agent.sinks.fake import FakeSink
from device_agent.sinks.sounded import SoundedFiles
from device_agent.sinks.wav import WavSink
from device_agent.steering import SOFT_LIMIT
from device_agent.volume import gain
from tests.support.amplifier import FakeLine
from tests.support.commune_speaker import LongSound, ManualClock


@dataclass
class Booth:
    """A player whose time the test moves."""

    clock: ManualClock = field(default_factory=ManualClock)
    line: FakeLine = field(default_factory=FakeLine)
    events: list[PlayerEvent] = field(default_factory=list)
    sinks: list[FakeSink] = field(default_factory=list)
    works: bool = True
    why: str = "broken by the test"

    def __post_init__(self) -> None:
        self.player = Player(self._open, Amplifier(self.line), mono=self.clock.mono)
        self.player.listen(self.events.append)
        self.run(0.3)

    def _open(self) -> Sink:
        if not self.works:
            raise SinkUnavailable(self.why)
        self.sinks.append(FakeSink(self.clock.mono))
        return self.sinks[-1]

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.advance(0.02)
            self.player.step()

    def samples(self) -> "array.array[int]":
        return array.array("h", bytes(self.sinks[-1].heard))

    def frame_at(self, mono_s: float) -> int:
        sink = self.sinks[-1]
        return round((mono_s - sink.opened_at - sink.latency_ms / 1000 - sink.stalled_s) * RATE_HZ)

    def ended(self) -> list[Ended]:
        return [event for event in self.events if isinstance(event, Ended)]


@pytest.fixture
def booth() -> Booth:
    return Booth()


def test_a_sound_begins_at_the_frame_of_its_instant(booth: Booth) -> None:
    at = booth.clock.mono() + 0.5137
    booth.player.play(LongSound(1000), at_mono_s=at, of="a", gain=1.0)
    booth.run(2)
    heard = booth.samples()
    first = booth.frame_at(at)
    assert abs(next(i for i, value in enumerate(heard) if value) - first) <= 1
    assert sum(1 for value in heard if value) == RATE_HZ
    started = next(event for event in booth.events if isinstance(event, Started))
    assert started.first_mono_s == pytest.approx(at, abs=0.0001)
    well = Quality(level_dbfs=-30.3)
    assert booth.ended() == [Ended(1, "completed", 1000, pytest.approx(at + 1, abs=0.0001), quality=well)]


def test_nothing_is_said_to_sound_before_the_sink_consumed_it(booth: Booth) -> None:
    at = booth.clock.mono() + 0.1
    booth.player.play(LongSound(1000), at_mono_s=at, of="a", gain=1.0)
    while booth.player.status.airing is None:
        assert booth.clock.mono() < at + 0.041
        booth.run(0.02)
    assert booth.clock.mono() >= at


def test_at_the_very_frame_between_two_pieces_of_a_sound_all_before_it_was_heard(booth: Booth) -> None:
    booth.player.play(LongSound(5000), at_mono_s=booth.clock.mono() + 0.1, of="a", gain=1.0)
    booth.run(0.5)
    booth.sinks[-1].stall(0.02)
    booth.run(0.3)
    assert booth.player.status.late_ms  # it hurries, so that each piece is kept apart from the next
    for _ in range(20):
        before = booth.player.status.reached_ms
        booth.run(0.02)
        assert booth.player.status.reached_ms - before == pytest.approx(20, abs=1)


def test_one_sound_gives_way_to_another_within_a_fade(booth: Booth) -> None:
    now = booth.clock.mono()
    booth.player.play(LongSound(5000), at_mono_s=now + 0.2, of="a", gain=1.0)
    booth.player.play(LongSound(1000), at_mono_s=now + 1.2, of="b", gain=0.1)
    booth.run(3)
    heard = booth.samples()
    switch = booth.frame_at(now + 1.2)
    assert heard[switch - 10] == 1000
    assert 100 < heard[switch + RATE_HZ * 15 // 1000] < 1100
    assert heard[switch + RATE_HZ * 45 // 1000] == 100
    cut, whole = booth.ended()
    assert (cut.cause, whole.cause) == ("cut", "completed")
    assert cut.played_ms == pytest.approx(1030, abs=21)


def test_a_sound_that_has_not_begun_can_be_called_off(booth: Booth) -> None:
    sound = LongSound(1000)
    airing = booth.player.play(sound, at_mono_s=booth.clock.mono() + 1, of="a", gain=1.0)
    booth.run(0.2)
    booth.player.stop(airing)
    booth.run(2)
    assert not any(booth.samples())
    assert booth.ended() == [Ended(airing, "cancelled", 0, None)]
    assert sound.closed


def test_volume_moves_without_a_jump(booth: Booth) -> None:
    airing = booth.player.play(LongSound(3000), at_mono_s=booth.clock.mono() + 0.2, of="a", gain=1.0)
    booth.run(1)
    booth.player.set_gain(airing, 0.2, over_s=0.03)
    booth.run(1)
    heard = booth.samples()
    loud = [value for value in heard if value]
    assert min(loud) == 200
    assert max(abs(a - b) for a, b in pairwise(loud)) <= 30


def test_the_time_of_day_turns_the_volume_within_a_second(booth: Booth) -> None:
    airing = booth.player.play(LongSound(3000), at_mono_s=booth.clock.mono() + 0.2, of="a", gain=1.0)
    booth.run(1)
    booth.player.set_gain(airing, 0.2)
    booth.run(1.5)
    loud = [value for value in booth.samples() if value]
    turning = [value for value in loud if 200 < value < 1000]
    assert len(turning) == pytest.approx(RATE_HZ, rel=0.01)
    assert max(abs(a - b) for a, b in pairwise(loud)) <= 1


def test_what_waits_begins_when_the_clock_has_moved(booth: Booth) -> None:
    at = booth.clock.mono() + 0.5
    airing = booth.player.play(LongSound(1000), at_mono_s=at, of="a", gain=1.0)
    booth.run(0.2)
    booth.player.retime(airing, at + 0.1)
    booth.run(2)
    assert abs(next(i for i, value in enumerate(booth.samples()) if value) - booth.frame_at(at + 0.1)) <= 1


class Stuttering(LongSound):
    """A sound that can be made to bring nothing for a while."""

    hungry = False

    def read(self, frames: int) -> bytes:
        return b"" if self.hungry else super().read(frames)


def starve(booth: Booth, sound: Stuttering, seconds: float, *, rest_s: float = 2) -> None:
    booth.run(0.6)
    sound.hungry = True
    booth.run(seconds)
    sound.hungry = False
    booth.run(rest_s)


def test_a_sound_that_must_be_heard_whole_goes_on_where_it_starved(booth: Booth) -> None:
    sound = Stuttering(1000)
    booth.player.play(sound, at_mono_s=booth.clock.mono() + 0.2, of="a", gain=1.0, in_step=False)
    starve(booth, sound, 0.4)
    assert [(event.cause, event.played_ms, event.skipped_ms) for event in booth.ended()] == [("completed", 1000, 0)]


def test_a_sound_that_starved_comes_back_into_step(booth: Booth) -> None:
    sound = Stuttering(1000)
    at = booth.clock.mono() + 0.2
    booth.player.play(sound, at_mono_s=at, of="a", gain=1.0)
    starve(booth, sound, 0.4)
    (ended,) = booth.ended()
    assert (ended.cause, ended.last_mono_s) == ("completed", pytest.approx(at + 1, abs=0.0001))
    assert ended.played_ms + ended.skipped_ms == 1000
    assert ended.skipped_ms == pytest.approx(400, abs=1)
    assert booth.player.status.jumps == 1


def test_where_a_sound_starved_its_end_says_how_often_and_how_long(booth: Booth) -> None:
    sound = Stuttering(2000)
    booth.player.play(sound, at_mono_s=booth.clock.mono() + 0.2, of="a", gain=1.0, in_step=False)
    for _ in range(2):
        starve(booth, sound, 0.2, rest_s=0)
    booth.run(3)
    (ended,) = booth.ended()
    assert (ended.played_ms, ended.quality) == (2000, Quality(2, 400, -30.3))
    assert (booth.player.status.underruns, booth.player.status.underrun_ms) == (2, 400)


def test_a_starvation_that_nothing_follows_is_an_end_and_no_gap(booth: Booth) -> None:
    sound = Stuttering(1000)
    booth.player.play(sound, at_mono_s=booth.clock.mono() + 0.2, of="a", gain=1.0)
    starve(booth, sound, 6)
    (ended,) = booth.ended()
    assert (ended.cause, ended.quality.underruns, ended.quality.underrun_ms) == ("failed", 0, 0)


@pytest.mark.parametrize(("in_step", "heard_ms"), [(True, 4700), (False, 5000)])
def test_a_sink_that_stood_still_is_said_of_what_was_heard_then(booth: Booth, *, in_step: bool, heard_ms: int) -> None:
    booth.sinks[-1].stall(0.2)
    booth.run(1)
    booth.player.play(LongSound(5000), at_mono_s=booth.clock.mono() + 0.2, of="a", gain=1.0, in_step=in_step)
    booth.run(2)
    booth.sinks[-1].stall(0.3)
    booth.run(6)
    booth.player.play(LongSound(500), at_mono_s=booth.clock.mono() + 0.2, of="b", gain=1.0)
    booth.run(2)
    broken, whole = booth.ended()
    assert (broken.quality.underruns, broken.quality.underrun_ms) == (1, pytest.approx(300, abs=2))
    assert broken.played_ms == pytest.approx(heard_ms, abs=30)
    assert whole.quality == Quality(level_dbfs=-30.3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(3, 40), st.integers(1, 40)), min_size=1, max_size=6))
def test_what_was_heard_and_the_gaps_in_it_are_all_the_time_it_took(turns: list[tuple[int, int]]) -> None:
    booth = Booth()
    sound = Stuttering(20_000)
    booth.player.play(sound, at_mono_s=booth.clock.mono() + 0.1, of="a", gain=1.0, in_step=False)
    booth.run(0.5)
    for hungry, fed in turns:
        for sound.hungry, pieces in ((True, hungry), (False, fed)):
            booth.run(pieces * 0.02)
    booth.run(0.5)
    booth.player.stop(1)
    booth.run(1)
    started = next(event for event in booth.events if isinstance(event, Started))
    (ended,) = booth.ended()
    assert ended.last_mono_s is not None
    lasted_ms = (ended.last_mono_s - started.first_mono_s) * 1000
    assert ended.played_ms + ended.quality.underrun_ms == pytest.approx(lasted_ms, abs=2, rel=SOFT_LIMIT)
    samples = np.array(booth.samples())
    sounded = samples[samples != 0].astype(float)
    assert ended.quality.level_dbfs == pytest.approx(20 * np.log10(np.sqrt((sounded**2).mean()) / 32768), abs=0.1)


def test_how_loud_it_was_is_said_after_the_volume_and_with_its_own_silence(booth: Booth) -> None:
    booth.player.play(LongSound(1000), at_mono_s=booth.clock.mono() + 0.2, of="a", gain=0.1)
    booth.player.play(LongSound(1000, level=0), at_mono_s=booth.clock.mono() + 2, of="b", gain=1.0)
    booth.run(4)
    assert [event.quality.level_dbfs for event in booth.ended()] == [-50.3, -99.0]


def test_what_never_sounded_had_no_level(booth: Booth) -> None:
    airing = booth.player.play(LongSound(1000), at_mono_s=booth.clock.mono() + 5, of="a", gain=1.0)
    booth.player.stop(airing)
    booth.run(1)
    assert [event.quality for event in booth.ended()] == [Quality()]


def test_a_sound_that_brings_nothing_is_given_up(booth: Booth) -> None:
    class Mute(LongSound):
        def read(self, frames: int) -> bytes:
            return bytes(0 * frames)

    booth.player.play(Mute(1000), at_mono_s=booth.clock.mono(), of="a", gain=1.0)
    booth.run(6)
    assert [(event.cause, event.played_ms) for event in booth.ended()] == [("failed", 0)]


def test_an_underrun_is_counted_and_the_next_start_is_right_again(booth: Booth) -> None:
    booth.sinks[-1].stall(0.3)
    booth.run(1)
    assert booth.player.status.underruns == 1
    at = booth.clock.mono() + 0.5
    booth.player.play(LongSound(500), at_mono_s=at, of="a", gain=1.0)
    booth.run(1.5)
    assert abs(next(i for i, value in enumerate(booth.samples()) if value) - booth.frame_at(at)) <= 1


def test_a_lost_sink_ends_what_sounds_and_is_opened_again(booth: Booth) -> None:
    booth.player.play(LongSound(5000), at_mono_s=booth.clock.mono(), of="a", gain=1.0)
    booth.run(1)
    booth.sinks[-1].fail_after = 0
    booth.works, booth.why = False, "the fake was told to fail"
    booth.run(0.1)
    (ended,) = booth.ended()
    assert ended.cause == "lost"
    assert 800 < ended.played_ms < 1000
    assert not booth.player.status.open
    assert booth.sinks[-1].closed
    booth.works = True
    booth.run(0.1)
    assert booth.player.status.open
    assert [event.open for event in booth.events if isinstance(event, SinkChanged)] == [True, False, True]


def test_the_amplifier_is_on_from_a_moment_before_the_sound_to_a_moment_after(booth: Booth) -> None:
    booth.run(1)
    assert booth.line.levels == [False]
    booth.player.play(LongSound(1000), at_mono_s=booth.clock.mono() + 1, of="a", gain=1.0)
    booth.run(0.6)
    assert booth.line.levels == [False]
    booth.run(0.3)
    assert booth.line.levels == [False, True]
    assert booth.player.amplifier_on
    booth.run(1.2)
    assert booth.line.levels == [False, True]
    booth.run(1.5)
    assert booth.line.levels == [False, True, False]


def test_the_amplifier_is_off_as_soon_as_the_sink_is_lost(booth: Booth) -> None:
    booth.player.play(LongSound(5000), at_mono_s=booth.clock.mono(), of="a", gain=1.0)
    booth.run(1)
    booth.sinks[-1].fail_after = 0
    booth.works = False
    booth.run(0.1)
    assert booth.line.levels == [False, True, False]


def test_the_amplifier_is_off_before_a_hanging_device_is_closed(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    power: list[bool] = []
    monkeypatch.setattr(booth.sinks[-1], "close", lambda: power.append(booth.line.levels[-1]))
    booth.player.play(LongSound(5000), at_mono_s=booth.clock.mono() + 0.2, of="a", gain=1.0)
    booth.run(1)
    assert booth.line.levels[-1] is True
    booth.sinks[-1].fail_after = 0
    booth.run(0.02)
    assert power == [False]


def test_a_sound_whose_last_samples_were_lost_with_the_sink_was_not_heard_whole(booth: Booth) -> None:
    at = booth.clock.mono() + 0.2
    booth.player.play(LongSound(500), at_mono_s=at, of="a", gain=1.0)
    while booth.sinks[-1].written < booth.frame_at(at + 0.5):
        booth.run(0.02)
    booth.sinks[-1].fail_after = 0
    booth.run(0.02)
    (ended,) = booth.ended()
    assert ended.cause == "lost"
    assert 400 < ended.played_ms < 500


def test_why_there_is_no_sink_is_said_again_when_the_cause_is_another(booth: Booth) -> None:
    booth.works = False
    booth.sinks[-1].fail_after = 0
    booth.run(0.1)
    booth.why = "another program holds it"
    booth.run(0.1)
    lost = [event.detail for event in booth.events if isinstance(event, SinkChanged) and not event.open]
    assert lost == ["the fake was told to fail", "broken by the test", "another program holds it"]


class WildLine(FakeLine):
    """A line whose library raises what nobody expects."""

    wild = True

    def set(self, *, on: bool) -> None:
        if self.wild:
            raise RuntimeError("lines have been released")
        super().set(on=on)


async def test_the_amplifier_ends_off_whatever_fails_in_the_thread() -> None:
    events: asyncio.Queue[PlayerEvent] = asyncio.Queue()
    line = WildLine()
    sinks: list[FakeSink] = []

    def open_sink() -> Sink:
        sinks.append(FakeSink(time.monotonic))
        return sinks[-1]

    player = Player(open_sink, Amplifier(line))
    player.listen(events.put_nowait)
    player.start()
    async with asyncio.timeout(10):
        while (event := await events.get()) != SinkChanged(open=False, detail="lines have been released"):
            assert event == SinkChanged(open=True, detail="fake")
    line.wild = False
    await player.aclose()
    assert line.closed
    assert line.levels[-1] is False
    assert all(sink.closed for sink in sinks)


class FastCard:
    """A card whose crystal is fast: it takes samples as it plays them, and time passes while it is waited for."""

    name = "fast"
    latency_ms = 120.0

    def __init__(self, clock: ManualClock, ppm: float) -> None:
        self.clock = clock
        self.rate_hz = RATE_HZ * (1 + ppm * 1e-6)
        self.began = clock.mono()
        self.written = 0
        self.dry_s = 0.0

    def played(self) -> float:
        return (self.clock.mono() - self.began - self.dry_s) * self.rate_hz

    def write(self, frames: bytes, of: str | None = None) -> None:
        del of
        if (missing := self.played() - self.written) > 0 and self.written:
            self.dry_s += missing / self.rate_hz
        self.written += len(frames) // 2
        too_many = self.written - self.played() - self.rate_hz * self.latency_ms / 1000
        if too_many > 0:
            self.clock.advance(too_many / self.rate_hz)

    def consumed(self) -> Position:
        return Position(int(max(0, min(self.played(), self.written))), self.clock.mono())

    def close(self) -> None:
        """Nothing to let go of."""


def test_a_fast_card_does_not_starve_however_long_it_plays() -> None:
    clock = ManualClock()
    card = FastCard(clock, ppm=2000)
    player = Player(lambda: card, mono=clock.mono)
    until = clock.mono() + 20 * 60
    while clock.mono() < until:
        clock.advance(player.step())
    assert card.dry_s == 0


def test_a_device_that_takes_everything_is_fed_in_real_time() -> None:
    clock = ManualClock()
    sink = FakeSink(clock.mono)
    player = Player(lambda: sink, mono=clock.mono)
    until = clock.mono() + 60
    while clock.mono() < until:
        clock.advance(player.step() or 0.000_1)
    assert sink.written / RATE_HZ == pytest.approx(60, abs=2)


def test_a_broken_line_keeps_no_sound_from_being_played(booth: Booth) -> None:
    booth.line.broken = True
    booth.player.play(LongSound(500), at_mono_s=booth.clock.mono() + 0.5, of="a", gain=1.0)
    booth.run(2)
    assert booth.ended()[0].cause == "completed"


def test_volume_steps_sound_equal() -> None:
    assert [gain(0), gain(100), gain(150)] == [0, 1, 1]
    assert gain(50) == pytest.approx(0.1)
    assert gain(70) / gain(60) == pytest.approx(gain(30) / gain(20))


async def test_in_real_time_it_starts_at_its_instant(tmp_path: Path) -> None:
    """The real thread and the real clock, on a sink that needs no sound card."""
    player = Player(lambda: WavSink(SoundedFiles(tmp_path)))
    events: asyncio.Queue[PlayerEvent] = asyncio.Queue()
    player.listen(events.put_nowait)
    player.start()
    try:
        async with asyncio.timeout(10):
            assert await events.get() == SinkChanged(open=True, detail="wav")
            at = time.monotonic() + 0.7
            airing = player.play(Samples(b"\xe8\x03" * RATE_HZ), at_mono_s=at, of="a", gain=1.0)
            started = await events.get()
            assert isinstance(started, Started)
            assert started.first_mono_s == pytest.approx(at, abs=0.02)
            player.stop(airing)
            ended = await events.get()
            assert isinstance(ended, Ended)
            assert ended.cause == "cut"
            assert 0 < ended.played_ms < 1000
    finally:
        await player.aclose()


async def test_closing_fades_out_what_sounds(tmp_path: Path) -> None:
    player = Player(lambda: WavSink(SoundedFiles(tmp_path)))
    events: asyncio.Queue[PlayerEvent] = asyncio.Queue()
    player.listen(events.put_nowait)
    player.start()
    async with asyncio.timeout(10):
        await events.get()
        player.play(LongSound(60_000), at_mono_s=time.monotonic(), of="a", gain=1.0)
        assert isinstance(await events.get(), Started)
        await player.aclose()
        ended = await events.get()
    assert isinstance(ended, Ended)
    assert ended.cause == "cut"
