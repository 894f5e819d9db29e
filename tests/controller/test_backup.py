"""A backup of a service that works, and the service that comes out of it."""

import asyncio
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from controller.areas.models import Area
from controller.backup.archive import BadArchive, read_archive
from controller.backup.databases import is_empty
from controller.backup.service import make_backup, restore_backup, verify_backup
from controller.broadcasting import roll
from controller.content.service import store_of
from controller.errors import Conflict
from controller.keys import Keys
from controller.link.models import RetainedDocument
from controller.occupancy import BeingReplaced, InUse, replacing
from controller.runtime import Runtime, Unfinished
from controller.settings import Settings
from tests.support.broadcasts import playlist, schedule
from tests.support.controller import NOON, ORIGIN, House, open_house

COMMUNE, SPEAKER = "07339", "07339-1"


def nothing(_size: int) -> None:
    pass


@pytest.fixture(params=["sqlite", "postgres"])
async def house(request: pytest.FixtureRequest, tmp_path: Path, cluster: object) -> AsyncIterator[House]:
    url = "" if request.param == "sqlite" else await cluster.migrated()  # type: ignore[attr-defined]
    async with open_house(tmp_path / "data", database_url=url) as house:
        await house.commune(COMMUNE, speakers=1)
        await schedule(house, COMMUNE, await playlist(house, COMMUNE), areas=(COMMUNE,), rrule="FREQ=DAILY")
        await roll(house.runtime)
        yield house


async def elsewhere(house: House, folder: Path, cluster: object) -> Settings:
    """A clean machine for the same kind of service."""
    url = "" if not house.runtime.settings.database_url else await cluster.database()  # type: ignore[attr-defined]
    return Settings(data_dir=folder, database_url=url, public_url=ORIGIN)


async def backup(house: House, out: Path, **more: str) -> None:
    await make_backup(house.runtime.settings, out, house.clock.now, loa="1", progress=nothing, **more)


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def modes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file() and "loa.db" not in path.name
    }


async def test_a_clean_machine_goes_on_with_the_same_keys_content_and_newer_versions(
    house: House, tmp_path: Path, cluster: object
):
    file = tmp_path / "loa.backup"
    await backup(house, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not left_over(tmp_path)
    assert not left_over(house.runtime.settings.data_dir)
    clean = await elsewhere(house, tmp_path / "clean", cluster)
    manifest = await restore_backup(clean, file, progress=nothing)
    assert manifest.content_missing == ()
    # What the running service has made since then, such as the key of its feed, is in the next backup.
    assert modes(clean.data_dir)
    assert modes(clean.data_dir).items() <= modes(house.runtime.settings.data_dir).items()
    assert Keys.load(clean.data_dir).signing.kid == house.runtime.keys.signing.kid

    async with house.database.reading() as session:
        before = {row.topic: row.version for row in await session.scalars(select(RetainedDocument))}
    async with open_house(clean.data_dir, database_url=clean.database_url) as again:
        again.clock.now = NOON + timedelta(hours=1)
        await roll(again.runtime)
        assert set(store_of(again.runtime).hashes()) == set(store_of(house.runtime).hashes())
        async with again.database.reading() as session:
            after = {row.topic: row.version for row in await session.scalars(select(RetainedDocument))}
    assert after.keys() == before.keys()
    assert all(after[topic] > version for topic, version in before.items())


async def test_while_people_edit_the_copy_is_one_moment_with_all_its_sounds(
    house: House, tmp_path: Path, cluster: object
):
    begun, done = asyncio.Event(), asyncio.Event()

    async def edit() -> int:
        number = 0
        while not done.is_set():
            number += 1
            await playlist(house, COMMUNE, title=f"bản tin {number}")
            begun.set()
        return number

    editing = asyncio.create_task(edit())
    await begun.wait()
    await backup(house, tmp_path / "file")
    done.set()
    assert await editing > 1
    clean = await elsewhere(house, tmp_path / "clean", cluster)
    assert (await restore_backup(clean, tmp_path / "file", progress=nothing)).content_missing == ()


async def test_what_is_there_is_replaced_only_when_asked_and_then_kept_aside(
    house: House, tmp_path: Path, cluster: object
):
    await backup(house, tmp_path / "file")
    target = await elsewhere(house, tmp_path / "other", cluster)
    async with open_house(target.data_dir, database_url=target.database_url) as other:
        await other.area("99", name="chỗ khác")
        theirs = other.runtime.keys.signing.kid
    with pytest.raises(Conflict, match="--force"):
        await restore_backup(target, tmp_path / "file", progress=nothing)
    assert Keys.load(target.data_dir).signing.kid == theirs
    await restore_backup(target, tmp_path / "file", force=True, progress=nothing)
    assert Keys.load(target.data_dir).signing.kid == house.runtime.keys.signing.kid
    (aside,) = target.data_dir.glob(".replaced-*")
    assert Keys.load(aside).signing.kid == theirs
    async with (
        open_house(target.data_dir, database_url=target.database_url) as restored,
        restored.database.reading() as session,
    ):
        codes = set(await session.scalars(select(Area.code)))
    assert COMMUNE in codes
    assert "99" not in codes


async def test_a_restore_leaves_a_running_service_alone(house: House, tmp_path: Path):
    await backup(house, tmp_path / "file")
    kept = {path: path.stat().st_ino for path in house.runtime.settings.data_dir.iterdir()}
    with pytest.raises(InUse, match="stop it first"):
        await restore_backup(house.runtime.settings, tmp_path / "file", force=True, progress=nothing)
    assert {path: path.stat().st_ino for path in house.runtime.settings.data_dir.iterdir()} == kept
    assert (await house.browser().get("/readyz")).status_code == 200
    await backup(house, tmp_path / "another")


async def test_a_restore_leaves_alone_the_database_of_a_service_on_another_machine(
    postgres_house: House, tmp_path: Path
):
    await backup(postgres_house, tmp_path / "file")
    here = Settings(data_dir=tmp_path / "here", database_url=postgres_house.runtime.settings.database_url)
    async with postgres_house.database.reading() as session:
        await session.connection()
        with pytest.raises(InUse, match="stop it first"):
            await restore_backup(here, tmp_path / "file", force=True, progress=nothing)


async def test_a_service_does_not_start_while_a_backup_is_restored(tmp_path: Path):
    async with open_house(tmp_path / "data", services=()):
        pass
    with replacing(tmp_path / "data"), pytest.raises(BeingReplaced):
        async with open_house(tmp_path / "data", services=()):
            pass


async def test_a_backup_of_a_newer_version_is_refused_before_anything_is_touched(
    house: House, tmp_path: Path, cluster: object, monkeypatch: pytest.MonkeyPatch
):
    await backup(house, tmp_path / "file")
    target = await elsewhere(house, tmp_path / "older", cluster)
    monkeypatch.setattr("controller.backup.service.revisions", lambda: frozenset({"0001", "0002"}))
    with pytest.raises(Conflict, match="newer than this one: install that version"):
        await restore_backup(target, tmp_path / "file", progress=nothing)
    assert list(target.data_dir.iterdir()) == []
    assert await is_empty(target.database)


async def test_an_encrypted_backup_opens_with_its_identity_only(house: House, tmp_path: Path):
    mine, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    for name, identity in (("mine", mine), ("other", other)):
        (tmp_path / name).write_text(f"# a comment\n{identity}\n")
    file = tmp_path / "file"
    await backup(house, file, recipient=str(mine.to_public()))
    secret = (house.runtime.settings.data_dir / "signing-key.pem").read_bytes()
    assert secret not in file.read_bytes()
    assert verify_backup(file, identity=tmp_path / "mine", progress=nothing).members
    for wrong in (None, tmp_path / "other"):
        with pytest.raises(BadArchive):
            verify_backup(file, identity=wrong, progress=nothing)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BadArchive):
        verify_backup(file, identity=tmp_path / "mine", progress=nothing)


