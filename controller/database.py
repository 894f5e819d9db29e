"""The database: its types, its transactions, and what happens around a commit."""

import asyncio
import re
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Any

import aiosqlite
import structlog
from sqlalchemy import DateTime, Dialect, MetaData, String, TypeDecorator, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

from controller.events import Processor, take_events

log = structlog.get_logger(__name__)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_AFTER_COMMIT = "after_commit"
_ACTOR = "actor"
_ROUNDS_MAX = 8
SQLITE_BUSY_MS = 60_000
"""For how long who wants to write waits for other processes, and for its turn in this one."""
_TURN = "loa_turn"
CLOSES_WITHIN_S = 5.0
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who stands behind what a transaction does, and from where."""

    user_id: str
    name: str
    address: str = ""


NOBODY = Actor("", "loa")
"""The service itself, or its command line."""

Hook = Callable[[], Awaitable[None] | None]


_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")


def new_id() -> str:
    """Return a new row id: a ULID (48 bits of time in ms, 80 random) in lower case, so that ids sort by creation."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str) -> bool:
    """Whether this may be one that `new_id` made."""
    return _ID.fullmatch(text) is not None


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC moments on every database; a naive one is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What the column holds: cursors of pages are read back by it."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the driver UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value!r}")
        utc = _utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 SQLAlchemy's signature
        """Give the caller UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _utc(value: datetime) -> datetime:
    """Return a moment in UTC; one at either end of the calendar that UTC has no day for is that end."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return EARLIEST if value.year == EARLIEST.year else LATEST


class Base(DeclarativeBase):
    """The mother of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), str: String()}  # noqa: RUF012 SQLAlchemy declares it so


class Versioned:
    """A row that several people edit. Each edit raises `version`; a lost race is noticed by the database itself."""

    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> Mapping[str, Any]:
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]  # a mapped class has it


class Database:
    """Opens transactions: one a request, one a message."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.before_commit: list[Processor] = []
        """Called in order with the events of each transaction, inside it."""

        class Writing(Session):
            pass

        self.writing: type[Session] = Writing
        """The class of this database's transactions, for who listens to them (`audit.capture.watch`)."""
        self._writing = async_sessionmaker(
            self.engine.execution_options(loa_writes=True),
            sync_session_class=Writing,
            expire_on_commit=False,
            autoflush=True,
        )
        self._reading = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Commit what the block did, or nothing of it.

        Before the commit the processors see the block's events; after it the hooks run. The connection is taken at the
        first statement, so an idle transaction costs and locks nothing.
        """
        async with self._writing() as session:
            yield session
            await self._process_events(session)
            await session.commit()
            hooks: list[Hook] = session.info.pop(_AFTER_COMMIT, [])
        for hook in hooks:
            await _run(hook)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Read without taking the write lock; what the block changes is thrown away, what it loaded stays usable."""
        async with self._reading() as session:
            yield session
            hooks: list[Hook] = session.info.pop(_AFTER_COMMIT, [])
        for hook in hooks:
            await _run(hook)

    async def _process_events(self, session: AsyncSession) -> None:
        for _ in range(_ROUNDS_MAX):
            events = take_events(session)
            if not events:
                return
            await session.flush()
            for process in self.before_commit:
                await process(session, events)
        raise RuntimeError(f"events still beget events after {_ROUNDS_MAX} rounds")

    async def close(self) -> None:
        """Close every connection, once those in use are given back: one closed in the middle of a call would hang."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSES_WITHIN_S):
                while self._in_use():  # noqa: ASYNC110 sessions that were cancelled give back behind our back
                    await asyncio.sleep(0.01)
        await self.engine.dispose()

    def _in_use(self) -> int:
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0


def set_actor(session: AsyncSession, actor: Actor) -> None:
    """Say who stands behind this transaction."""
    session.info[_ACTOR] = actor


def actor_of(session: AsyncSession | Session) -> Actor:
    """Return who stands behind this transaction."""
    actor: Actor = session.info.get(_ACTOR, NOBODY)
    return actor


def insert_into(session: AsyncSession, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can be told what to do where a row is there already."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(model)


def after_commit(session: AsyncSession, hook: Hook) -> None:
    """Run `hook` once the transaction is safely committed; never if it is not."""
    session.info.setdefault(_AFTER_COMMIT, []).append(hook)


async def _run(hook: Hook) -> None:
    try:
        result = hook()
        if isawaitable(result):
            await result
    except Exception:  # the commit stands: a failing hook must not turn it into an error
        log.exception("after_commit_hook_failed")


def make_engine(url: str, *, foreign_keys: bool = True, pooled: bool = True) -> AsyncEngine:
    """Return an engine for SQLite (WAL, durable, patient) or PostgreSQL."""
    pool: dict[str, Any] = {} if pooled else {"poolclass": NullPool}
    if not make_url(url).get_backend_name().startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True, **({"pool_size": 10} if pooled else pool))
    engine = create_async_engine(url, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions behind SQLAlchemy's back
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={SQLITE_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # a record that was acknowledged must survive a power cut
            f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    _take_turns(engine)
    _leave_no_lock_behind(engine)
    return engine


def _take_turns(engine: AsyncEngine) -> None:
    """Let who wants to write to SQLite wait in line.

    SQLite itself has whoever waits look again now and then, and who comes just then goes first: an alert could wait for
    long behind work that writes again and again.
    """
    turns = asyncio.Lock()

    async def take_turn() -> None:
        async with asyncio.timeout(SQLITE_BUSY_MS / 1000):
            await turns.acquire()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and then writes cannot wait for another writer: SQLite refuses it at once.
        writes = connection.get_execution_options().get("loa_writes", False)
        if writes:
            await_only(take_turn())
            connection.info[_TURN] = True
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @event.listens_for(engine.sync_engine, "checkin")
    def give_back(_connection: Any, record: ConnectionPoolEntry) -> None:
        if record.info.pop(_TURN, False):
            turns.release()


def _leave_no_lock_behind(engine: AsyncEngine) -> None:
    """Roll back before a connection is closed under whoever is stopped amid a statement.

    The statement's cursor stays, in the error; and SQLite keeps what is closed with a cursor open, its lock as well,
    until the collector comes by: for as long nobody could write.
    """
    rolling_back: set[asyncio.Task[None]] = set()

    @event.listens_for(engine.sync_engine, "invalidate")
    def roll_back(connection: Any, _record: ConnectionPoolEntry, _error: BaseException | None) -> None:
        if in_greenlet():
            # Its closing is asked for after this: the connection's thread does one thing after the other.
            task = asyncio.ensure_future(_rolled_back(connection.driver_connection))
            rolling_back.add(task)
            task.add_done_callback(rolling_back.discard)


async def _rolled_back(connection: aiosqlite.Connection) -> None:
    with suppress(ValueError, sqlite3.Error):  # closed already
        await connection.rollback()
