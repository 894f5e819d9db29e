import hashlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.announcements.models import Announcement, Kind, Status
from controller.broadcasting import planning
from controller.content import service as content_service
from controller.content.links import ContentLinks, Link
from controller.content.models import Clip
from controller.content.service import collect_garbage, links_of, store_of
from controller.content.store import ContentStore
from controller.database import new_id
from controller.playlists.models import ItemKind, Playlist, PlaylistItem
from tests.support.broadcasts import plan_of, playlist, replan, schedule
from tests.support.controller import NOON, House, open_house

COMMUNE, SPEAKER = "07339", "07339-1"
LINKS = ContentLinks(b"secret", "https://loa.example.vn")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A controller whose one speaker has one broadcast planned."""
    async with open_house(tmp_path / "data", services=(planning,)) as opened:
        await opened.commune(COMMUNE, speakers=1)
        await replan(opened, SPEAKER)
        await schedule(opened, COMMUNE, await playlist(opened, COMMUNE, title="Chào"), areas=(COMMUNE,))
        yield opened


SOUND = b"Ch\xc3\xa0o 60000"


def aged(house: House) -> None:
    """Make the files as old as the house's clock says."""
    store, moment = store_of(house.runtime), house.clock.now.timestamp()
    for sha256 in store.hashes():
        os.utime(store.path(sha256), (moment, moment))


async def planned_url(house: House) -> str:
    return (await plan_of(house, SPEAKER)).clips[0].url


async def test_a_planned_link_gives_the_clip_for_ever(house: House) -> None:
    answer = await house.browser().get(await planned_url(house))

    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["ETag"] == f'"{hashlib.sha256(SOUND).hexdigest()}"'
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "audio/ogg; codecs=opus"


@pytest.mark.parametrize(
    ("asked", "status", "content", "content_range"),
    [
        ("bytes=0-3", 206, SOUND[:4], f"bytes 0-3/{len(SOUND)}"),
        ("bytes=4-", 206, SOUND[4:], f"bytes 4-{len(SOUND) - 1}/{len(SOUND)}"),
        ("bytes=-2", 206, SOUND[-2:], f"bytes {len(SOUND) - 2}-{len(SOUND) - 1}/{len(SOUND)}"),
        ("bytes=0-1,3-4", 200, SOUND, None),
        (f"bytes={len(SOUND)}-", 416, b"", f"bytes */{len(SOUND)}"),
    ],
)
async def test_a_range_resumes_a_download(
    house: House, asked: str, status: int, content: bytes, content_range: str | None
) -> None:
    answer = await house.browser().get(await planned_url(house), headers={"Range": asked})

    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("Content-Range", "").replace("bytes */", "bytes */") == (content_range or "")


