"""What a listener hears and a journal says, second by second."""

from datetime import timedelta
from pathlib import Path

import pytest

from device_agent.conductor import CannotSound, NotPlanned
from protocol.messages import CapLimits, Config, Outcome, VolumeWindow, Window
from schedules.types import Priority, Resume
from tests.support.commune_speaker import MISSING, NOON, ManualClock, Speaker, occurrence

NEWS = "tin-sang"
FLOOD = "bao-lu"


@pytest.fixture
def speaker(tmp_path: Path) -> Speaker:
    return Speaker(tmp_path)


async def test_an_occurrence_starts_at_its_very_sample(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=10.123, lasts_s=5))
    await speaker.run_until(17)
    assert speaker.first_sound_at_s() == pytest.approx(10.123, abs=0.0005)
    row = speaker.row(NEWS)
    assert (row.outcome, row.played_ms) == (Outcome.COMPLETED, 5000)
    assert row.start_error_ms == pytest.approx(0, abs=0.5)


async def test_playing_is_said_only_when_the_sink_consumed_samples(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=5))
    await speaker.run_until(4.99)
    assert speaker.conductor.state().state == "silent"
    await speaker.run_until(6)
    state = speaker.conductor.state()
    assert (state.state, state.occurrence) == ("playing", NEWS)
    assert 900 <= state.position_ms <= 1000


async def test_it_is_written_down_before_its_first_sample(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=5))
    await speaker.run_until(4.9)
    assert speaker.records == [(NEWS, None)]
    assert speaker.heard_ms(NEWS) == 0


async def test_priority_takes_the_air_and_routine_rejoins_at_the_wall_clock(speaker: Speaker) -> None:
    speaker.plan(
        occurrence(NEWS, after_s=5, lasts_s=30),
        occurrence(FLOOD, after_s=15, lasts_s=5, clip="b" * 64, priority=Priority.PRIORITY),
    )
    await speaker.run_until(40)
    assert speaker.records == [
        (NEWS, Outcome.PRE_EMPTED),
        (FLOOD, Outcome.COMPLETED),
        (NEWS, Outcome.COMPLETED),
    ]
    first, _, again = speaker.journal.rows
    assert first.played_ms == pytest.approx(10_000, abs=60)
    assert again.play.from_ms == pytest.approx(15_000, abs=100)
    assert again.played_ms == pytest.approx(15_000, abs=100)


async def test_nothing_pre_empts_until_its_own_sound_is_ready(speaker: Speaker) -> None:
    speaker.plan(
        occurrence(NEWS, after_s=5, lasts_s=30),
        occurrence(FLOOD, after_s=10, lasts_s=10, clip=MISSING, priority=Priority.PRIORITY),
    )
    await speaker.run_until(13)
    assert speaker.on_air == NEWS
    speaker.missing.clear()
    await speaker.run_until(14.5)
    assert speaker.on_air == FLOOD


async def test_a_slow_decoder_delays_but_does_not_silence(speaker: Speaker) -> None:
    speaker.slow = True
    speaker.plan(occurrence(NEWS, after_s=5, lasts_s=10))
    await speaker.run_until(5.4)
    assert speaker.on_air is None
    speaker.sounds_become_ready()
    await speaker.run_until(16)
    row = speaker.row(NEWS)
    assert row.outcome is Outcome.COMPLETED
    assert row.play.from_ms == 0
    assert 400 < (row.start_error_ms or 0) < 700


async def test_a_late_agent_rejoins_where_the_wall_clock_is(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=-10, lasts_s=30))
    await speaker.run_until(25)
    row = speaker.row(NEWS)
    assert 10_600 <= row.play.from_ms <= 11_000
    assert row.outcome is Outcome.COMPLETED
    assert row.play.from_ms + row.played_ms == pytest.approx(30_000, abs=5)
    began_at_s = speaker.first_sound_at_s()
    assert began_at_s + 10 == pytest.approx(row.play.from_ms / 1000, abs=0.01)


