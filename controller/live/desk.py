"""The sessions that are on air in this process: what comes from who speaks is signed and passed on, and kept.

A session lives here and nowhere else: its key is never written down. When this process dies, so does the session.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog

from audio.opus import BadFrame, Encoder, OpusMissing
from controller.accounts.viewer import Viewer
from controller.errors import ControllerError, Unavailable
from controller.live.arriving import PCM_HZ, SoundFormat
from controller.live.recording import Recording
from controller.live.states import LOUD_DBOV, Ending, Standing, ending
from controller.text import Text
from protocol import topics
from protocol.live import FrameSigner, is_speech
from protocol.messages import LiveSession
from protocol.signing import Signer, sign

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 0.25
WORD_EVERY: Final = timedelta(seconds=2)
"""So soon a speaker that was away is back in."""
WORD_LIVES: Final = timedelta(seconds=15)
LAST_WORD_FOR: Final = timedelta(seconds=10)
"""So long it is said that a session is over: one message may be lost."""
FRAMES_PER_S_MAX: Final = 75
"""Half as many again as there are: more is no speech."""
AT_ONCE_MAX: Final = 32
"""In the whole service."""


class Busy(Unavailable):
    """As many people speak as this service carries."""

    code = "too_many_live_sessions"
    title = Text(
        "%(at_once_max)s live sessions are on air. Wait for one to end, then try again.",
        at_once_max=AT_ONCE_MAX,
    )


class BusyHere(Unavailable):
    """As many people of one area speak as may, so that others can, too."""

    code = "too_many_live_sessions_here"

    def __init__(self, at_most: int) -> None:
        super().__init__(
            Text(
                "%(at_most)s live sessions of your area are on air, as many as may be. Wait for one to end,"
                " or end one, then try again.",
                at_most=at_most,
            )
        )


class NoEncoder(Unavailable):
    """A browser without an encoder, and a service without one."""

    code = "no_encoder"
    title = Text(
        "This browser cannot encode sound, and libopus0 is not installed at the centre. Use a"
        " current Chrome, Edge or Firefox, or tell the administrator."
    )


class Wire(Protocol):
    """The link to the broker, as far as live sound is concerned."""

    async def say_now(self, topic: str, payload: bytes) -> bool:
        """Say something at once, or not at all; False when nobody takes it."""


@dataclass(slots=True)
class Speaking:
    """One session."""

    said: LiveSession
    """Its word, for the first of its targets."""
    targets: Sequence[str]
    user_id: str
    area_code: str
    """Of who speaks: counts against that area's share."""
    standing: Standing
    signer: FrameSigner
    sound: SoundFormat = SoundFormat.OPUS
    encoder: Encoder | None = None
    """Where what comes is not encoded yet."""
    recording: Recording | None = None
    """None where the disk takes none."""
    number: int = 0
    word_at: datetime | None = None
    asked: Ending | None = None
    """Somebody wants it to end."""
    ended: Ending | None = None
    ended_at: datetime | None = None
    carried: bool = True
    """Whether the broker took the last frame, or word."""
    quota: tuple[int, int] = (0, 0)
    """The second of the last frame, and how many came in it."""
    connection: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    """Ends whatever speaks now: whoever comes anew takes its place."""

    @property
    def id(self) -> str:
        """The session's id."""
        return self.said.session


@dataclass(frozen=True, slots=True)
class _Over:
    """What is over, and until when that is said."""

    said: LiveSession
    targets: Sequence[str]
    until: datetime


Closed = Callable[[Speaking], Awaitable[None]]


