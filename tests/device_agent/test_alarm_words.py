"""What the alarm on the spot says: the standing message of its danger, as new as it is here, or its siren alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest

from audio.signals import Signal, length_ms
from controller.alerts.standing import Hazard
from device_agent.alerts.local import LASTS
from device_agent.alerts.words import GRACE_S
from device_agent.settings import LocalAlarmSettings
from protocol.messages import AlarmWords, ClipRef, Config, Outcome
from tests.support.alerted import Alerted, instant_words

OLD, NEW = "1" * 64, "2" * 64
RAISED = "raised: Xả lũ"
WORDLESS = "raised: Nước lên nhanh, without words: none are stored here"
SIREN_S = length_ms(Signal.FLOOD_2) / 1000


def naming(*clips: str, signal: str = "flood-2", **more: Any) -> Config:
    """A configuration whose message for dams is the last of these clips."""
    said: dict[str, Any] = {
        "device": "loa-1",
        "version": 1,
        "areas": ("07", "07339"),
        "default_volume": 100,
        "local_alarm": True,
        "standing": tuple(ClipRef(sha256=each, url="/c", size_bytes=1000, duration_ms=3000) for each in clips),
        "alarm_words": tuple(
            AlarmWords(hazard="dam", headline="Xả lũ", signal=signal, clip=each) for each in clips[-1:]
        ),
    }
    return Config(**said | more)


class Wordy(Alerted):
    """One whose alarm is that of a dam; what is `missing` is not on its card."""

    hazard = "dam"

    def take(self, config: Config, *, missing: str = "") -> None:
        """A configuration is in force, and these clips came or went."""
        self.config, self.missing = config, {missing}
        self.words.keep()


@pytest.fixture
async def speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wordy]:
    instant_words(monkeypatch)
    speaker = Wordy(tmp_path, config=naming(OLD))
    speaker.take(naming(OLD))
    yield speaker
    await speaker.put_down()


def heard(speaker: Alerted) -> list[tuple[str, Outcome | None]]:
    """The parts that its own alarms consist of, and what came of them."""
    return [((row.play.occurrence or "").rpartition(".")[2], row.outcome) for row in speaker.rows("local.")]


WHOLE = [("signal", Outcome.COMPLETED), ("message", Outcome.COMPLETED)]


async def test_the_alarm_is_the_siren_and_the_words_of_its_danger(speaker: Wordy) -> None:
    speaker.link_up = False
    assert speaker.local.sound() == RAISED
    await speaker.run_until(SIREN_S - 1)
    assert (speaker.on_air or "").endswith(".signal")
    await speaker.run_until(SIREN_S + 10)
    assert heard(speaker) == WHOLE
    assert {row.play.title for row in speaker.rows("local.")} == {"Xả lũ"}
    assert speaker.local.under_way(speaker.clock.best_guess()) == ()


async def test_what_has_no_words_here_sounds_as_the_settings_say(speaker: Wordy) -> None:
    speaker.take(naming(OLD), missing=OLD)
    assert speaker.local.sound() == WORDLESS
    await speaker.run_until(30)
    assert heard(speaker) == [("signal", Outcome.COMPLETED)]


@pytest.mark.parametrize(
    ("config", "missing", "why"),
    [(naming(OLD), OLD, "not here yet"), (naming(), "", "none that could be said"), (naming(OLD), "", None)],
)
async def test_a_technician_is_told_of_missing_words_after_a_while(
    speaker: Wordy, config: Config, missing: str, why: str | None
) -> None:
    speaker.take(config, missing=missing)
    assert speaker.words.problems() == ()
    speaker.system.advance(GRACE_S)
    said = [f"{each.code}: {each.text}" for each in speaker.words.problems()]
    assert len(said) == (why is not None)
    assert all(each.startswith("alarm_without_words: ") and (why or "") in each for each in said)
    speaker.take(naming(OLD))
    assert speaker.words.problems() == ()


async def test_nobody_is_told_of_missing_words_where_no_alarm_is_allowed(speaker: Wordy) -> None:
    speaker.take(naming(OLD, local_alarm=False))
    assert speaker.words.problems() == ()
    speaker.system.advance(GRACE_S)
    assert speaker.words.problems() == ()


async def test_while_new_words_are_on_their_way_those_before_hold_over_a_restart_too(speaker: Wordy) -> None:
    speaker.take(naming(NEW), missing=NEW)
    await speaker.power_cut()
    speaker.power_up()
    assert [clip.sha256 for clip in speaker.words.clips()] == [OLD, NEW]
    said = speaker.words.current()
    assert (said and said.clip.sha256) == OLD
    speaker.missing = set()
    assert speaker.words.keep()
    said = speaker.words.current()
    assert (said and said.clip.sha256) == NEW
    assert [clip.sha256 for clip in speaker.words.clips()] == [NEW]


async def test_words_that_were_withdrawn_are_not_said_and_do_not_come_back(speaker: Wordy) -> None:
    speaker.take(naming())
    assert speaker.words.current() is None
    await speaker.power_cut()
    speaker.power_up()
    speaker.take(naming(NEW), missing=NEW)
    assert speaker.words.current() is None


async def test_words_of_another_danger_are_not_taken_for_its_own(speaker: Wordy) -> None:
    await speaker.power_cut()
    speaker.hazard = "fire"
    speaker.power_up()
    speaker.take(naming(OLD))
    assert (speaker.words.current(), speaker.words.clips()) == (None, ())


async def test_what_is_withdrawn_amid_the_alarm_is_heard_to_its_end_after_a_power_cut_too(speaker: Wordy) -> None:
    speaker.local.sound()
    await speaker.run_until(SIREN_S + 1)
    assert (speaker.on_air or "").endswith(".message")
    speaker.take(naming())
    await speaker.power_cut()
    speaker.power_up()
    assert [clip.sha256 for clip in speaker.watch.clips()] == [OLD]
    await speaker.run_until(SIREN_S + 20)
    assert heard(speaker) == [WHOLE[0], ("message", Outcome.INTERRUPTED), WHOLE[1]]


async def test_words_that_vanish_amid_the_alarm_leave_its_siren_and_no_alarm_without_end(speaker: Wordy) -> None:
    speaker.local.sound()
    await speaker.run_until(3)
    speaker.missing = {OLD}
    await speaker.run_until(LASTS.total_seconds() + 5)
    assert heard(speaker) == [WHOLE[0], ("message", Outcome.MISSED)]
    assert speaker.local.under_way(speaker.clock.best_guess()) == ()


async def test_a_full_card_takes_no_words_away(speaker: Wordy, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("device_agent.alerts.words.write_durably", full)
    speaker.take(naming(NEW))
    assert speaker.local.sound() == RAISED
    await speaker.run_until(SIREN_S + 10)
    assert heard(speaker) == WHOLE


async def test_a_damaged_note_of_the_words_is_none(speaker: Wordy) -> None:
    await speaker.power_cut()
    (speaker.folder / "alarm-words.json").write_bytes(b"\x00{half")
    speaker.power_up()
    assert speaker.local.sound() == RAISED


async def test_a_siren_that_this_agent_does_not_know_is_the_attention_call(speaker: Wordy) -> None:
    speaker.take(naming(OLD, signal="tornado"))
    speaker.local.sound()
    (alert,) = speaker.local.under_way(speaker.clock.best_guess())
    assert (alert.signal, alert.signal_ms) == ("attention", length_ms(Signal.ATTENTION))


async def test_words_whose_file_is_broken_leave_the_siren(tmp_path: Path) -> None:
    speaker = Wordy(tmp_path, config=naming(OLD))
    (tmp_path / OLD).write_bytes(b"\x00" * 1000)
    assert speaker.local.sound() == RAISED
    await speaker.run_until(SIREN_S + 10)
    assert heard(speaker)[0] == WHOLE[0]
    await speaker.run_until(LASTS.total_seconds() + 5)
    assert speaker.local.under_way(speaker.clock.best_guess()) == ()
    await speaker.put_down()


def test_the_settings_name_each_danger_that_a_standing_message_is_for() -> None:
    known = get_args(get_args(LocalAlarmSettings.model_fields["hazard"].annotation)[0])
    assert set(known) == set(Hazard) - {Hazard.ALL_CLEAR, Hazard.EXERCISE}
