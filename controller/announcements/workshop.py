"""The workshop: makes sound in the background, and takes up again what a restart left undone."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from audio.clips import ClipFile, clip_from_text
from audio.errors import AudioError, ExerciseUnsaid
from audio.playlist import ChimeItem, ClipItem, Item, PauseItem, RelayItem, StretchFile, Underlay, assemble, relays
from audio.render import MEDIA_TYPE
from audio.sandbox import powers
from audio.signals import Signal
from audio.speech import DEFAULT_SPEED_WPM, Studio
from audio.waveform import Portrait
from controller.announcements.making import Making, Makings, Order, Stopping
from controller.announcements.models import Status
from controller.announcements.repository import RenderingQueue
from controller.cap.fetching import Fetcher, Network
from controller.content.service import Clips, store_of
from controller.content.store import ContentStore
from controller.database import Database, after_commit
from controller.events import AnnouncementSettled, record_event
from controller.monitoring.hub import Hub, Topic, hub_of
from controller.playlists.recipe import Recipe
from controller.playlists.repository import SoundRepository
from controller.playlists.sound import Sounds
from controller.runtime import Runtime
from controller.speech.studio import studio_of
from controller.text import Text
from protocol.messages import Mark, Relay, Stretch

log = structlog.get_logger(__name__)

AT_A_TIME = 2
POLL_S = 30.0
TRIES = 3
RETRY_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a sound was not made."""

    code: str
    said: Text

    @classmethod
    def of(cls, error: AudioError) -> "Failed":
        """Return the words of an error."""
        return cls(error.code, Text.both(error.message_vi, error.message_en))


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file, of whichever maker."""

    path: Path
    sha256: str
    size_bytes: int
    duration_ms: int
    loudness_lufs: float
    true_peak_dbtp: float
    at_ms: int = 0
    marks: tuple[Mark, ...] = ()
    before: Portrait | None = None
    after: Portrait | None = None

    @classmethod
    def of(cls, file: ClipFile | StretchFile) -> "Made":
        """Return what matters of a file."""
        made = cls(
            file.path,
            file.sha256,
            file.size_bytes,
            file.duration_ms,
            file.loudness.integrated_lufs,
            file.loudness.true_peak_dbtp,
        )
        if isinstance(file, ClipFile):
            return replace(made, before=file.before, after=file.after)
        return replace(made, at_ms=file.at_ms, marks=tuple(Mark(**asdict(mark)) for mark in file.marks))


@dataclass(frozen=True, slots=True)
class Whole:
    """All that one job makes: files, and of a playlist what lies between them."""

    files: tuple[Made, ...]
    relays: tuple[Relay, ...] = ()
    duration_ms: int = 0


_MISTAKE = Failed(
    "internal",
    Text("The server failed to make the sound. Change it and try again; if it keeps failing, tell the technician."),
)


class Workshop:
    """Turns waiting announcements into clips and waiting playlists into stretches."""

    def __init__(
        self,
        *,
        database: Database,
        store: ContentStore,
        studio: Studio,
        folder: Path,
        hub: Hub,
        now: Callable[[], datetime],
        own_networks: Collection[Network] = (),
    ) -> None:
        self._database = database
        self._store = store
        self._studio = studio
        self._folder = folder
        self._hub = hub
        self._now = now
        self._own_networks = own_networks
        self._call = asyncio.Event()
        self._busy: set[str] = set()
        self._stopping = threading.Event()
        self._makings = Makings(lambda: hub.publish(Topic.ANNOUNCEMENTS))

    def progress(self, job: str) -> Making | None:
        """How far a sound is that is being made."""
        return self._makings.of(job)

    def wake(self) -> None:
        """There may be something to do."""
        self._call.set()

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.to_thread(self._clear_scratch)
        walls = powers()
        if not (walls.files and walls.network):
            log.warning("workshop.without_walls", files=walls.files, network=walls.network)
        self._busy.clear()
        self._stopping = threading.Event()
        self._fetcher = Fetcher(own_networks=self._own_networks)
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._call.clear()
                    for name, job in await self._next_jobs():
                        self._busy.add(name)
                        tasks.create_task(self._work(name, job), name="workshop")
                    try:
                        async with asyncio.timeout(POLL_S):
                            await self._call.wait()
                    except TimeoutError:
                        continue
        finally:
            self._stopping.set()
            await self._fetcher.aclose()

    async def _work(self, name: str, job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except Stopping:
            return
        except Exception:  # one broken job must not stop the workshop; it is tried again, slowly
            log.exception("workshop.job_failed", job=name)
            await asyncio.sleep(POLL_S)
        self._busy.discard(name)
        self.wake()

    async def _next_jobs(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        free = AT_A_TIME - len(self._busy)
        if free <= 0:
            return []
        async with self._database.reading() as session:
            announcements = await RenderingQueue(session).waiting(self._busy, free)
            assemblies = await SoundRepository(session).waiting(self._busy, free)
            orders = [await Order.of(session, row, self._store) for row in announcements]
        jobs = [
            (row.job, self._render(row.id, row.job, order)) for row, order in zip(announcements, orders, strict=True)
        ]
        jobs += [(row.key, self._assemble(row.key, row.recipe)) for row in assemblies][: max(0, free - len(jobs))]
        return jobs

    async def _render(self, announcement_id: str, job: str, order: Order) -> None:
        tell = self._makings.teller(job, self._stopping)
        try:
            order = await order.fetched(self._fetcher)
            made = await self._make(lambda folder: Whole((Made.of(order.make(self._studio, tell, folder)),)))
        finally:
            self._makings.forget(job)
        now = self._now()
        async with self._database.transaction() as session:
            row = await RenderingQueue(session).of_job(announcement_id, job)
            if row is None:
                return
            after_commit(session, lambda: self._hub.publish(Topic.ANNOUNCEMENTS))
            record_event(session, AnnouncementSettled(row.id))
            if isinstance(made, Failed):
                row.status = Status.FAILED
                row.error_code, row.error_vi, row.error_en = made.code, made.said.vi, made.said.en
                return
            (clip,) = made.files
            await self._note(session, clip, now)
            row.status, row.clip_sha256, row.duration_ms = Status.READY, clip.sha256, clip.duration_ms
            row.before, row.after = _portrayed(clip.before), _portrayed(clip.after)
            await session.flush()
            await Sounds(session, wake_workshop=self.wake).announcement_ready(row.id, now)

    async def _assemble(self, key: str, recipe: Recipe) -> None:
        made = await self._make(partial(_assembled, recipe, self._store, self._studio))
        now = self._now()
        async with self._database.transaction() as session:
            assembly = await SoundRepository(session).assembly(key)
            if assembly is None:
                return
            after_commit(session, lambda: self._hub.publish(Topic.ANNOUNCEMENTS))
            if isinstance(made, Failed):
                assembly.status = Status.FAILED
                assembly.error_code, assembly.error_vi, assembly.error_en = made.code, made.said.vi, made.said.en
                return
            for clip in made.files:
                await self._note(session, clip, now)
            assembly.status = Status.READY
            assembly.stretches = [_stretch(clip).model_dump(mode="json") for clip in made.files]
            assembly.relays = [relay.model_dump(mode="json") for relay in made.relays]
            assembly.duration_ms = made.duration_ms
            await session.flush()
            await Sounds(session, wake_workshop=self.wake).assembled(assembly)

    async def _make(self, make: Callable[[Path], Whole]) -> Whole | Failed:
        """Make sound in a thread, its bytes safe in the store; say why when that cannot be."""
        for attempt in range(1, TRIES + 1):
            try:
                return await asyncio.to_thread(self._in_scratch, make)
            except AudioError as error:
                failed = Failed.of(error)
                log.warning("workshop.refused", code=error.code, attempt=attempt, reason=error.message_en)
                if not error.transient:
                    return failed
            except OSError as error:
                failed = Failed(
                    "disk",
                    Text(
                        "The sound could not be written: %(error)s. Free some disk space on the server and try again.",
                        error=error,
                    ),
                )
                log.warning("workshop.disk", error=str(error))
            except Stopping:
                raise
            except Exception:  # a mistake of ours must not leave the officer waiting for ever
                log.exception("workshop.mistake")
                return _MISTAKE
            await asyncio.sleep(RETRY_AFTER_S)
        return failed

    def _clear_scratch(self) -> None:
        """Begin with an empty folder: a service that was killed left its half-made files there."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)

    def _in_scratch(self, make: Callable[[Path], Whole]) -> Whole:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            made = make(Path(folder))
            for each in made.files:
                stored = self._store.put_file(each.path)
                if stored.sha256 != each.sha256:
                    raise OSError(f"{each.sha256} became {stored.sha256} on its way to the store")
            return made

    async def _note(self, session: AsyncSession, clip: Made, now: datetime) -> None:
        await Clips(session, self._store).note(
            sha256=clip.sha256,
            size_bytes=clip.size_bytes,
            duration_ms=clip.duration_ms,
            media_type=MEDIA_TYPE,
            now=now,
            loudness_lufs=clip.loudness_lufs,
            true_peak_dbtp=clip.true_peak_dbtp,
        )


