"""What becomes of the scheduled broadcasts: pure, so that the picture and the verdict are easy to believe."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Fate(StrEnum):
    """Where one occurrence is in its life on one speaker."""

    WAITING = "waiting"
    READY = "ready"
    ON_AIR = "on air"
    PLAYED = "played"
    NOT_PLAYED = "not played"


@dataclass(frozen=True, slots=True)
class OnSpeaker:
    """One occurrence on one speaker."""

    speaker: str
    fate: Fate
    reason: str = ""
    start_error_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Airing:
    """One occurrence on all the speakers it addresses."""

    id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    speakers: tuple[OnSpeaker, ...]

    def count(self, *fates: Fate) -> int:
        """On how many speakers it has one of these fates."""
        return sum(speaker.fate in fates for speaker in self.speakers)

    @property
    def ready(self) -> int:
        """On how many speakers its sound lies ready, or already sounded."""
        return self.count(Fate.READY, Fate.ON_AIR, Fate.PLAYED)

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.count(Fate.PLAYED, Fate.NOT_PLAYED) == len(self.speakers)


def due(airings: Iterable[Airing], *, since: datetime, until: datetime) -> list[Airing]:
    """The airings that a run from `since` to `until` answers for: all that started within it."""
    return [airing for airing in airings if since <= airing.starts_at <= until]


def outstanding(airings: Iterable[Airing], *, now: datetime, patience: timedelta) -> list[Airing]:
    """What is still worth waiting for: not settled, and not overdue beyond `patience`."""
    return [airing for airing in airings if not airing.settled and now < airing.ends_at + patience]


def complaints(airings: Sequence[Airing]) -> list[str]:
    """One line for each occurrence and speaker that was due and was not played whole; empty: all is well."""
    return [
        f"{airing.title} ({airing.starts_at:%H:%M:%S} UTC) on {speaker.speaker}: {speaker.reason or speaker.fate}"
        for airing in airings
        for speaker in airing.speakers
        if speaker.fate is not Fate.PLAYED
    ]