async def test_head_tells_the_size_and_who_has_it_gets_304(house: House) -> None:
    url = await planned_url(house)
    head = await house.browser().head(url)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(SOUND)), b"")

    known = await house.browser().get(url, headers={"If-None-Match": head.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_without_a_link_or_a_sign_in_nothing_is_heard(house: House) -> None:
    url = await planned_url(house)
    bare = url.partition("?")[0]
    assert (await house.browser().get(bare)).status_code == 401
    assert (await house.browser().get(url.replace("dev=07339-1", "dev=07339-2"))).status_code == 403
    assert (await house.browser().get(url[:-1] + ("A" if url[-1] != "A" else "B"))).status_code == 403

    house.clock.advance(timedelta(days=10))
    assert (await house.browser().get(url)).status_code == 403


async def test_an_ended_link_is_renewed_while_the_plan_needs_the_clip(house: House) -> None:
    sha256 = hashlib.sha256(SOUND).hexdigest()
    ended = links_of(house.runtime).url(sha256, device_id=SPEAKER, expires_at=house.clock.now - timedelta(days=20))
    assert (await house.browser().get(ended)).status_code == 403

    renewed = await house.browser().post(ended.replace("?", "/renew?"))
    assert renewed.status_code == 200, renewed.text
    assert (await house.browser().get(renewed.json()["url"])).content == SOUND

    older = links_of(house.runtime).url(sha256, device_id=SPEAKER, expires_at=house.clock.now - timedelta(days=31))
    assert (await house.browser().post(older.replace("?", "/renew?"))).status_code == 403

    stranger = links_of(house.runtime).url(sha256, device_id="other", expires_at=house.clock.now - timedelta(days=1))
    assert (await house.browser().post(stranger.replace("?", "/renew?"))).status_code == 403


async def test_a_clip_that_vanished_from_the_disk_is_a_clear_passing_error(house: House) -> None:
    store_of(house.runtime).remove(hashlib.sha256(SOUND).hexdigest())

    lost = await house.browser().get(await planned_url(house))

    assert (lost.status_code, lost.json()["code"]) == (503, "clip_lost")


async def test_garbage_is_what_nothing_refers_to(house: House) -> None:
    store, sha256 = store_of(house.runtime), hashlib.sha256(SOUND).hexdigest()
    orphan = store.put(b"nobody's")
    async with house.database.transaction() as session:
        session.add(
            Clip(
                sha256=orphan.sha256,
                size_bytes=orphan.size_bytes,
                duration_ms=1,
                media_type="audio/ogg",
                created_at=house.clock.now,
            )
        )

    aged(house)
    assert await collect_garbage(house.database, store, house.clock.now) == 0
    assert await collect_garbage(house.database, store, house.clock.now + timedelta(days=3)) == 1
    assert store.has(sha256)
    assert not store.has(orphan.sha256)


async def test_the_clips_of_a_playlist_put_away_are_forgotten_with_it(house: House) -> None:
    aside = await playlist(house, COMMUNE, title="Cũ")
    async with house.database.transaction() as session:
        (await session.get_one(Playlist, aside)).retired_at = house.clock.now

    aged(house)
    assert await collect_garbage(house.database, store_of(house.runtime), house.clock.now + timedelta(days=3)) == 1

    async with house.database.reading() as session:
        assert (await session.get_one(Playlist, aside)).sound_key is None


async def test_a_recording_that_was_on_air_is_kept_though_it_was_put_away(house: House) -> None:
    store, aired, never = store_of(house.runtime), new_id(), new_id()
    aside = await playlist(house, COMMUNE, title="Cũ")
    async with house.database.transaction() as session:
        for id_ in (aired, never):
            now, source = house.clock.now, store.put(id_.encode()).sha256
            session.add(
                Announcement(
                    id=id_, area_code=COMMUNE, title="Tin", kind=Kind.FILE, source=source, author="lan",
                    created_at=now, updated_at=now, retired_at=now, status=Status.READY,
                )
            )  # fmt: skip
        await session.flush()
        session.add(PlaylistItem(playlist_id=aside, position=0, kind=ItemKind.ANNOUNCEMENT, announcement_id=aired))

    aged(house)
    await collect_garbage(house.database, store, house.clock.now + timedelta(days=3))
    kept = {id_: store.has(hashlib.sha256(id_.encode()).hexdigest()) for id_ in (aired, never)}
    assert kept == {aired: True, never: False}


async def test_a_sound_that_is_made_again_while_garbage_is_collected_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, later = store_of(house.runtime), house.clock.now + timedelta(days=3)
    again = b"heard before"
    stored = store.put(again)
    two_days_before = (later - timedelta(days=2, seconds=1)).timestamp()
    os.utime(stored.path, (two_days_before, two_days_before))
    sweep = content_service._sweep

    def sweep_a_little_later(*arguments: Any) -> int:
        store.put(again)
        moment = later.timestamp()
        os.utime(stored.path, (moment, moment))
        return sweep(*arguments)

    monkeypatch.setattr(content_service, "_sweep", sweep_a_little_later)
    assert await collect_garbage(house.database, store, later) == 0
    assert store.has(stored.sha256)


def test_what_is_put_again_is_young_again(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    stored = store.put(b"sound")
    os.utime(stored.path, (1, 1))
    store.put(b"sound")
    assert not store.remove_untouched(stored.sha256, since_s=2)
    os.utime(stored.path, (1, 1))
    assert store.remove_untouched(stored.sha256, since_s=2)
    assert not store.remove_untouched(stored.sha256, since_s=2)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_what_is_put_is_found_under_its_hash(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    store = ContentStore(tmp_path_factory.mktemp("store"))
    stored = store.put(data)
    assert store.put(data) == stored
    assert stored.sha256 == hashlib.sha256(data).hexdigest()
    assert stored.path.read_bytes() == data
    assert list(store.hashes()) == [stored.sha256]


def test_half_a_file_never_has_a_name(tmp_path: Path) -> None:
    class Broken:
        def __init__(self) -> None:
            self.chunks = [b"half"]

        def read(self, _size: int) -> bytes:
            if not self.chunks:
                raise OSError("the line is cut")
            return self.chunks.pop()

    store = ContentStore(tmp_path)
    with pytest.raises(OSError, match="cut"):
        store.put_stream(Broken())  # type: ignore[arg-type]
    assert list(store.hashes()) == []
    assert list((tmp_path / "incoming").iterdir()) == []


@given(
    st.tuples(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 2**33), st.text(max_size=20)),
    st.tuples(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 2**33), st.text(max_size=20)),
)
def test_a_signature_opens_one_clip_for_one_speaker_until_one_moment(
    one: tuple[str, int, str], other: tuple[str, int, str]
) -> None:
    signature = LINKS._signature(*one)
    assert LINKS.genuine(Link(one[0], one[1], one[2], signature))
    assert LINKS.genuine(Link(other[0], other[1], other[2], signature)) == (one == other)
    assert not ContentLinks(b"another", LINKS.base_url).genuine(Link(one[0], one[1], one[2], signature))


def test_a_link_is_the_same_text_until_its_end_changes() -> None:
    first = LINKS.url("a" * 64, device_id="loa-1", expires_at=NOON)
    assert first == LINKS.url("a" * 64, device_id="loa-1", expires_at=NOON)
    assert first != LINKS.url("a" * 64, device_id="loa-1", expires_at=NOON + timedelta(seconds=1))
