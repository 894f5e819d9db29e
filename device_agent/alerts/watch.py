"""Keeps every active alert in force: calls for the air what is due, takes back what is over, says how each stands.

It remembers nothing that matters: the sets say what is active, the journal what was heard. After a kill at any
instruction the next review comes to the same conclusions.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn, Protocol

import structlog

from audio import signals
from audio.signals import Signal
from device_agent.alerts.local import LocalAlarm
from device_agent.alerts.parts import Part, airings_of, in_turn, nominal_start, part_id, wanted, wish
from device_agent.alerts.store import AlertStore
from device_agent.calls import CallKind, MakeSound
from device_agent.clock import TrustedClock
from device_agent.decoder import Piece, PreparedSound, Streamed, prepare
from device_agent.ports import EXPIRED, Clips, Journal
from protocol.messages import (
    ACTIVE_MAX,
    Alert,
    AlertPhase,
    AlertReport,
    AlertStanding,
    ClipRef,
    Outcome,
    PlayerState,
)
from schedules.entry import ON_TIME
from schedules.types import PlannedOccurrence

log = structlog.get_logger(__name__)

LONGEST_WAIT_S: Final = 5.0
AHEAD: Final = timedelta(seconds=30)
"""So long before its time a repeat is made ready: what is called off earlier leaves no record."""
IN_STEP: Final = timedelta(milliseconds=20)
"""A message whose signal ends so little late begins at the instant that all speakers have in common."""
SPREAD_S: Final = 1.0
"""One press reaches ten thousand speakers at once: over so long they spread that they have it. Sound never waits."""
ORDER_FIRST: Final = 0.4
"""Of that time nobody says it yet: the order is still on its way to others, and theirs is the room."""
NO_HURRY: Final = 4.0
"""So many times as long they spread what came of it: that everybody has it is what an officer waits for first."""
_CALLED_OFF: Final = frozenset({Outcome.STOPPED, Outcome.SKIPPED})


class Stage(Protocol):
    """The conductor, as far as alerts are concerned."""

    def call(self, occurrence: PlannedOccurrence, kind: CallKind, make_sound: MakeSound) -> None:
        """Have it take its place in the order."""

    async def withdraw(self, name: str, reason: str = ...) -> None:
        """Take it back."""

    def holds(self, name: str) -> bool:
        """Whether a call still has its place: it has not sounded to its end, and its time is not over."""

    def state(self) -> PlayerState:
        """What the sink does."""


def told_within(spread_s: float, *, hurry: bool) -> tuple[float, float]:
    """Return between which seconds from now a speaker says its news: that it has an alert, or what came of it."""
    if hurry:
        return ORDER_FIRST * spread_s, (1 + ORDER_FIRST) * spread_s
    return 0.0, NO_HURRY * spread_s


@dataclass(frozen=True, slots=True)
class _Called:
    part: Part
    starts_at: datetime


class AlertWatch:
    """Reviews the alerts whenever something changed. `run` it; `poke` it."""

    def __init__(
        self,
        device_id: str,
        *,
        store: AlertStore,
        local: LocalAlarm,
        stage: Stage,
        journal: Journal,
        clips: Clips,
        clock: TrustedClock,
        send: Callable[[AlertReport], None],
        link_up: Callable[[], bool],
        turn: Callable[[], int] = lambda: 0,
        spread_s: float = SPREAD_S,
    ) -> None:
        self._device_id = device_id
        self._store = store
        self._local = local
        self._stage = stage
        self._journal = journal
        self._clips = clips
        self._clock = clock
        self._send = send
        self._link_up = link_up
        self._turn = turn
        self._spread_s = spread_s
        self._tell_at_s: float | None = None
        self._wake = asyncio.Event()
        self._called: dict[str, _Called] = {}
        self._standings: dict[str, AlertStanding] = {}
        self._told: tuple[AlertStanding, ...] | None = None

    def poke(self) -> None:
        """A set, a clip, the clock, or what is on air changed."""
        self._wake.set()

    def again(self) -> None:
        """The link is back: say how everything stands, whether or not it was said before."""
        self._told = None
        self._wake.set()

    async def run(self) -> NoReturn:
        """Watch until cancelled."""
        while True:
            self._wake.clear()
            wait_s = await self.review()
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def clips(self) -> Iterator[ClipRef]:
        """Yield the sounds that active alerts need, the newest alert's first."""
        for alert in sorted(self._active(), key=lambda each: each.raised_at, reverse=True):
            yield from alert.message

    async def review(self) -> float:
        """Make what is called match what is due, report; returns the seconds until it must be looked at again."""
        if (signed_at := self._store.signed_at()) is not None:
            self._clock.not_before(signed_at)
        now, active = self._clock.best_guess(), self._active()
        state = self._stage.state()
        await self._take_back(active, now)
        for alert in active:
            for part in self._due(alert, now, state.occurrence):
                self._call(part, now, state)
        self._report(active, now, state)
        return self._wait_s(active, now)

    def _active(self) -> tuple[Alert, ...]:
        """What is in force. An all-clear is for those alone who heard the alert, or some of it."""
        now = self._clock.best_guess()
        turn = self._turn()
        active = (*(in_turn(alert, turn) for alert in self._store.active(now)), *self._local.under_way(now))
        return tuple(alert for alert in active if not alert.ends or self._heard_any(f"{alert.id}."))

    def _heard_any(self, prefix: str) -> bool:
        if (self._stage.state().occurrence or "").startswith(prefix):
            return True
        return any(heard.played_ms for _, heard in self._journal.heard_below(prefix))

    async def _take_back(self, active: Sequence[Alert], now: datetime) -> None:
        sounds = {(alert.id, alert.sound_revision) for alert in active}
        known = {alert.id for alert in active}
        for name, called in list(self._called.items()):
            alert = called.part.alert
            if (alert.id, alert.sound_revision) not in sounds:
                expired = alert.expires_at <= now
                reason = "updated" if alert.id in known else EXPIRED if expired else "cancelled"
            elif called.part.name == "message" and self._called_off(called.part):
                reason = "command"
            else:
                if not self._stage.holds(name):
                    del self._called[name]  # were its time to come again, it would be called anew
                continue
            del self._called[name]
            await self._stage.withdraw(name, reason)

    def _due(self, alert: Alert, now: datetime, on_air: str | None) -> Iterator[Part]:
        """Yield what of an alert is to be called now: the message once its signal has begun, or is over."""
        coming = wanted(alert, now, self._over)
        sounding = self._called.get(on_air or "")
        if sounding is not None and sounding.part.alert.id == alert.id:
            if sounding.part.name == "message" or not alert.message:
                return
            message = replace(sounding.part, alert=alert, name="message")
            coming = () if self._over(message.id) else (message,)
        elif coming and coming[0].due.at > now + self._ahead():
            return
        elif coming and coming[0].name == "signal":
            coming = coming[:1]
        for part in coming:
            if part.name == "signal" or self._ready(part):
                yield part

    def _ahead(self) -> timedelta:
        """How long before its time something is called: without trusted time it begins as soon as it is."""
        return AHEAD if self._clock.trusted else timedelta()

    def _ready(self, part: Part) -> bool:
        """Whether a message is here, and was not called off together with its signal."""
        return not self._called_off(part) and all(
            self._clips.path(clip.sha256) is not None for clip in part.alert.message
        )

    def _called_off(self, part: Part) -> bool:
        """Whether somebody stopped this airing while its signal sounded."""
        heard = self._journal.heard(part_id(part.alert, part.due.number, "signal"))
        return heard is not None and heard.finished and heard.last_outcome in _CALLED_OFF

    def _over(self, name: str) -> bool:
        heard = self._journal.heard(name)
        return heard is not None and heard.finished

    def _call(self, part: Part, now: datetime, state: PlayerState) -> None:
        known, starts_at = self._called.get(part.id), self._starts_at(part, now, state)
        if known is not None and known.starts_at <= max(starts_at, now) + ON_TIME:
            starts_at = known.starts_at  # later than that it lies only where the time was put back meanwhile
        called = _Called(part, starts_at)
        if known == called:
            return
        self._called[part.id] = called
        self._stage.call(wish(part, starts_at), "alert", self._sound_of(part))
        if known is None:
            log.info("alert.called", alert=part.alert.id, revision=part.alert.revision, part=part.name)

    def _starts_at(self, part: Part, now: datetime, state: PlayerState) -> datetime:
        nominal = nominal_start(part)
        if part.name == "signal" or state.occurrence != part_id(part.alert, part.due.number, "signal"):
            return nominal
        ends_at = now + timedelta(milliseconds=max(0, part.alert.signal_ms - state.position_ms))
        return nominal if ends_at <= nominal + IN_STEP else ends_at

    def _sound_of(self, part: Part) -> MakeSound:
        def make(_from_ms: int, on_ready: Callable[[], None]) -> PreparedSound | None:
            if part.name == "signal":
                sound = Streamed(signal_chunks(part.alert.signal or "", part.alert.signal_ms))
                on_ready()
                return sound
            paths = [self._clips.path(clip.sha256) for clip in part.alert.message]
            here = [path for path in paths if isinstance(path, Path)]
            return prepare([Piece(path) for path in here], on_ready) if len(here) == len(paths) else None

        return make

    # --- how each stands

    def _report(self, active: Sequence[Alert], now: datetime, state: PlayerState) -> None:
        at = self._clock.now() or now
        before = self._standings
        self._standings = {}
        for alert in active:
            self._standings[alert.id] = _since(before.get(alert.id), self._standing(alert, at, state))
        for name, standing in before.items():
            if name in self._standings:
                continue
            if standing not in (self._told or ()):
                self._standings[name] = standing  # that it ended is not said before what came of it is
            elif standing.phase is not AlertPhase.ENDED:
                self._standings[name] = standing.model_copy(update={"phase": AlertPhase.ENDED, "at": at})
        news = tuple(self._standings.values())[: 2 * ACTIVE_MAX]
        if news == self._told or not (news or self._told) or not self._link_up():
            self._tell_at_s = None
        elif self._may_tell(hurry=not _known(news) <= _known(self._told or ())):
            self._told = news
            self._send(AlertReport(device=self._device_id, standings=news))
            if len(news) > len(active):
                self._wake.set()

    def _may_tell(self, *, hurry: bool) -> bool:
        """Whether its moment among all the others has come, which is drawn when there is something new to say."""
        now_s = self._clock.mono()
        earliest, latest = told_within(self._spread_s, hurry=hurry)
        if self._tell_at_s is None or self._tell_at_s > now_s + latest:
            self._tell_at_s = now_s + random.uniform(earliest, latest)  # noqa: S311  # spreads load, protects nothing
        if now_s < self._tell_at_s:
            return False
        self._tell_at_s = None
        return True

    def _standing(self, alert: Alert, at: datetime, state: PlayerState) -> AlertStanding:
        prefix = f"{alert.id}.{alert.sound_revision}."
        phase, reason, first = AlertPhase.RECEIVED, "", None
        last = "message" if alert.message or alert.message_follows else "signal"
        heard = dict(self._journal.heard_below(prefix))
        if (state.occurrence or "").startswith(prefix):
            phase, first = AlertPhase.SOUNDING, at - timedelta(milliseconds=state.position_ms)
        elif any(each.finished and each.played_ms for name, each in heard.items() if name.endswith(last)):
            phase = AlertPhase.FINISHED
        elif heard and self._failed(alert, at):
            phase, reason = AlertPhase.FAILED, str(next(reversed(heard.values())).last_outcome)
        elif state.state == "lost":
            reason = "sink_lost"
        elif any(self._clips.path(clip.sha256) is None for clip in alert.message):
            reason = "clip_missing"
        return AlertStanding(
            alert=alert.id, revision=alert.revision, phase=phase, at=at, first_sound_at=first, reason=reason
        )

    def _failed(self, alert: Alert, now: datetime) -> bool:
        """Whether nothing more of it is to come, though it was not heard."""
        waits = alert.message_follows and not alert.message
        return not waits and not wanted(alert, now, self._over)

    def _wait_s(self, active: Sequence[Alert], now: datetime) -> float:
        moments = [alert.expires_at for alert in active]
        for alert in active:
            plan = airings_of(alert)
            if (coming := plan.at(plan.begun(now))) is not None:
                moments.append(coming - self._ahead() if coming > now + self._ahead() else coming)
        waits_s = [LONGEST_WAIT_S, *((moment - now).total_seconds() for moment in moments)]
        if self._tell_at_s is not None:
            waits_s.append(self._tell_at_s - self._clock.mono())
        return max(0.01, min(waits_s))


def signal_chunks(name: str, length_ms: int) -> Iterator[bytes]:
    """Return the sound of a signal. One that this agent does not know yet is the attention call: never silence."""
    try:
        signal = Signal(name)
    except ValueError:
        signal = Signal.ATTENTION
    if signal is not Signal.ATTENTION:
        return signals.samples(signal)
    seconds = length_ms / 1000
    return signals.attention(min(signals.ATTENTION_MAX_S, max(signals.ATTENTION_MIN_S, seconds)))


def _known(standings: Sequence[AlertStanding]) -> set[tuple[str, int]]:
    return {(standing.alert, standing.revision) for standing in standings}


def _since(before: AlertStanding | None, now: AlertStanding) -> AlertStanding:
    """Return the standing with the moment since when it holds, and with what was known of its first sound."""
    if before is None:
        return now
    anew = now.phase is AlertPhase.RECEIVED and before.revision != now.revision
    first = None if anew else before.first_sound_at or now.first_sound_at
    same = (before.phase, before.reason, before.revision) == (now.phase, now.reason, now.revision)
    return now.model_copy(update={"first_sound_at": first, "at": before.at if same else now.at})
