"""The conductor: decides what is on air, has the player make it so, and writes down what came of it.

What wants the air is the plan, and whatever is called: an alert, a person speaking. Everything happens in `tick()`, one
after another: events of the player, requests of people, then the decision of `device_agent.score`. It may be called at
any time, and as often as one likes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from device_agent import decoder
from device_agent.airing import Airing, Airings
from device_agent.calls import CallKind, Calls, MakeSound
from device_agent.clock import TrustedClock
from device_agent.fates import Fates
from device_agent.mixer import Ended, Started
from device_agent.player import VOLUME_RAMP_S, Player, PlayerEvent, SinkChanged
from device_agent.ports import Clips, Configs, Journal, Plans
from device_agent.preparing import Preparation, Prepare, Prepared
from device_agent.relay.sound import Trouble
from device_agent.repertoire import Repertoire
from device_agent.requests import CannotSound, NotPlanned, Requests
from device_agent.score import ENTRY_LEAD, READY_LEAD, Cue, Scene, free_from, must_stop, next_cue, next_look
from device_agent.sinks import FRAME_BYTES, RATE_HZ
from device_agent.volumes import Volumes
from protocol.messages import Outcome, PlayerState, Problem
from schedules.entry import ON_TIME
from schedules.types import PlannedOccurrence

__all__ = ["CannotSound", "Conductor", "NotPlanned"]

log = structlog.get_logger(__name__)

LONGEST_WAIT: Final = timedelta(seconds=5)
COMMIT_S: Final = 1.0
"""A ready sound is handed to the player this long before its instant: time to write its beginning down."""
_TURN_S: Final = 0.03
"""A volume that a person turns follows within a fade."""
_STOP_LIMIT_S: Final = 5.0
_AFTER_FAILURE_S: Final = 0.2
_RELAY_TROUBLES: Final = {
    "relay_dead": "the station cannot be reached, or breaks off",
    "relay_silent": "the station sends silence",
}
_PREPARED_AT_ONCE: Final = 2
"""Each is a decoder's memory."""

_T = TypeVar("_T")
_Request = Callable[[], Awaitable[None]]


