"""When a live session ends by itself. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

GAP: Final = timedelta(seconds=8)
"""A network that is gone for five seconds, and the time to come back."""
LEAD: Final = timedelta(milliseconds=1500)
"""From the press to the chime: the word travels, and speakers have what they need in hand a second before."""
LOUD_DBOV: Final = -50
"""Quieter than this is a room in which nobody speaks."""


class Ending(StrEnum):
    """Why a session ended."""

    SPOKEN = "spoken"
    """Who spoke ended it, or somebody of the area did."""
    SILENCE = "silence"
    DISCONNECTED = "disconnected"
    LIMIT = "limit"
    RESTARTED = "restarted"
    """The service itself ended in its midst."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands."""

    speak_at: datetime
    """When the chime is over."""
    ends_at: datetime
    heard_at: datetime | None = None
    """When the last frame came."""
    loud_at: datetime | None = None
    """When the last one came in which somebody spoke."""


def ending(standing: Standing, now: datetime, silence: timedelta) -> Ending | None:
    """Return why a session is over at `now`, or None while it goes on."""
    if now >= standing.ends_at:
        return Ending.LIMIT
    if now - max(standing.heard_at or standing.speak_at, standing.speak_at) >= GAP:
        return Ending.DISCONNECTED
    if now - max(standing.loud_at or standing.speak_at, standing.speak_at) >= silence:
        return Ending.SILENCE
    return None
