"""Making a backup of a running service, and a service out of a backup."""

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from controller.backup.archive import (
    CONTENT,
    DATABASE,
    FILES,
    Manifest,
    Progress,
    Writer,
    decrypted,
    encrypted,
    read_archive,
)
from controller.backup.databases import (
    copy_database,
    demand_nobody_else,
    fill_postgres,
    have_all_said_anew,
    is_empty,
    kind_of,
    sqlite_path,
)
from controller.content.store import ContentStore
from controller.errors import Conflict, NotFound
from controller.migrations import revisions
from controller.occupancy import replacing
from controller.runtime import UNFINISHED
from controller.settings import Settings
from controller.text import Text

_WORK = ".backup-"


async def make_backup(
    settings: Settings, out: Path, now: datetime, *, loa: str, recipient: str | None = None, progress: Progress
) -> Manifest:
    """Write a backup of a service that goes on working. The file appears whole or not at all.

    First what may be forgotten is kept from being so, then the database is copied, then the content: so all that the
    copy refers to is in the file.
    """
    if not settings.data_dir.is_dir():
        raise NotFound(Text("There is no %(data_dir)s", data_dir=settings.data_dir))
    store = ContentStore(settings.content_dir)
    with _workplace(settings) as work:
        await asyncio.to_thread(_keep_for_now, store)
        needed, schema = await copy_database(settings.database, work / DATABASE, now)

        def write() -> Manifest:
            with _whole_or_not_at_all(out) as file, encrypted(file, recipient) as sink:
                writer = Writer(sink, progress)
                kept = _add_all(writer, settings, work / DATABASE, store)
                lost = tuple(sorted(needed - kept))
                kind = kind_of(settings.database)
                return writer.finish(now, loa=loa, database=kind, schema_revision=schema, content_missing=lost)

        return await asyncio.to_thread(write)


def _add_all(writer: Writer, settings: Settings, database: Path, store: ContentStore) -> set[str]:
    """Add the database, the files and the content; return the hashes of the content."""
    writer.add(DATABASE, database)
    for path in _own_files(settings):
        writer.add(FILES + path.relative_to(settings.data_dir).as_posix(), path)
    kept: set[str] = set()
    for sha256 in store.hashes():
        with suppress(FileNotFoundError):  # forgotten this moment: then the copy does not refer to it
            writer.add(CONTENT + sha256, store.path(sha256))
            kept.add(sha256)
    return kept


def verify_backup(path: Path, *, identity: Path | None = None, progress: Progress) -> Manifest:
    """Read a whole backup and compare every checksum. Raises `BadArchive`."""
    with decrypted(path, identity) as source:
        return read_archive(source, lambda _: None, progress)


