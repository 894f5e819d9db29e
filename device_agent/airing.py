"""What is with the player, from the moment it is bound for the air until its row in the journal is closed."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from device_agent.clock import TrustedClock
from device_agent.errors import AgentError
from device_agent.mixer import Ended, Sound, Started
from device_agent.player import Player
from device_agent.ports import Journal, Play, PlayId, Quality
from device_agent.relay.sound import Relaying, Trouble
from device_agent.volume import gain
from protocol.messages import Outcome
from schedules.types import PlannedOccurrence

log = structlog.get_logger(__name__)

_PROGRESS_MS: Final = 5000
_NEARLY_ALL_MS: Final = 300
"""What gives way this close to its end was heard whole; so was what had no more silence in it than this."""
_HELD_UP_S: Final = 0.06
"""Less is the age of the player's last word."""
_MOVED_S: Final = 50e-6
"""A clock that moved by less is not followed: two samples."""
_STEPPED_S: Final = 5.0
"""A clock that is set by more was wrong before: what began by it ends by it."""


@dataclass
class Airing:
    """A sound that the player has."""

    number: int
    play: Play
    play_id: PlayId | None
    """None when the journal could not be written: it sounds all the same."""
    target_mono_s: float
    """When its first sample was planned to sound: what a start error is measured against."""
    begins_mono_s: float
    """When the player lets it begin; moves with the trusted clock."""
    begins_at: datetime | None
    """The same moment in UTC, for what stays in step with it; None for what is heard whole, however late it becomes."""
    duration_ms: int
    """From where it begins to its end."""
    volume: int
    occurrence: PlannedOccurrence | None = None
    resumed: bool = False
    """Some of it was heard before."""
    relaying: Relaying | None = None
    """What tells how a station in it is doing."""
    first_mono_s: float | None = None
    first_at: datetime | None = None
    """The same by the clock of that moment: by the time it ends the clock may have moved."""
    held_up_s: float = 0.0
    """How long the device stood still in its midst, where it is heard whole all the same: who speaks live is not."""
    verdict: tuple[Outcome, str] | None = None
    """Why it is cut short, when we do it."""
    progress_ms: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ends_mono_s(self) -> float:
        """When its sound ends by itself."""
        if self.begins_at is not None:
            return self.begins_mono_s + self.duration_ms / 1000
        return (self.first_mono_s or self.begins_mono_s) + self.held_up_s + self.duration_ms / 1000

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
        in_step: bool = False,
        resumed: bool = False,
    ) -> Airing:
        """Write the beginning down, then have it sound; what is on air gives way.

        What is `in_step` keeps to its instants by the trusted clock, as its neighbours do.
        """
        play_id = await self._written_down(play, at_mono_s)
        for before in self._open.values():
            if before.first_mono_s is None and before.begins_mono_s >= at_mono_s:
                self._player.stop(before.number)
            elif self._yields_mono_s(before) < at_mono_s:
                continue
            before.judge(Outcome.PRE_EMPTED, f"by {play.occurrence or play.kind}")
        number = self._player.play(
            sound,
            at_mono_s=at_mono_s,
            of=play.occurrence or play.kind,
            gain=gain(play.volume),
            fade_in=play.from_ms > 0,
            in_step=in_step,
        )
        airing = Airing(
            number,
            play,
            play_id,
            target_mono_s,
            at_mono_s,
            self._clock.utc_at(at_mono_s) if in_step else None,
            duration_ms,
            play.volume,
            occurrence,
            resumed,
            sound if isinstance(sound, Relaying) else None,
        )
        self._open[number] = self.current = airing
        return airing

    def cut(self, airing: Airing, outcome: Outcome, reason: str) -> None:
        """Fade it out, for this reason."""
        if airing.verdict is None:
            log.info("airing.cut", occurrence=airing.play.occurrence, reason=reason)
        airing.judge(outcome, reason)
        self._player.stop(airing.number)

    def set_volume(self, airing: Airing, volume: int, over_s: float) -> None:
        """Change how loud it is, within so many seconds, if that is another volume."""
        if volume != airing.volume:
            airing.volume = volume
            self._player.set_gain(airing.number, gain(volume), over_s=over_s)

    def follow_clock(self) -> None:
        """Keep what is in step to its instants: they lie elsewhere whenever the trusted clock has moved."""
        for airing in self._open.values():
            if airing.begins_at is None or not self._clock.trusted:
                continue
            moved_s = self._clock.mono_at(airing.begins_at) - airing.begins_mono_s
            if not _MOVED_S < abs(moved_s) < _STEPPED_S:
                continue
            airing.begins_mono_s += moved_s
            if airing.first_mono_s is None:
                airing.target_mono_s += moved_s
            self._player.retime(airing.number, airing.begins_mono_s)

    def started(self, event: Started) -> None:
        """Its first sample sounded."""
        if (airing := self._open.get(event.airing)) is None:
            return
        airing.first_mono_s = event.first_mono_s
        airing.first_at = self._clock.utc_at(event.first_mono_s)
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
            underruns=event.quality.underruns,
            level_dbfs=event.quality.level_dbfs,
        )
        await self._close_row(airing, outcome, reason, event)
        airing.closed.set()
        self._changed()
        return airing

    async def watch(self) -> None:
        """Note progress every few seconds, so that a power cut loses no more than that."""
        status = self._player.status
        airing = self[status.airing]
        if airing is not None and airing.first_mono_s is not None and airing.play.kind != "live":
            held_up_s = self._clock.mono() - airing.first_mono_s - status.reached_ms / 1000
            airing.held_up_s = held_up_s if held_up_s > _HELD_UP_S else 0.0
        if airing is None or airing.play_id is None or status.played_ms - airing.progress_ms < _PROGRESS_MS:
            return
        airing.progress_ms = status.played_ms
        try:
            await self._journal.progress(airing.play_id, status.played_ms, status.quality or Quality())
        except AgentError as error:
            self._complain(error)

    @property
    def relay_trouble(self) -> Trouble | None:
        """What is wrong with the station that should be heard now."""
        relaying = self.current.relaying if self.current is not None else None
        return relaying.trouble if relaying is not None else None

    def all(self) -> tuple[Airing, ...]:
        """Everything the player has now."""
        return tuple(self._open.values())

    def of(self, occurrence: str) -> list[Airing]:
        """What the player has of one occurrence."""
        return [airing for airing in self._open.values() if airing.play.occurrence == occurrence]

    def _yields_mono_s(self, airing: Airing) -> float:
        """When it gives way, if that is settled already."""
        after = (each.begins_mono_s for each in self._open.values() if each.begins_mono_s > airing.begins_mono_s)
        return min(after, default=math.inf)

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
        try:
            if airing.play_id is None:
                started_at = airing.first_at or self._clock.utc_at(airing.target_mono_s)
                airing.play_id = await self._journal.begin(airing.play, started_at)
            await self._journal.finish(
                airing.play_id,
                outcome,
                started_at=airing.first_at,
                ended_at=self._clock.utc_at(last_mono_s),
                played_ms=event.played_ms,
                start_error_ms=_error_ms(airing),
                quality=event.quality,
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
            return _unheard(airing) or (Outcome.COMPLETED, _whole(airing, event))
        case "failed" if airing.play.kind == "live":
            return Outcome.INTERRUPTED, "source_dry"
        case "failed":
            return Outcome.FAILED, "decode_failed"
        case "lost":
            return airing.verdict or (Outcome.INTERRUPTED, "sink_lost")
        case "cut" | "cancelled":
            outcome, reason = airing.verdict or (Outcome.INTERRUPTED, "")
            if outcome is Outcome.PRE_EMPTED and event.played_ms >= airing.duration_ms - _NEARLY_ALL_MS:
                return (
                    (Outcome.STOPPED, "limit")
                    if airing.play.kind == "live"
                    else _unheard(airing) or (Outcome.COMPLETED, _whole(airing, event))
                )
            return outcome, reason


def _unheard(airing: Airing) -> tuple[Outcome, str] | None:
    """What there is to say of an airing in which nothing was planned but a station, and nothing came."""
    account = airing.relaying.account if airing.relaying is not None else None
    nothing = account is not None and account.unreachable and airing.play.clip is None
    return (Outcome.FAILED, "relay_unreachable") if nothing else None


def _whole(airing: Airing, event: Ended) -> str:
    """What there is to say of something that was heard to its end."""
    if event.last_mono_s is not None and airing.first_mono_s is not None:
        lasted_ms = (event.last_mono_s - airing.first_mono_s) * 1000
        if lasted_ms - event.played_ms > _NEARLY_ALL_MS:
            return "gaps"
    account = airing.relaying.account if airing.relaying is not None else None
    if account is not None and not account.flawless:
        return f"relay {account.words()}"
    return "resumed" if airing.resumed else ""
