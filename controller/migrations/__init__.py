"""The schema's history, packaged with the code that needs it."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection

from controller.database import make_engine

_LOCK = 0x10A_10A
"""Names the lock under which one of several PostgreSQL clients migrates."""


def config(connection: Connection) -> Config:
    """Return alembic's configuration: this folder, and the connection to work on."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def revisions() -> frozenset[str]:
    """Return the names of all schemas that this version knows."""
    scripts = ScriptDirectory(str(Path(__file__).parent))
    return frozenset(each.revision for each in scripts.walk_revisions())


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema behind a connection to `revision`, inside the connection's transaction."""
    command.upgrade(config(connection), revision)


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to the newest schema, whole or not at all."""
    await _change(url, lambda connection: upgrade(connection, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to an older schema; what only the newer one can hold is lost."""

    def back(connection: Connection) -> None:
        command.downgrade(config(connection), revision)

    await _change(url, back)


async def _change(url: str, change: Callable[[Connection], None]) -> None:
    # SQLite rebuilds a table to change it: with foreign keys on, that would delete what points at its rows.
    engine = make_engine(url, foreign_keys=False, pooled=False)
    try:
        async with engine.execution_options(loa_writes=True).begin() as connection:
            sqlite = connection.dialect.name == "sqlite"
            if not sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(change)
            if sqlite and (await connection.execute(text("PRAGMA foreign_key_check"))).first() is not None:
                raise RuntimeError("the migration would leave rows that point nowhere; nothing was changed")
    finally:
        await engine.dispose()
