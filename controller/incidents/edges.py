"""What begins and what ends between two looks at a speaker. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

OFFLINE: Final = "offline"
ALERT_UNANSWERED: Final = "alert_unanswered"
"""It was online and did not say within 100 s that it has an alert (EN 54-21)."""
OVER_WHEN_SEEN: Final = frozenset({ALERT_UNANSWERED})
"""What happened once and is over only when somebody has looked at it."""
AGAIN_WITHIN: Final = timedelta(minutes=10)
"""What comes back so soon had not really ended: a loose cable is one incident, not a hundred."""
PASSING: Final = timedelta(seconds=100)
"""A speaker that is away for less was restarted, or lost its link for a moment: EN 54-16 gives a fault as long."""
KEPT: Final = timedelta(days=400)
_SAID_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that is wrong with a speaker now."""

    code: str
    said: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """Something that began or ended."""

    device_id: str
    wrong: Wrong


def wrong_with(state: Mapping[str, Any] | None, *, away: bool) -> dict[str, Wrong]:
    """Return what is wrong with a speaker, by code, from its last report as it is stored.

    While it is away nobody knows how its other troubles go on, so they neither begin nor end.
    """
    problems = (state or {}).get("problems", ())
    found = {each["code"]: _wrong(each) for each in problems}
    return {**found, OFFLINE: Wrong(OFFLINE)} if away else found


def _wrong(problem: Mapping[str, Any]) -> Wrong:
    since = problem.get("since")
    said = str(problem.get("text", ""))[:_SAID_MAX]
    return Wrong(problem["code"], said, datetime.fromisoformat(since) if since else None)


def edges(
    device_id: str, before: Mapping[str, Wrong], after: Mapping[str, Wrong]
) -> tuple[tuple[Edge, ...], tuple[Edge, ...]]:
    """Return what began and what ended. Nothing of both is the rule: then nobody asks the database."""
    began = tuple(Edge(device_id, wrong) for code, wrong in after.items() if code not in before)
    ended = tuple(Edge(device_id, wrong) for code, wrong in before.items() if code not in after)
    return began, ended


def passing(code: str, *, began_at: datetime, ended_at: datetime, times: int) -> bool:
    """Whether something that has ended was too short to be told."""
    return code == OFFLINE and times == 1 and ended_at - began_at < PASSING
