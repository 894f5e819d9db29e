"""What is kept of how a machine is, and for how long. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite
from typing import Final

from protocol.messages import DeviceState

FINE_S: Final = 300
"""A speaker speaks every 30 s; one sample in five minutes is kept, so that 2,000 of them cost seven rows a second."""


class Range(StrEnum):
    """How far back one looks."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Step:
    """Until what age slots of this length are kept; then they are joined to the next length, or forgotten."""

    span_s: int
    kept: timedelta


STEPS: Final = (
    Step(FINE_S, timedelta(days=1)),
    Step(900, timedelta(days=7)),
    Step(3600, timedelta(days=366)),
)
_LOOKS: Final = {
    Range.DAY: (timedelta(days=1), FINE_S),
    Range.WEEK: (timedelta(days=7), 900),
    Range.MONTH: (timedelta(days=31), 3600),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One slot of one speaker. None: the machine does not tell it, or told nonsense."""

    slot_s: int
    temperature_c: float | None = None
    signal_percent: float | None = None
    volume: int | None = None
    clock_offset_ms: float | None = None
    uptime_s: float | None = None
    data_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What somebody asks to see: from one second to another, in slots of one length."""

    from_s: int
    until_s: int
    span_s: int


def window(wanted: Range, now: datetime) -> Window:
    """Return the whole slots of a range that ends now."""
    length, span_s = _LOOKS[wanted]
    until_s = slot_of(now, span_s) + span_s
    return Window(until_s - int(length.total_seconds()), until_s, span_s)


def slot_of(at: datetime, span_s: int) -> int:
    """Return when the slot began that a moment lies in."""
    return int(at.timestamp()) // span_s * span_s


def sampled(state: DeviceState, now: datetime) -> Sample:
    """Return what is kept of a report. Its figures come from outside: what no machine has is left out."""
    health = state.health
    return Sample(
        slot_s=slot_of(now, FINE_S),
        temperature_c=_within(health.temperature_c, -90, 200),
        signal_percent=_within(health.signal_percent, 0, 100),
        volume=state.player.volume or None,
        clock_offset_ms=_within(state.clock.wall_offset_ms, -1e12, 1e12),
        uptime_s=_within(health.uptime_s, 0, 1e10),
        data_bytes=None if _within(health.data_bytes, 0, 2**53) is None else health.data_bytes,
    )


def _within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and isfinite(value) and low <= value <= high else None


def used_bytes(samples: Sequence[Sample]) -> tuple[int | None, ...]:
    """Return how much data each slot used, from counters that begin at nothing when their machine starts.

    The first that has a counter has nothing to be compared with.
    """
    return tuple(_differences(sample.data_bytes for sample in samples))


def _differences(counters: Iterable[int | None]) -> Iterator[int | None]:
    before: int | None = None
    for counter in counters:
        if counter is None or before is None:
            yield None
        else:
            yield counter - before if counter >= before else counter
        before = before if counter is None else counter


def gapless(samples: Iterable[Sample], wanted: Window) -> tuple[Sample, ...]:
    """Return one sample for each slot of the window, an empty one where the speaker was not heard: charts show gaps."""
    heard = {sample.slot_s: sample for sample in samples}
    empty = Sample(0)
    slots = range(wanted.from_s, wanted.until_s, wanted.span_s)
    return tuple(heard.get(slot_s) or replace(empty, slot_s=slot_s) for slot_s in slots)
