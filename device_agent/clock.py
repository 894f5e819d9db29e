"""The time a speaker may act on: monotonic waiting, and UTC only as far as it is known to be right.

Best first: exchanges with the controller; the anchor this same start of the machine left on disk (holdover); the
system's wall clock while the kernel says that it is disciplined. A wall clock that jumps never moves anchored time.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Protocol

import structlog

from device_agent import clock_filter
from device_agent.clock_filter import DRIFT, Exchange, Sample
from device_agent.system_clock import SystemClock
from protocol.messages import ClockQuality, ClockState

__all__ = ["Clock", "Exchange", "SystemClock", "TrustedClock"]

log = structlog.get_logger(__name__)

TRUST_LIMIT_S: Final = 65.0
"""Timed items wait when the error may be larger. At 100 ppm that is 7.5 days without any source: a whole plan."""
EXCHANGE_FRESH_S: Final = 900.0
"""An estimate older than this is called holdover."""
SYSTEM_ERROR_S: Final = 0.1
SLEW_RATE: Final = 0.005
"""Small corrections move the time by at most 5 ms a second, so that it never goes back."""
STEP_S: Final = 0.25
"""A larger correction is made at once; what was heard stays heard all the same."""
WALL_STEP_S: Final = 0.5
PERSIST_EVERY_S: Final = 600.0
_SUSPENDED_S: Final = 0.05

Source = Literal["none", "system", "exchange", "holdover"]

_LAST_UTC_S = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
"""What lies beyond comes from a broken file."""


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
class _Anchor:
    """UTC less monotonic time, known at an instant with an error; `slew_s` of correction is still being worked in."""

    offset_s: float
    at_mono_s: float
    error_s: float
    source: Source
    slew_s: float = 0.0

    def offset_at(self, mono_s: float) -> float:
        worked_in = min(abs(self.slew_s), SLEW_RATE * max(0.0, mono_s - self.at_mono_s))
        return self.offset_s + math.copysign(worked_in, self.slew_s)

    def error_at(self, mono_s: float) -> float:
        left = abs(self.offset_s + self.slew_s - self.offset_at(mono_s))
        return self.error_s + left + DRIFT * max(0.0, mono_s - self.at_mono_s)


class TrustedClock:
    """Maps monotonic time to UTC and back, and says whether that may be believed."""

    def __init__(self, system: Clock, anchor_path: Path, *, changed: Callable[[], None] = lambda: None) -> None:
        self._system = system
        self._path = anchor_path
        self._changed = changed
        self._samples: tuple[Sample, ...] = ()
        self._round_trip_s: float | None = None
        self._steps = 0
        self._wall_offset_s = self._wall_less_mono()
        self._earliest_offset_s = -math.inf
        self._suspended_s = system.boottime() - system.mono()
        self._persisted: tuple[float, Source] | None = None
        self._anchor = self._restored()
        self._quality = ClockQuality.UNTRUSTED
        self.check()

    def now(self) -> datetime | None:
        """UTC, or None while the clock is not trusted."""
        return self.best_guess() if self.trusted else None

    @property
    def trusted(self) -> bool:
        """Whether timed items may play."""
        return self._anchor is not None and self._anchor.error_at(self._system.mono()) <= TRUST_LIMIT_S

    @property
    def quality(self) -> ClockQuality:
        """The same, as records say it."""
        return ClockQuality.TRUSTED if self.trusted else ClockQuality.UNTRUSTED

    def mono(self) -> float:
        """Monotonic time now."""
        return self._system.mono()

    def best_guess(self) -> datetime:
        """UTC, trusted or not: for labels and logs, and for emergencies, which cannot wait until the time is known."""
        return self.utc_at(self._system.mono())

    def not_before(self, utc: datetime) -> None:
        """Somebody who is trusted wrote this moment down: where the time is not known, it is at least so late.

        A board without a battery wakes up years ago, and what was ordered would lie far ahead of it.
        """
        self._earliest_offset_s = max(self._earliest_offset_s, utc.timestamp() - self._system.mono())

    def mono_at(self, utc: datetime) -> float:
        """The monotonic instant of a UTC moment."""
        wanted = utc.timestamp()
        mono_s = wanted - self._offset_at(self._system.mono())
        for _ in range(3):
            mono_s = wanted - self._offset_at(mono_s)
        return mono_s

    def utc_at(self, mono_s: float) -> datetime:
        """The UTC moment of a monotonic instant."""
        return datetime.fromtimestamp(mono_s + self._offset_at(mono_s), UTC)

    def observe(self, exchange: Exchange) -> None:
        """Take a verified exchange with the controller into account."""
        new = clock_filter.sample(exchange)
        if new is None:
            log.warning("clock.exchange_implausible")
            return
        mono_s = self._system.mono()
        self._samples = clock_filter.recent((*self._samples, new), mono_s)
        found = clock_filter.estimate(self._samples, mono_s)
        if found is not None:
            self._round_trip_s = found.round_trip_s
            self._steer(found.offset_s, found.error_s, "exchange")
        self.check()

    def check(self) -> None:
        """Notice wall steps, suspension and the expiry of holdover; call it about once a second."""
        mono_s = self._system.mono()
        self._notice_suspension()
        self._notice_wall_step()
        self._follow_system(mono_s)
        if self.quality is not self._quality:
            self._quality = self.quality
            log.info("clock.quality", quality=str(self._quality), source=self._source(mono_s))
            self._changed()
        self._persist_rarely(mono_s)

    def state(self) -> ClockState:
        """What the device reports of its clock."""
        mono_s = self._system.mono()
        error_s = self._anchor.error_at(mono_s) if self._anchor else None
        ahead_s = (self.best_guess() - self._system.wall()).total_seconds() if self._anchor else None
        return ClockState(
            quality=self.quality,
            source=self._source(mono_s),
            error_ms=None if error_s is None else round(error_s * 1000, 3),
            wall_offset_ms=None if ahead_s is None else round(ahead_s * 1000, 3),
            round_trip_ms=None if self._round_trip_s is None else round(self._round_trip_s * 1000, 3),
            steps=self._steps,
        )

    def _source(self, mono_s: float) -> Source:
        if self._anchor is None or not self.trusted:
            return "none"
        if self._anchor.source == "exchange" and mono_s - self._anchor.at_mono_s > EXCHANGE_FRESH_S:
            return "holdover"
        return self._anchor.source

    def _offset_at(self, mono_s: float) -> float:
        if self._anchor is not None:
            return self._anchor.offset_at(mono_s)
        return max(self._wall_less_mono(), self._earliest_offset_s)

    def _wall_less_mono(self) -> float:
        return self._system.wall().timestamp() - self._system.mono()

    def _steer(self, offset_s: float, error_s: float, source: Source) -> None:
        """Move towards a new estimate: smoothly when it is near, at once when it is far."""
        mono_s = self._system.mono()
        if self._anchor is not None and self.trusted:
            current_s = self._anchor.offset_at(mono_s)
            correction_s = offset_s - current_s
            if abs(correction_s) < STEP_S:
                self._anchor = _Anchor(current_s, mono_s, error_s, source, correction_s)
                return
            log.warning("clock.stepped", by_s=round(correction_s, 3), source=source)
        self._anchor = _Anchor(offset_s, mono_s, error_s, source)

    def _notice_wall_step(self) -> None:
        offset_s = self._wall_less_mono()
        if abs(offset_s - self._wall_offset_s) > WALL_STEP_S:
            self._steps += 1
            log.warning("clock.wall_stepped", by_s=round(offset_s - self._wall_offset_s, 3))
        self._wall_offset_s = offset_s

    def _notice_suspension(self) -> None:
        """Monotonic time stands still while the machine sleeps; UTC does not."""
        suspended_s = self._system.boottime() - self._system.mono()
        slept_s = suspended_s - self._suspended_s
        if slept_s < _SUSPENDED_S:
            return
        self._suspended_s = suspended_s
        self._wall_offset_s += slept_s
        self._earliest_offset_s += slept_s
        self._samples = ()
        if (anchor := self._anchor) is not None:
            drifted_s = anchor.error_s + DRIFT * slept_s
            self._anchor = _Anchor(anchor.offset_s + slept_s, anchor.at_mono_s, drifted_s, "holdover", anchor.slew_s)

    def _follow_system(self, mono_s: float) -> None:
        """Use a disciplined wall clock where nothing better is known, and only as far as it fits what is known."""
        if self._source(mono_s) == "exchange":
            return
        if not self._system.synchronised():
            if self._anchor is not None and self._anchor.source == "system":
                self._anchor = _Anchor(
                    self._anchor.offset_at(mono_s), mono_s, self._anchor.error_at(mono_s), "holdover"
                )
            return
        offset_s = self._wall_less_mono()
        if self._anchor is not None and self.trusted:
            away_s = abs(offset_s - self._anchor.offset_at(mono_s))
            if away_s > self._anchor.error_at(mono_s) + SYSTEM_ERROR_S:
                return
        self._steer(offset_s, SYSTEM_ERROR_S, "system")

    def _persist_rarely(self, mono_s: float) -> None:
        source = self._source(mono_s)
        if self._anchor is None or source == "none":
            return
        if self._persisted and self._persisted[1] == source and mono_s - self._persisted[0] < PERSIST_EVERY_S:
            return
        self._persisted = (mono_s, source)
        about = {
            "boot_id": self._system.boot_id(),
            "boottime_s": self._system.boottime(),
            "utc_s": mono_s + self._anchor.offset_at(mono_s),
            "error_s": self._anchor.error_at(mono_s),
        }
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(about))
            new.replace(self._path)
        except OSError as error:
            log.warning("clock.anchor_not_kept", error=str(error))

    def _restored(self) -> _Anchor | None:
        """Return the anchor that an earlier run left, if the machine has not been restarted since."""
        try:
            about = json.loads(self._path.read_text())
            same = about["boot_id"] == self._system.boot_id() != ""
            elapsed_s = self._system.boottime() - float(about["boottime_s"])
            utc_s, error_s = float(about["utc_s"]) + elapsed_s, float(about["error_s"]) + DRIFT * elapsed_s
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        if not same or elapsed_s < 0 or not 0 < utc_s < _LAST_UTC_S or not math.isfinite(error_s) or error_s < 0:
            return None
        mono_s = self._system.mono()
        return _Anchor(utc_s - mono_s, mono_s, error_s, "holdover")
