"""Child processes that never outlive us: each starts on a leash and ends by SIGTERM, then by SIGKILL."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

_PR_SET_PDEATHSIG = 1


class Child:
    """One child process with its own process group, its output in a log file."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id; the leash becomes the command, so it stays the same."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to end. With `stop` afterwards, several children end side by side."""
        self._signal(signal.SIGTERM)

    def stop(self, grace_s: float = 5.0) -> None:
        """End it: politely first, for certain after `grace_s`."""
        self.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._signal_group(signal.SIGKILL)

    def kill(self) -> None:
        """End it and its own children at once, as a power cut would."""
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _on_a_leash(parent: int, command: Sequence[str]) -> None:
    """Become `command`, having asked the kernel for SIGKILL when the parent is gone, however it went."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:
        os.execvp(command[0], [*command])  # noqa: S606 — an argument list, no shell


if __name__ == "__main__":
    _on_a_leash(int(sys.argv[1]), sys.argv[2:])
