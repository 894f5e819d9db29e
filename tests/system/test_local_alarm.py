"""The alarm of a speaker that is cut off: raised by a command on the spot, and known to all when the link is back."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from audio.signals import Signal, length_ms, whole
from loa.officer import Json
from tests.support.content_proxy import Mood
from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, Fleet, Speaker
from tests.support.sound import RATE_HZ, Recording, Samples, decode, find

STANDING = f"/areas/{COMMUNE}/standing"


def command(speaker: Speaker, *words: str) -> subprocess.CompletedProcess[str]:
    """What somebody at the speaker types."""
    loa = [sys.executable, "-m", "loa", "agent", "sound", "--config", str(speaker.agent.config), *words]
    return subprocess.run(loa, capture_output=True, text=True, timeout=30, check=False)


def raised(speaker: Speaker) -> list[str]:
    """What of its own alarms is in its recordings."""
    return [each.occurrence for each in speaker.recordings if each.occurrence.startswith("local.")]


def test_a_speaker_without_its_link_sounds_its_own_alarm_and_tells_of_it_later(fleet: Fleet) -> None:
    speaker = fleet.speaker(
        "tai-cho",
        env={"LOA_AGENT_LOCAL_ALARM__SIGNAL": "flood-3", "LOA_AGENT_LOCAL_ALARM__HEADLINE": "Nước lên nhanh"},
    )
    refused = command(speaker)
    assert (refused.returncode, "do not allow" in refused.stderr) == (1, True)

    before = speaker.state["config_version"]
    fleet.officer.change(f"/areas/{COMMUNE}", {"policy": {"local_alarm": True}})
    eventually(lambda: speaker.state["config_version"] > before, within_s=30, what="the speaker may raise its alarm")
    fleet.broker.kill()
    try:
        done = command(speaker)
        assert (done.returncode, done.stdout.strip()) == (0, "raised: Nước lên nhanh")
        eventually(lambda: raised(speaker), within_s=20, what="it sounds with the link down")
        assert command(speaker).stdout.strip() == "already sounding: Nước lên nhanh"
        assert command(speaker, "--stop").stdout.strip() == "stopped: Nước lên nhanh"
        assert command(speaker, "--stop").stdout.strip() == "no local alarm was sounding"
    finally:
        fleet.broker.start()

    def told() -> list[tuple[str, str]]:
        found = fleet.officer.list("/records", device=speaker.id)
        return [(each["title"], each["outcome"]) for each in found if (each["occurrence"] or "").startswith("local.")]

    eventually(told, within_s=60, what="the controller knows of it")
    assert told() == [("Nước lên nhanh", "stopped")]

    speaker.agent.stop()
    nobody = command(speaker)
    assert (nobody.returncode, "agent_not_running" in nobody.stderr) == (1, True)


@pytest.fixture
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet whose speakers keep the standing messages."""
    fleet = Fleet("mosquitto", tmp_path_factory.mktemp("words"), env={"LOA_STANDING_SOUNDS": "1"})
    with fleet.running():
        yield fleet


def opening(signal: Signal) -> Samples:
    """The first two seconds of a signal."""
    return np.frombuffer(whole(signal), dtype="<i2")[: 2 * RATE_HZ].astype(np.float32) / 32768


def is_whole(clip: Samples, recording: Recording) -> bool:
    """Whether a clip's first and last second are heard, no nearer to each other than in it: machines stall."""
    first, last = find(clip[:RATE_HZ], recording), find(clip[-RATE_HZ:], recording)
    apart_s = (last.at - first.at).total_seconds()
    return min(first.likeness, last.likeness) > 0.95 and apart_s > len(clip) / RATE_HZ - 1.01


def test_without_any_way_to_sound_its_alarm_has_the_siren_and_the_words_of_the_standing_message(wordy: Fleet) -> None:
    def dam() -> Json:
        found: Json = next(each for each in wordy.officer.get(STANDING) if each["hazard"] == "dam")
        return found

    wordy.officer.change(f"/areas/{COMMUNE}", {"policy": {"local_alarm": True}})
    eventually(
        lambda: {each["status"] for each in wordy.officer.get(STANDING)} == {"ready"},
        within_s=90,
        what="words are made",
    )
    speaker = wordy.speaker(
        "dap-nuoc", env={"LOA_AGENT_LOCAL_ALARM__SIGNAL": "attention", "LOA_AGENT_LOCAL_ALARM__HAZARD": "dam"}
    )
    eventually(
        lambda: all(each["current"] for each in wordy.officer.get(f"{STANDING}/speakers")),
        within_s=60,
        what="the speaker holds them all",
    )
    spoken = decode(wordy.officer.listen(f"/content/{dam()['clip']}"))
    wordy.broker.kill()
    wordy.content.mood = Mood.ERROR_500
    try:
        assert command(speaker).stdout.strip() == f"raised: {dam()['headline']}"
        eventually(lambda: raised(speaker), within_s=20, what="its siren sounds")
        speaker.agent.kill()
        speaker.agent.start()
        eventually(
            lambda: (
                raised(speaker)[-1].endswith(".message") and len(speaker.recordings[-1].samples) > 0.99 * len(spoken)
            ),
            within_s=120,
            what="after a power cut the siren sounds anew, and then the words to their end",
        )
        assert wordy.content.seen[Mood.ERROR_500] == 0
    finally:
        wordy.content.mood = Mood.GOOD
        wordy.broker.start()

    def told() -> list[tuple[str, str]]:
        found = wordy.officer.list("/records", device=speaker.id)
        found.sort(key=lambda each: (each["boot_order"], each["seq"]))
        mine = [each for each in found if (each["occurrence"] or "").startswith("local.")]
        assert {each["title"] for each in mine} <= {dam()["headline"]}
        return [(each["occurrence"].rpartition(".")[2], each["outcome"]) for each in mine]

    expected = [("signal", "interrupted"), ("signal", "completed"), ("message", "completed")]
    eventually(lambda: told() == expected, within_s=60, what="the controller knows of all of it")
    signal, words = speaker.recordings[-2:]
    assert find(opening(Signal.FLOOD_2), signal).likeness > 0.95
    assert signal.seconds >= length_ms(Signal.FLOOD_2) / 1000
    assert is_whole(spoken, words)
