"""The alarm of a speaker that is cut off: raised by a command on the spot, and known to all when the link is back."""

import subprocess
import sys

from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, Fleet, Speaker


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
