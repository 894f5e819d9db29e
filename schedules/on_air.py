"""Who is on air: the one total order, and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schedules.types import AlertId, OccurrenceId, PlannedOccurrence, Priority, SessionId

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Rank = tuple[int, int, timedelta, int, timedelta, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that wants the speaker at a given moment."""

    id: OccurrenceId | AlertId | SessionId
    priority: Priority
    issuer_depth: int
    """0 is national; smaller outranks larger among emergencies."""
    raised_at: datetime
    """UTC: when an alert was raised, a session opened, an occurrence begins."""
    commune_rank: int
    """The order the commune chose on a collision; smaller first."""
    ready: bool
    """Its own sound can start now."""


def choose(candidates: Iterable[Candidate], playing: Candidate | None) -> Candidate | None:
    """Return what should sound now, or None for silence.

    Nothing displaces `playing` unless its own sound is ready: a silent winner is worse than a late one. What plays but
    is no candidate any more has ended or was stopped. Ties cannot happen: the order ends with the id.
    """
    on_air = playing.id if playing else None
    able = [candidate for candidate in candidates if candidate.ready or candidate.id == on_air]
    return min(able, key=rank, default=None)


def rank(wish: Candidate) -> Rank:
    """Return the place in the one total order; the smallest is on air.

    Emergency (higher issuer first, then newer) > live > priority > routine; then the commune's order, then who began
    first, then the id.
    """
    return rank_of(wish.priority, wish.issuer_depth, wish.raised_at, wish.commune_rank, wish.id)


def rank_of(priority: Priority, issuer_depth: int, raised_at: datetime, commune_rank: int, name: str) -> Rank:
    """Return the rank of something that is no `Candidate` yet."""
    age = raised_at - _EPOCH
    if priority is Priority.EMERGENCY:
        return (-priority, issuer_depth, -age, commune_rank, timedelta(), name)
    return (-priority, 0, timedelta(), commune_rank, age, name)


def candidate(occurrence: PlannedOccurrence, *, ready: bool) -> Candidate:
    """Return what an occurrence, an alert or a live session is when it wants the air."""
    return Candidate(
        id=occurrence.id,
        priority=occurrence.priority,
        issuer_depth=occurrence.issuer_depth,
        raised_at=occurrence.raised_at or occurrence.starts_at,
        commune_rank=occurrence.commune_rank,
        ready=ready,
    )