@pytest.mark.parametrize(
    ("resume", "outcomes"),
    [
        (Resume.REJOIN, [Outcome.INTERRUPTED, Outcome.COMPLETED]),
        (Resume.RESTART, [Outcome.INTERRUPTED, Outcome.COMPLETED]),
        (Resume.SKIP, [Outcome.INTERRUPTED, Outcome.SKIPPED]),
    ],
)
async def test_after_a_kill_the_resume_policy_decides(
    speaker: Speaker, resume: Resume, outcomes: list[Outcome]
) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=20, resume=resume))
    await speaker.run_until(9)
    speaker.kill()
    speaker.power_up()
    await speaker.run_until(35)
    assert [outcome for _, outcome in speaker.records] == outcomes
    if resume is Resume.RESTART:
        assert speaker.journal.rows[-1].play.from_ms == 0


async def test_what_was_heard_is_not_heard_again_after_a_restart(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=5))
    await speaker.run_until(8)
    speaker.kill()
    speaker.power_up()
    await speaker.run_until(20)
    assert speaker.records == [(NEWS, Outcome.COMPLETED)]


async def test_stop_silences_for_good(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=20), occurrence("sau", after_s=3, lasts_s=20, rank=5))
    await speaker.run_until(6)
    said = await speaker.ask(speaker.conductor.stop())
    assert said == f"stopped: {NEWS}"
    speaker.kill()
    speaker.power_up()
    await speaker.run_until(30)
    assert sorted(map(str, speaker.records)) == sorted(map(str, [(NEWS, Outcome.STOPPED), ("sau", Outcome.SKIPPED)]))


async def test_a_skipped_occurrence_never_sounds(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=5, lasts_s=5))
    await speaker.run_until(1)
    await speaker.ask(speaker.conductor.skip(NEWS))
    await speaker.run_until(15)
    assert speaker.records == [(NEWS, Outcome.SKIPPED)]
    assert speaker.heard_ms(NEWS) == 0
    with pytest.raises(NotPlanned):
        await speaker.ask(speaker.conductor.skip(NEWS))


async def test_a_withdrawn_occurrence_fades_out(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=20))
    await speaker.run_until(6)
    speaker.plan()
    await speaker.run_until(8)
    row = speaker.row(NEWS)
    assert (row.outcome, row.reason) == (Outcome.STOPPED, "withdrawn")
    assert speaker.on_air is None


async def test_a_new_plan_that_keeps_it_does_not_disturb_what_is_on_air(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=10))
    await speaker.run_until(6)
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=10), occurrence("sau", after_s=60))
    await speaker.run_until(14)
    assert speaker.records == [(NEWS, Outcome.COMPLETED)]
    assert speaker.row(NEWS).played_ms == 10_000


async def test_an_untrusted_clock_waits_says_so_and_writes_it_down(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path, ManualClock(disciplined=False))
    speaker.plan(occurrence(NEWS, after_s=5, lasts_s=5))
    await speaker.run_until(20)
    assert speaker.records == []
    assert "clock_untrusted" in {problem.code for problem in speaker.conductor.problems()}
    speaker.system.disciplined = True
    await speaker.run_until(21)
    assert speaker.records == [(NEWS, Outcome.MISSED)]
    assert speaker.row(NEWS).reason == "clock_untrusted"


async def test_a_stepped_wall_clock_changes_nothing(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=10, lasts_s=5))
    await speaker.run_until(5)
    speaker.system.utc += timedelta(hours=1)
    speaker.system.disciplined = False
    for _ in range(600):
        await speaker.step()
    assert speaker.records == [(NEWS, Outcome.COMPLETED)]
    assert speaker.row(NEWS).started_at == pytest.approx(NOON + timedelta(seconds=10), abs=timedelta(milliseconds=2))
    assert speaker.clock.state().steps == 1


async def test_a_missing_clip_is_a_missed_occurrence_once(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=5, clip=MISSING))
    await speaker.run_until(9)
    speaker.power_up()
    await speaker.run_until(12)
    assert speaker.records == [(NEWS, Outcome.MISSED)]
    assert speaker.row(NEWS).reason == "clip_missing"


