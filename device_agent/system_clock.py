"""The real clocks of a Linux machine."""

import ctypes
import time
from ctypes import Structure, byref, c_char, c_int, c_long
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

_STA_UNSYNC: Final = 0x40
_TIME_ERROR: Final = 5
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class _Timex(Structure):
    """`struct timex` of adjtimex(2), read only up to its status."""

    _fields_ = (
        ("modes", c_int),
        ("offset", c_long),
        ("freq", c_long),
        ("maxerror", c_long),
        ("esterror", c_long),
        ("status", c_int),
        ("rest", c_char * 512),
    )


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


class SystemClock:
    """The machine's clocks, as they are."""

    def wall(self) -> datetime:
        """The system's idea of UTC, right or wrong."""
        return datetime.now(UTC)

    def mono(self) -> float:
        """Seconds that never jump; the event loop's clock too."""
        return time.monotonic()

    def boottime(self) -> float:
        """Seconds since the kernel started, suspended time included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot_id(self) -> str:
        """The kernel's id of this start of the machine; empty where it tells none."""
        try:
            return _BOOT_ID.read_text().strip()
        except OSError:
            return ""

    def synchronised(self) -> bool:
        """Whether the kernel says that the wall clock is disciplined by NTP or the like."""
        timex = _Timex()
        try:
            state = _libc().adjtimex(byref(timex))
        except AttributeError:
            return False
        return 0 <= state < _TIME_ERROR and not timex.status & _STA_UNSYNC
