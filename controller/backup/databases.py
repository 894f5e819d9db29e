"""A database as one consistent file while others write to it, and back."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncSession

from controller.content.repository import ClipRepository
from controller.database import Database
from controller.errors import Unavailable
from controller.link.repository import DocumentRepository
from controller.migrations import migrate
from controller.occupancy import InUse
from controller.text import Text

LEAVES_WITHIN_TRIES = 20
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class DatabaseNotCopied(Unavailable):
    """The database's own tools failed."""

    code = "database_not_copied"


def kind_of(url: str) -> str:
    """Return "sqlite" or "postgresql"."""
    return make_url(url).get_backend_name()


def sqlite_path(url: str) -> Path:
    """Return where an SQLite database lies."""
    return Path(make_url(url).database or "")


async def copy_database(url: str, out: Path, now: datetime) -> tuple[set[str], str]:
    """Write one consistent moment of the database to a file; return what content and which schema it refers to."""
    if kind_of(url) == "sqlite":
        copy_sqlite(sqlite_path(url), out)
        async with _reading(f"sqlite+aiosqlite:///{out}") as session:
            return await _facts(session, now)
    async with _reading(url) as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        snapshot = await session.scalar(text("SELECT pg_export_snapshot()"))
        facts = await _facts(session, now)
        run_tool("pg_dump", url, "--format=custom", "--no-owner", "--no-acl", f"--snapshot={snapshot}", f"--file={out}")
        return facts


async def _facts(session: AsyncSession, now: datetime) -> tuple[set[str], str]:
    revision: str = (await session.scalars(text("SELECT version_num FROM alembic_version"))).one()
    return await ClipRepository(session).needed(now), revision


async def demand_nobody_else(url: str) -> None:
    """Raise `InUse` while others, a service on another machine perhaps, are connected to a PostgreSQL database.

    Those that have just been closed are given a moment.
    """
    if kind_of(url) == "sqlite":
        return
    async with _reading(url) as session:
        for _ in range(LEAVES_WITHIN_TRIES):
            if not await session.scalar(text(_OTHERS)):
                return
            await session.rollback()  # within one transaction the answer stays the same
            await asyncio.sleep(0.1)
    raise InUse


def copy_sqlite(source: Path, out: Path) -> None:
    """Copy an SQLite database by its online backup: writers go on meanwhile."""
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live, closing(sqlite3.connect(out)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")


async def is_empty(url: str) -> bool:
    """Whether nothing is in the database that would be lost."""
    if kind_of(url) == "sqlite":
        return not sqlite_path(url).exists()
    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            return not await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    finally:
        await database.close()


def fill_postgres(url: str, dump: Path) -> None:
    """Put a dump in the place of whatever is in the database: all of it or nothing."""
    run_tool("pg_restore", url, "--single-transaction", "--clean", "--if-exists", "--no-owner", "--no-acl", str(dump))


async def have_all_said_anew(url: str) -> None:
    """Bring a restored database to this version, and have everything that stands on the broker signed anew.

    Speakers may hold newer versions than the restored ones: what is signed anew has a higher one.
    """
    await migrate(url)
    database = Database(url)
    try:
        async with database.transaction() as session:
            await DocumentRepository(session).forget_signers()
    finally:
        await database.close()


def run_tool(name: str, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a database; its password is not on the command line."""
    program = shutil.which(name)
    if program is None:
        raise DatabaseNotCopied(Text("%(name)s is not installed. On Debian: apt install postgresql-client", name=name))
    address = make_url(url)
    done = subprocess.run(
        [program, f"--dbname={_without_password(address)}", *arguments],
        env={**os.environ, **({"PGPASSWORD": str(address.password)} if address.password else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip()[-1000:]
        raise DatabaseNotCopied(Text("%(name)s failed: %(said)s", name=name, said=said))


def _without_password(address: URL) -> str:
    return address.set(drivername="postgresql", password=None).render_as_string()


@asynccontextmanager
async def _reading(url: str) -> AsyncIterator[AsyncSession]:
    database = Database(url)
    try:
        async with database.reading() as session:
            yield session
    finally:
        await database.close()