async def test_a_plan_owes_nothing_from_before_it_was_known(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=-60, lasts_s=5), known_since=NOON)
    await speaker.run_until(3)
    assert speaker.records == []


async def test_what_was_due_while_the_agent_was_off_is_missed(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=-60, lasts_s=5), known_since=NOON - timedelta(hours=1))
    await speaker.run_until(3)
    assert speaker.records == [(NEWS, Outcome.MISSED)]
    assert speaker.row(NEWS).reason == "agent_off"


async def test_a_lost_sink_is_reopened_and_the_broadcast_rejoined(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=20))
    await speaker.run_until(5)
    speaker.sink.fail_after = speaker.sink.written
    speaker.sink_works = False
    await speaker.run_until(8)
    assert speaker.conductor.state().state == "lost"
    assert "sink_lost" in {problem.code for problem in speaker.conductor.problems()}
    speaker.sink_works = True
    await speaker.run_until(25)
    assert speaker.records == [(NEWS, Outcome.INTERRUPTED), (NEWS, Outcome.COMPLETED)]
    assert speaker.journal.rows[0].reason == "sink_lost"


@pytest.mark.parametrize(
    ("resume", "outcomes"),
    [
        (Resume.RESTART, [Outcome.INTERRUPTED, Outcome.COMPLETED]),
        (Resume.SKIP, [Outcome.INTERRUPTED, Outcome.SKIPPED]),
    ],
)
async def test_after_a_lost_sink_the_resume_policy_decides(
    speaker: Speaker, resume: Resume, outcomes: list[Outcome]
) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=20, resume=resume))
    await speaker.run_until(5)
    speaker.sink.fail_after = speaker.sink.written
    speaker.sink_works = False
    await speaker.run_until(5.2)
    assert speaker.records[0] == (NEWS, Outcome.INTERRUPTED)
    await speaker.run_until(8)
    speaker.sink_works = True
    await speaker.run_until(32)
    assert [outcome for _, outcome in speaker.records] == outcomes
    if resume is Resume.RESTART:
        assert (speaker.journal.rows[-1].play.from_ms, speaker.journal.rows[-1].played_ms) == (0, 20_000)


async def test_a_decoder_that_starves_is_on_record(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=10))
    await speaker.run_until(4)
    speaker.sounds[-1].dry = True
    await speaker.run_until(5.5)
    speaker.sounds[-1].dry = False
    await speaker.run_until(13)
    row = speaker.row(NEWS)
    assert (row.outcome, row.reason) == (Outcome.COMPLETED, "gaps")
    assert row.played_ms == pytest.approx(8500, abs=100)
    assert row.ended_at == pytest.approx(NOON + timedelta(seconds=11), abs=timedelta(milliseconds=100))


async def test_a_decoder_that_never_comes_back_is_a_failure(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=12))
    await speaker.run_until(4)
    speaker.sounds[-1].dry = True
    await speaker.run_until(10)
    row = speaker.row(NEWS)
    assert (row.outcome, row.reason) == (Outcome.FAILED, "decode_failed")
    assert row.played_ms == pytest.approx(3000, abs=100)


async def test_a_sound_ends_by_utc_though_the_crystal_is_off(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path, ManualClock(drift=0.001))
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=40), occurrence("sau", after_s=42, lasts_s=3, clip="b" * 64))
    await speaker.run_until(46)
    first, second = speaker.journal.rows
    assert first.started_at == pytest.approx(NOON + timedelta(seconds=2), abs=timedelta(milliseconds=2))
    # By the crystal alone it would end 40 ms early.
    assert first.ended_at == pytest.approx(NOON + timedelta(seconds=42), abs=timedelta(milliseconds=4))
    assert second.started_at == pytest.approx(NOON + timedelta(seconds=42), abs=timedelta(milliseconds=4))
    assert (first.outcome, first.reason) == (Outcome.COMPLETED, "")