async def restore_backup(
    settings: Settings, path: Path, *, identity: Path | None = None, force: bool = False, progress: Progress
) -> Manifest:
    """Make the service of a backup in `settings.data_dir` and its database.

    Everything is unpacked and checked beside what is there, before any of that is touched. Until all is in its place
    the service refuses to start; one that runs is not disturbed (`InUse`).
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(settings.data_dir):
        await demand_nobody_else(settings.database)
        return await _restore(settings, path, identity=identity, force=force, progress=progress)


async def _restore(
    settings: Settings, path: Path, *, identity: Path | None, force: bool, progress: Progress
) -> Manifest:
    data_dir = settings.data_dir
    if not force and (any(data_dir.iterdir()) or not await is_empty(settings.database)):
        raise Conflict(
            Text(
                "%(data_dir)s or the database is not empty. Choose another place, or replace what is"
                " there with --force.",
                data_dir=data_dir,
            )
        )
    owner = data_dir.stat()
    staging = data_dir / f"{UNFINISHED}{secrets.token_hex(4)}"
    staging.mkdir(mode=0o700)
    try:
        manifest = await asyncio.to_thread(_unpack, path, identity, staging, progress)
        _demand_fitting(manifest, settings)
        await asyncio.to_thread(_finish, staging, manifest, owner)
        if manifest.database == "postgresql":
            await asyncio.to_thread(fill_postgres, settings.database, staging / DATABASE)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    # From here on nothing is thrown away: a second try with --force begins anew.
    await asyncio.to_thread(_move_in, settings, staging)
    await have_all_said_anew(settings.database)
    if kind_of(settings.database) == "sqlite":
        _hand_over(sqlite_path(settings.database).parent, owner, only=sqlite_path(settings.database).name)
    await asyncio.to_thread(_sweep_unfinished, data_dir)
    return manifest


def _demand_fitting(manifest: Manifest, settings: Settings) -> None:
    if manifest.schema_revision and manifest.schema_revision not in revisions():
        raise Conflict(
            Text(
                "The backup was made by loa %(loa)s, newer than this one: install that version first, or a newer.",
                loa=manifest.loa,
            )
        )
    if manifest.database != kind_of(settings.database):
        raise Conflict(
            Text("The backup is of %(database)s: set LOA_DATABASE_URL to such a database.", database=manifest.database)
        )


def _unpack(path: Path, identity: Path | None, staging: Path, progress: Progress) -> Manifest:
    def keep(name: str) -> IO[bytes]:
        if name.startswith(CONTENT):
            sha256 = name.removeprefix(CONTENT)
            target = staging / CONTENT / sha256[:2] / sha256[2:4] / sha256
        else:
            target = staging / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    with decrypted(path, identity) as source:
        return read_archive(source, keep, progress)


def _finish(staging: Path, manifest: Manifest, owner: os.stat_result) -> None:
    """Give everything the rights and the owner that it is to have."""
    (staging / CONTENT).mkdir(mode=0o700, exist_ok=True)
    (staging / FILES).mkdir(mode=0o700, exist_ok=True)
    for member in manifest.members:
        if not member.name.startswith(CONTENT):
            (staging / member.name).chmod(member.mode & 0o755)
    _hand_over(staging, owner)


def _hand_over(folder: Path, owner: os.stat_result, *, only: str = "") -> None:
    if os.geteuid() != 0:
        return
    for path in (folder / only,) if only else (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def _move_in(settings: Settings, staging: Path) -> None:
    """Move what was there aside, and the new in its place."""
    data_dir = settings.data_dir
    replaced = data_dir / f".replaced-{secrets.token_hex(4)}"
    database = sqlite_path(settings.database) if kind_of(settings.database) == "sqlite" else None
    old = [path for path in data_dir.iterdir() if not path.name.startswith((UNFINISHED, ".replaced-"))]
    if database is not None:
        beside = [database.with_name(database.name + ending) for ending in ("", "-wal", "-shm")]
        old += [path for path in beside if path.exists() and path not in old]
    if old:
        replaced.mkdir(mode=0o700)
    for path in old:
        shutil.move(path, replaced / path.name)
    for path in sorted((staging / FILES).iterdir()):
        path.replace(data_dir / path.name)
    (staging / CONTENT).replace(settings.content_dir)
    if database is not None:
        shutil.move(staging / DATABASE, database)


def _sweep_unfinished(data_dir: Path) -> None:
    os.sync()
    for left in data_dir.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)


def _keep_for_now(store: ContentStore) -> None:
    """What was touched now is not collected as garbage while the backup is under way."""
    for sha256 in store.hashes():
        with suppress(FileNotFoundError):
            os.utime(store.path(sha256))


def _own_files(settings: Settings) -> Iterator[Path]:
    """Every file of the data folder but the database, the content, and what is under way (`.…`)."""
    data_dir, content = settings.data_dir, settings.content_dir
    database = sqlite_path(settings.database).name if kind_of(settings.database) == "sqlite" else None
    for folder, names, files in os.walk(data_dir):
        here = Path(folder)
        names[:] = sorted(name for name in names if not name.startswith(".") and here / name != content)
        for name in sorted(files):
            path = here / name
            of_database = database is not None and name.startswith(database)
            if not name.startswith(".") and path.is_file() and not path.is_symlink() and not of_database:
                yield path


@contextmanager
def _workplace(settings: Settings) -> Iterator[Path]:
    """Yield a folder for the copy of the database, as well kept as the database; gone afterwards."""
    data_dir = settings.data_dir
    lock = os.open(settings.content_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(Text("Another backup is under way")) from error
        for left in data_dir.glob(f"{_WORK}*"):  # of one that was killed
            shutil.rmtree(left)
        work = data_dir / f"{_WORK}{secrets.token_hex(4)}"
        work.mkdir(mode=0o700)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(lock)


@contextmanager
def _whole_or_not_at_all(out: Path) -> Iterator[IO[bytes]]:
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(out)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
