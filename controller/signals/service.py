"""Signals as files for the ears of whoever is signed in; speakers make their own."""

import asyncio
from pathlib import Path

from audio import signals
from audio.errors import AudioError, EngineFailed
from audio.ffmpeg import command, pcm_file, stream
from audio.files import durable, scratch
from audio.signals import Signal
from controller.errors import Unavailable
from controller.runtime import Runtime

MEDIA_TYPE = "audio/ogg; codecs=opus"
_OPUS = ("-c:a", "libopus", "-b:a", "32k", "-f", "ogg", "pipe:1")


class Auditions:
    """Signals encoded when somebody first listens, as loud as they really are, and kept until the service ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[Signal, Path] = {}
        self._making = asyncio.Lock()

    async def file(self, signal: Signal) -> Path:
        """Where the sound lies."""
        async with self._making:
            if signal not in self._made:
                try:
                    self._made[signal] = await asyncio.to_thread(self._make, signal)
                except AudioError as error:
                    raise Unavailable from error
            return self._made[signal]

    def _make(self, signal: Signal) -> Path:
        with scratch(self._folder) as folder:
            raw, encoded = folder / "signal.pcm", folder / "signal.opus"
            with raw.open("wb") as file:
                file.writelines(signals.samples(signal))
            with durable(encoded) as file:
                report = stream(command(pcm_file(raw), *_OPUS), file.write)
            if report.status != 0:
                raise EngineFailed(engine="ffmpeg", detail=report.last_line)
            return encoded.replace(self._folder / f"{signal}.opus")


def auditions_of(runtime: Runtime) -> Auditions:
    """Return the service's one shelf of signals."""
    if Auditions not in runtime.parts:
        runtime.parts[Auditions] = Auditions(runtime.settings.data_dir / "signals")
    auditions: Auditions = runtime.parts[Auditions]
    return auditions
