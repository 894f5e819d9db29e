"""From exchanges with the controller to one estimate of the time, and how wrong it can be. Pure.

Every exchange confines the truth to an interval: half its round trip to each side, wider as it ages. Exchanges whose
intervals share no point with most others lie, or were delayed beyond reason; they are left out. Of the rest the median
of the quickest counts, so that one odd exchange never moves the clock.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

DRIFT: Final = 100e-6
"""How fast a cheap crystal may run away: 100 ppm, 8.6 s a day."""
LONGEST_ROUND_TRIP_S: Final = 10.0
ENOUGH: Final = 3
"""Fewer agreeing exchanges say nothing."""
KEPT: Final = 16
_WINDOW_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """Four timestamps: the speaker's monotonic times of asking and of the answer, the controller's UTC between."""

    sent_mono_s: float
    received_at: datetime
    replied_at: datetime
    back_mono_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One exchange, as a claim: UTC less monotonic time, at a monotonic instant."""

    offset_s: float
    round_trip_s: float
    at_mono_s: float

    def reach_s(self, now_mono_s: float) -> float:
        """How far the truth may lie from the claim by now."""
        return self.round_trip_s / 2 + DRIFT * abs(now_mono_s - self.at_mono_s)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the exchanges together say."""

    offset_s: float
    error_s: float
    round_trip_s: float


def sample(exchange: Exchange) -> Sample | None:
    """Return what an exchange claims, or None when its timestamps cannot be true."""
    received, replied = exchange.received_at.timestamp(), exchange.replied_at.timestamp()
    answering_s = replied - received
    round_trip_s = exchange.back_mono_s - exchange.sent_mono_s - answering_s
    if answering_s < 0 or not 0 <= round_trip_s <= LONGEST_ROUND_TRIP_S:
        return None
    there, back = received - exchange.sent_mono_s, replied - exchange.back_mono_s
    return Sample((there + back) / 2, round_trip_s, (exchange.sent_mono_s + exchange.back_mono_s) / 2)


def recent(samples: Iterable[Sample], now_mono_s: float) -> tuple[Sample, ...]:
    """Return the samples that still count, oldest first."""
    young = (s for s in samples if abs(now_mono_s - s.at_mono_s) <= _WINDOW_S)
    return tuple(sorted(young, key=lambda s: s.at_mono_s))[-KEPT:]


def estimate(samples: Iterable[Sample], now_mono_s: float) -> Estimate | None:
    """Return the time that most samples agree on, or None when too few do."""
    considered = recent(samples, now_mono_s)
    agreeing = _largest_agreement(considered, now_mono_s)
    if len(agreeing) < max(ENOUGH, len(considered) // 2 + 1):
        return None
    quickest = sorted(agreeing, key=lambda s: (s.reach_s(now_mono_s), s.offset_s))
    best = quickest[: max(ENOUGH, len(quickest) // 2)]
    return Estimate(
        offset_s=statistics.median(s.offset_s for s in best),
        error_s=max(s.reach_s(now_mono_s) for s in best),
        round_trip_s=best[0].round_trip_s,
    )


def _largest_agreement(samples: Sequence[Sample], now_mono_s: float) -> list[Sample]:
    """Return the largest set of samples whose intervals share a point (Marzullo's algorithm, by trying each edge)."""

    def around(point: float) -> list[Sample]:
        # The tolerance is for rounding: two intervals may touch in one point.
        return [s for s in samples if abs(s.offset_s - point) <= s.reach_s(now_mono_s) + 1e-6]

    edges = [s.offset_s - s.reach_s(now_mono_s) for s in samples]
    return max((around(edge) for edge in edges), key=len, default=[])
