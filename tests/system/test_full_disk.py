"""A speaker whose disk is full says so, and goes on by itself when there is room again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker

pytestmark = pytest.mark.parametrize("fleet", ["embedded"], indirect=True)

DISK_MB = 96


@dataclass(frozen=True)
class SmallDisk:
    """A disk of DISK_MB below `folder`, in a mount namespace of its own: nobody needs to be root for it."""

    folder: Path
    inside: Path
    """The disk as it is seen from here."""
    through: tuple[str, ...]
    """The command that starts a process in the namespace."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = tmp_path / "state"
    disk.mkdir()
    is_root = os.geteuid() == 0
    mount = f"mount -t tmpfs -o size={DISK_MB}m tmpfs '{disk}' && echo mounted && exec cat"
    with subprocess.Popen(
        ["unshare", *([] if is_root else ["--user", "--map-root-user"]), "--mount", "sh", "-c", mount],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "mounted\n", "no small disk: does this kernel allow user namespaces?"
        as_anybody = [] if is_root else ["--user", "--preserve-credentials"]
        enter = ("nsenter", f"--target={keeper.pid}", *as_anybody, "--mount", f"--wdns={Path.cwd()}")
        yield SmallDisk(tmp_path, Path(f"/proc/{keeper.pid}/root{disk}"), enter)


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


def test_a_full_disk_is_told_and_outlived(fleet: Fleet, small_disk: SmallDisk):
    speaker = fleet.speaker("day-o-dia", folder=small_disk.folder, through=small_disk.through)
    known = fleet.air(fleet.sound("Bản tin đã nằm sẵn trong loa."), speaker, in_s=12)
    eventually(lambda: speaker.is_ready_for(known), within_s=10, what="the first sound is there")
    ballast = fill(small_disk.inside)
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
