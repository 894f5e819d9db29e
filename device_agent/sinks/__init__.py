"""Where samples become sound: one small port and its adapters."""

from dataclasses import dataclass
from typing import Final, Protocol

from device_agent.sinks.errors import SinkError, SinkLost, SinkUnavailable

__all__ = ["FRAME_BYTES", "RATE_HZ", "Position", "Sink", "SinkError", "SinkLost", "SinkUnavailable"]

RATE_HZ: Final = 48_000
FRAME_BYTES: Final = 2
"""Mono, signed 16-bit little-endian: one frame is one sample."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the device has really played, and the monotonic time of that reading."""

    frames: int
    mono_s: float


class Sink(Protocol):
    """Where samples become sound. Frames are mono s16le bytes at 48 kHz."""

    @property
    def name(self) -> str:
        """What the page shows, such as `pulse` or `alsa:default`."""

    @property
    def latency_ms(self) -> float:
        """From the last accepted frame to the horn, as it is now."""

    def write(self, frames: bytes, of: str | None = None) -> None:
        """Queue frames; blocks while the device's buffer is full. Raises `SinkLost` when the device is gone.

        `of` names what they belong to, None for silence between broadcasts: a sink that keeps what sounded files it so.
        """

    def consumed(self) -> Position:
        """Frames that the device has really played since it was opened. Raises `SinkLost`."""

    def close(self) -> None:
        """Let the device go; nothing may be called afterwards."""
