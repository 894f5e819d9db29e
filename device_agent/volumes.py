"""How loud: what an alert says of itself; what a person asked for, else what was planned, else what the place says."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from device_agent.clock import TrustedClock
from schedules.day import volume_at
from schedules.types import Percent, PlannedOccurrence, Priority, SpeakerPolicy


@dataclass(frozen=True, slots=True)
class _Override:
    """A volume that somebody asked for, until a monotonic instant."""

    volume: Percent
    until_mono_s: float


class Volumes:
    """Answers for the moment; the ceiling holds in every case, and an emergency has its own."""

    def __init__(self, clock: TrustedClock, policy: Callable[[], SpeakerPolicy]) -> None:
        self._clock = clock
        self._policy = policy
        self._override: _Override | None = None

    def override(self, volume: int, until: datetime) -> str:
        """Take a person's wish; returns a sentence of what it means."""
        self._override = _Override(Percent(volume), self._clock.mono_at(until))
        ceiling = self._policy().max_volume
        held = f", held to the ceiling of {ceiling} %" if volume > ceiling else ""
        return f"volume {volume} % until {until.isoformat()}{held}"

    def of(self, occurrence: PlannedOccurrence | None) -> int:
        """Return how loud something is to be now; None stands for a test tone."""
        now = self._clock.best_guess()
        wanted = occurrence.volume if occurrence is not None and occurrence.own_volume else None
        if occurrence is not None and occurrence.raised_at is not None and wanted is not None:
            # An alert's issuer said so: no command makes it quieter, or a test that nobody is to hear be heard.
            return min(wanted, volume_at(self._policy(), now, wanted, occurrence.priority))
        if self._override is not None and self._clock.mono() < self._override.until_mono_s:
            wanted = self._override.volume
        priority = occurrence.priority if occurrence is not None else Priority.ROUTINE
        return volume_at(self._policy(), now, wanted, priority)
