"""Turning a clip back into samples: mono, 48 kHz, signed 16-bit little-endian. The speaker's agent uses this."""

from pathlib import Path

from audio.child import ChildLimits
from audio.errors import NotAudio, TooLong
from audio.ffmpeg import BYTES_PER_SECOND, RATE_HZ, executable, recording, stream

_PREROLL_MS = 200
"""Opus needs 80 ms of earlier sound before its decoder has converged."""


def decode_args(path: Path, from_ms: int = 0, rate_hz: int = RATE_HZ) -> list[str]:
    """The command that streams a clip's samples to stdout, beginning exactly `from_ms` into it."""
    seek_ms = max(0, from_ms - _PREROLL_MS)
    skip = (from_ms - seek_ms) * RATE_HZ // 1000
    seek = ("-ss", f"{seek_ms / 1000:.3f}") if seek_ms else ()
    cut = f",atrim=start_sample={skip}" if skip else ""
    return [
        str(executable()), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-threads", "1",
        *seek, *recording(path).arguments,
        "-map", "0:a:0", "-af", f"aresample={RATE_HZ}{cut}", "-ac", "1", "-ar", str(rate_hz),
        "-f", "s16le", "pipe:1",
    ]  # fmt: skip


def pcm(path: Path, *, max_s: int = 1200, limits: ChildLimits | None = None) -> bytes:
    """All samples of a short clip, in memory: 5.8 MB a minute."""
    samples = bytearray()

    def take(data: bytes) -> None:
        if len(samples) + len(data) > max_s * BYTES_PER_SECOND:
            raise TooLong(limit_min=max_s / 60)
        samples.extend(data)

    report = stream(decode_args(path), take, limits)
    if report.status != 0 or not samples:
        raise NotAudio
    return bytes(samples)
