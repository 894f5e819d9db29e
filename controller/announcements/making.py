"""What an announcement's sound is made of, and how far the making has come."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from audio.clips import ClipFile, FilePart, Part, TextPart, clip_from_parts
from audio.profiles import Profile
from audio.progress import Progress, Stage
from audio.speech import DEFAULT_SPEED_WPM, Studio
from controller.announcements.models import Announcement, Kind
from controller.content.store import ContentStore
from controller.pronunciations.service import dictionary_for

log = structlog.get_logger(__name__)

_TELL_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Words:
    """A text that waits for its voice. The voice is chosen when it is read: by then one may have gone."""

    text: str
    language: str
    voice: str | None
    speed_wpm: int
    dictionary: Mapping[str, str]

    def part(self, studio: Studio) -> Part:
        """With the voice that this machine has now."""
        casting = studio.cast(self.voice, self.language)
        if casting.missing:
            log.warning("workshop.voice_missing", voice=casting.missing, reads=casting.voice.id)
        return TextPart(self.text, casting.voice, self.speed_wpm, studio, self.dictionary)


@dataclass(frozen=True, slots=True)
class Order:
    """All that the making of one announcement needs: neither the database nor its row."""

    parts: tuple[Words | Path, ...]
    profile: Profile

    @classmethod
    async def of(cls, session: AsyncSession, row: Announcement, store: ContentStore) -> "Order":
        """What a row asks for: the first language, then the second where there is one."""

        async def words(text: str, language: str, voice: str | None) -> Words:
            dictionary = await dictionary_for(session, row.area, language)
            return Words(text, language, voice, row.speed_wpm or DEFAULT_SPEED_WPM, dictionary)

        parts: list[Words | Path] = []
        if row.kind is Kind.TEXT:
            parts.append(await words(row.text, row.language, row.voice))
        else:
            parts.append(store.path(row.source or ""))
        if row.second_source:
            parts.append(store.path(row.second_source))
        elif row.second_text and row.second_language:
            parts.append(await words(row.second_text, row.second_language, row.second_voice))
        return cls(tuple(parts), Profile(row.profile))

    def make(self, studio: Studio, on_progress: Progress, folder: Path) -> ClipFile:
        """Make the clip. Blocks."""
        parts = [part.part(studio) if isinstance(part, Words) else FilePart(part) for part in self.parts]
        return clip_from_parts(parts, folder, profile=self.profile, on_progress=on_progress)


@dataclass(frozen=True, slots=True)
class Making:
    """How far a sound is; `percent` is None while its length is unknown."""

    stage: Stage
    percent: int | None


class Makings:
    """How far each sound is. In memory only: after a restart it is made anew anyway."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._now: dict[str, Making] = {}
        self._on_change = on_change

    def of(self, job: str) -> Making | None:
        """Where a job is, while somebody works on it."""
        return self._now.get(job)

    def forget(self, job: str) -> None:
        """It is done, or given up."""
        self._now.pop(job, None)

    def teller(self, job: str, stopping: threading.Event) -> Progress:
        """What the making thread tells; it ends the work when the service stops. Call it in the event loop."""
        loop = asyncio.get_running_loop()
        told, told_at = Making("listening", None), float("-inf")

        def tell(stage: Stage, fraction: float | None) -> None:
            nonlocal told, told_at
            if stopping.is_set():
                raise Stopping
            making = Making(stage, None if fraction is None else int(100 * fraction))
            now = time.monotonic()
            if making != told and now - told_at >= _TELL_EVERY_S:
                told, told_at = making, now
                loop.call_soon_threadsafe(self._note, job, making)

        return tell

    def _note(self, job: str, making: Making) -> None:
        self._now[job] = making
        self._on_change()


class Stopping(Exception):
    """The service ends: work in progress is dropped and taken up at the next start."""