async def test_a_disk_that_takes_nothing_leaves_the_old_backup(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "file"
    file.write_bytes(b"yesterday's")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("controller.backup.service.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            await backup(house, file)
    assert file.read_bytes() == b"yesterday's"
    assert not left_over(tmp_path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole backup, without a service."""
    folder = tmp_path_factory.mktemp("small")

    async def made() -> None:
        async with open_house(folder / "data", services=()) as house:
            store_of(house.runtime).put(b"mot hai ba")
            await backup(house, folder / "file")

    asyncio.run(made())
    return (folder / "file").read_bytes()


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_damaged_backup_is_believed(small: bytes, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory):
    at = data.draw(st.integers(0, len(small) - 1))
    damage = data.draw(st.sampled_from(["cut", "flip"]))
    damaged = small[:at] if damage == "cut" else small[:at] + bytes([small[at] ^ 0x55]) + small[at + 1 :]
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(damaged)
    try:
        manifest = verify_backup(path, progress=nothing)
    except BadArchive:
        return
    # Only what no member is made of may differ: padding, and fields of a header that nobody reads.
    with path.open("rb") as source:
        assert read_archive(source, lambda _: None, nothing) == manifest


async def test_a_damaged_backup_touches_nothing(small: bytes, tmp_path: Path):
    (tmp_path / "file").write_bytes(small[: len(small) // 2])
    target = Settings(data_dir=tmp_path / "target")
    with pytest.raises(BadArchive):
        await restore_backup(target, tmp_path / "file", progress=nothing)
    assert list(target.data_dir.iterdir()) == []


async def test_a_service_does_not_start_from_half_a_restore(
    small: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_bytes(small)
    target = Settings(data_dir=tmp_path / "target")

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr("controller.backup.service.shutil.move", power_cut)
        with pytest.raises(KeyboardInterrupt):
            await restore_backup(target, tmp_path / "file", progress=nothing)
    with pytest.raises(Unfinished):
        Runtime.open(target)
    await restore_backup(target, tmp_path / "file", force=True, progress=nothing)
    runtime = Runtime.open(target)
    await runtime.database.close()
