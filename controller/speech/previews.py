"""Drafts read aloud at once: kept for minutes, in memory; sound flows while it is still being made."""

import asyncio
import os
import secrets
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from audio.errors import AudioError
from audio.speech import Studio, Voice
from audio.speech.aloud import MEDIA_TYPE, Aloud
from controller.accounts.viewer import Viewer
from controller.errors import ControllerError, Invalid, NotFound, Unavailable
from controller.runtime import Runtime
from controller.speech.studio import studio_of
from controller.text import Text

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(minutes=10)
KEPT_MAX = 200
KEPT_PER_USER = 5
AT_ONCE = 4
POLL_S = 0.02
FIRST_SOUND_S = 20.0
LONGEST_S = 1800.0
_CHUNK_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be read, and how."""

    text: str
    voice: Voice
    speed_wpm: int
    dictionary: Mapping[str, str]
    user_id: str
    expires_at: datetime
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class Reading:
    """One draft being read. The file has no name: it is gone when it is closed, or when the process dies."""

    def __init__(self, studio: Studio, draft: Draft, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - `end` closes it
        self._aloud = Aloud(
            studio,
            draft.text,
            draft.voice,
            os.fdopen(os.dup(self._file.fileno()), "wb"),
            speed_wpm=draft.speed_wpm,
            dictionary=draft.dictionary,
        )

    @property
    def over(self) -> bool:
        """Whether no thread works on it any more."""
        return self._aloud.over

    @property
    def error(self) -> AudioError | None:
        """Why it ended early."""
        return self._aloud.error

    def abandon(self) -> None:
        """Stop all that works on it; who still listens comes to its end."""
        self._aloud.abandon()

    def end(self) -> None:
        """Nobody listens any more."""
        self.abandon()
        self._file.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The sound as it is made."""
        at = 0
        while True:
            over = self._aloud.over
            if data := os.pread(self._file.fileno(), _CHUNK_BYTES, at):
                at += len(data)
                yield data
            elif over:
                break
            else:
                await asyncio.sleep(POLL_S)


class Previews:
    """Who listens to what. One listener has one reading: the next ends the one before."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio = studio
        self._folder = folder
        self._drafts: OrderedDict[str, Draft] = OrderedDict()
        self._readings: dict[str, Reading] = {}

    def keep(self, draft: Draft, now: datetime) -> None:
        """Remember a draft until it expires; the oldest go first when there are too many."""
        gone = [token for token, kept in self._drafts.items() if kept.expires_at <= now]
        own = [token for token, kept in self._drafts.items() if kept.user_id == draft.user_id]
        for token in (*gone, *own[: 1 - KEPT_PER_USER]):
            self._drafts.pop(token, None)
        self._drafts[draft.token] = draft
        while len(self._drafts) > KEPT_MAX:
            self._drafts.popitem(last=False)

    async def listen(self, viewer: Viewer, token: str, now: datetime) -> "Sound":
        """Begin to read; return once the first sound is there, or raise what prevents it."""
        draft = self._drafts.get(token)
        if draft is None or draft.user_id != viewer.user_id or draft.expires_at <= now:
            raise NotFound
        with ExitStack() as undo:
            reading = self._begin(draft)
            undo.callback(reading.end)
            chunks = reading.chunks()
            try:
                async with asyncio.timeout(FIRST_SOUND_S):
                    first = await anext(chunks, b"")
            except TimeoutError as error:
                raise SoundFailed(Text("This voice does not answer. Try again, or choose another voice.")) from error
            if not first:
                raise refusal(reading.error) if reading.error else SoundFailed
            undo.pop_all()
            return Sound(reading, first, chunks)

    def close(self) -> None:
        """Stop all readings."""
        for reading in self._readings.values():
            reading.abandon()

    def _begin(self, draft: Draft) -> Reading:
        self._readings = {user: reading for user, reading in self._readings.items() if not reading.over}
        if (before := self._readings.pop(draft.user_id, None)) is not None:
            before.abandon()
        if len(self._readings) >= AT_ONCE:
            raise Unavailable(Text("Many are listening just now. Try again in a few seconds."))
        reading = Reading(self.studio, draft, self._folder)
        self._readings[draft.user_id] = reading
        return reading


class Sound(StreamingResponse):
    """Sends a reading as it is made, and stops it when the listener leaves."""

    def __init__(self, reading: Reading, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._reading = reading
        super().__init__(_joined(first, rest), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            async with asyncio.timeout(LONGEST_S):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            log.info("preview.too_long")
        finally:
            self._reading.end()
        if self._reading.error is not None:
            log.warning("preview.ended_early", code=self._reading.error.code, reason=self._reading.error.message_en)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for data in rest:
        yield data


class SoundFailed(Unavailable):
    """No voice could be heard; it may pass."""

    code = "sound_failed"
    title = Text("It could not be read aloud. Try again, or choose another voice.")


def refusal(error: AudioError) -> ControllerError:
    """What a failing voice means to whoever asked."""
    if error.transient:
        return SoundFailed(Text.both(error.message_vi, error.message_en))
    return Invalid.field("text", Text.both(error.message_vi, error.message_en))


def previews_of(runtime: Runtime) -> Previews:
    """Return the service's one place for drafts."""
    if Previews not in runtime.parts:
        runtime.parts[Previews] = Previews(studio_of(runtime), runtime.settings.data_dir / "work")
    previews: Previews = runtime.parts[Previews]
    return previews
