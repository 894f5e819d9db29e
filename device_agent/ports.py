"""What the rooms of the agent ask of each other: small protocols and the frozen values that pass between them.

The conductor and the clock know only these; stores, journal and cache are handed to them by `device_agent.agent`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NewType, Protocol

from protocol.messages import ClockQuality, Config, Outcome, Plan

PlayId = NewType("PlayId", int)
PlayKind = Literal["occurrence", "alert", "live", "test_tone"]
EXPIRED: Final = "expired"
"""Why an alert was taken back whose time was over."""


@dataclass(frozen=True, slots=True)
class Play:
    """One stretch of airing, as it is known before its first sample."""

    kind: PlayKind
    title: str
    volume: int
    clock: ClockQuality
    occurrence: str | None = None
    schedule_id: str | None = None
    clip: str | None = None
    planned_at: datetime | None = None
    from_ms: int = 0
    """Where in the occurrence this stretch begins: above 0 after a late join or a pre-emption."""
    plan_version: int | None = None
    routine: bool = True
    """Counts against the daily caps."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How whole and how loud one stretch of airing sounded: counted on what the sink consumed."""

    underruns: int = 0
    """How often it broke off in its midst for lack of samples: the sink stood still, or got silence in their place …"""
    underrun_ms: int = 0
    """… and for how long, in all."""
    level_dbfs: float | None = None
    """RMS of what sounded of it, its own pauses too, after the volume; None when not one sample sounded."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the journal remembers of one occurrence, all its stretches together, over restarts of the agent."""

    played_ms: int
    """Sound that the sink consumed, summed."""
    reached_ms: int
    """The furthest position inside the occurrence that was heard."""
    last_outcome: Outcome
    finished: bool
    """Nothing more of it may sound: it was completed, stopped or skipped; or it was missed, and is no alert."""


@dataclass(frozen=True, slots=True)
class Aired:
    """A row of the journal for counting against caps: one routine occurrence that sounded."""

    occurrence: str
    started_at: datetime
    played_ms: int


class Journal(Protocol):
    """What was played, durably. Numbers and acknowledgements are its own business.

    A disk that hangs holds nobody up: each of these comes back within a second, and what could not be written yet is
    written later, in order.
    """

    async def begin(self, play: Play, started_at: datetime) -> PlayId:
        """Write, durably and before the first sample, that `play` starts at about `started_at`."""

    async def progress(self, play: PlayId, played_ms: int, quality: Quality) -> None:
        """Note how much has sounded and how well, so that a power cut loses only the last seconds."""

    async def finish(
        self,
        play: PlayId,
        outcome: Outcome,
        *,
        started_at: datetime | None,
        ended_at: datetime,
        played_ms: int,
        start_error_ms: float | None,
        quality: Quality,
        reason: str = "",
    ) -> None:
        """Close the row with what the sink really did; `started_at` None leaves the time given at the beginning."""

    async def note(self, play: Play, outcome: Outcome, *, at: datetime, reason: str) -> None:
        """Write a whole row for something that did not sound: missed, skipped, stopped before its time."""

    def heard(self, occurrence: str) -> Heard | None:
        """What is remembered of an occurrence, from memory; None when it has no row."""

    def heard_below(self, prefix: str) -> Iterator[tuple[str, Heard]]:
        """Yield what is remembered of all occurrences whose ids begin so, from memory."""

    async def aired_since(self, since: datetime) -> Sequence[Aired]:
        """Routine occurrences that sounded since a moment, one entry an occurrence (stretches summed)."""


class Clips(Protocol):
    """The content cache, as far as the player is concerned."""

    def path(self, sha256: str) -> Path | None:
        """The whole, verified file; None while it is not here."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """The plan in force and since when it is known here."""

    plan: Plan
    received_at: datetime | None
    """Trusted UTC of its arrival; None when the clock was not trusted then."""


class Plans(Protocol):
    """The plan store."""

    def current(self) -> StoredPlan | None:
        """The plan in force, from memory."""


class Configs(Protocol):
    """The config store."""

    def current(self) -> Config | None:
        """The config in force, from memory; None before the first one arrived."""
