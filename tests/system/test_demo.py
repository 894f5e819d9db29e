"""What a newcomer runs: it airs, says so, goes on where it was, and leaves nothing behind, however it is ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import psutil
import pytest

from loa.brokers import free_port
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("demo")


class Demo:
    """`loa demo` in a data folder, its words as they come."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._said = folder.parent / "said.txt"
        # Ports of its own: somebody may look at a demo while the tests run.
        ports = ["--port", str(free_port()), "--mqtt-port", str(free_port())]
        with self._said.open("w") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "loa", "demo", "--data-dir", str(folder), "--speakers", "2", *ports, *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "COLUMNS": "200"},
                # Tests that run in the background may have been told to ignore Ctrl-C; a newcomer's terminal was not.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 nothing else runs here
            )
        self.family = psutil.Process(self._process.pid)

    @property
    def said(self) -> str:
        return self._said.read_text()

    def hears(self, words: str, *, within_s: float) -> None:
        def heard() -> bool:
            assert self._process.poll() is None or words in self.said, self.said
            return words in self.said

        eventually(heard, within_s=within_s, what=f"{words!r} in:\n{self.said}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """However the test went, nothing stays behind."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(30)

    def signal(self, number: signal.Signals) -> list[psutil.Process]:
        """Send a signal; returns the processes that must be gone soon."""
        children = self.family.children(recursive=True)
        self._process.send_signal(number)
        return children

    def ended(self, *, within_s: float) -> int:
        return self._process.wait(within_s)


def all_gone(processes: list[psutil.Process]) -> bool:
    return not [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_it_airs_within_a_minute_ends_by_itself_and_goes_on_afterwards(tmp_path: Path):
    with Demo(tmp_path / "data", "--duration", "60", "--sink", "wav") as demo:
        demo.hears("on air 2 of 2", within_s=70)
        assert demo.ended(within_s=120) == 0, demo.said
        assert "quantri: " in demo.said

    with Demo(tmp_path / "data", "--sink", "wav", "--broker", "mosquitto") as again:
        again.hears("ready 2 of 2", within_s=60)
        assert "quantri: " not in again.said
        assert "printed at the first start" in again.said
        children = again.signal(signal.SIGINT)
        assert len(children) >= 4
        # Each of its four processes is given five seconds before it is killed.
        assert again.ended(within_s=45) == 1, "what was still to come on air was not played"
        eventually(lambda: all_gone(children), within_s=5, what="every process is gone")


def test_when_it_is_killed_its_processes_end_too(tmp_path: Path):
    with Demo(tmp_path / "data", "--sink", "wav") as demo:
        demo.hears("scheduled:", within_s=60)
        children = demo.signal(signal.SIGKILL)
        assert len(children) >= 4
        demo.ended(within_s=5)
        eventually(lambda: all_gone(children), within_s=10, what="every process is gone")


def test_a_second_demo_on_the_same_folder_is_refused_plainly(tmp_path: Path):
    with Demo(tmp_path / "data", "--sink", "wav") as demo:
        demo.hears("Starting", within_s=20)
        second = subprocess.run(
            [sys.executable, "-m", "loa", "demo", "--data-dir", str(tmp_path / "data")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 2
        assert "already runs" in second.stderr
