"""Who speaks live to this speaker: judges the signed word and every frame, and calls the conductor."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog

from audio.opus import OpusMissing
from device_agent.calls import CallKind, MakeSound
from device_agent.clock import TrustedClock
from device_agent.decoder import PreparedSound
from device_agent.errors import AgentError, ReplayedOrder
from device_agent.live.sound import LiveSound
from protocol.errors import Expired
from protocol.live import FrameKey, SealedFrame
from protocol.messages import LiveSession, PlayerState, Problem
from protocol.signing import Verified
from schedules.types import OccurrenceId, Percent, PlannedOccurrence, Priority, Resume, ScheduleId

log = structlog.get_logger(__name__)

LIVE: Final = "live."
"""Begins the occurrence that a session is on air as."""
WORD_LIVES_AT_MOST: Final = timedelta(seconds=60)
"""Ours live for seconds. A longer one could be kept and played back."""
FRAME_AGE_MAX: Final = timedelta(seconds=3)
"""A frame that was on its way for longer belongs to a moment that has passed."""
ENDED_KEPT: Final = 64
AT_ONCE: Final = 8
"""Sessions that one speaker heeds at the same time; who speaks ninth is refused, not the first."""


class TooMany(AgentError):
    """More people want to speak here than a speaker can follow."""

    code = "too_many"


class Stage(Protocol):
    """The conductor, as far as live sessions are concerned."""

    def call(self, occurrence: PlannedOccurrence, kind: CallKind, make_sound: MakeSound) -> None:
        """Have it take its place in the order."""

    async def withdraw(self, name: str, reason: str = ...) -> None:
        """Take it back."""

    def state(self) -> PlayerState:
        """What the sink does."""


def name_of(session: str) -> str:
    """Return the occurrence that a session is on air as."""
    return f"{LIVE}{session}"


@dataclass(slots=True)
class _Session:
    said: LiveSession
    key: FrameKey
    newest: int = -1
    sounds: list[LiveSound] = field(default_factory=list)

    def put(self, number: int, opus: bytes) -> None:
        """Pass a frame on, once: whoever belongs to two targets gets each twice, and a replayed one is as old."""
        if number <= self.newest:
            return
        self.newest = number
        self.sounds = [sound for sound in self.sounds if not sound.ended]
        for sound in self.sounds:
            sound.put(number, opus)


class LiveWatch:
    """Follows the sessions that are said to this speaker. All its methods run in the event loop."""

    def __init__(self, *, stage: Stage, clock: TrustedClock, sound: Callable[..., LiveSound] = LiveSound) -> None:
        self._stage = stage
        self._clock = clock
        self._sound = sound
        self._sessions: dict[str, _Session] = {}
        self._by_tag: dict[bytes, _Session] = {}
        self._ended: dict[str, None] = {}
        self._unable: str | None = None

    async def say(self, order: Verified[LiveSession]) -> None:
        """Heed a verified word: somebody begins, still speaks, or has ended. Raises an `AgentError` or `Expired`."""
        said = order.body
        if order.expires_at - order.issued_at > WORD_LIVES_AT_MOST:
            raise ReplayedOrder(f"a live session's word that lives until {order.expires_at.isoformat()}")
        self._forget_old()
        if said.over:
            await self._end(said.session)
        elif said.session in self._ended:
            return  # an older word, overtaken by the last one
        elif said.session not in self._sessions:
            self._begin(said)

    def hear(self, sealed: SealedFrame) -> None:
        """Take a frame; one of nobody we know is none of ours. Raises a `ProtocolError` or `ReplayedOrder`."""
        session = self._by_tag.get(sealed.frame.tag)
        if session is None:
            return
        frame = sealed.opened(session.key)
        now = self._clock.now()
        if now is not None and abs(now.timestamp() * 1000 - frame.sent_ms) > FRAME_AGE_MAX / timedelta(milliseconds=1):
            raise Expired(f"a live frame of {datetime.fromtimestamp(frame.sent_ms / 1000, UTC).isoformat()}")
        session.put(frame.number, frame.opus)

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should look at."""
        return (Problem(code="live_unavailable", text=self._unable[:300]),) if self._unable else ()

    def _begin(self, said: LiveSession) -> None:
        if said.ends_at <= self._clock.best_guess():
            raise Expired(f"a live session that ended at {said.ends_at.isoformat()}")
        if len(self._sessions) >= AT_ONCE:
            raise TooMany(f"{len(self._sessions)} live sessions at once")
        session = _Session(said, FrameKey.of(said.frame_key))
        self._sessions[said.session] = self._by_tag[session.key.tag] = session
        log.info("live.begins", session=said.session, target=said.target)
        self._stage.call(_wish(said), "live", self._maker(session))

    def _maker(self, session: _Session) -> MakeSound:
        def make(from_ms: int, on_ready: Callable[[], None]) -> PreparedSound | None:
            try:
                sound = self._sound(opening=from_ms == 0, on_ready=on_ready)
            except OpusMissing as error:
                if self._unable is None:
                    log.warning("live.unavailable", error=error.message_en)
                self._unable = error.message_en
                return None
            session.sounds.append(sound)
            return sound

        return make

    async def _end(self, name: str) -> None:
        self._ended[name] = None
        while len(self._ended) > ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        session = self._sessions.pop(name, None)
        if session is None:
            return
        del self._by_tag[session.key.tag]
        log.info("live.ends", session=name)
        for sound in session.sounds:
            sound.finish()
        if self._stage.state().occurrence != name_of(name):  # on air, it ends by itself with the last word
            await self._stage.withdraw(name_of(name), "session_over")

    def _forget_old(self) -> None:
        """The conductor has ended by itself what is over its limit."""
        now = self._clock.best_guess()
        for name, session in list(self._sessions.items()):
            if session.said.ends_at <= now:
                del self._sessions[name], self._by_tag[session.key.tag]
                self._ended[name] = None


def _wish(said: LiveSession) -> PlannedOccurrence:
    """Return the session in the form in which the conductor decides about it."""
    return PlannedOccurrence(
        id=OccurrenceId(name_of(said.session)),
        schedule_id=ScheduleId(""),
        title=said.title,
        starts_at=said.starts_at,
        duration_ms=max(0, (said.ends_at - said.starts_at) // timedelta(milliseconds=1)),
        priority=Priority.LIVE,
        issuer_depth=said.issuer_depth,
        commune_rank=0,
        resume=Resume.REJOIN,
        late_join_s=None,
        volume=Percent(100),
        own_volume=False,
        raised_at=said.starts_at,
    )
