"""What this speaker could play now: its plan and the calls, what was heard of them, and what is at hand."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from device_agent.airing import Airings
from device_agent.calls import CallKind, Calls, MakeSound
from device_agent.clock import TrustedClock
from device_agent.decoder import PreparedSound
from device_agent.errors import AgentError
from device_agent.ports import Clips, Configs, Journal, Plans, Play, StoredPlan
from device_agent.preparing import ATTEMPTS, Prepare
from device_agent.programme import coming_stretches, pieces_of, planned_of, policy_of
from device_agent.score import PREPARE, Cue, OnAir, Scene, forbidden, under_way
from protocol.messages import Outcome, PlanOccurrence
from schedules.day import local_day, midnight
from schedules.entry import ON_TIME, last_entry, nominal_end
from schedules.types import Caps, Heard, OccurrenceId, PlannedOccurrence, Priority, Sounded, SpeakerPolicy

log = structlog.get_logger(__name__)

_SETTLED = frozenset({Outcome.STOPPED, Outcome.SKIPPED})


class Repertoire:
    """Gathers from the stores what a decision depends on."""

    def __init__(
        self,
        *,
        clock: TrustedClock,
        calls: Calls,
        clips: Clips,
        journal: Journal,
        plans: Plans,
        configs: Configs,
        airings: Airings,
        prepare: Prepare,
        learn: Callable[[StoredPlan, Iterable[str]], None],
    ) -> None:
        self._clock = clock
        self._clips = clips
        self._journal = journal
        self._plans = plans
        self._configs = configs
        self._airings = airings
        self._prepare = prepare
        self._learn = learn
        self.calls = calls
        self._stored: StoredPlan | None = None
        self._sources: dict[str, PlanOccurrence] = {}
        self._sounded: tuple[Sounded, ...] | None = None
        self.occurrences: tuple[PlannedOccurrence, ...] = ()
        self.failures: dict[str, int] = {}
        """How often the sound of each could not be decoded."""

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
        self._learn(stored, [call.occurrence.id for call in self.calls])

    def call(self, occurrence: PlannedOccurrence, kind: CallKind, make_sound: MakeSound) -> None:
        """Take a call: something besides the plan that wants the air."""
        self.calls.add(occurrence, kind, make_sound)
        self.failures.pop(occurrence.id, None)

    def forget_over(self) -> None:
        """Forget the calls of which nothing more may be heard."""
        for call in self.calls:
            name = call.occurrence.id
            heard = self.heard(name)
            if not self._airings.of(name) and (
                call.withdrawn or (heard and heard.finished) or self.calls.is_over(call)
            ):
                self.calls.remove(name)

    def find(self, name: str) -> PlannedOccurrence | None:
        """Return an occurrence, or what was called, of which something may still be heard."""
        heard = self.heard(name)
        if heard is not None and heard.finished:
            return None
        if (call := self.calls[name]) is not None:
            return call.occurrence
        return planned_of(self._sources[name]) if name in self._sources else None

    def title(self, name: str) -> str:
        """How people know it."""
        call, source = self.calls[name], self._sources.get(name)
        return (call.occurrence.title if call else source.title if source else "") or name

    def sound(self, cue: Cue, on_ready: Callable[[], None]) -> PreparedSound | None:
        """Begin to prepare what a cue asks for; None when it is not here."""
        if (call := self.calls[cue.occurrence.id]) is not None:
            return call.make_sound(cue.offset_ms, on_ready)
        source = self._sources.get(cue.occurrence.id)
        pieces = pieces_of(source, cue.offset_ms, self._clips.path) if source is not None else ()
        return self._prepare(pieces, on_ready) if pieces else None

    def play(self, occurrence: PlannedOccurrence, from_ms: int, volume: int) -> Play:
        """Return what the journal is to know of a stretch before its first sample."""
        kind, source = self.calls.kind(occurrence.id), self._sources.get(occurrence.id)
        stretches = coming_stretches(source, from_ms) if source is not None else ()
        return Play(
            kind=kind,
            title=occurrence.title,
            volume=volume,
            clock=self._clock.quality,
            occurrence=occurrence.id,
            schedule_id=occurrence.schedule_id if kind == "occurrence" else None,
            clip=stretches[0].clip if stretches else None,
            planned_at=occurrence.starts_at,
            from_ms=from_ms,
            plan_version=self.version if kind == "occurrence" else None,
            routine=kind == "occurrence" and occurrence.priority is not Priority.EMERGENCY,
        )

    def count_failure(self, occurrence: str, *, slow: bool = False) -> None:
        """Its sound could not be decoded; after a few times it is called unplayable. Who speaks live may be slow."""
        if slow and self.calls.kind(occurrence) == "live":
            return
        self.failures[occurrence] = self.failures.get(occurrence, 0) + 1
        log.warning("sound.undecodable", occurrence=occurrence, failures=self.failures[occurrence])

    @property
    def undecodable(self) -> Iterable[str]:
        """Titles of what cannot be decoded."""
        return (self.title(name) for name in self.failures if self._given_up(name))

    def forget_sounded(self) -> None:
        """Something sounded: what counts against the caps must be asked for again."""
        self._sounded = None

    async def scene(self, now: datetime, *, sink_lost: bool) -> Scene:
        """Return everything that a decision depends on, as it is now.

        Without a trusted clock what is planned waits, though what sounds goes on, and nobody knows the quiet hours.
        """
        on_air = tuple(self._on_air())
        policy, wishes = self.policy, (*self.occurrences, *self.calls.wishes())
        if not self._clock.trusted:
            policy = replace(policy, quiet_hours=())
            wishes = tuple(
                {each.id: each for each in (*(on.occurrence for on in on_air), *self.calls.wishes())}.values()
            )
        return Scene(
            occurrences=wishes,
            policy=policy,
            heard=self.heard,
            sounded=await self._counted(now),
            unplayable=self._unplayable(wishes, now, sink_lost=sink_lost),
            on_air=on_air,
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
                ends_mono_s = min(ends_mono_s, current.begins_mono_s)
            limited = airing is current and airing.play.kind == "live"
            # A station never runs on: not after a late beginning, nor because the device stood still.
            latest = nominal_end(airing.occurrence) + ON_TIME if airing.relaying is not None else None
            yield OnAir(airing.occurrence, self._clock.utc_at(ends_mono_s), limited, latest)

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

    def _unplayable(
        self, occurrences: Iterable[PlannedOccurrence], now: datetime, *, sink_lost: bool
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in occurrences:
            if not each.starts_at - PREPARE <= now < last_entry(each):
                continue
            elapsed_ms = max(0, (now - each.starts_at) // timedelta(milliseconds=1))
            if sink_lost:
                found[each.id] = "sink_lost"
            elif self._given_up(each.id):
                found[each.id] = "decode_failed"
            elif self._lacks(each.id, elapsed_ms):
                found[each.id] = "clip_missing"
        return found

    def _lacks(self, name: str, elapsed_ms: int) -> bool:
        """Whether a clip of it is not here. What is in no plan any more and still sounds lacks nothing."""
        source = self._sources.get(name)
        return self.calls[name] is None and source is not None and not pieces_of(source, elapsed_ms, self._clips.path)
