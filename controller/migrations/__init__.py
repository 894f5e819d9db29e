"""The schema's history, packaged with the code that needs it."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import Connection

from controller.database import make_engine

_LOCK = 0x10A_10A
"""Names the lock under which one of several PostgreSQL clients migrates."""


def config() -> Config:
    """Return alembic's configuration: this folder."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.set_main_option("path_separator", "os")
    return settings


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema behind a connection to `revision`, inside the connection's transaction."""
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to the newest schema, whole or not at all."""
    # SQLite rebuilds a table to change it: with foreign keys on, that would delete what points at its rows.
    engine = make_engine(url, foreign_keys=False, pooled=False)
    try:
        async with engine.execution_options(loa_writes=True).begin() as connection:
            sqlite = connection.dialect.name == "sqlite"
            if not sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(upgrade, revision)
            if sqlite and (await connection.execute(text("PRAGMA foreign_key_check"))).first() is not None:
                raise RuntimeError("the migration would leave rows that point nowhere; nothing was changed")
    finally:
        await engine.dispose()


def main(url: str) -> None:
    """Migrate from a command line."""
    asyncio.run(migrate(url))
