"""What the conductor reads: who gets the air next, when exactly, and what can no longer be heard. Pure.

The order itself is `schedules.on_air`, where to begin is `schedules.entry`; here the two meet what one speaker has
heard, may play and has at hand.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from schedules.caps import refusal
from schedules.day import next_quiet_start, quiet
from schedules.entry import ON_TIME, Entry, entry, last_entry
from schedules.on_air import candidate, choose, rank
from schedules.types import Heard, OccurrenceId, PlannedOccurrence, Priority, Sounded, SpeakerPolicy

PREPARE: Final = timedelta(seconds=8)
"""How long before its instant a sound is decoded."""
ENTRY_LEAD: Final = timedelta(milliseconds=700)
"""What begins late begins this much after it was decided: time to decode and to write it down."""
READY_LEAD: Final = timedelta(milliseconds=50)
"""The same for what is being decoded already."""


@dataclass(frozen=True, slots=True)
class OnAir:
    """An occurrence that sounds, or is bound to: until it ends by itself or gives way to the next one bound."""

    occurrence: PlannedOccurrence
    until: datetime
    limited: bool = False
    """Its source may go on for ever: it is ended then."""
    latest: datetime | None = None
    """When it is ended, however much of it is left."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a decision depends on, but for the time."""

    occurrences: tuple[PlannedOccurrence, ...]
    policy: SpeakerPolicy = field(default_factory=SpeakerPolicy)
    heard: Callable[[str], Heard | None] = lambda _: None
    sounded: tuple[Sounded, ...] = ()
    """What counts against the caps today and this week."""
    unplayable: Mapping[str, str] = field(default_factory=dict)
    """Occurrences whose sound is not to be had now, and why."""
    on_air: tuple[OnAir, ...] = ()
    """One, or for a second two: what sounds, and what is bound to follow it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Sound this occurrence from `offset_ms` on, beginning at `at`."""

    occurrence: PlannedOccurrence
    at: datetime
    offset_ms: int

    def continues(self, other: "Cue") -> bool:
        """Whether both mean the same sound, told at different moments."""
        if self.occurrence.id != other.occurrence.id:
            return False
        if self.offset_ms == 0 or other.offset_ms == 0:
            return self.offset_ms == other.offset_ms
        apart = (self.at - other.at) - timedelta(milliseconds=self.offset_ms - other.offset_ms)
        return abs(apart) < timedelta(milliseconds=50)


def next_cue(scene: Scene, now: datetime, lead: timedelta = ENTRY_LEAD) -> Cue | None:
    """Return what takes the air within the next seconds, if anything: the first change of who is on air.

    What is due already begins after `lead`.
    """
    for at in _moments(scene, now, lead):
        winner = _winner(scene, at)
        if winner is not None and not _is_on_air(scene, winner.occurrence):
            return winner
    return None


def free_from(scene: Scene, cue: Cue) -> datetime:
    """Return when a cue may begin: what is on air and outranks it may have begun, and so ends, later than expected."""
    place = rank(candidate(cue.occurrence, ready=True))
    above = (each.until for each in scene.on_air if rank(candidate(each.occurrence, ready=True)) < place)
    return max([cue.at, *above])


def must_stop(scene: Scene, now: datetime) -> Iterator[tuple[OccurrenceId, str]]:
    """Yield what is on air and may not go on, and why."""
    planned = {each.id for each in scene.occurrences}
    for each in scene.on_air:
        occurrence = each.occurrence
        if occurrence.id not in planned:
            yield occurrence.id, "withdrawn"
        elif (each.limited and now >= each.until) or (each.latest is not None and now >= each.latest):
            yield occurrence.id, "limit"
        elif occurrence.priority is not Priority.EMERGENCY and quiet(scene.policy, now):
            yield occurrence.id, "quiet_hours"


