"""What an announcement's sound is made of, and how far the making has come."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from audio.clips import ClipFile, FilePart, Limits, Part, TextPart, clip_from_parts
from audio.errors import AudioError
from audio.profiles import Profile
from audio.progress import Progress, Stage
from audio.speech import DEFAULT_SPEED_WPM, Studio
from controller.announcements.models import Announcement, Kind
from controller.cap.fetching import Fetcher, FetchFailed
from controller.content.store import ContentStore
from controller.pronunciations.service import dictionary_for

log = structlog.get_logger(__name__)

_TELL_EVERY_S = 0.5
RECORDING_WITHIN_S = 10.0
"""How long the words of an emergency wait for a recording: the voice that stands in takes some seconds too."""
RECORDING = Limits(max_duration_s=600.0, max_bytes=10 * 1024 * 1024)
"""What a recording from elsewhere may be: as long as the longest text takes to read, twice."""


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
class Elsewhere:
    """A recording at an address that others chose."""

    url: str
    sha1: str | None

    async def fetched(self, fetcher: Fetcher) -> bytes | None:
        """Its bytes; None where they are not to be had in time, or are not what was told."""
        try:
            async with asyncio.timeout(RECORDING_WITHIN_S):
                body = (await fetcher.get(self.url, bytes_max=RECORDING.max_bytes)).body
        except (FetchFailed, TimeoutError) as error:
            log.warning("workshop.recording_away", why=getattr(error, "code", "slow"))
            return None
        if body and self.sha1 and hashlib.sha1(body, usedforsecurity=False).hexdigest() != self.sha1:
            log.warning("workshop.recording_damaged")
            return None
        return body


@dataclass(frozen=True, slots=True)
class Order:
    """All that the making of one announcement needs: neither the database nor its row."""

    parts: tuple[Words | FilePart, ...]
    profile: Profile
    recording: "Path | Elsewhere | bytes | None" = None
    """Of the first part, which is read by a voice where the recording cannot be had, or cannot be played."""

    @classmethod
    async def of(cls, session: AsyncSession, row: Announcement, store: ContentStore) -> "Order":
        """What a row asks for: the first language, then the second where there is one."""

        async def words(text: str, language: str, voice: str | None) -> Words:
            dictionary = await dictionary_for(session, row.area, language)
            return Words(text, language, voice, row.speed_wpm or DEFAULT_SPEED_WPM, dictionary)

        parts: list[Words | FilePart] = []
        recording: Path | Elsewhere | None = None
        if row.kind is Kind.TEXT:
            parts.append(await words(row.text, row.language, row.voice))
            if row.source:
                recording = store.path(row.source)
            elif row.recording_url:
                recording = Elsewhere(row.recording_url, row.recording_sha1)
        else:
            parts.append(FilePart(store.path(row.source or ""), row.trim_from_ms, row.trim_to_ms))
        if row.second_source:
            parts.append(FilePart(store.path(row.second_source)))
        elif row.second_text and row.second_language:
            parts.append(await words(row.second_text, row.second_language, row.second_voice))
        return cls(tuple(parts), Profile(row.profile), recording)

    async def fetched(self, fetcher: Fetcher) -> "Order":
        """The same with its recording here, where it lies elsewhere and can be had."""
        if not isinstance(self.recording, Elsewhere):
            return self
        return replace(self, recording=await self.recording.fetched(fetcher))

    def make(self, studio: Studio, on_progress: Progress, folder: Path) -> ClipFile:
        """Make the clip. Blocks."""
        said, others = self.parts[0], [_part(each, studio) for each in self.parts[1:]]
        if isinstance(self.recording, bytes | Path):
            recorded = FilePart(_file(self.recording, folder))
            try:
                return clip_from_parts(
                    [recorded, *others], folder, profile=self.profile, limits=RECORDING, on_progress=on_progress
                )
            except AudioError as error:
                log.warning("workshop.recording_unplayable", code=error.code)
        return clip_from_parts([_part(said, studio), *others], folder, profile=self.profile, on_progress=on_progress)


def _part(part: Words | FilePart, studio: Studio) -> Part:
    return part.part(studio) if isinstance(part, Words) else part


def _file(recording: bytes | Path, folder: Path) -> Path:
    if isinstance(recording, Path):
        return recording
    path = folder / "recording"
    path.write_bytes(recording)
    return path


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
