"""The time a speaker may act on: monotonic waiting, and UTC only as far as it is known to be right."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from protocol.messages import ClockState


class Clock(Protocol):
    """The machine's clocks, as they are."""

    def wall(self) -> datetime:
        """The system's idea of UTC, right or wrong."""

    def mono(self) -> float:
        """Seconds that never jump; the same clock as `time.monotonic` and the event loop's."""

    def boottime(self) -> float:
        """Seconds since the kernel started, suspended time included."""

    def boot_id(self) -> str:
        """The kernel's id of this start of the machine."""

    def synchronised(self) -> bool:
        """Whether the kernel says that the wall clock is disciplined by NTP or the like."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Four timestamps: the speaker's monotonic times of asking and of the answer, the controller's UTC between."""

    sent_mono_s: float
    received_at: datetime
    replied_at: datetime
    back_mono_s: float


class SystemClock:
    """The real clocks of a Linux machine."""

    def wall(self) -> datetime:
        raise NotImplementedError

    def mono(self) -> float:
        raise NotImplementedError

    def boottime(self) -> float:
        raise NotImplementedError

    def boot_id(self) -> str:
        raise NotImplementedError

    def synchronised(self) -> bool:
        raise NotImplementedError


class TrustedClock:
    """Maps monotonic time to UTC and back, and says whether that may be believed."""

    def __init__(self, system: Clock, anchor_path: Path) -> None:
        self._system = system
        self._anchor_path = anchor_path

    def now(self) -> datetime | None:
        """UTC, or None while the clock is not trusted."""
        raise NotImplementedError

    def best_guess(self) -> datetime:
        """UTC for labels and logs, trusted or not; never to decide what sounds."""
        raise NotImplementedError

    def mono_at(self, utc: datetime) -> float:
        """The monotonic instant of a UTC moment."""
        raise NotImplementedError

    def utc_at(self, mono_s: float) -> datetime:
        """The UTC moment of a monotonic instant."""
        raise NotImplementedError

    def observe(self, exchange: Exchange) -> None:
        """Take a verified exchange with the controller into account."""
        raise NotImplementedError

    def check(self) -> None:
        """Notice wall steps and the expiry of holdover; call it about once a second."""
        raise NotImplementedError

    def state(self) -> ClockState:
        """What the device reports of its clock."""
        raise NotImplementedError
