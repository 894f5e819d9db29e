"""What is with the player, from the moment it is bound for the air until its row in the journal is closed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from device_agent.clock import TrustedClock
from device_agent.errors import AgentError
from device_agent.mixer import Ended, Sound, Started
from device_agent.player import Player
from device_agent.ports import Journal, Play, PlayId
from device_agent.volume import gain
from protocol.messages import Outcome
from schedules.types import PlannedOccurrence

log = structlog.get_logger(__name__)

_PROGRESS_MS: Final = 5000
_NEARLY_ALL_MS: Final = 300
"""What gives way this close to its end was heard whole."""


@dataclass
class Airing:
    """A sound that the player has."""

    number: int
    play: Play
    play_id: PlayId | None
    """None when the journal could not be written: it sounds all the same."""
    target_mono_s: float
    """When its first sample should sound."""
    duration_ms: int
    """From where it begins to its end."""
    volume: int
    occurrence: PlannedOccurrence | None = None
    first_mono_s: float | None = None
    verdict: tuple[Outcome, str] | None = None
    """Why it is cut short, when we do it."""
    progress_ms: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ends_mono_s(self) -> float:
        """When its sound ends by itself."""
        return (self.first_mono_s or self.target_mono_s) + self.duration_ms / 1000

    def judge(self, outcome: Outcome, reason: str) -> None:
        """Say why it is cut short; the first reason stands, but what was stopped does not merely give way."""
        if self.verdict is None or self.verdict[0] is Outcome.PRE_EMPTED:
            self.verdict = (outcome, reason)


class Airings:
    """Hands sounds to the player and keeps the journal true to what became of them."""

    def __init__(
        self, *, player: Player, journal: Journal, clock: TrustedClock, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._player = player
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._open: dict[int, Airing] = {}
        self.current: Airing | None = None
        """The one that has the air, or is bound to get it."""
        self.journal_problem: str | None = None
        self.over: set[str] = set()
        """Occurrences that ended for good while the journal could not be written."""

    def __getitem__(self, number: int | None) -> Airing | None:
        return self._open.get(number) if number is not None else None

    async def begin(
        self,
        play: Play,
        sound: Sound,
        *,
        at_mono_s: float,
        target_mono_s: float,
        duration_ms: int,
        occurrence: PlannedOccurrence | None = None,
    ) -> Airing:
        """Write the beginning down, then have it sound; what is on air gives way."""
        play_id = await self._written_down(play, at_mono_s)
        if (before := self.current) is not None:
            before.judge(Outcome.PRE_EMPTED, f"by {play.occurrence or play.kind}")
            if before.first_mono_s is None and before.target_mono_s >= at_mono_s:
                self._player.stop(before.number)
        number = self._player.play(
            sound,
            at_mono_s=at_mono_s,
            of=play.occurrence or play.kind,
            gain=gain(play.volume),
            fade_in=play.from_ms > 0,
        )
        airing = Airing(number, play, play_id, target_mono_s, duration_ms, play.volume, occurrence)
        self._open[number] = self.current = airing
        return airing

    def cut(self, airing: Airing, outcome: Outcome, reason: str) -> None:
        """Fade it out, for this reason."""
        if airing.verdict is None:
            log.info("airing.cut", occurrence=airing.play.occurrence, reason=reason)
        airing.judge(outcome, reason)
        self._player.stop(airing.number)

    def set_volume(self, airing: Airing, volume: int) -> None:
        """Change how loud it is, if that is another volume."""
        if volume != airing.volume:
            airing.volume = volume
            self._player.set_gain(airing.number, gain(volume))

    def started(self, event: Started) -> None:
        """Its first sample sounded."""
        if (airing := self._open.get(event.airing)) is None:
            return
        airing.first_mono_s = event.first_mono_s
        error_ms = _error_ms(airing)
        log.info("airing.started", occurrence=airing.play.occurrence, kind=airing.play.kind, start_error_ms=error_ms)
        self._changed()

    async def ended(self, event: Ended) -> Airing | None:
        """Nothing more of it will sound: close its row. Returns it as it was."""
        if (airing := self._open.pop(event.airing, None)) is None:
            return None
        if self.current is airing:
            self.current = next(reversed(self._open.values()), None)
        outcome, reason = _outcome(airing, event)
        log.info(
            "airing.ended",
            occurrence=airing.play.occurrence,
            outcome=str(outcome),
            reason=reason,
            played_ms=event.played_ms,
        )
        await self._close_row(airing, outcome, reason, event)
        airing.closed.set()
        self._changed()
        return airing

    async def watch(self) -> None:
        """Note progress every few seconds, so that a power cut loses no more than that."""
        status = self._player.status
        airing = self[status.airing]
        if airing is None or airing.play_id is None or status.played_ms - airing.progress_ms < _PROGRESS_MS:
            return
        airing.progress_ms = status.played_ms
        try:
            await self._journal.progress(airing.play_id, status.played_ms)
        except AgentError as error:
            self._complain(error)

    def all(self) -> tuple[Airing, ...]:
        """Everything the player has now."""
        return tuple(self._open.values())

    def of(self, occurrence: str) -> list[Airing]:
        """What the player has of one occurrence."""
        return [airing for airing in self._open.values() if airing.play.occurrence == occurrence]

    async def _written_down(self, play: Play, at_mono_s: float) -> PlayId | None:
        try:
            play_id = await self._journal.begin(play, self._clock.utc_at(at_mono_s))
        except AgentError as error:
            self._complain(error)
            return None
        self.journal_problem = None
        return play_id

    async def _close_row(self, airing: Airing, outcome: Outcome, reason: str, event: Ended) -> None:
        last_mono_s = event.last_mono_s if event.last_mono_s is not None else self._clock.mono()
        first_mono_s = airing.first_mono_s
        try:
            if airing.play_id is None:
                started_at = self._clock.utc_at(first_mono_s or airing.target_mono_s)
                airing.play_id = await self._journal.begin(airing.play, started_at)
            await self._journal.finish(
                airing.play_id,
                outcome,
                started_at=None if first_mono_s is None else self._clock.utc_at(first_mono_s),
                ended_at=self._clock.utc_at(last_mono_s),
                played_ms=event.played_ms,
                start_error_ms=_error_ms(airing),
                reason=reason,
            )
        except AgentError as error:
            self._complain(error)
            if airing.play.occurrence is not None and outcome in {Outcome.COMPLETED, Outcome.STOPPED}:
                self.over.add(airing.play.occurrence)
        else:
            self.journal_problem = None

    def _complain(self, error: AgentError) -> None:
        if self.journal_problem is None:
            log.error("journal.unwritable", error=str(error))
        self.journal_problem = str(error)
        self._changed()


def _error_ms(airing: Airing) -> float | None:
    """First sample at the sink, less its time."""
    if airing.first_mono_s is None:
        return None
    return round((airing.first_mono_s - airing.target_mono_s) * 1000, 3)


def _outcome(airing: Airing, event: Ended) -> tuple[Outcome, str]:
    match event.cause:
        case "completed":
            return Outcome.COMPLETED, ""
        case "failed":
            return Outcome.FAILED, "decode_failed"
        case "lost":
            return airing.verdict or (Outcome.INTERRUPTED, "sink_lost")
        case "cut" | "cancelled":
            outcome, reason = airing.verdict or (Outcome.INTERRUPTED, "")
            if outcome is Outcome.PRE_EMPTED and event.played_ms >= airing.duration_ms - _NEARLY_ALL_MS:
                return Outcome.COMPLETED, ""
            return outcome, reason
