"""A speaker whose disk is full says so, and goes on by itself when there is room again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker

pytestmark = [
    pytest.mark.parametrize("fleet", ["embedded"], indirect=True),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small disk of this test"),
]

DISK_MB = 96


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this machine lets nobody mount: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room at all."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for piece in (1024 * 1024, 4096):
            with suppress(OSError):
                while True:
                    file.write(bytes(piece))
    return ballast


def problems(speaker: Speaker) -> set[str]:
    return {problem["code"] for problem in speaker.state.get("problems", [])}


def test_a_full_disk_is_told_and_outlived(fleet: Fleet, small_disk: Path):
    speaker = fleet.speaker("day-o-dia", folder=small_disk)
    known = fleet.air(fleet.sound("Bản tin đã nằm sẵn trong loa."), speaker, in_s=12)
    eventually(lambda: speaker.is_ready_for(known), within_s=10, what="the first sound is there")
    ballast = fill(small_disk)
    coming = fleet.air(fleet.sound("Bản tin cần thêm chỗ trống trên đĩa."), speaker, in_s=25)

    eventually(lambda: "disk_full" in problems(speaker), within_s=15, what="it says that the disk is full")
    eventually(
        lambda: speaker.state["player"]["state"] == "playing", within_s=20, what="what is there is played all the same"
    )
    ballast.unlink()
    eventually(
        lambda: speaker.outcomes(coming) == ["completed"], within_s=60, what="with room again it fetches and plays"
    )
    eventually(lambda: speaker.records(known), within_s=20, what="what was played meanwhile is told")
    eventually(lambda: "disk_full" not in problems(speaker), within_s=20, what="the trouble is over")
    speaker.agent.stop()