async def test_what_has_no_volume_of_its_own_follows_the_hour(speaker: Speaker) -> None:
    evening = (VolumeWindow(start="12:01", end="13:00", volume=40),)
    speaker.config = Config(device="loa-1", version=1, default_volume=80, volume_rules=evening)
    own = occurrence("rieng", after_s=70, lasts_s=5, volume=90, clip="b" * 64)
    speaker.plan(occurrence(NEWS, after_s=50, lasts_s=15, volume=80, own_volume=False), own)
    speaker.system.advance(45)
    await speaker.run_until(55)
    assert speaker.conductor.state().volume == 80
    await speaker.run_until(63)
    assert speaker.conductor.state().volume == 40
    await speaker.run_until(72)
    assert speaker.conductor.state().volume == 90


async def test_quiet_hours_silence_all_but_an_emergency(speaker: Speaker) -> None:
    speaker.config = Config(device="loa-1", version=1, quiet_hours=(Window(start="11:00", end="13:00"),))
    speaker.plan(
        occurrence(NEWS, after_s=2, lasts_s=5, priority=Priority.PRIORITY),
        occurrence(FLOOD, after_s=4, lasts_s=5, clip="b" * 64, priority=Priority.EMERGENCY),
    )
    await speaker.run_until(12)
    assert (FLOOD, Outcome.COMPLETED) in speaker.records
    assert (NEWS, Outcome.SKIPPED) in speaker.records
    assert speaker.row(NEWS).reason == "quiet_hours"


async def test_quiet_hours_end_what_runs_into_them(speaker: Speaker) -> None:
    speaker.config = Config(device="loa-1", version=1, quiet_hours=(Window(start="12:01", end="13:00"),))
    speaker.plan(occurrence(NEWS, after_s=50, lasts_s=30))
    speaker.system.advance(45)
    await speaker.run_until(63)
    row = speaker.row(NEWS)
    assert (row.outcome, row.reason) == (Outcome.STOPPED, "quiet_hours")
    assert row.played_ms == pytest.approx(10_000, abs=200)


async def test_caps_hold_on_the_device(speaker: Speaker) -> None:
    speaker.config = Config(device="loa-1", version=1, caps=CapLimits(daily_max_s=12))
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=10), occurrence("sau", after_s=14, lasts_s=10))
    await speaker.run_until(30)
    assert speaker.records == [(NEWS, Outcome.COMPLETED), ("sau", Outcome.SKIPPED)]
    assert speaker.row("sau").reason == "daily_cap"


async def test_the_ceiling_holds_and_an_override_lasts_until_its_moment(speaker: Speaker) -> None:
    speaker.config = Config(device="loa-1", version=1, max_volume=80)
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=20, volume=90))
    await speaker.run_until(4)
    assert speaker.conductor.state().volume == 80
    speaker.conductor.set_volume(40, NOON + timedelta(seconds=8))
    await speaker.run_until(6)
    assert speaker.conductor.state().volume == 40
    await speaker.run_until(9)
    assert speaker.conductor.state().volume == 80


async def test_a_test_tone_sounds_and_is_recorded(speaker: Speaker) -> None:
    await speaker.run_until(1)
    await speaker.ask(speaker.conductor.test_tone(2))
    row = speaker.journal.rows[0]
    assert (row.play.kind, row.outcome, row.played_ms) == ("test_tone", Outcome.COMPLETED, 2000)


async def test_a_test_tone_never_interrupts(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2))
    await speaker.run_until(4)
    with pytest.raises(CannotSound):
        await speaker.ask(speaker.conductor.test_tone(2))


async def test_the_one_after_begins_where_the_one_before_ends(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=2, lasts_s=5), occurrence("sau", after_s=7, lasts_s=5, clip="b" * 64))
    await speaker.run_until(14)
    assert speaker.records == [(NEWS, Outcome.COMPLETED), ("sau", Outcome.COMPLETED)]
    assert speaker.journal.rows[1].start_error_ms == pytest.approx(0, abs=1)


async def test_progress_is_noted_every_few_seconds(speaker: Speaker) -> None:
    speaker.plan(occurrence(NEWS, after_s=1, lasts_s=20))
    await speaker.run_until(13)
    assert 10_000 <= speaker.row(NEWS).progress_ms <= 10_200
