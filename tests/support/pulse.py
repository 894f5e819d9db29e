"""A private PulseAudio with sinks that lead nowhere, and ears at their monitors."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np

from loa.process import Child
from tests.support.eventually import eventually
from tests.support.sound import RATE_HZ, Recording

_READ_MAX_BYTES = 65536
_NEAR_S = 2.0


class Ear:
    """Records a monitor, knowing when each sample was there. A server that is fast by `ppm` sends more.

    When a sample was there is told by what arrived within two seconds of it, not by the whole recording: a null sink
    counts its time in whole microseconds for each piece that it renders, and so is some 30 ppm faster than its rate.
    """

    def __init__(self, server: str, sink: str, *, ppm: float = 0.0) -> None:
        self._rate_hz = RATE_HZ * (1 + ppm * 1e-6)
        self._command = [
            "parec", f"--server={server}", f"--device={sink}.monitor", "--latency-msec=10", "--raw",
            "--format=s16le", f"--rate={RATE_HZ}", "--channels=1",
        ]  # fmt: skip
        self._heard = bytearray()
        self._arrivals: list[tuple[float, float]] = []
        """When something arrived, and when the first sample of all was there if this one had not waited."""
        self._lock = threading.Lock()

    @contextmanager
    def listening(self) -> Iterator["Ear"]:
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        thread = threading.Thread(target=self._listen, args=(process,), daemon=True)
        thread.start()
        try:
            eventually(lambda: len(self._heard) > RATE_HZ // 5, within_s=10, what="the monitor is heard")
            yield self
        finally:
            process.terminate()
            process.wait()
            thread.join()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            while chunk := os.read(stream.fileno(), _READ_MAX_BYTES):
                now = time.monotonic()
                with self._lock:
                    self._heard += chunk
                    self._arrivals.append((now, now - len(self._heard) / 2 / self._rate_hz))

    def _first_mono_s(self, around_mono_s: float) -> float:
        """Return when the first sample was there, by the count of those near a moment: the one that waited least."""
        near = [first for at, first in self._arrivals if abs(at - around_mono_s) <= _NEAR_S]
        return min(near or [first for _, first in self._arrivals])

    def between(self, start: datetime, end: datetime) -> Recording:
        """What was heard between two moments."""
        offset = datetime.now(UTC).timestamp() - time.monotonic()
        with self._lock:
            first = self._first_mono_s((start + (end - start) / 2).timestamp() - offset)
            begin, finish = (max(0, round((at.timestamp() - offset - first) * self._rate_hz)) for at in (start, end))
            heard = bytes(self._heard[begin * 2 : min(finish, len(self._heard) // 2) * 2])
        at = datetime.fromtimestamp(first + begin / self._rate_hz + offset, UTC)
        return Recording(Path(), "", at, np.frombuffer(heard, "<i2").astype(np.float32) / 32768)


class PulseServer:
    """A PulseAudio that can be killed, made to hang and started again; its sinks lead nowhere."""

    def __init__(
        self, folder: Path, count: int = 1, *, env: Mapping[str, str] | None = None, modules: Sequence[str] = ()
    ) -> None:
        assert shutil.which("pulseaudio"), "PulseAudio is not installed: sudo apt install pulseaudio pulseaudio-utils"
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.sinks = [f"loa{number}" for number in range(count)]
        self._socket = folder / "pulse.socket"
        self._script = folder / "pulse.pa"
        self._script.write_text(
            "".join(
                f"load-module module-null-sink sink_name={name} rate={RATE_HZ} channels=1 format=s16le norewinds=1\n"
                for name in self.sinks
            )
            + "".join(f"load-module {module}\n" for module in modules)
            + f"load-module module-native-protocol-unix socket={self._socket} auth-anonymous=1\n"
        )
        self._env = dict(env or {})
        self._loaded: dict[str, str] = {}
        self._child: Child | None = None

    @property
    def address(self) -> str:
        """As `PULSE_SERVER` wants it."""
        return f"unix:{self._socket}"

    def start(self) -> None:
        """Run, until it takes connections."""
        self._socket.unlink(missing_ok=True)
        command = [
            "pulseaudio", "-n", "-F", str(self._script), "--daemonize=no", "--exit-idle-time=-1",
            "--use-pid-file=no", "--disable-shm=no", "--enable-memfd=no",
        ]  # fmt: skip
        runtime = {"XDG_RUNTIME_DIR": str(self.folder), "PULSE_RUNTIME_PATH": str(self.folder / "run")}
        self._child = Child(
            "pulseaudio", command, log=self.folder / "pulse.log", env={"HOME": str(self.folder), **runtime, **self._env}
        )
        eventually(self._answers, within_s=10, what="PulseAudio is up")

    def _answers(self) -> bool:
        """Whether somebody listens: the socket is there a moment earlier."""
        with socket.socket(socket.AF_UNIX) as door, suppress(OSError):
            door.connect(str(self._socket))
            return True
        return False

    def plug(self, sink: str) -> None:
        """Add a sink."""
        self._loaded[sink] = self.control(
            "load-module", "module-null-sink", f"sink_name={sink}", f"rate={RATE_HZ}", "channels=1", "format=s16le",
            "norewinds=1",
        )  # fmt: skip

    def unplug(self, sink: str) -> None:
        """Take away a sink that was added, as pulling out its card would."""
        self.control("unload-module", self._loaded.pop(sink))

    def control(self, *words: str) -> str:
        """Ask the server something with `pactl`."""
        command = ["pactl", f"--server={self.address}", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()

    def kill(self) -> None:
        """As a crash would."""
        assert self._child is not None
        self._child.kill()

    def hang(self) -> None:
        """Let it live and do nothing."""
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Wake it from hanging."""
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child is not None
        self._child.kill()


@contextmanager
def null_sinks(folder: Path, count: int) -> Iterator[tuple[str, list[str]]]:
    """Run PulseAudio; yields its address and the names of its sinks."""
    with PulseServer(folder, count) as server:
        yield server.address, server.sinks


@contextmanager
def ears(server: str, sinks: list[str]) -> Iterator[list[Ear]]:
    """Listen to all the sinks."""
    with ExitStack() as stack:
        yield [stack.enter_context(Ear(server, sink).listening()) for sink in sinks]


MARGIN = timedelta(seconds=1)
