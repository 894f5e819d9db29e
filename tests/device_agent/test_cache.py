import asyncio
import hashlib
import random
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.backoff import delay_s
from device_agent.cache import RESERVE_BYTES, ClipCache, Kept, evictions
from device_agent.download import Downloader, allowed
from device_agent.errors import HostNotAllowed
from device_agent.fetcher import Fetcher, by_need
from protocol.messages import ClipRef
from tests.support.agent_rooms import NOON, occurrence, plan
from tests.support.content_server import ContentServer, Mood

SOUND = random.Random(1).randbytes(300_000)


class Speaker:
    """A cache, its fetcher, and the server it fetches from."""

    def __init__(self, folder: Path, server: ContentServer, *, limit_bytes: int, free: Callable[[Path], int]) -> None:
        self.folder = folder
        self.server = server
        self.cache = ClipCache(folder, limit_bytes=limit_bytes, free_bytes=free)
        self.downloader = Downloader([server.url])
        self._news = asyncio.Event()
        self.fetcher = Fetcher(self.cache, self.downloader, changed=self._news.set, wait_s=lambda _: 0.01)

    def clip(self, content: bytes = SOUND) -> ClipRef:
        sha256 = hashlib.sha256(content).hexdigest()
        self.server.files[f"/content/{sha256}"] = content
        return ClipRef(sha256=sha256, url=f"/content/{sha256}?sig=old", size_bytes=len(content), duration_ms=1000)

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def has(self, clip: ClipRef) -> None:
        await self.until(lambda: self.cache.path(clip.sha256))
        assert (self.folder / clip.sha256).stat().st_size == clip.size_bytes
        assert not list(self.folder.glob("*.part"))

    def codes(self) -> list[str]:
        return [problem.code for problem in self.fetcher.problems()]


@asynccontextmanager
async def speaker(
    folder: Path, *, limit_bytes: int = 10**9, free: Callable[[Path], int] = lambda _: 10**12
) -> AsyncIterator[Speaker]:
    async with ContentServer().running() as server:
        speaker = Speaker(folder, server, limit_bytes=limit_bytes, free=free)
        work = asyncio.create_task(speaker.fetcher.run())
        try:
            yield speaker
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            await speaker.downloader.aclose()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "clips"


async def test_a_clip_arrives_whole(folder: Path) -> None:
    async with speaker(folder) as one:
        clip = one.clip()
        one.fetcher.want([clip])
        assert one.fetcher.missing() == (clip.sha256,)
        await one.has(clip)
        assert one.fetcher.missing() == ()


@pytest.mark.parametrize("mood", [Mood.BROKEN, Mood.HALF, Mood.WRONG, Mood.LONG, Mood.ELSEWHERE])
async def test_a_failing_server_is_a_problem_until_it_recovers(folder: Path, mood: Mood) -> None:
    async with speaker(folder) as one:
        one.server.mood = mood
        clip = one.clip()
        one.fetcher.want([clip])
        if mood is not Mood.HALF:
            await one.until(one.codes)
            assert one.codes() == ["download_failing"]
            assert one.cache.path(clip.sha256) is None
            one.server.mood = Mood.GOOD
        await one.has(clip)
        assert one.codes() == []


async def test_half_a_file_is_gone_on_with_where_it_ended(folder: Path) -> None:
    async with speaker(folder) as one:
        one.server.moods = [Mood.HALF]
        clip = one.clip()
        one.fetcher.want([clip])
        await one.has(clip)
        assert one.server.ranges[0] == 0
        assert one.server.ranges[1] > 0


async def test_a_part_from_before_a_power_cut_is_gone_on_with(folder: Path) -> None:
    async with speaker(folder) as one:
        clip = one.clip()
        one.cache.part(clip.sha256).write_bytes(SOUND[:1234])
        one.fetcher.want([clip])
        await one.has(clip)
        assert one.server.ranges == [1234]


async def test_a_part_with_wrong_bytes_is_begun_again(folder: Path) -> None:
    async with speaker(folder) as one:
        clip = one.clip()
        one.cache.part(clip.sha256).write_bytes(b"garbage after a cut")
        one.fetcher.want([clip])
        await one.has(clip)
        assert one.server.ranges == [19, 0]


async def test_a_server_without_ranges_is_read_from_the_beginning(folder: Path) -> None:
    async with speaker(folder) as one:
        one.server.mood = Mood.NO_RANGES
        clip = one.clip()
        one.cache.part(clip.sha256).write_bytes(SOUND[:1000])
        one.fetcher.want([clip])
        await one.has(clip)


async def test_an_expired_address_is_renewed(folder: Path) -> None:
    async with speaker(folder) as one:
        one.server.mood = Mood.EXPIRED
        clip = one.clip()
        one.fetcher.want([clip])
        await one.has(clip)
        assert f"POST /content/{clip.sha256}/renew?sig=old" in one.server.requests


