"""What may become of one version of a schedule. Pure: who asks and what they saw come in.

A version is the schedule with everything that is heard, known by its digest. What airs is the version that was approved
last; an edit asks for approval anew and changes nothing of what airs until it is given.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.areas.policy import ApprovalAsked
from controller.errors import Conflict, Forbidden, PreconditionFailed
from controller.text import Text


class ApprovalState(StrEnum):
    """How far the present version of a schedule has come."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


class NotWaiting(Conflict):
    """Nobody asks for this version to be approved, or somebody has answered already."""

    code = "not_waiting_for_approval"
    title = Text("This schedule does not wait for approval. Load the page again to see how it stands.")


class OwnWork(Forbidden):
    """Two people are asked for, and this one had a hand in it."""

    code = "own_work"
    title = Text("You had a hand in this. This area asks that somebody else approves it: ask them.")


class NotAsSeen(PreconditionFailed):
    """It was edited since it was looked at."""

    code = "not_as_seen"
    title = Text("It was edited in between. Look at it and listen again, then decide.")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a schedule stands."""

    digest: str
    """Of what it would air now."""
    state: ApprovalState = ApprovalState.DRAFT
    makers: frozenset[str] = frozenset()
    """The names of whoever had a hand in what changed since the last approval."""
    airing: str | None = None
    """The digest of the version that airs: the one approved last."""
    approved_by: str = ""
    """Who approved the version that airs."""
    rejected_by: str = ""
    reason: str = ""


def changed(standing: Standing, digest: str, by: str, asked: ApprovalAsked) -> Standing:
    """Return where a schedule stands after an edit by somebody ("": the workshop gave it its sound).

    Where nobody is asked, the one who edits approves. Sound that arrives later stands in what it was ordered for: it
    never lets through what had not been let through.
    """
    if digest == standing.digest:
        return standing
    makers = standing.makers | ({by} - {""})
    edited = replace(standing, digest=digest, state=ApprovalState.DRAFT, makers=makers, rejected_by="", reason="")
    if digest == standing.airing:  # edited back to what was approved
        return replace(edited, state=ApprovalState.APPROVED, makers=frozenset())
    if asked is ApprovalAsked.NONE and (by or standing.state is ApprovalState.APPROVED):
        return _approved(edited, by or standing.approved_by)
    return edited


def submitted(standing: Standing, seen: str, by: str, asked: ApprovalAsked) -> Standing:
    """Return where it stands once somebody asks for approval. Where nobody is asked, that is the approval."""
    _demand(standing, seen)
    if standing.state in {ApprovalState.SUBMITTED, ApprovalState.APPROVED}:
        return standing
    makers = standing.makers | {by}
    asking = replace(standing, state=ApprovalState.SUBMITTED, makers=makers, rejected_by="", reason="")
    return _approved(asking, by) if asked is ApprovalAsked.NONE else asking


def withdrawn(standing: Standing) -> Standing:
    """Return where it stands once nobody asks any more."""
    if standing.state is ApprovalState.DRAFT:
        return standing
    if standing.state is not ApprovalState.SUBMITTED:
        raise NotWaiting
    return replace(standing, state=ApprovalState.DRAFT)


def approved(
    standing: Standing, seen: str, by: str, asked: ApprovalAsked, authors: Collection[str] = frozenset()
) -> Standing:
    """Return where it stands once `by` lets the version `seen` go on air. `authors` are those of what is new in it."""
    _demand(standing, seen)
    if standing.state is ApprovalState.APPROVED:
        return standing
    _demand_waiting(standing)
    if asked is ApprovalAsked.SECOND_PERSON and by in standing.makers.union(authors):
        raise OwnWork
    return _approved(standing, by)


def rejected(standing: Standing, seen: str, by: str, reason: str) -> Standing:
    """Return where it stands once `by` says no. What was approved before goes on airing."""
    _demand(standing, seen)
    answer = replace(standing, state=ApprovalState.REJECTED, rejected_by=by, reason=reason)
    if answer == standing:
        return standing
    _demand_waiting(standing)
    return answer


def _approved(standing: Standing, by: str) -> Standing:
    return replace(
        standing,
        state=ApprovalState.APPROVED,
        airing=standing.digest,
        approved_by=by,
        makers=frozenset(),
        rejected_by="",
        reason="",
    )


def _demand(standing: Standing, seen: str) -> None:
    if seen != standing.digest:
        raise NotAsSeen


def _demand_waiting(standing: Standing) -> None:
    if standing.state is not ApprovalState.SUBMITTED:
        raise NotWaiting
