import asyncio
import gc
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import aiosqlite
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.areas.models import Area
from controller.database import Database, after_commit, new_id
from controller.events import DeviceChanged, Event, PlaylistChanged, ScheduleChanged, record_event
from controller.http.models import Answer
from controller.keys import Keys
from tests.support.controller import with_schema

A_LONG_COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT begun() UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT count(*) FROM n"
)
HANOI = timezone(timedelta(hours=7))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    await with_schema(tmp_path / "loa.db")
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'loa.db'}")
    yield opened
    await opened.close()


def test_ids_are_unique_sortable_by_time_and_short():
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {len(name) for name in ids} == {26}
    assert [name[:10] for name in ids] == sorted(name[:10] for name in ids)


async def test_hooks_run_after_the_commit_and_only_then(database: Database):
    seen: list[str] = []

    async def look() -> None:
        async with database.reading() as session:
            seen.append(str(await session.scalar(select(Area.name))))

    async with database.transaction() as session:
        (await session.get_one(Area, "VN")).name = "mới"
        after_commit(session, look)
        assert seen == []
    assert seen == ["mới"]

    with pytest.raises(RuntimeError):
        await change_and_fail(database, lambda: seen.append("never"))
    assert seen == ["mới"]


async def change_and_fail(database: Database, hook: object) -> None:
    async with database.transaction() as session:
        after_commit(session, hook)  # type: ignore[arg-type]
        raise RuntimeError("changed my mind")


async def test_who_waits_to_write_goes_before_who_comes_later(database: Database):
    order: list[str] = []

    async def write(who: str) -> None:
        async with database.transaction() as session:
            (await session.get_one(Area, "VN")).name = who
            order.append(who)

    async def write_again_and_again() -> None:
        for turn in range(50):
            await write(f"busy {turn}")

    async with asyncio.TaskGroup() as both, connected(database, 3), database.transaction() as session:
        (await session.get_one(Area, "VN")).name = "first"
        both.create_task(write_again_and_again())
        await asyncio.sleep(0)
        both.create_task(write("alert"))
        await asyncio.sleep(0)
    assert order[:2] == ["busy 0", "alert"]


@asynccontextmanager
async def connected(database: Database, connections: int) -> AsyncIterator[None]:
    """Have so many connections at hand, so that nobody has to wait for one."""
    async with AsyncExitStack() as stack:
        for _ in range(connections):
            await (await stack.enter_async_context(database.reading())).connection()
    yield


async def test_a_turn_is_given_back_by_who_fails_or_is_stopped(database: Database):
    for number in range(3):
        with pytest.raises(RuntimeError):
            await change_and_fail_late(database)
        begun = asyncio.Event()
        stopped = asyncio.create_task(write_for_ever(database, begun))
        await begun.wait()
        waiting = asyncio.create_task(write_for_ever(database, asyncio.Event()))
        await asyncio.sleep(0)
        for task in (waiting, stopped):
            task.cancel()
        await asyncio.wait([waiting, stopped])
        async with database.transaction() as session:
            (await session.get_one(Area, "VN")).name = f"mới {number}"


