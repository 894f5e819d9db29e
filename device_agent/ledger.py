"""The agent's one SQLite file, with one writer thread.

What must survive a kill or a power cut and is more than a document lies here: plays, seen commands, counters. On a full
disk writes wait in memory, in order, until there is room again.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

import structlog

from device_agent.errors import JournalBroken
from protocol.messages import Problem

log = structlog.get_logger(__name__)

T = TypeVar("T")
Value = str | int | float | None

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE boots (
        boot_order INTEGER PRIMARY KEY,
        boot TEXT NOT NULL UNIQUE,
        acked INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE plays (
        id INTEGER PRIMARY KEY,
        boot_order INTEGER NOT NULL REFERENCES boots,
        seq INTEGER,
        kind TEXT NOT NULL,
        occurrence TEXT,
        schedule_id TEXT,
        title TEXT NOT NULL,
        clip TEXT,
        planned_at INTEGER,
        started_at INTEGER,
        ended_at INTEGER,
        from_ms INTEGER NOT NULL,
        played_ms INTEGER NOT NULL DEFAULT 0,
        start_error_ms REAL,
        volume INTEGER NOT NULL,
        clock TEXT NOT NULL,
        plan_version INTEGER,
        routine INTEGER NOT NULL,
        outcome TEXT,
        reason TEXT NOT NULL DEFAULT '',
        UNIQUE (boot_order, seq),
        CHECK ((seq IS NULL) = (outcome IS NULL))
    ) STRICT;
    CREATE TABLE seen (jti TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE plays ADD COLUMN underruns INTEGER;
    ALTER TABLE plays ADD COLUMN underrun_ms INTEGER;
    ALTER TABLE plays ADD COLUMN level_dbfs REAL;
    """,
)
"""Each entry lifts the schema by one version; none is ever edited once released."""

BACKLOG_MAX = 5_000
KEPT_BROKEN = 2
_SILENT = "the disk does not answer"
PATIENCE_S = 0.5
"""A disk that takes longer is not waited for: sound and Stop must not hang on a worn card."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One parametrised write."""

    sql: str
    values: tuple[Value, ...] = ()


class Ledger:
    """Reads and writes go through one thread, in order."""

    def __init__(self, connection: sqlite3.Connection, writer: ThreadPoolExecutor, *, reset_reason: str | None) -> None:
        self._connection = connection
        self._writer = writer
        self._backlog: deque[Statement] = deque(maxlen=BACKLOG_MAX)
        self._reset_reason = reset_reason
        self._late = 0
        """Writes that the disk did not take in time, and still holds."""

    @classmethod
    async def open(cls, path: Path, *, now: datetime) -> Self:
        """Open the file, or move a broken one aside and begin anew. Raises `JournalBroken` when neither is possible."""
        writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        try:
            connection, reason = await asyncio.get_running_loop().run_in_executor(writer, _open_or_replace, path, now)
        except (sqlite3.Error, OSError) as error:
            writer.shutdown()
            raise JournalBroken(f"{path}: {error}") from error
        if reason:
            log.error("journal_reset", reason=reason)
        return cls(connection, writer, reset_reason=reason)

    async def aclose(self) -> None:
        """Write what waits, then close the file and end the thread."""
        await self.retry()
        await self._in_writer(self._connection.close)
        self._writer.shutdown()

    async def read(self, sql: str, values: Sequence[Value] = (), *, within_s: float | None = None) -> list[sqlite3.Row]:
        """Return all rows of a query. Raises `JournalBroken`, also when the disk does not answer `within_s`."""
        if within_s is not None and self._late:
            raise JournalBroken(_SILENT)
        reading = self._in_writer(lambda: self._connection.execute(sql, values).fetchall())
        await asyncio.wait({reading}, timeout=within_s)
        if not reading.done():
            reading.add_done_callback(_heed_not)
            raise JournalBroken(_SILENT)
        try:
            return reading.result()
        except sqlite3.Error as error:
            raise JournalBroken(str(error)) from error

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        """Write all or none. `durable` returns when the disk has it, or when a failing disk made it wait in memory.

        A disk that hangs is waited for once, for half a second; what it was given it writes in order when it goes on.
        """
        writing = self._in_writer(lambda: self._write(statements, durable=durable))
        await asyncio.wait({writing}, timeout=0 if self._late else PATIENCE_S)
        if writing.done():
            writing.result()
            return
        if not self._late:
            log.warning("journal_unwritable", reason=_SILENT)
        self._late += 1
        writing.add_done_callback(self._landed)

    @property
    def waits(self) -> bool:
        """Whether a full disk has kept something back."""
        return bool(self._backlog)

    async def retry(self) -> None:
        """Write what had to wait, if anything."""
        if self.waits:
            await self.write(durable=True)

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should know of this file."""
        found = []
        if self._reset_reason:
            found.append(Problem(code="journal_reset", text=self._reset_reason[:300]))
        if kept := len(self._backlog) + self._late:
            found.append(Problem(code="journal_unwritable", text=f"{kept} writes wait in memory"))
        return tuple(found)

    def _in_writer(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._writer, work)

    def _landed(self, writing: asyncio.Future[None]) -> None:
        self._late -= 1
        if not writing.cancelled() and (error := writing.exception()) is not None:
            log.error("journal_unwritable", reason=str(error))
        elif not self._late:
            log.info("journal_writable_again")

    def _write(self, statements: Sequence[Statement], *, durable: bool) -> None:
        waiting = bool(self._backlog)
        self._backlog.extend(statements)
        try:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in self._backlog:
                self._connection.execute(statement.sql, statement.values)
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if not waiting:
                log.warning("journal_unwritable", reason=str(error))
            return
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for _ in statements:
                self._backlog.pop()
            raise JournalBroken(str(error)) from error
        self._backlog.clear()
        if waiting:
            log.info("journal_writable_again")


def _heed_not(reading: asyncio.Future[T]) -> None:
    """Nobody waits for this answer any more."""
    if not reading.cancelled():
        reading.exception()


def _open_or_replace(path: Path, now: datetime) -> tuple[sqlite3.Connection, str | None]:
    """Return a checked connection, and why a new file had to be begun."""
    try:
        return _open(path), None
    except sqlite3.OperationalError:
        raise  # a full or read-only disk: the file itself may be good
    except (sqlite3.DatabaseError, _Unusable) as error:
        _move_aside(path, now)
        return _open(path), str(error)


class _Unusable(Exception):
    """The file is SQLite's, but not ours to read."""


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        _check(connection)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    findings = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    if findings != ["ok"]:
        raise _Unusable("; ".join(findings))


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise _Unusable(f"written by a newer agent: schema {version}, {len(MIGRATIONS)} known")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version={number}; COMMIT;")


def _move_aside(path: Path, now: datetime) -> None:
    """Keep the broken file for a technician, the last few of them."""
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(f"{path.name}.broken-{now:%Y%m%dT%H%M%S}{suffix}"))
    kept = sorted(old for old in path.parent.glob(f"{path.name}.broken-*") if not old.name.endswith(("-wal", "-shm")))
    for old in kept[:-KEPT_BROKEN]:
        for suffix in ("", "-wal", "-shm"):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
