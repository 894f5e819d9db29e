"""A text read aloud into a file that grows, in a format that every browser plays from its first bytes on."""

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import BinaryIO

from audio.errors import AudioError, EngineFailed, Unwritable
from audio.ffmpeg import executable
from audio.speech.script import DEFAULT_SPEED_WPM
from audio.speech.studio import Studio
from audio.speech.voices import Voice

MEDIA_TYPE = "audio/mpeg"
_RATE_HZ = 24_000
_BITS_PER_S = 40_000
_MAX_BYTES = 64 << 20
_STOPS_WITHIN_S = 5.0


class Abandoned(Exception):
    """Nobody listens any more."""


class Aloud:
    """One reading, in a thread of its own. `error` says why it ended early."""

    def __init__(
        self,
        studio: Studio,
        text: str,
        voice: Voice,
        to: BinaryIO,
        *,
        speed_wpm: int = DEFAULT_SPEED_WPM,
        dictionary: Mapping[str, str] | None = None,
    ) -> None:
        """Begin to read `text` into `to`, and close it at the end."""
        self.error: AudioError | None = None
        self._abandoned = threading.Event()
        self._to = to
        self._encoder: subprocess.Popen[bytes] | None = None

        def read() -> None:
            try:
                with to:
                    self._read(studio, text, voice, speed_wpm, dictionary)
            except Abandoned:
                return
            except AudioError as error:
                self.error = error
            except OSError as error:
                self.error = Unwritable(detail=error.strerror or str(error))

        self._thread = threading.Thread(target=read, name="aloud")
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether nothing more will be written."""
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Stop as soon as may be, and every child with it."""
        self._abandoned.set()
        if (encoder := self._encoder) is not None:
            encoder.kill()

    def _read(
        self, studio: Studio, text: str, voice: Voice, speed_wpm: int, dictionary: Mapping[str, str] | None
    ) -> None:
        try:
            studio.speak(text, voice, self._take, speed_wpm=speed_wpm, dictionary=dictionary)
            self._finish()
        finally:
            if self._encoder is not None:
                self._encoder.kill()
                self._pipe(self._encoder).close()
                self._encoder.wait()

    def _take(self, samples: bytes, rate_hz: int) -> None:
        if self._abandoned.is_set():
            raise Abandoned
        if not samples:
            return
        if self._encoder is None:
            self._encoder = _encoder(rate_hz, self._to)
        try:
            self._pipe(self._encoder).write(samples)
        except OSError as error:
            raise self._broken() from error

    def _finish(self) -> None:
        if self._encoder is None:
            return
        try:
            self._pipe(self._encoder).close()
            status = self._encoder.wait(_STOPS_WITHIN_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._broken() from error
        if status != 0:
            raise self._broken()

    def _broken(self) -> Exception:
        return Abandoned() if self._abandoned.is_set() else EngineFailed(engine="ffmpeg", detail="the encoder stopped")

    @staticmethod
    def _pipe(encoder: subprocess.Popen[bytes]) -> BinaryIO:
        assert encoder.stdin is not None  # noqa: S101 - it was started with a pipe
        return encoder.stdin  # type: ignore[return-value]  # a binary stream, as Popen says less plainly


def _encoder(rate_hz: int, to: BinaryIO) -> subprocess.Popen[bytes]:
    """Start ffmpeg: our samples in, MP3 out at once (iOS plays it, where it still hesitates over Ogg)."""
    process = subprocess.Popen(
        [
            str(executable()), "-hide_banner", "-loglevel", "error",
            "-f", "s16le", "-ar", str(rate_hz), "-ac", "1", "-i", "pipe:0",
            "-ar", str(_RATE_HZ), "-c:a", "libmp3lame", "-b:a", str(_BITS_PER_S), "-compression_level", "9",
            "-write_xing", "0", "-id3v2_version", "0", "-flush_packets", "1", "-f", "mp3", "pipe:1",
        ],
        stdin=subprocess.PIPE,
        stdout=to,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
        start_new_session=True,
        bufsize=0,
    )  # fmt: skip
    if sys.platform == "linux":
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (_MAX_BYTES, _MAX_BYTES))
    return process