async def test_a_cache_folder_that_is_deleted_is_filled_again(folder: Path) -> None:
    async with speaker(folder) as one:
        clip = one.clip()
        one.fetcher.want([clip])
        await one.has(clip)
        shutil.rmtree(folder)
        assert one.cache.path(clip.sha256) is None
        one.fetcher.want([clip])
        await one.has(clip)


async def test_a_file_that_rotted_on_disk_is_fetched_again(folder: Path) -> None:
    async with speaker(folder) as one:
        clip = one.clip()
        one.cache.part(clip.sha256).with_suffix("").write_bytes(bytes(clip.size_bytes))
        assert one.cache.path(clip.sha256) is None
        one.fetcher.want([clip])
        await one.has(clip)
        assert one.cache.path(clip.sha256)
        assert len(one.server.ranges) == 1


async def test_a_good_file_from_an_earlier_start_needs_no_network(folder: Path) -> None:
    async with speaker(folder) as one:
        clip = one.clip()
        one.cache.part(clip.sha256).with_suffix("").write_bytes(SOUND)
        one.fetcher.want([clip])
        await one.has(clip)
        assert one.server.requests == []


async def test_a_full_disk_is_told_of_and_waited_for(folder: Path) -> None:
    room = [RESERVE_BYTES]
    async with speaker(folder, free=lambda _: room[0]) as one:
        clip = one.clip()
        one.fetcher.want([clip])
        await one.until(one.codes)
        assert one.codes() == ["disk_full"]
        room[0] = 10**12
        await one.has(clip)


async def test_what_the_plan_no_longer_needs_makes_room(folder: Path) -> None:
    async with speaker(folder, limit_bytes=350_000) as one:
        old, new = one.clip(), one.clip(SOUND[::-1])
        one.fetcher.want([old])
        await one.has(old)
        one.fetcher.want([new])
        await one.has(new)
        assert one.cache.path(old.sha256) is None


async def test_a_plan_larger_than_the_cache_keeps_what_sounds_first(folder: Path) -> None:
    async with speaker(folder, limit_bytes=350_000) as one:
        soon, later = one.clip(), one.clip(SOUND[::-1])
        one.fetcher.want([soon])
        await one.has(soon)
        one.fetcher.want([soon, later])
        await one.until(one.codes)
        assert one.codes() == ["cache_full"]
        assert one.cache.path(soon.sha256)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9), st.booleans()), max_size=12),
    st.integers(1, 60),
    st.integers(1, 200),
    st.randoms(use_true_random=False),
)
def test_eviction_spares_the_plan_and_does_no_more_than_it_must(
    files: list[tuple[int, int, bool]], incoming: int, limit: int, shuffle: random.Random
) -> None:
    kept = [Kept(f"f{number}", size, float(used)) for number, (size, used, _) in enumerate(files)]
    needed = {f"f{number}" for number, (_, _, wanted) in enumerate(files) if wanted}
    gone = evictions(kept, needed, incoming_bytes=incoming, limit_bytes=limit)
    mixed = list(kept)
    shuffle.shuffle(mixed)
    assert evictions(mixed, needed, incoming_bytes=incoming, limit_bytes=limit) == gone

    sizes = {file.name: file.size_bytes for file in kept}
    if gone is None:
        assert sum(sizes[name] for name in needed) + incoming > limit
        return
    left = sum(size for name, size in sizes.items() if name not in gone) + incoming
    assert not needed & set(gone)
    assert left <= limit
    assert not gone or left + sizes[gone[-1]] > limit


def test_clips_are_fetched_in_the_order_in_which_they_sound() -> None:
    names = {"late": "aa" * 32, "soon": "bb" * 32, "over": "cc" * 32}
    clips = tuple(ClipRef(sha256=sha256, url="/x", size_bytes=1, duration_ms=1) for sha256 in names.values())
    day = plan(
        1,
        occurrence("late", in_s=900, clip=names["late"]),
        occurrence("over", in_s=-900, clip=names["over"]),
        occurrence("soon", in_s=-5, clip=names["soon"]),
        clips=clips,
    )
    assert [clip.sha256 for clip in by_need(day, NOON)] == [names["soon"], names["late"], names["over"]]


@pytest.mark.parametrize(
    "url",
    [
        "http://elsewhere.example/content/x",
        "https://loa.example:8443/content/x",
        "http://loa.example:8000@elsewhere.example/x",
        "//elsewhere.example/x",
        "file:///etc/passwd",
        "http://user@loa.example:8000/x",
    ],
)
def test_no_other_host_is_ever_asked(url: str) -> None:
    with pytest.raises(HostNotAllowed):
        allowed(url, ["http://loa.example:8000"])


def test_a_relative_address_belongs_to_the_first_host() -> None:
    assert allowed("/content/x?s=1", ["http://loa.example:8000"]) == "http://loa.example:8000/content/x?s=1"


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_back_off_grows_to_its_cap_and_never_below_half(attempt: int, draw: float) -> None:
    wait = delay_s(attempt, base_s=1, cap_s=60, draw=draw)
    whole = min(60, 2 ** min(attempt - 1, 10))
    assert whole / 2 <= wait <= whole
