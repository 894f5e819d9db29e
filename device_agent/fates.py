"""What becomes of occurrences that never sounded: each gets one row in the journal that says why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from device_agent.clock import TrustedClock
from device_agent.errors import AgentError
from device_agent.ports import Journal, Play, PlayKind, StoredPlan
from device_agent.score import Scene, gone, left_off
from protocol.messages import Outcome
from schedules.entry import ON_TIME, entry, nominal_end
from schedules.reasons import Reason
from schedules.types import PlannedOccurrence, Priority

log = structlog.get_logger(__name__)

_RULES: Final = frozenset(str(reason) for reason in Reason)
_SPANS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class _Known:
    """Since when an occurrence is known here: a UTC moment, or a monotonic one where the clock was not trusted."""

    utc: datetime | None
    mono_s: float


class Fates:
    """Remembers why things could not sound, and writes it down once they no longer can."""

    def __init__(self, clock: TrustedClock, journal: Journal, kind: Callable[[str], PlayKind]) -> None:
        self._clock = clock
        self._journal = journal
        self._kind = kind
        self._began_mono_s = clock.mono()
        self._known: dict[str, _Known] = {}
        self._why: dict[str, str] = {}
        self._untrusted: list[tuple[float, float]] = []
        self._untrusted_since: float | None = None
        self._version: int | None = None

    def learn(self, stored: StoredPlan, called: Iterable[str] = ()) -> None:
        """Take note of a plan: what it adds is known from its arrival on, and owed nothing before.

        What was called is in no plan, and stays known.
        """
        since = _Known(stored.received_at, self._clock.mono())
        names = (*(each.id for each in stored.plan.occurrences), *called)
        self._known = {name: self._known.get(name, since) for name in names}
        self._why = {name: why for name, why in self._why.items() if name in self._known}
        self._version = stored.plan.version

    def learn_call(self, name: str) -> None:
        """Take note of a call: it is known from now on."""
        self._known.setdefault(name, _Known(None, self._clock.mono()))

    def observe_trust(self) -> None:
        """Remember the spans in which the clock was not trusted."""
        mono_s = self._clock.mono()
        if not self._clock.trusted:
            self._untrusted_since = mono_s if self._untrusted_since is None else self._untrusted_since
        elif self._untrusted_since is not None:
            self._untrusted = [*self._untrusted, (self._untrusted_since, mono_s)][-_SPANS_KEPT:]
            self._untrusted_since = None

    async def settle(self, scene: Scene, now: datetime, blocked: Mapping[str, str]) -> None:
        """Write down what can or may no longer be heard. `blocked` is what cannot sound at this moment, and why."""
        self._why.update(blocked)
        for occurrence in list(gone(scene, now)):
            if self._owed(occurrence):
                await self.note(occurrence, *self._verdict(occurrence), now=now)
        for occurrence in list(left_off(scene, now)):
            await self.note(occurrence, Outcome.SKIPPED, "resume_policy", now=now)

    async def note(self, occurrence: PlannedOccurrence, outcome: Outcome, reason: str, *, now: datetime) -> None:
        """Write a whole row for something that does not sound."""
        log.info("occurrence.silent", occurrence=occurrence.id, outcome=str(outcome), reason=reason)
        kind = self._kind(occurrence.id)
        planned = kind == "occurrence"
        play = Play(
            kind=kind,
            title=occurrence.title,
            volume=occurrence.volume,
            clock=self._clock.quality,
            occurrence=occurrence.id,
            schedule_id=occurrence.schedule_id if planned else None,
            planned_at=occurrence.starts_at,
            plan_version=self._version if planned else None,
            routine=planned and occurrence.priority is not Priority.EMERGENCY,
        )
        try:
            await self._journal.note(play, outcome, at=now, reason=reason)
        except AgentError as error:
            log.warning("journal.unwritable", error=str(error))

    def _owed(self, occurrence: PlannedOccurrence) -> bool:
        """Whether it was known here while it could still be heard."""
        known = self._known.get(occurrence.id)
        if known is None:
            return False
        since = known.utc or self._clock.utc_at(known.mono_s)
        return since <= occurrence.starts_at + ON_TIME or entry(occurrence, since) is not None

    def _verdict(self, occurrence: PlannedOccurrence) -> tuple[Outcome, str]:
        reason = self._why.get(occurrence.id)
        if reason is None:
            since, until = (self._clock.mono_at(at) for at in (occurrence.starts_at, nominal_end(occurrence)))
            if any(start < until and since < end for start, end in self._untrusted):
                reason = "clock_untrusted"
            else:
                reason = "agent_off" if since < self._began_mono_s else "too_late"
        return (Outcome.SKIPPED if reason in _RULES else Outcome.MISSED), reason