class LiveDesk:
    """Runs the sessions. `closed` is called once a session is over, to write that down."""

    def __init__(
        self,
        *,
        wire: Wire,
        key: Signer,
        now: Callable[[], datetime],
        folder: Path,
        silence: timedelta,
        of_one_area: int,
        closed: Closed,
    ) -> None:
        self._wire = wire
        self._key = key
        self._now = now
        self._folder = folder
        self._silence = silence
        self._of_one_area = of_one_area
        self._closed = closed
        self._sessions: dict[str, Speaking] = {}
        self._over: list[_Over] = []
        self._wake = asyncio.Event()

    def __getitem__(self, session_id: str) -> Speaking | None:
        """Return a session that is on air."""
        found = self._sessions.get(session_id)
        return found if found is not None and found.ended is None else None

    def recording_of(self, session_id: str) -> Path:
        """Where the recording of a session lies while it is on air."""
        return self._folder / f"{session_id}.opus"

    def prepare(
        self, said: LiveSession, targets: Collection[str], *, viewer: Viewer, speak_at: datetime, sound: SoundFormat
    ) -> Speaking:
        """Make a session ready; nothing is said yet.

        Raises `Busy`, `BusyHere`, `NoEncoder`, or `Unavailable` where nothing can sign.
        """
        on_air = [each.area_code for each in self._sessions.values() if each.ended is None]
        if len(on_air) >= AT_ONCE_MAX:
            raise Busy
        if on_air.count(viewer.area_code) >= self._of_one_area:
            raise BusyHere(self._of_one_area)
        signer = FrameSigner()
        said = said.model_copy(update={"frame_key": signer.key})
        self._word(said, said.target)
        return Speaking(
            said=said,
            targets=tuple(targets),
            user_id=viewer.user_id,
            area_code=viewer.area_code,
            standing=Standing(speak_at, said.ends_at),
            signer=signer,
            sound=sound,
            encoder=_encoder(sound),
        )

    def begin(self, speaking: Speaking) -> None:
        """Let a session be heard: it is in the database now."""
        with suppress(OSError):
            speaking.recording = Recording(self.recording_of(speaking.id))
        self._sessions[speaking.id] = speaking
        self._wake.set()
        log.info("live.begins", session=speaking.id, targets=len(speaking.targets))

    async def take(self, speaking: Speaking, level_dbov: int, sound: bytes) -> None:
        """Pass on what somebody says, in the session's format, and keep it. What is none, or too much, is dropped."""
        now = self._now()
        if speaking.ended is not None or not self._within_quota(speaking, now):
            return
        opus = sound if speaking.encoder is None else _encoded(speaking.encoder, sound)
        if not is_speech(opus):
            return
        loud = level_dbov >= LOUD_DBOV
        speaking.standing = replace(speaking.standing, heard_at=now, loud_at=now if loud else speaking.standing.loud_at)
        payload = speaking.signer.seal(speaking.number, round(now.timestamp() * 1000), opus)
        speaking.number += 1
        speaking.carried = await self._say(speaking.targets, payload)
        if speaking.recording is not None:
            with suppress(OSError):  # a full disk keeps nobody from speaking
                speaking.recording.add(opus)

    async def end(self, speaking: Speaking, why: Ending) -> None:
        """End a session: say so at once, then write it down."""
        if speaking.ended is not None:
            return
        speaking.ended, speaking.ended_at = why, self._now()
        log.info("live.ends", session=speaking.id, why=str(why))
        if speaking.recording is not None:
            with suppress(OSError):
                speaking.recording.close()
        await self._say_word(speaking)
        await self._closed(speaking)

    def end_soon(self, speaking: Speaking, why: Ending) -> None:
        """Have a session ended by the next look, a moment from now, outside of anybody's transaction."""
        speaking.asked = why
        self._wake.set()

    def remember_over(self, said: LiveSession, targets: Sequence[str]) -> None:
        """Say for a while that a session is over whose key died with another process."""
        self._over.append(_Over(said, tuple(targets), self._now() + LAST_WORD_FOR))

    async def run(self) -> None:
        """Say again who speaks, and end what is over, until cancelled."""
        while True:
            self._wake.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()

    async def look(self) -> None:
        """Do once what is due."""
        now = self._now()
        await self._say_what_is_over(now)
        for speaking in tuple(self._sessions.values()):
            if speaking.ended_at is not None and now - speaking.ended_at > LAST_WORD_FOR:
                del self._sessions[speaking.id]
                continue
            if speaking.ended is None and speaking.asked is not None:
                await self.end(speaking, speaking.asked)
            elif speaking.ended is None and (why := ending(speaking.standing, now, self._silence)) is not None:
                await self.end(speaking, why)
            elif speaking.word_at is None or now - speaking.word_at >= WORD_EVERY:
                await self._say_word(speaking)

    async def end_all(self, why: Ending) -> None:
        """The service ends."""
        for speaking in tuple(self._sessions.values()):
            await self.end(speaking, why)

    async def _say_what_is_over(self, now: datetime) -> None:
        self._over = [over for over in self._over if now < over.until]
        for over in self._over:
            for target in over.targets:
                with suppress(ControllerError):
                    await self._wire.say_now(topics.live(target), self._word(over.said, target))

    async def _say_word(self, speaking: Speaking) -> None:
        speaking.word_at = self._now()
        said = speaking.said.model_copy(update={"over": speaking.ended is not None})
        for target in speaking.targets:
            try:
                word = self._word(said, target)
            except ControllerError as error:  # nothing to sign with just now: the last word still holds for a while
                log.warning("live.not_signed", session=speaking.id, reason=str(error))
                return
            speaking.carried = await self._wire.say_now(topics.live(target), word)

    def _word(self, said: LiveSession, target: str) -> bytes:
        body = said.model_copy(update={"target": target})
        return sign(body, audience=target, key=self._key, now=self._now(), lifetime=WORD_LIVES).encode()

    async def _say(self, targets: Sequence[str], payload: bytes) -> bool:
        said = [await self._wire.say_now(topics.live(target), payload) for target in targets]
        return all(said)

    @staticmethod
    def _within_quota(speaking: Speaking, now: datetime) -> bool:
        second, count = int(now.timestamp()), 0
        if speaking.quota[0] == second:
            count = speaking.quota[1]
        speaking.quota = (second, count + 1)
        return count < FRAMES_PER_S_MAX


def _encoder(sound: SoundFormat) -> Encoder | None:
    if sound is SoundFormat.OPUS:
        return None
    try:
        return Encoder(PCM_HZ)
    except OpusMissing as error:
        raise NoEncoder from error


def _encoded(encoder: Encoder, pcm: bytes) -> bytes:
    try:
        return encoder.encode(pcm)
    except BadFrame:
        return b""