def forbidden(scene: Scene, occurrence: PlannedOccurrence, at: datetime) -> str | None:
    """Return which rule of the place keeps an occurrence from sounding at a moment, or None."""
    if occurrence.priority is Priority.EMERGENCY:
        return None
    if quiet(scene.policy, at):
        return "quiet_hours"
    reason = refusal(occurrence, scene.sounded, scene.policy)
    return None if reason is None else str(reason)


def gone(scene: Scene, now: datetime) -> Iterator[PlannedOccurrence]:
    """Yield what was never heard and no longer can be."""
    for occurrence in scene.occurrences:
        if occurrence.starts_at + ON_TIME >= now or _is_on_air(scene, occurrence):
            continue
        if scene.heard(occurrence.id) is None and entry(occurrence, now) is None:
            yield occurrence


def left_off(scene: Scene, now: datetime) -> Iterator[PlannedOccurrence]:
    """Yield what was cut short and, by its resume policy, does not come back though its time is not over."""
    for occurrence in scene.occurrences:
        if not occurrence.starts_at <= now < last_entry(occurrence) or _is_on_air(scene, occurrence):
            continue
        heard = scene.heard(occurrence.id)
        if heard is not None and not heard.finished and entry(occurrence, now, heard) is None:
            yield occurrence


def under_way(scene: Scene, now: datetime) -> Iterator[PlannedOccurrence]:
    """Yield what would sound now if nothing but itself mattered."""
    for occurrence in scene.occurrences:
        if occurrence.starts_at <= now < last_entry(occurrence) and not _is_on_air(scene, occurrence):
            heard = scene.heard(occurrence.id)
            if heard is None or not heard.finished:
                yield occurrence


def next_look(scene: Scene, now: datetime, longest: timedelta) -> datetime:
    """Return when to decide again, if nothing happens before."""
    moments = [now + longest]
    moments += [each.starts_at - PREPARE for each in scene.occurrences if each.starts_at - PREPARE > now]
    moments += [each.until - PREPARE for each in scene.on_air]
    moments += [each.until for each in scene.on_air if each.limited]
    moments += [each.latest for each in scene.on_air if each.latest is not None]
    if scene.on_air and (quiet_from := next_quiet_start(scene.policy, now)) is not None:
        moments.append(quiet_from)
    return min(moment for moment in moments if moment > now)


def _moments(scene: Scene, now: datetime, lead: timedelta) -> list[datetime]:
    """The instants in reach at which somebody else may get the air."""
    last = now + PREPARE
    moments = {now + lead}
    moments.update(each.starts_at for each in scene.occurrences if now < each.starts_at <= last)
    moments.update(each.until for each in scene.on_air if now < each.until <= last)
    return sorted(moments)


def _winner(scene: Scene, at: datetime) -> Cue | None:
    """Return who has the air at an instant, with what is on air now as one of those who want it."""
    cues: dict[str, Cue] = {each.occurrence.id: Cue(each.occurrence, at, 0) for each in scene.on_air if at < each.until}
    for occurrence in scene.occurrences:
        if not _is_on_air(scene, occurrence) and (begun := _may_enter(scene, occurrence, at)) is not None:
            cues[occurrence.id] = Cue(occurrence, begun.at, begun.offset_ms)
    chosen = choose((candidate(cue.occurrence, ready=True) for cue in cues.values()), playing=None)
    return cues[chosen.id] if chosen is not None else None


def _may_enter(scene: Scene, occurrence: PlannedOccurrence, at: datetime) -> Entry | None:
    if not occurrence.starts_at <= at < last_entry(occurrence) or occurrence.id in scene.unplayable:
        return None
    begun = entry(occurrence, at, scene.heard(occurrence.id))
    return begun if begun is not None and forbidden(scene, occurrence, at) is None else None


def _is_on_air(scene: Scene, occurrence: PlannedOccurrence) -> bool:
    return any(each.occurrence.id == occurrence.id for each in scene.on_air)