def _portrayed(portrait: Portrait | None) -> dict[str, Any] | None:
    if portrait is None:
        return None
    return {
        "lufs": portrait.loudness.integrated_lufs,
        "peak_dbtp": portrait.loudness.true_peak_dbtp,
        "duration_ms": portrait.duration_ms,
        "waveform": list(portrait.waveform),
    }


def _assembled(recipe: Recipe, store: ContentStore, studio: Studio, folder: Path) -> Whole:
    items = [_item(step, store, partial(_said, studio=studio, folder=folder)) for step in recipe]
    stretches = assemble(items, folder)
    places, duration_ms = relays(items, stretches)
    steps = {step["id"]: step for step in recipe}
    return Whole(
        tuple(Made.of(stretch) for stretch in stretches),
        tuple(
            Relay(**asdict(place), url=steps[place.item_id]["url"], fallback=steps[place.item_id].get("fallback"))
            for place in places
        ),
        duration_ms,
    )


def _said(words: Mapping[str, Any], *, studio: Studio, folder: Path) -> Path:
    """The clip of the words that make an exercise one."""
    try:
        voice = studio.cast(words["voice"]).voice
        speed_wpm = words["speed_wpm"] or DEFAULT_SPEED_WPM
        return clip_from_text(words["text"], voice, folder, speed_wpm=speed_wpm, studio=studio).path
    except AudioError as error:
        raise ExerciseUnsaid(detail_vi=error.message_vi, detail_en=error.message_en) from error


