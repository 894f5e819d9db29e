"""When a speaker may believe its clock, and what cannot move it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from device_agent.clock import TRUST_LIMIT_S, Exchange, SystemClock, TrustedClock
from protocol.messages import ClockQuality
from tests.support.commune_speaker import NOON, ManualClock


@pytest.fixture
def machine() -> ManualClock:
    """A machine whose wall clock says 1970 and nobody disciplines."""
    return ManualClock(utc=datetime.fromtimestamp(0, NOON.tzinfo), disciplined=False)


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def agree(clock: TrustedClock, machine: ManualClock, truth: datetime, times: int = 5) -> datetime:
    """Exchange with a controller that knows the truth; returns the truth afterwards."""
    for _ in range(times):
        sent = machine.mono()
        machine.advance(0.01)
        received = truth + timedelta(seconds=0.01)
        machine.advance(0.01)
        clock.observe(Exchange(sent, received, received, machine.mono()))
        truth += timedelta(seconds=0.02)
    return truth


def pass_time(clock: TrustedClock, machine: ManualClock, seconds: float, step_s: float = 1.0) -> None:
    while seconds > 0:
        machine.advance(min(step_s, seconds))
        clock.check()
        seconds -= step_s


def test_without_any_source_nothing_is_trusted(machine: ManualClock, anchor: Path) -> None:
    clock = TrustedClock(machine, anchor)
    assert clock.now() is None
    assert clock.state().quality is ClockQuality.UNTRUSTED
    assert not anchor.exists()


def test_exchanges_bring_trust_whatever_the_wall_clock_says(machine: ManualClock, anchor: Path) -> None:
    told = []
    clock = TrustedClock(machine, anchor, changed=lambda: told.append(True))
    truth = agree(clock, machine, NOON)
    assert clock.now() == pytest.approx(truth, abs=timedelta(milliseconds=1))
    state = clock.state()
    assert (state.source, state.quality) == ("exchange", ClockQuality.TRUSTED)
    assert state.error_ms == pytest.approx(10, abs=0.1)
    assert state.round_trip_ms == pytest.approx(20, abs=0.1)
    assert told == [True]


def test_a_wall_step_is_counted_and_moves_nothing(machine: ManualClock, anchor: Path) -> None:
    clock = TrustedClock(machine, anchor)
    truth = agree(clock, machine, NOON)
    for hours in (1, -1):
        machine.utc += timedelta(hours=hours)
        clock.check()
    assert clock.now() == pytest.approx(truth, abs=timedelta(milliseconds=1))
    assert clock.state().steps == 2


def test_a_disciplined_wall_clock_is_trusted_until_it_jumps(machine: ManualClock, anchor: Path) -> None:
    machine.utc, machine.disciplined = NOON, True
    clock = TrustedClock(machine, anchor)
    assert clock.state().source == "system"
    machine.utc += timedelta(hours=1)
    clock.check()
    assert clock.now() == pytest.approx(NOON, abs=timedelta(milliseconds=1))


def test_trust_holds_over_a_restart_of_the_agent(machine: ManualClock, anchor: Path) -> None:
    truth = agree(TrustedClock(machine, anchor), machine, NOON)
    machine.advance(3600)
    machine.utc -= timedelta(hours=7)
    clock = TrustedClock(machine, anchor)
    assert clock.now() == pytest.approx(truth + timedelta(hours=1), abs=timedelta(milliseconds=100))
    assert clock.state().source == "holdover"


def test_trust_does_not_survive_a_restart_of_the_machine(machine: ManualClock, anchor: Path) -> None:
    agree(TrustedClock(machine, anchor), machine, NOON)
    machine.boot, machine.boot_s, machine.mono_s = "boot-2", 5.0, 5.0
    assert TrustedClock(machine, anchor).now() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"boot_id": "boot-1"}', '{"boot_id":"boot-1","boottime_s":"x"}'])
def test_a_broken_anchor_is_no_anchor(machine: ManualClock, anchor: Path, text: str) -> None:
    anchor.write_text(text)
    assert TrustedClock(machine, anchor).now() is None


def test_holdover_lasts_a_whole_plan_and_no_longer(machine: ManualClock, anchor: Path) -> None:
    clock = TrustedClock(machine, anchor)
    agree(clock, machine, NOON)
    pass_time(clock, machine, 7 * 86400, step_s=3600)
    assert clock.state().source == "holdover"
    assert (clock.state().error_ms or 0) < TRUST_LIMIT_S * 1000
    pass_time(clock, machine, 86400, step_s=3600)
    assert clock.now() is None


def test_a_small_correction_never_turns_time_back(machine: ManualClock, anchor: Path) -> None:
    clock = TrustedClock(machine, anchor)
    truth = agree(clock, machine, NOON)
    machine.advance(2000)
    truth += timedelta(seconds=2000, milliseconds=-200)
    seen = [clock.best_guess()]
    for _ in range(5):
        truth = agree(clock, machine, truth, times=1)
        seen.append(clock.best_guess())
    for _ in range(60):
        pass_time(clock, machine, 1)
        truth += timedelta(seconds=1)
        seen.append(clock.best_guess())
    assert seen == sorted(seen)
    assert clock.best_guess() == pytest.approx(truth, abs=timedelta(milliseconds=1))


def test_instants_and_moments_are_each_others_inverse(machine: ManualClock, anchor: Path) -> None:
    clock = TrustedClock(machine, anchor)
    truth = agree(clock, machine, NOON)
    machine.advance(2000)
    agree(clock, machine, truth + timedelta(seconds=2000, milliseconds=150))
    for ahead_s in (0, 1, 10, 100, 10_000):
        moment = clock.best_guess() + timedelta(seconds=ahead_s)
        assert clock.utc_at(clock.mono_at(moment)) == pytest.approx(moment, abs=timedelta(microseconds=20))


def test_a_sleeping_machine_wakes_at_the_right_time(machine: ManualClock, anchor: Path) -> None:
    clock = TrustedClock(machine, anchor)
    truth = agree(clock, machine, NOON)
    machine.boot_s += 600
    machine.utc += timedelta(seconds=600)
    clock.check()
    assert clock.now() == pytest.approx(truth + timedelta(seconds=600), abs=timedelta(milliseconds=1))
    assert clock.state().steps == 0


def test_the_anchor_is_written_rarely(machine: ManualClock, anchor: Path) -> None:
    clock = TrustedClock(machine, anchor)
    agree(clock, machine, NOON)
    anchor.unlink()
    pass_time(clock, machine, 500)
    assert not anchor.exists()
    pass_time(clock, machine, 200)
    assert anchor.exists()


def test_the_real_machine_answers() -> None:
    real = SystemClock()
    assert real.synchronised() in {True, False}
    assert real.boot_id()
    assert real.boottime() >= real.mono() - 1


@pytest.mark.parametrize("utc_s", ["1e30", "-5000", "NaN", "Infinity", "1" + "0" * 400, "[]"])
def test_an_anchor_from_beyond_all_calendars_is_no_anchor(machine: ManualClock, anchor: Path, utc_s: str) -> None:
    anchor.write_text(f'{{"boot_id": "{machine.boot}", "boottime_s": 1, "utc_s": {utc_s}, "error_s": 0.01}}')
    clock = TrustedClock(machine, anchor)
    assert clock.now() is None
    assert clock.best_guess() == machine.utc


def test_where_the_time_is_not_known_it_is_at_least_as_late_as_what_was_signed(
    machine: ManualClock, anchor: Path
) -> None:
    clock = TrustedClock(machine, anchor)
    clock.not_before(NOON)
    machine.advance(10)
    clock.not_before(NOON)
    assert clock.best_guess() == NOON + timedelta(seconds=10)
    assert not clock.trusted
    machine.utc = NOON + timedelta(days=1)
    assert clock.best_guess() == machine.utc
