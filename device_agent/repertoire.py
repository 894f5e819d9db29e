"""What this speaker could play now: its plan, what was heard of it, and what is at hand."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from device_agent.airing import Airings
from device_agent.clock import TrustedClock
from device_agent.decoder import Piece
from device_agent.errors import AgentError
from device_agent.ports import Clips, Configs, Journal, Plans, StoredPlan
from device_agent.preparing import ATTEMPTS
from device_agent.programme import pieces_of, planned_of, policy_of
from device_agent.score import PREPARE, Cue, OnAir, Scene, forbidden, under_way
from protocol.messages import Outcome, PlanOccurrence
from schedules.day import local_day, midnight
from schedules.entry import nominal_end
from schedules.types import Caps, Heard, OccurrenceId, PlannedOccurrence, Sounded, SpeakerPolicy

log = structlog.get_logger(__name__)

_SETTLED = frozenset({Outcome.STOPPED, Outcome.SKIPPED})


class Repertoire:
    """Gathers from the stores what a decision depends on."""

    def __init__(
        self,
        *,
        clock: TrustedClock,
        clips: Clips,
        journal: Journal,
        plans: Plans,
        configs: Configs,
        airings: Airings,
        learn: Callable[[StoredPlan], None],
    ) -> None:
        self._clock = clock
        self._clips = clips
        self._journal = journal
        self._plans = plans
        self._configs = configs
        self._airings = airings
        self._learn = learn
        self._stored: StoredPlan | None = None
        self._sources: dict[str, PlanOccurrence] = {}
        self._sounded: tuple[Sounded, ...] | None = None
        self.occurrences: tuple[PlannedOccurrence, ...] = ()
        self.failures: dict[str, int] = {}
        """How often each occurrence of this plan could not be decoded."""

    @property
    def policy(self) -> SpeakerPolicy:
        """What this speaker may do."""
        return policy_of(self._configs.current())

    @property
    def version(self) -> int | None:
        """The plan's version."""
        return self._stored.plan.version if self._stored else None

    def read_plan(self) -> None:
        """Look whether there is another plan."""
        stored = self._plans.current()
        if stored is None or (self._stored is not None and stored.plan.version == self._stored.plan.version):
            return
        self._stored = stored
        self._sources = {each.id: each for each in stored.plan.occurrences}
        self.occurrences = tuple(planned_of(each) for each in stored.plan.occurrences)
        self.failures.clear()
        self._learn(stored)

    def source(self, occurrence: str) -> PlanOccurrence:
        """The occurrence as the plan has it."""
        return self._sources[occurrence]

    def find(self, occurrence: str) -> PlannedOccurrence | None:
        """Return an occurrence of which something may still be heard."""
        heard = self.heard(occurrence)
        if occurrence not in self._sources or (heard is not None and heard.finished):
            return None
        return planned_of(self._sources[occurrence])

    def pieces(self, cue: Cue) -> Sequence[Piece]:
        """Return what to play for a cue; empty when a clip is not here."""
        return pieces_of(self._sources[cue.occurrence.id], cue.offset_ms, self._clips.path)

    def count_failure(self, occurrence: str) -> None:
        """Its sound could not be decoded; after a few times it is called unplayable."""
        self.failures[occurrence] = self.failures.get(occurrence, 0) + 1
        log.warning("sound.undecodable", occurrence=occurrence, failures=self.failures[occurrence])

    @property
    def undecodable(self) -> Iterable[str]:
        """Titles of what cannot be decoded."""
        return (self._sources[name].title or name for name in self.failures if self._given_up(name))

    def forget_sounded(self) -> None:
        """Something sounded: what counts against the caps must be asked for again."""
        self._sounded = None

    async def scene(self, now: datetime, *, sink_lost: bool) -> Scene:
        """Return everything that a decision depends on, as it is now."""
        return Scene(
            occurrences=self.occurrences,
            policy=self.policy,
            heard=self.heard,
            sounded=await self._counted(now),
            unplayable=self._unplayable(now, sink_lost=sink_lost),
            on_air=tuple(self._on_air()),
        )

    def heard(self, occurrence: str) -> Heard | None:
        """What was heard of an occurrence; one that is being stopped at this moment is over."""
        leaving = (airing.verdict for airing in self._airings.of(occurrence))
        if occurrence in self._airings.over or any(verdict and verdict[0] in _SETTLED for verdict in leaving):
            return Heard(played_ms=1, finished=True)
        kept = self._journal.heard(occurrence)
        return None if kept is None else Heard(played_ms=kept.played_ms, finished=kept.finished)

    def blocked(self, scene: Scene, now: datetime) -> dict[str, str]:
        """Return what would sound now but cannot, and why."""
        found: dict[str, str] = {}
        for each in under_way(scene, now):
            reason = scene.unplayable.get(each.id) or forbidden(scene, each, now)
            if reason is None and scene.on_air:
                reason = "outranked"
            if reason is not None:
                found[each.id] = reason
        return found

    def _on_air(self) -> Iterator[OnAir]:
        current = self._airings.current
        for airing in self._airings.all():
            if airing.occurrence is None or current is None:
                continue
            ends_mono_s = airing.ends_mono_s
            if airing is not current:
                ends_mono_s = min(ends_mono_s, current.target_mono_s)
            yield OnAir(airing.occurrence, self._clock.utc_at(ends_mono_s))

    async def _counted(self, now: datetime) -> tuple[Sounded, ...]:
        """Return what counts against the caps; asked of the journal only where there are caps."""
        policy = self.policy
        if policy.caps == Caps():
            return ()
        if self._sounded is None:
            today = local_day(now, policy.zone)
            monday = midnight(today - timedelta(days=today.weekday()), policy.zone)
            try:
                aired = await self._journal.aired_since(monday)
            except AgentError as error:
                log.warning("caps.unknown", error=str(error))
                return ()
            self._sounded = tuple(
                Sounded(
                    OccurrenceId(each.occurrence),
                    each.started_at,
                    each.started_at + timedelta(milliseconds=each.played_ms),
                )
                for each in aired
            )
        return self._sounded

    def _given_up(self, occurrence: str) -> bool:
        return self.failures.get(occurrence, 0) >= ATTEMPTS

    def _unplayable(self, now: datetime, *, sink_lost: bool) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in self.occurrences:
            if not each.starts_at - PREPARE <= now < nominal_end(each):
                continue
            elapsed_ms = max(0, (now - each.starts_at) // timedelta(milliseconds=1))
            if sink_lost:
                found[each.id] = "sink_lost"
            elif self._given_up(each.id):
                found[each.id] = "decode_failed"
            elif not pieces_of(self._sources[each.id], elapsed_ms, self._clips.path):
                found[each.id] = "clip_missing"
        return found