def _item(step: Mapping[str, Any], store: ContentStore, say: Callable[[Mapping[str, Any]], Path]) -> Item:
    match step["kind"]:
        case "chime":
            seconds = step["ms"] / 1000 if "ms" in step else None
            says = say(step["says"]) if "says" in step else None
            return ChimeItem(step["id"], Signal(step["chime"]), seconds=seconds, says=says)
        case "pause":
            return PauseItem(step["ms"], step["id"])
        case "relay":
            return RelayItem(step["ms"], step["id"], step["title"])
        case _:
            bed = step.get("bed")
            return ClipItem(
                store.path(step["clip"]),
                step["title"],
                step["id"],
                step["repeat"],
                gap_ms=step.get("gap_ms", 0),
                fade_in_ms=step.get("fade_in_ms", 0),
                fade_out_ms=step.get("fade_out_ms", 0),
                bed=Underlay(store.path(bed["clip"]), bed["db"]) if bed else None,
            )


def _stretch(made: Made) -> Stretch:
    return Stretch(clip=made.sha256, at_ms=made.at_ms, duration_ms=made.duration_ms, marks=made.marks)


def workshop_of(runtime: Runtime) -> Workshop:
    """Return the service's one workshop."""
    if Workshop not in runtime.parts:
        runtime.parts[Workshop] = Workshop(
            database=runtime.database,
            store=store_of(runtime),
            studio=studio_of(runtime),
            folder=runtime.settings.data_dir / "work",
            hub=hub_of(runtime),
            now=runtime.clock,
            own_networks=runtime.settings.cap_networks,
        )
    workshop: Workshop = runtime.parts[Workshop]
    return workshop
