"""A wall clock that is wrong or jumps: nothing routine plays at a wrong time, and the order of records stays right."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from protocol.messages import DeviceState
from tests.support.eventually import eventually
from tests.support.fleet import Fleet
from tests.support.wire import Wire

pytestmark = pytest.mark.parametrize("fleet", ["mosquitto"], indirect=True)

FAKED_CLOCK = Path(__file__).parent.parent / "support" / "faked_clock"
WORDS = "Ủy ban nhân dân xã thông báo lịch tiếp công dân."


class WallClock:
    """A speaker's wall clock that the test may set; its monotonic clock stays true."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.shift(timedelta())

    def shift(self, by: timedelta) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{by.total_seconds():+.0f}\n")
        draft.replace(self._file)

    @property
    def env(self) -> dict[str, str]:
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # No NTP beside it either, as on a pole without a network.
            "PYTHONPATH": os.pathsep.join([str(FAKED_CLOCK), os.environ.get("PYTHONPATH", "")]),
        }


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])
def test_a_step_of_the_wall_clock_moves_no_broadcast(fleet: Fleet, tmp_path: Path, step: timedelta):
    wall = WallClock(tmp_path / "wall")
    name = f"nhay-{'tien' if step > timedelta() else 'lui'}"
    speaker = fleet.speaker(name, env=wall.env)
    sound = fleet.sound(WORDS)
    before = fleet.air(sound, speaker, in_s=12)
    after = fleet.air(sound, speaker, in_s=sound.seconds + 15)
    # What the stepped clock would take for now.
    decoy = fleet.air(sound, speaker, in_s=3600 + 18)
    eventually(lambda: speaker.is_ready_for(before), within_s=12, what="it is ready")
    eventually(lambda: bool(speaker.heard(before)), within_s=20, what="the first sounds")
    wall.shift(step)

    eventually(lambda: speaker.outcomes(after) == ["completed"], within_s=40, what="the second is played")
    for airing in (before, after):
        assert abs((speaker.find(airing).at - airing.starts_at).total_seconds()) < 0.05
    assert speaker.heard(decoy) == []
    assert speaker.state["clock"]["steps"] >= 1

    [first], [second] = speaker.records(before), speaker.records(after)
    assert (first["boot_order"], first["seq"]) < (second["boot_order"], second["seq"])
    assert first["started_at"] < second["started_at"]
    speaker.agent.stop()


def test_without_a_trusted_clock_it_waits_and_says_so(fleet: Fleet, tmp_path: Path):
    wall = WallClock(tmp_path / "wall")
    speaker = fleet.speaker("khong-dong-ho", env=wall.env)
    airing = fleet.air(fleet.sound(WORDS * 3), speaker, in_s=12)
    eventually(lambda: speaker.is_ready_for(airing), within_s=10, what="it is ready")
    speaker.agent.kill()
    fleet.controller.kill()
    # The machine starts anew with a clock that is an hour off: nothing is left to know the time by.
    (speaker.agent.state_dir / "clock.json").unlink(missing_ok=True)
    wall.shift(timedelta(hours=1))
    speaker.agent.start()

    with Wire(fleet.broker).connected() as wire:

        def says_untrusted() -> DeviceState | None:
            state = wire.state(speaker.id)
            return state if state and state.clock.quality == "untrusted" else None

        eventually(says_untrusted, within_s=15, what="it says that its clock is not trusted")
        wait_s = (airing.starts_at - datetime.now(UTC)).total_seconds()
        eventually(lambda: datetime.now(UTC) > airing.starts_at + timedelta(seconds=2), within_s=max(0, wait_s) + 5)
        assert speaker.heard(airing) == []

    fleet.start_controller()
    eventually(lambda: speaker.records(airing), within_s=40, what="once it knows the time, it acts by its policy")
    for part in speaker.heard(airing):
        assert airing.starts_at < part.first_sample_at < airing.ends_at
    speaker.agent.stop()