class Conductor:
    """Runs one speaker's plan. Everything it needs is handed in; `changed` is called when its state changes."""

    def __init__(
        self,
        *,
        clock: TrustedClock,
        player: Player,
        clips: Clips,
        journal: Journal,
        plans: Plans,
        configs: Configs,
        changed: Callable[[], None] = lambda: None,
        prepare: Prepare = decoder.prepare,
    ) -> None:
        self._clock = clock
        self._player = player
        self._changed = changed
        self._inbox: asyncio.Queue[PlayerEvent | _Request | None] = asyncio.Queue()
        self._airings = Airings(player=player, journal=journal, clock=clock, changed=changed)
        self._calls = Calls(clock)
        self._fates = Fates(clock, journal, self._calls.kind)
        self._repertoire = Repertoire(
            clock=clock,
            calls=self._calls,
            clips=clips,
            journal=journal,
            plans=plans,
            configs=configs,
            airings=self._airings,
            prepare=prepare,
            learn=self._fates.learn,
        )
        self._preparation = Preparation(
            self._repertoire.sound, wake=self.poke, clock=clock, failed=self._repertoire.count_failure
        )
        self._volumes = Volumes(clock, lambda: self._repertoire.policy)
        self._requests = Requests(
            clock=clock,
            player=player,
            airings=self._airings,
            repertoire=self._repertoire,
            fates=self._fates,
            volumes=self._volumes,
        )
        self._sink_problem: str | None = None
        self._relay_trouble: Trouble | None = None
        player.listen(self._inbox.put_nowait)

    async def run(self) -> None:
        """Conduct until cancelled; what sounds then is faded out and recorded as interrupted."""
        try:
            while True:
                try:
                    await self._turn()
                except Exception:
                    # Whatever goes wrong, this speaker must not fall silent for ever, nor deaf to Stop.
                    log.exception("conductor.failed")
                    await asyncio.sleep(_AFTER_FAILURE_S)
        finally:
            await self._leave()

    async def _turn(self) -> None:
        """Decide, then wait for something to happen."""
        wait_s = await self.tick()
        try:
            async with asyncio.timeout(wait_s):
                item = await self._inbox.get()
        except TimeoutError:
            return
        await self._handle(item)

    def poke(self) -> None:
        """The plan, the config, the cache or the clock changed: decide again now."""
        self._inbox.put_nowait(None)

    async def tick(self) -> float:
        """Handle what came in, decide, act; returns the seconds until it must be called again."""
        while not self._inbox.empty():
            await self._handle(self._inbox.get_nowait())
        self._repertoire.read_plan()
        await self._airings.watch()
        self._watch_relay()
        self._airings.follow_clock()
        self._follow_volume(VOLUME_RAMP_S)
        self._fates.observe_trust()
        now = self._clock.best_guess()
        scene = await self._scene(now)
        for occurrence, reason in must_stop(scene, now):
            for airing in self._airings.of(occurrence):
                self._airings.cut(airing, Outcome.STOPPED, reason)
        await self._fates.settle(scene, now, self._repertoire.blocked(scene, now))
        self._repertoire.forget_over()
        self._preparation.follow(self._cues(scene, now))
        if await self._committed(scene):
            scene = await self._scene(now)
        return self._wait_s(scene, now)

    # --- what besides the plan wants the air

    def call(self, occurrence: PlannedOccurrence, kind: CallKind, make_sound: MakeSound) -> None:
        """Have an alert or a live session take its place in the order, from its `starts_at` on; again to change it.

        It sounds when it outranks what is on air and its own sound is ready, passes quiet hours and an untrusted clock
        if it is an emergency, and comes back by its resume policy. Calls survive nothing: who made them makes them
        again after a restart. What was heard to its end or withdrawn is over for good, whoever calls it again; an alert
        whose time was over is not, should it turn out that it has time.
        """
        self._repertoire.call(occurrence, kind, make_sound)
        self._fates.learn_call(occurrence.id)
        self.poke()

    def holds(self, name: str) -> bool:
        """Whether a call is still known: what is over, or can no longer begin, is forgotten."""
        return self._repertoire.calls[name] is not None

    async def withdraw(self, name: str, reason: str = "withdrawn") -> None:
        """Take back a call: it fades out, or never begins. Returns when its record is written."""
        cut = await self._asked(lambda: self._requests.withdraw(name, reason))
        await _closed(cut)

    # --- what people ask for

    async def stop(self, occurrence: str | None = None) -> str:
        """Silence what is on air (or one occurrence) for good; returns a sentence of what was done."""
        if occurrence is not None:
            return await self._left_out(occurrence, Outcome.STOPPED)
        stopped = await self._asked(self._requests.stop_all)
        await _closed(stopped)
        titles = ", ".join(airing.play.title or airing.play.kind for airing in stopped)
        return f"stopped: {titles}" if titles else "nothing was on air"

    async def skip(self, occurrence: str) -> str:
        """Leave out one coming or sounding occurrence; returns a sentence of what was done."""
        return await self._left_out(occurrence, Outcome.SKIPPED)

    def set_volume(self, volume: int, until: datetime) -> str:
        """Override the time of day's volume until a moment; the ceiling still holds."""
        said = self._volumes.override(volume, until)
        self._follow_volume(_TURN_S)
        return said

    async def test_tone(self, seconds: float) -> str:
        """Sound a short tone when nothing else does, and return when it has sounded."""
        airing = await self._asked(lambda: self._requests.tone(seconds))
        await _closed([airing], within_s=seconds + _STOP_LIMIT_S)
        if airing.first_mono_s is None or airing.verdict is not None:
            raise CannotSound(f"the tone ended early: {airing.verdict[1] if airing.verdict else 'sink_lost'}")
        return f"a tone of {seconds:g} s sounded at {airing.play.volume} %"

    # --- what is reported

    def state(self) -> PlayerState:
        """What the sink does."""
        status = self._player.status
        airing = self._airings[status.airing]
        return PlayerState(
            state="lost" if not status.open else "playing" if airing else "silent",
            occurrence=airing.play.occurrence if airing else None,
            title=airing.play.title if airing else "",
            position_ms=airing.play.from_ms + status.reached_ms if airing else 0,
            volume=airing.volume if airing else 0,
            sink=status.sink[:64],
            latency_ms=None if status.latency_ms is None else round(status.latency_ms, 1),
            level_dbfs=status.level_dbfs if airing else None,
            late_ms=status.late_ms if airing else None,
            underruns=status.underruns,
            underrun_ms=status.underrun_ms,
            jumps=status.jumps,
            amplifier_on=self._player.amplifier_on,
        )

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should look at."""
        found = {
            "sink_lost": self._sink_problem,
            "journal_broken": self._airings.journal_problem,
            "clock_untrusted": None if self._clock.trusted else "timed items wait until the time is known",
        }
        if self._relay_trouble is not None:
            found[self._relay_trouble] = _RELAY_TROUBLES[self._relay_trouble]
        if undecodable := sorted(self._repertoire.undecodable):
            found["decode_failed"] = f"cannot be decoded: {', '.join(undecodable)}"
        return tuple(Problem(code=code, text=text[:300]) for code, text in found.items() if text is not None)

    # --- events and requests, one after another

    async def _handle(self, item: PlayerEvent | _Request | None) -> None:
        match item:
            case Started():
                self._airings.started(item)
            case Ended():
                await self._ended(item)
            case SinkChanged():
                self._sink_problem = None if item.open else item.detail
                self._changed()
            case None:
                pass
            case _:
                await item()

    async def _ended(self, event: Ended) -> None:
        airing = await self._airings.ended(event)
        self._repertoire.forget_sounded()
        if airing is not None and event.cause == "failed" and airing.play.occurrence is not None:
            self._repertoire.count_failure(airing.play.occurrence, slow=True)

    async def _asked(self, action: Callable[[], Awaitable[_T]]) -> _T:
        """Have something done between two decisions, and return its result."""
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()

        async def carry_out() -> None:
            try:
                result = await action()
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is told to who asked
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(result)

        self._inbox.put_nowait(carry_out)
        return await answer

    async def _left_out(self, occurrence: str, outcome: Outcome) -> str:
        cut = await self._asked(lambda: self._requests.leave_out(occurrence, outcome))
        await _closed(cut)
        return f"{'cut short' if cut else 'left out'}: {self._repertoire.title(occurrence)}"

    # --- the decision's consequences

    async def _scene(self, now: datetime) -> Scene:
        return await self._repertoire.scene(now, sink_lost=self._sink_problem is not None)

    def _cues(self, scene: Scene, now: datetime) -> list[Cue]:
        """Who gets the air next, and, while that one's sound keeps everybody waiting, who has it until then."""
        cues: list[Cue] = []
        passed_over: dict[str, str] = {}
        power_up = timedelta(seconds=self._player.lead_s)
        for _ in range(_PREPARED_AT_ONCE):
            open_to = replace(scene, unplayable={**passed_over, **scene.unplayable})
            cue = next_cue(open_to, now, READY_LEAD + power_up)
            if cue is not None and cue.occurrence.id not in self._preparation:
                cue = next_cue(open_to, now, max(ENTRY_LEAD, READY_LEAD + power_up))
            if cue is None:
                break
            cues.append(cue)
            if not self._preparation.keeps_waiting(cue):
                break
            passed_over[cue.occurrence.id] = "not_ready"
        return cues

    async def _committed(self, scene: Scene) -> bool:
        """Hand a prepared sound to the player if its time has come; says whether that was done."""
        commit_s = self._commit_s()
        for prepared in self._preparation.waiting():
            in_s = self._clock.mono_at(prepared.cue.at) - self._clock.mono()
            if prepared.asked_again and prepared.sound.ready and in_s <= commit_s:
                self._preparation.take(prepared)
                await self._put_on_air(prepared, free_from(scene, prepared.cue))
                return True
        return False

    def _commit_s(self) -> float:
        """How long before its instant a ready sound is handed to the player, which powers the amplifier up for it."""
        return max(COMMIT_S, self._player.lead_s + COMMIT_S / 2)

    async def _put_on_air(self, prepared: Prepared, free: datetime) -> None:
        cue, occurrence = prepared.cue, prepared.cue.occurrence
        if cue.offset_ms and free > cue.at:
            left_out = len(prepared.sound.read(round((free - cue.at).total_seconds() * RATE_HZ))) // FRAME_BYTES
            cue = replace(cue, at=free, offset_ms=cue.offset_ms + left_out * 1000 // RATE_HZ)
        at = self._clock.mono_at(cue.at)
        on_time = not cue.offset_ms and cue.at - occurrence.starts_at <= ON_TIME
        play = self._repertoire.play(occurrence, cue.offset_ms, self._volumes.of(occurrence))
        heard = self._repertoire.heard(occurrence.id)
        await self._airings.begin(
            play,
            prepared.sound,
            at_mono_s=at,
            target_mono_s=self._clock.mono_at(occurrence.starts_at) if on_time else at,
            duration_ms=max(0, occurrence.duration_ms - cue.offset_ms),
            occurrence=occurrence,
            in_step=play.kind == "occurrence" and (on_time or cue.offset_ms > 0),
            resumed=heard is not None and heard.played_ms > 0,
        )

    def _wait_s(self, scene: Scene, now: datetime) -> float:
        wait_s = (next_look(scene, now, LONGEST_WAIT) - now).total_seconds()
        commit_s = self._commit_s()
        for prepared in self._preparation.waiting():
            if prepared.sound.ready and not prepared.asked_again:
                return 0.0
            until_commit_s = self._clock.mono_at(prepared.cue.at) - commit_s - self._clock.mono()
            wait_s = min(wait_s, until_commit_s if until_commit_s > 0 else COMMIT_S / 4)
        return max(0.001, wait_s)

    def _watch_relay(self) -> None:
        if self._airings.relay_trouble != self._relay_trouble:
            self._relay_trouble = self._airings.relay_trouble
            self._changed()

    # --- volume, and the end

    def _follow_volume(self, over_s: float) -> None:
        current = self._airings.current
        if current is not None:
            self._airings.set_volume(current, self._volumes.of(current.occurrence), over_s)

    async def _leave(self) -> None:
        """Fade out what sounds and close its rows, within a moment."""
        self._preparation.drop()
        for airing in self._airings.all():
            self._airings.cut(airing, Outcome.INTERRUPTED, "agent_stopped")
        try:
            async with asyncio.timeout(_STOP_LIMIT_S):
                while self._airings.all():
                    await self._handle(await self._inbox.get())
        except TimeoutError:
            log.warning("conductor.left_open", airings=len(self._airings.all()))


async def _closed(airings: Iterable[Airing], *, within_s: float = _STOP_LIMIT_S) -> None:
    """Wait until their rows in the journal are closed."""
    try:
        async with asyncio.timeout(within_s):
            for airing in airings:
                await airing.closed.wait()
    except TimeoutError as error:
        raise CannotSound("the player did not end in time") from error