async def test_who_is_stopped_amid_a_statement_leaves_no_lock_behind(database: Database):
    begun, loop = asyncio.Event(), asyncio.get_running_loop()

    async def work() -> None:
        async with database.transaction() as session:
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            assert isinstance(driver, aiosqlite.Connection)
            await driver.create_function("begun", 0, lambda: loop.call_soon_threadsafe(begun.set) and 1)
            await session.execute(text(A_LONG_COUNT))

    gc.disable()  # the collector would take away what keeps the lock, sooner or later
    try:
        for stops in range(1, 4):
            begun.clear()
            task = asyncio.create_task(work())
            await begun.wait()
            for _ in range(stops):
                task.cancel()
                await asyncio.sleep(0)
            (stopped,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(stopped, asyncio.CancelledError)
            async with asyncio.timeout(10), database.transaction() as session:
                (await session.get_one(Area, "VN")).name = f"mới {stops}"
    finally:
        gc.enable()


async def change_and_fail_late(database: Database) -> None:
    async with database.transaction() as session:
        (await session.get_one(Area, "VN")).name = "never"
        await session.flush()
        raise RuntimeError("changed my mind")


async def write_for_ever(database: Database, begun: asyncio.Event) -> None:
    async with database.transaction() as session:
        (await session.get_one(Area, "VN")).name = "never"
        await session.flush()
        begun.set()
        await asyncio.Event().wait()


async def test_a_failing_hook_neither_undoes_the_commit_nor_stops_the_others(database: Database):
    ran: list[int] = []
    async with database.transaction() as session:
        (await session.get_one(Area, "VN")).name = "mới"
        after_commit(session, lambda: ran.append(1 // 0))
        after_commit(session, lambda: ran.append(2))
    assert ran == [2]
    async with database.reading() as session:
        assert await session.scalar(select(Area.name)) == "mới"


async def test_processors_see_each_event_once_inside_the_transaction(database: Database):
    told: list[Sequence[Event]] = []

    async def derive(session: AsyncSession, events: Sequence[Event]) -> None:
        told.append(events)
        assert (await session.get_one(Area, "VN")).name == "mới"
        if PlaylistChanged("p") in events:
            record_event(session, ScheduleChanged("s"))

    database.before_commit.append(derive)
    async with database.transaction() as session:
        (await session.get_one(Area, "VN")).name = "mới"
        for event in (DeviceChanged("d"), PlaylistChanged("p"), DeviceChanged("d")):
            record_event(session, event)
    assert told == [(DeviceChanged("d"), PlaylistChanged("p")), (ScheduleChanged("s"),)]


async def test_events_that_beget_each_other_without_end_are_stopped(database: Database):
    async def again(session: AsyncSession, events: Sequence[Event]) -> None:
        for event in events:
            record_event(session, event)

    database.before_commit.append(again)
    with pytest.raises(RuntimeError, match="beget"):
        await touch(database)


async def touch(database: Database) -> None:
    async with database.transaction() as session:
        record_event(session, DeviceChanged("d"))


async def test_reading_changes_nothing(database: Database):
    async with database.reading() as session:
        (await session.get_one(Area, "VN")).name = "mới"
        await session.flush()
    async with database.reading() as session:
        assert await session.scalar(select(Area.name)) == "Việt Nam"


async def test_writers_that_read_first_wait_for_each_other(database: Database):
    async def add_one() -> None:
        async with database.transaction() as session:
            area = await session.get_one(Area, "VN")
            area.name = str(int(area.name) + 1) if area.name.isdigit() else "1"

    await asyncio.gather(*(add_one() for _ in range(20)))
    async with database.reading() as session:
        assert await session.scalar(select(Area.name)) == "20"


async def test_readers_do_not_wait_for_a_writer(database: Database):
    async with database.transaction() as writing:
        (await writing.get_one(Area, "VN")).name = "mới"
        await writing.flush()
        async with database.reading() as session:
            assert await session.scalar(select(Area.name)) == "Việt Nam"


async def test_moments_come_back_in_utc_and_naive_ones_are_refused(database: Database):
    noon = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=HANOI)
    async with database.transaction() as session:
        session.add(Answer(user_id="u", key="k", request_hash="h", created_at=noon))
    async with database.reading() as session:
        stored = (await session.scalars(select(Answer).where(Answer.created_at == noon))).one()
        assert stored.created_at == noon
        assert stored.created_at.tzinfo is UTC
    with pytest.raises(StatementError, match="without a time zone"):
        await store(database, noon.replace(tzinfo=None))


async def store(database: Database, at: datetime) -> None:
    async with database.transaction() as session:
        session.add(Answer(user_id="u", key="naive", request_hash="h", created_at=at))


async def test_sqlite_is_durable_and_minds_references(database: Database):
    async with database.reading() as session:
        pragmas = [
            await session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]


def test_keys_are_made_once_and_readable_by_the_service_only(tmp_path: Path):
    made = Keys.load(tmp_path)
    again = Keys.load(tmp_path)
    assert (again.signing.kid, again.content) == (made.signing.kid, made.content)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 2
    assert made.content.decode() not in repr(made)
