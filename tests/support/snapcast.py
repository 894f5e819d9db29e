"""Snapcast, the peer for speakers that sound together: a server, and clients on sinks of a PulseAudio."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loa.brokers import free_port
from loa.process import Child
from tests.support.sound import RATE_HZ

_PIECE_S = 0.02
_AHEAD_S = 0.2


class Snapcast:
    """What is written to `source`, a pipe, sounds on all clients; silence when nothing is."""

    def __init__(self, folder: Path, pulse: str, sinks: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.source = folder / "source"
        self._folder, self._pulse, self._sinks = folder, pulse, sinks
        self._port = free_port()

    @contextmanager
    def running(self) -> Iterator["Snapcast"]:
        os.mkfifo(self.source)
        settings = self._folder / "snapserver.conf"
        settings.write_text(
            f"[server]\ndatadir = {self._folder}\n[http]\nenabled = false\n[tcp]\nenabled = false\n"
            f"[stream]\nbind_to_address = 127.0.0.1\nport = {self._port}\n"
            f"source = pipe://{self.source}?name=bench&sampleformat={RATE_HZ}:16:1&mode=read&codec=pcm\n"
        )
        with ExitStack() as stack:
            self._child(stack, "snapserver", ["snapserver", "-c", str(settings)])
            for number, sink in enumerate(self._sinks, 1):
                command = ["snapclient", "-h", "127.0.0.1", "-p", str(self._port), "-i", str(number)]
                command += ["--hostID", sink, "--player", "pulse", "-s", sink, "--logsink", "stderr"]
                self._child(stack, f"snapclient-{sink}", command)
            yield self

    def _child(self, stack: ExitStack, name: str, command: Sequence[str]) -> None:
        env = {"PULSE_SERVER": self._pulse, "HOME": str(self._folder)}
        stack.enter_context(Child(name, command, log=self._folder / f"{name}.log", env=env))

    @contextmanager
    def playing(self, pcm: bytes) -> Iterator[None]:
        """Feed it the same samples over and over, as a live source would."""
        ended = threading.Event()
        thread = threading.Thread(target=self._feed, args=(pcm, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _feed(self, pcm: bytes, ended: threading.Event) -> None:
        piece = round(RATE_HZ * _PIECE_S) * 2
        written, begun = 0, time.monotonic()
        pipe = os.open(self.source, os.O_RDWR)
        try:
            while not ended.is_set():
                at = written % len(pcm)
                written += os.write(pipe, pcm[at : at + piece])
                ended.wait(max(0.0, begun + written / 2 / RATE_HZ - _AHEAD_S - time.monotonic()))
        finally:
            os.close(pipe)
