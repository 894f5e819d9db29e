"""What sounded, kept as WAV files: one for each uninterrupted stretch of something authorised."""

import json
import os
import re
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from device_agent.sinks import FRAME_BYTES, RATE_HZ

log = structlog.get_logger(__name__)

HEADER_BYTES: Final = 44
_HEADER_EVERY_FRAMES: Final = RATE_HZ // 2


def wav_header(frames: int) -> bytes:
    """Return the 44 bytes before `frames` frames of mono 16-bit sound."""
    size = frames * FRAME_BYTES
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, RATE_HZ * FRAME_BYTES, FRAME_BYTES, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + fmt + struct.pack("<4sI", b"data", size)


class SoundedFiles:
    """Writes what a sink played. A file is readable at any moment: its header is renewed as it grows.

    Beside each lies a JSON file with the instant of its first sample. A full disk costs the recording, never the sound.
    """

    def __init__(self, folder: Path, *, limit_mb: float = 200, wall: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._limit_bytes = int(limit_mb * 1_000_000)
        self._wall = wall
        self._of: str | None = None
        self._file: BinaryIO | None = None
        self._path = folder
        self._about: dict[str, object] = {}
        self._frames = 0
        self._header_frames = 0

    def take(self, frames: bytes, of: str | None, *, first_mono_s: float, now_mono_s: float) -> None:
        """Keep frames that sounded from `first_mono_s` on, if they belong to something."""
        if of != self._of:
            self.close()
            self._of = of
            if of is not None:
                self._guard(lambda: self._open(of, first_mono_s, now_mono_s))
        if self._file is not None:
            self._guard(lambda: self._append(frames))

    def close(self) -> None:
        """Finish the current file."""
        if self._file is not None:
            self._guard(self._renew_header)
        self._drop()
        self._of = None

    def _guard(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            log.warning("sounded.not_kept", file=self._path.name, error=str(error))
            self._drop()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, of: str, first_mono_s: float, now_mono_s: float) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room()
        first = datetime.fromtimestamp(self._wall() - (now_mono_s - first_mono_s), UTC)
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", of)[:120]
        self._path = self._folder / f"{first:%Y%m%dT%H%M%S}.{first.microsecond // 1000:03d}Z-{safe}.wav"
        self._about = {
            "first_sample_utc": first.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "first_sample_mono_ns": round(first_mono_s * 1e9),
            "occurrence": of,
        }
        self._frames = self._header_frames = 0
        self._file = self._path.open("wb", buffering=0)
        self._file.write(wav_header(0))
        self._write_about()

    def _append(self, frames: bytes) -> None:
        if self._file is None:
            return
        self._file.write(frames)
        self._frames += len(frames) // FRAME_BYTES
        if self._frames - self._header_frames >= _HEADER_EVERY_FRAMES:
            self._renew_header()

    def _renew_header(self) -> None:
        if self._file is None:
            return
        self._file.seek(0)
        self._file.write(wav_header(self._frames))
        self._file.seek(0, os.SEEK_END)
        self._header_frames = self._frames
        self._write_about()

    def _write_about(self) -> None:
        beside = self._path.with_suffix(".json")
        new = beside.with_suffix(".tmp")
        new.write_text(json.dumps({**self._about, "frames": self._frames}))
        new.replace(beside)

    def _make_room(self) -> None:
        """Delete the oldest files above the limit; their names sort by time."""
        kept = sorted(self._folder.glob("*.wav"))
        total = sum(path.stat().st_size for path in kept)
        for path in kept:
            if total <= self._limit_bytes:
                return
            total -= path.stat().st_size
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
