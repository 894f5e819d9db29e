"""Alerts on one speaker: heard at once and whole, again by their plan, and never when they are over."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from device_agent.alerts.parts import wanted, wish
from device_agent.alerts.store import AlertStore, targets_of
from device_agent.clock import Exchange
from device_agent.clock_filter import ENOUGH
from protocol.messages import Alert, AlertKind, AlertPhase, AlertSet, Config, Outcome, RepeatPlan, Window
from protocol.signing import KeyRing, SigningKey, verify
from schedules.types import Priority
from tests.support.agent_rooms import order
from tests.support.alert_chaos import Life, describe
from tests.support.alerted import AREA, KEYS, MESSAGE, Alerted, alert, instant_words, speaker_in
from tests.support.commune_speaker import NOON, occurrence

DONE = Outcome.COMPLETED


@pytest.fixture
async def speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alerted]:
    instant_words(monkeypatch)
    speaker = speaker_in(tmp_path)
    yield speaker
    await speaker.put_down()


def at(seconds: float):
    return NOON + timedelta(seconds=seconds)


async def test_an_alert_is_heard_whole_and_said_to_be(speaker: Alerted) -> None:
    speaker.tell(alert())
    await speaker.run_until(0.1)
    assert speaker.phase() is AlertPhase.RECEIVED
    await speaker.run_until(3)
    assert speaker.phase() is AlertPhase.SOUNDING
    await speaker.run_until(10)
    assert speaker.sounded() == [("lu.1.0.signal", DONE), ("lu.1.0.message", DONE)]
    assert speaker.phase() is AlertPhase.FINISHED
    signal, message = speaker.rows()
    assert signal.started_at is not None
    assert message.started_at is not None
    assert abs(message.started_at - signal.started_at - timedelta(seconds=4)) < timedelta(milliseconds=60)
    first = speaker.reports[-1].standings[0].first_sound_at
    assert first is not None
    assert abs(first - signal.started_at) < timedelta(milliseconds=50)


@pytest.mark.parametrize("ahead_s", [40, 3, -40])
async def test_the_words_follow_their_siren_though_the_time_is_learnt_meanwhile(
    speaker: Alerted, ahead_s: float
) -> None:
    await speaker.power_cut()
    speaker.system.boot, speaker.system.disciplined = "boot-2", False
    speaker.system.utc += timedelta(seconds=ahead_s)
    speaker.power_up()
    began_s = speaker.now_s
    await speaker.run_until(began_s + 1)
    speaker.tell(alert())
    await speaker.run_until(began_s + 3)
    assert (speaker.on_air, speaker.clock.trusted) == ("lu.1.0.signal", False)
    mono_s, now = speaker.system.mono_s, at(3)
    for _ in range(ENOUGH):
        speaker.clock.observe(Exchange(mono_s, now, now, mono_s))
    assert speaker.clock.trusted
    await speaker.run_until(began_s + 12)
    assert speaker.sounded() == [("lu.1.0.signal", DONE), ("lu.1.0.message", DONE)]


@pytest.fixture
async def one_of_thousands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alerted]:
    """A speaker that draws the last place of all."""
    instant_words(monkeypatch)
    monkeypatch.setattr(Alerted, "spread_s", 1.0)
    monkeypatch.setattr("device_agent.alerts.watch.random.uniform", lambda _first, last: last)
    speaker = speaker_in(tmp_path)
    yield speaker
    await speaker.put_down()


async def test_what_is_said_waits_for_its_turn_and_the_sound_does_not(one_of_thousands: Alerted) -> None:
    speaker = one_of_thousands
    speaker.tell(alert(starts_at=at(0.5)))
    await speaker.run_until(0.9)
    assert speaker.reports == []
    await speaker.run_until(1.6)
    assert [report.standings[0].phase for report in speaker.reports] == [AlertPhase.SOUNDING]
    await speaker.run_until(10)
    speaker.tell(alert("bao", starts_at=at(20)), alert(starts_at=at(0.5)), version=2)
    await speaker.run_until(11.6)
    assert [standing.alert for standing in speaker.reports[-1].standings] == ["bao", "lu"]
    started_at = speaker.rows()[0].started_at
    assert started_at is not None
    assert abs(started_at - at(0.5)) < timedelta(milliseconds=5)


async def test_that_it_was_heard_is_said_before_that_it_ended(one_of_thousands: Alerted) -> None:
    speaker = one_of_thousands
    speaker.tell(alert())
    await speaker.run_until(7.3)
    assert speaker.phase() is AlertPhase.SOUNDING
    speaker.tell(version=2)
    await speaker.run_until(20)
    said = [report.standings[0].phase for report in speaker.reports if report.standings]
    assert said[-2:] == [AlertPhase.FINISHED, AlertPhase.ENDED]
    assert speaker.reports[-1].standings == ()


async def test_the_words_follow_the_signal_without_a_gap(speaker: Alerted) -> None:
    speaker.tell(alert(starts_at=at(1)))
    await speaker.run_until(12)
    signal, message = speaker.rows()
    assert signal.started_at is not None
    assert abs(signal.started_at - at(1)) < timedelta(milliseconds=5)
    assert signal.ended_at is not None
    assert message.started_at is not None
    assert abs(message.started_at - signal.ended_at) < timedelta(milliseconds=5)


async def test_the_signal_does_not_wait_for_words_that_are_still_on_their_way(speaker: Alerted) -> None:
    speaker.missing.add(MESSAGE.sha256)
    speaker.tell(alert())
    await speaker.run_until(6)
    assert speaker.sounded() == [("lu.1.0.signal", DONE)]
    assert speaker.reports[-1].standings[0].reason == "clip_missing"
    speaker.missing.clear()
    await speaker.run_until(12)
    assert speaker.sounded() == [("lu.1.0.signal", DONE), ("lu.1.0.message", DONE)]


async def test_words_that_are_made_after_the_press_are_heard_once_they_are_known(speaker: Alerted) -> None:
    speaker.tell(alert(message=(), message_follows=True))
    await speaker.run_until(6)
    assert speaker.phase() is AlertPhase.RECEIVED
    speaker.tell(alert(revision=2), version=2)
    await speaker.run_until(12)
    assert speaker.sounded() == [("lu.1.0.signal", DONE), ("lu.1.0.message", DONE)]
    assert speaker.phase() is AlertPhase.FINISHED


async def test_it_sounds_again_by_its_plan_until_it_is_called_off(speaker: Alerted) -> None:
    repeat = RepeatPlan(first_gaps_s=(30, 30), then_every_s=60)
    speaker.tell(alert(repeat=repeat))
    await speaker.run_until(130)
    started = [row.started_at for row in speaker.rows() if (row.play.occurrence or "").endswith("signal")]
    assert started[1:] == [at(30), at(60), at(120)]
    speaker.tell(version=2)
    await speaker.run_until(200)
    assert len(speaker.rows()) == 8
    assert speaker.phase() in {AlertPhase.ENDED, None}


@pytest.mark.parametrize(("turn", "waits_s"), [(0, 0), (1, 5), (2, 10)])
async def test_a_staggered_alert_is_heard_in_the_speakers_turn_and_once(
    tmp_path: Path, turn: int, waits_s: int
) -> None:
    speaker = speaker_in(tmp_path, turn=turn)
    try:
        speaker.tell(alert(stagger_ms=5000, repeat=RepeatPlan(first_gaps_s=(30,))))
        await speaker.run_until(20)
        await speaker.power_cut()
        speaker.power_up()
        await speaker.run_until(60)
        rows = [row for row in speaker.rows() if (row.play.occurrence or "").endswith("signal")]
        assert [row.outcome for row in rows] == [DONE, DONE]
        for row, nominal_s in zip(rows, (waits_s, 30 + waits_s), strict=True):
            assert row.started_at is not None
            assert timedelta() <= row.started_at - at(nominal_s) < timedelta(seconds=0.5)
    finally:
        await speaker.put_down()


async def test_what_was_heard_is_not_heard_again_after_a_restart_nor_from_a_duplicate(speaker: Alerted) -> None:
    speaker.tell(alert())
    await speaker.run_until(10)
    await speaker.power_cut()
    speaker.power_up()
    await speaker.run_until(12)
    assert speaker.phase() is AlertPhase.FINISHED
    assert not speaker.tell(alert())
    assert speaker.tell(alert(revision=2, expires_at=at(7200)), version=2)
    await speaker.run_until(20)
    assert len(speaker.sounded()) == 2


async def test_an_alert_that_a_power_cut_broke_off_is_heard_whole_afterwards(speaker: Alerted) -> None:
    speaker.tell(alert())
    await speaker.run_until(2)
    await speaker.power_cut()
    speaker.power_up()
    await speaker.run_until(15)
    assert speaker.sounded() == [
        ("lu.1.0.signal", Outcome.INTERRUPTED),
        ("lu.1.0.signal", DONE),
        ("lu.1.0.message", DONE),
    ]


async def test_whoever_comes_late_hears_an_active_alert_once(speaker: Alerted) -> None:
    await speaker.run_until(100)
    speaker.tell(alert(repeat=RepeatPlan(first_gaps_s=(30, 60), then_every_s=3600)))
    await speaker.run_until(120)
    assert speaker.sounded() == [("lu.1.2.signal", DONE), ("lu.1.2.message", DONE)]


async def test_a_call_off_is_silence_at_once_and_the_all_clear_is_for_who_heard(
    speaker: Alerted, tmp_path: Path
) -> None:
    speaker.tell(alert())
    await speaker.run_until(2)
    speaker.tell(alert(revision=2, sound_revision=2, ends=True, signal="all-clear", signal_ms=60_000), version=2)
    await speaker.run_until(3)
    assert speaker.rows()[0].outcome is Outcome.STOPPED
    assert speaker.on_air == "lu.2.0.signal"
    await speaker.run_until(70)
    assert speaker.sounded()[1:] == [("lu.2.0.signal", DONE), ("lu.2.0.message", DONE)]

    other = speaker_in(tmp_path / "other")
    other.tell(alert(revision=2, sound_revision=2, ends=True), version=2)
    await other.run_until(10)
    assert other.sounded() == []
    await other.put_down()


async def test_nothing_of_it_is_heard_after_it_expired(speaker: Alerted) -> None:
    speaker.tell(alert(expires_at=at(5)))
    await speaker.run_until(20)
    signal, message = speaker.rows()
    assert (signal.outcome, message.outcome) == (DONE, Outcome.STOPPED)
    assert message.ended_at is not None
    assert message.ended_at < at(5.2)
    late = speaker.sounded()
    speaker.tell(alert("bao", starts_at=at(10), expires_at=at(15)), version=2)
    await speaker.run_until(30)
    assert speaker.sounded() == late


async def test_words_that_ran_out_of_time_here_are_heard_whole_once_it_is_known_that_they_were_prolonged(
    speaker: Alerted,
) -> None:
    speaker.tell(alert(expires_at=at(5)))
    await speaker.run_until(20)
    assert speaker.sounded() == [("lu.1.0.signal", DONE), ("lu.1.0.message", Outcome.STOPPED)]
    speaker.tell(alert(revision=2, expires_at=at(600)), version=2)
    await speaker.run_until(30)
    assert speaker.sounded()[2:] == [("lu.1.0.message", DONE)]


async def test_of_two_alerts_the_higher_issuer_sounds_and_the_other_follows_whole(speaker: Alerted) -> None:
    speaker.tell(alert("xa", issuer_depth=3))
    await speaker.run_until(2)
    speaker.tell(alert("xa", issuer_depth=3), alert("tinh", issuer_depth=1), version=2)
    await speaker.run_until(30)
    heard = [name for name, outcome in speaker.sounded() if outcome is DONE]
    assert heard == ["tinh.1.0.signal", "tinh.1.0.message", "xa.1.0.signal", "xa.1.0.message"]


async def test_the_same_alert_for_area_and_speaker_is_one(speaker: Alerted) -> None:
    speaker.tell(alert())
    speaker.tell(alert(), target="device:loa-1")
    await speaker.run_until(20)
    assert len(speaker.sounded()) == 2
    speaker.tell(version=2)
    await speaker.run_until(21)
    assert speaker.phase() is AlertPhase.FINISHED


async def test_an_exercise_keeps_quiet_hours_and_the_real_thing_does_not(speaker: Alerted) -> None:
    always = Window(start="00:00", end="23:59")
    speaker.config = Config(device="loa-1", version=2, quiet_hours=(always,), default_volume=100)
    speaker.tell(alert("dien-tap", kind=AlertKind.EXERCISE), alert("that"))
    await speaker.run_until(20)
    assert [name for name, _ in speaker.sounded()] == ["that.1.0.signal", "that.1.0.message"]


async def test_a_priority_alert_waits_for_who_speaks_live_and_for_an_emergency_and_follows_whole(
    speaker: Alerted,
) -> None:
    (voice,) = [speaker.go_live("truc-tiep", limit_s=30)]
    await speaker.run_until(2)
    mild = alert("mua", priority=Priority.PRIORITY)
    speaker.tell(mild)
    await speaker.run_until(5)
    assert speaker.on_air == "truc-tiep"
    speaker.tell(alert("lu", starts_at=at(6)), mild, version=2)
    await speaker.run_until(8)
    assert speaker.on_air == "lu.1.0.signal"
    for each in voice:
        each.ended = True
    await speaker.run_until(60)
    assert speaker.sounded() == [
        ("lu.1.0.signal", DONE),
        ("lu.1.0.message", DONE),
        ("mua.1.0.signal", DONE),
        ("mua.1.0.message", DONE),
    ]


async def test_an_emergency_cuts_a_priority_alert_which_is_heard_whole_afterwards(speaker: Alerted) -> None:
    mild = alert("mua", priority=Priority.PRIORITY)
    speaker.tell(mild)
    await speaker.run_until(2)
    assert speaker.on_air == "mua.1.0.signal"
    speaker.tell(alert("lu", starts_at=at(2)), mild, version=2)
    await speaker.run_until(30)
    whole = [name for name, outcome in speaker.sounded() if outcome is DONE]
    assert whole == ["lu.1.0.signal", "lu.1.0.message", "mua.1.0.signal", "mua.1.0.message"]


async def test_only_an_emergency_passes_quiet_hours(speaker: Alerted) -> None:
    always = Window(start="00:00", end="23:59")
    speaker.config = Config(device="loa-1", version=2, quiet_hours=(always,), default_volume=100)
    milder = [alert(str(int(each)), priority=each) for each in (Priority.ROUTINE, Priority.PRIORITY)]
    speaker.tell(*milder, alert("that"))
    await speaker.run_until(20)
    assert [name for name, _ in speaker.sounded()] == ["that.1.0.signal", "that.1.0.message"]
    assert {speaker.phase("0"), speaker.phase("1")} == {AlertPhase.RECEIVED}


@pytest.mark.parametrize(
    ("kind", "said", "takes"),
    [
        (AlertKind.ACTUAL, Priority.ROUTINE, Priority.ROUTINE),
        (AlertKind.ACTUAL, Priority.EMERGENCY, Priority.EMERGENCY),
        (AlertKind.EXERCISE, Priority.EMERGENCY, Priority.PRIORITY),
        (AlertKind.EXERCISE, Priority.ROUTINE, Priority.ROUTINE),
    ],
)
def test_an_alert_wants_the_air_by_its_priority_and_an_exercise_by_no_more_than_that(
    kind: AlertKind, said: Priority, takes: Priority
) -> None:
    first = wanted(alert(kind=kind, priority=said), NOON, lambda _: False)[0]
    assert wish(first, NOON).priority is takes


def test_an_order_that_says_no_priority_is_an_emergency() -> None:
    older = alert().model_dump(mode="json")
    del older["priority"]
    assert Alert.model_validate(older).priority is Priority.EMERGENCY


@pytest.mark.parametrize(("asked", "heard_at"), [(None, 90), (60, 60), (100, 90)])
async def test_an_alert_is_as_loud_as_its_issuer_says_and_as_the_place_allows(
    speaker: Alerted, asked: int | None, heard_at: int
) -> None:
    speaker.config = Config(device="loa-1", version=2, default_volume=40, max_volume=90)
    speaker.conductor.set_volume(20, at(3600))
    speaker.tell(alert(volume=asked))
    await speaker.run_until(10)
    assert [row.play.volume for row in speaker.rows()] == [heard_at, heard_at]


async def test_a_volume_that_is_turned_up_makes_no_silent_test_heard(speaker: Alerted) -> None:
    speaker.conductor.set_volume(80, at(3600))
    speaker.tell(alert("thu", kind=AlertKind.TEST, volume=0))
    await speaker.run_until(10)
    assert speaker.sounded() == [("thu.1.0.signal", DONE), ("thu.1.0.message", DONE)]
    assert not any(speaker.sink.heard)


async def test_a_silent_test_plays_into_the_sink_and_gives_way_to_everything(speaker: Alerted) -> None:
    speaker.plan(occurrence("tin", after_s=1, lasts_s=4))
    await speaker.run_until(2)
    speaker.tell(alert("thu", kind=AlertKind.TEST, volume=0))
    await speaker.run_until(4)
    assert speaker.on_air == "tin"
    before = len(bytes(speaker.sink.heard).rstrip(b"\0"))
    await speaker.run_until(20)
    assert speaker.sounded() == [("thu.1.0.signal", DONE), ("thu.1.0.message", DONE)]
    assert speaker.phase("thu") is AlertPhase.FINISHED
    after = bytes(speaker.sink.heard)[before + 3 * 96_000 :]
    assert not any(after)


async def woken_without_the_time(speaker: Alerted, *, years: float) -> None:
    """A power cut, after which the wall clock is wrong by so many years, and nobody vouches for it."""
    await speaker.power_cut()
    speaker.system.disciplined = False
    speaker.system.boot = "boot-2"
    speaker.system.utc += timedelta(days=365 * years)
    speaker.power_up()
    assert not speaker.clock.trusted


async def passes(speaker: Alerted, seconds: float) -> None:
    await speaker.run_until(speaker.now_s + seconds)


@pytest.mark.parametrize("years", [0, -50])
async def test_without_a_trusted_clock_it_is_heard_when_it_comes(speaker: Alerted, years: int) -> None:
    await woken_without_the_time(speaker, years=years)
    speaker.tell(alert(repeat=RepeatPlan(then_every_s=30)))
    await passes(speaker, 29)
    assert [name for name, outcome in speaker.sounded() if outcome is DONE] == ["lu.1.0.signal", "lu.1.0.message"]
    await passes(speaker, 10)
    assert [name for name, outcome in speaker.sounded()][2:] == ["lu.1.1.signal", "lu.1.1.message"]


async def test_an_airing_that_waits_past_its_time_is_called_off_with_its_alert(speaker: Alerted) -> None:
    await woken_without_the_time(speaker, years=0)
    await passes(speaker, 20)
    speaker.sink_works = False
    speaker.sink.fail_after = 0
    speaker.tell(alert(repeat=RepeatPlan(first_gaps_s=(30,))))
    await passes(speaker, 15)
    speaker.tell(version=2)
    await passes(speaker, 1)
    speaker.sink_works = True
    await passes(speaker, 30)
    assert speaker.sounded() == []


async def test_what_a_power_cut_broke_off_is_heard_on_a_board_that_woke_up_years_ago(speaker: Alerted) -> None:
    speaker.tell(alert())
    await speaker.run_until(2)
    await woken_without_the_time(speaker, years=-50)
    await passes(speaker, 12)
    assert [name for name, outcome in speaker.sounded() if outcome is DONE] == ["lu.1.0.signal", "lu.1.0.message"]
    speaker.system.utc, speaker.system.disciplined = at(30), True
    await passes(speaker, 20)
    assert len(speaker.sounded()) == 3


async def test_a_lost_sink_is_told_and_the_alert_is_heard_when_it_is_back(speaker: Alerted) -> None:
    speaker.sink_works = False
    await speaker.power_cut()
    speaker.power_up()
    speaker.tell(alert())
    await speaker.run_until(3)
    assert speaker.reports[-1].standings[0].reason == "sink_lost"
    speaker.sink_works = True
    await speaker.run_until(20)
    assert [name for name, outcome in speaker.sounded() if outcome is DONE] == ["lu.1.0.signal", "lu.1.0.message"]


async def test_who_presses_stop_on_the_signal_does_not_hear_the_words(speaker: Alerted) -> None:
    speaker.tell(alert())
    await speaker.run_until(1)
    await speaker.ask(speaker.conductor.stop())
    await speaker.run_until(20)
    assert speaker.sounded() == [("lu.1.0.signal", Outcome.STOPPED)]


def test_sets_outlive_a_restart_and_older_ones_are_refused(tmp_path: Path) -> None:
    def save(store: AlertStore, version: int, *names: str) -> bool:
        body = AlertSet(target=AREA, version=version, alerts=tuple(alert(name) for name in names))
        token = order(body, audience=AREA, days=9)
        return store.save(AREA, token.decode(), verify(token, AlertSet, audiences={AREA}, keys=KEYS, now=NOON), NOON)

    store = AlertStore(tmp_path, lambda _: None)
    store.follow([AREA], KEYS, NOON)
    assert save(store, 5, "lu", "bao")
    assert not save(store, 5, "lu", "bao")
    again = AlertStore(tmp_path, lambda _: None)
    assert again.follow([AREA], KEYS, NOON)
    assert [each.id for each in again.active(NOON)] == ["lu", "bao"]
    with pytest.raises(Exception, match="version 4"):
        save(again, 4)
    assert again.judge_again(KeyRing([SigningKey.generate().public]), NOON)
    assert again.active(NOON) == ()
    again.follow(["area:24"], KEYS, NOON)
    assert list(tmp_path.iterdir()) == []


def test_a_speaker_is_alerted_by_its_areas_its_groups_and_its_name() -> None:
    config = Config(device="loa-1", version=1, areas=("24", "07339"), groups=("g1",))
    assert targets_of("loa-1", config) == ("area:24", "area:07339", "group:g1", "device:loa-1")
    assert targets_of("loa-1", None) == ("device:loa-1",)


@pytest.mark.parametrize("seed", [*range(10), 2005, 2032])  # in the last two a wrong clock writes off what is due again
async def test_whatever_happens_nothing_is_heard_twice_nor_when_it_is_over_and_nothing_due_is_missed(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instant_words(monkeypatch)
    life = Life(seed, tmp_path)
    faults = await life.live()
    assert not faults, describe(life, faults)
