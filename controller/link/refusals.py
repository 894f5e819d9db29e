"""What was refused from speakers: every one counted, only the first of a kind logged, and shown to technicians."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from controller.runtime import Runtime, utc_now

log = structlog.get_logger(__name__)

REMEMBERED = 10_000
"""Speakers; beyond that the one longest without a refusal is forgotten, so that nobody can fill the memory."""
CODES_REMEMBERED = 20
SHOWN_FOR = timedelta(hours=1)
"""After the last of its kind a technician need not look any more."""
DETAIL_MAX = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """What we have to find fault with in what a speaker says."""

    code: str
    count: int
    since: datetime
    last: datetime
    detail: str


class Refusals:
    """Counts by speaker and code. Device ids come from topics: they may be anything."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self.by_code: Counter[str] = Counter()
        self._now = now
        self._speakers: OrderedDict[str, dict[str, Fault]] = OrderedDict()

    def add(self, device_id: str, code: str, detail: str = "") -> None:
        """Count a refusal, and log it when this speaker was not known for it lately."""
        self.by_code[code] += 1
        faults = self._speakers.setdefault(device_id, {})
        self._speakers.move_to_end(device_id)
        if len(self._speakers) > REMEMBERED:
            self._speakers.popitem(last=False)
        known = faults.get(code)
        if known is None and len(faults) >= CODES_REMEMBERED:
            return
        now, short = self._now(), detail[:DETAIL_MAX]
        if known is None or known.last < now - SHOWN_FOR:
            faults[code] = Fault(code, 1, now, now, short)
            log.warning("link.refused", device=device_id[:64], code=code, detail=short)
        else:
            faults[code] = replace(known, count=known.count + 1, last=now, detail=short)

    def faults(self, device_id: str) -> tuple[Fault, ...]:
        """Return what was found fault with lately, the oldest first."""
        since = self._now() - SHOWN_FOR
        recent = [fault for fault in self._speakers.get(device_id, {}).values() if fault.last >= since]
        return tuple(sorted(recent, key=lambda fault: (fault.since, fault.code)))

    def faulty(self) -> frozenset[str]:
        """Return the ids, known or not, with which fault was found lately."""
        since = self._now() - SHOWN_FOR
        return frozenset(
            device_id
            for device_id, faults in self._speakers.items()
            if any(fault.last >= since for fault in faults.values())
        )


def refusals_of(runtime: Runtime) -> Refusals:
    """Return the service's one memory of them."""
    refusals: Refusals = runtime.parts.setdefault(Refusals, Refusals(runtime.clock))
    return refusals
