from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, DateTime, column, inspect, null, table, text
from sqlalchemy.engine import Connection

from controller.database import Database, make_engine
from controller.migrations import downgrade, migrate
from controller.schema import METADATA

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
MOMENT = DateTime(timezone=True)
DEVICES = table(
    "devices", *map(column, ("id", "name", "area_code", "note", "version", "status")), column("registered_at", MOMENT)
)
STATES = table(
    "device_states",
    *map(column, ("device_id", "online", "agent_version", "ready", "planned", "clock", "player")),
    column("state", JSON),
)


@pytest.fixture(params=["sqlite", "postgres_url"])
def url(request: pytest.FixtureRequest, tmp_path: Path, cluster: object) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'loa.db'}"
    address: str = request.getfixturevalue(request.param)
    return address


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    found: list[object] = compare_metadata(context, METADATA)
    return found


async def test_migrations_make_exactly_the_tables_that_the_models_describe(url: str):
    await migrate(url)
    engine = make_engine(url, pooled=False)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_twice_changes_nothing_and_keeps_what_is_there(url: str):
    await migrate(url)
    database = Database(url)
    async with database.transaction() as session:
        await session.execute(text("UPDATE areas SET name = 'Nước ta' WHERE code = 'VN'"))
    await migrate(url)
    async with database.reading() as session:
        assert await session.scalar(text("SELECT name FROM areas")) == "Nước ta"
    await database.close()


async def test_the_way_back_leaves_nothing(url: str):
    await migrate(url)
    await downgrade(url, "base")
    engine = make_engine(url, pooled=False)
    async with engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()
    assert tables == ["alembic_version"]
    await migrate(url)


async def test_what_speakers_said_last_is_known_to_be_a_complaint_or_none(url: str):
    said = {
        "a": {"device": "a", "problems": []},
        "b": {"device": "b", "problems": [{"code": "disk_full"}]},
        "c": JSON.NULL,
        "d": null(),
        "e": {"device": "e"},
    }
    await migrate(url, "0025")
    database = Database(url)
    async with database.transaction() as session:
        for id_, state in said.items():
            await session.execute(DEVICES.insert().values((id_, id_, "VN", "", 1, "active", NOON)))
            await session.execute(STATES.insert().values((id_, True, "", 0, 0, "trusted", "silent", state)))
    await migrate(url)
    async with database.reading() as session:
        told = dict((await session.execute(text("SELECT device_id, complains FROM device_states"))).all())
    await database.close()
    assert told == {"a": False, "b": True, "c": None, "d": None, "e": False}


async def test_a_migration_that_fails_leaves_the_database_as_it_was(url: str, monkeypatch: pytest.MonkeyPatch):
    def fail(_connection: Connection, _revision: str) -> None:
        _connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise RuntimeError("the power went")

    monkeypatch.setattr("controller.migrations.upgrade", fail)
    with pytest.raises(RuntimeError):
        await migrate(url)
    engine = make_engine(url, pooled=False)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []
    await engine.dispose()
