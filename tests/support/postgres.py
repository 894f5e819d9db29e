"""A throw-away PostgreSQL: its own cluster in a temporary folder, on a free loopback port, gone afterwards."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from sqlalchemy import text

from controller.migrations import migrate
from loa.brokers import free_port
from tests.support.controller import House
from tests.support.eventually import eventually

_DEBIAN = Path("/usr/lib/postgresql")
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "shared_buffers=16MB")


def programs() -> Path | None:
    """The folder of the newest installed server's programs, or None where there is none."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@dataclass(frozen=True)
class Cluster:
    """A running server."""

    port: int
    _schema: list[str] = field(default_factory=list)

    async def migrated(self) -> str:
        """Make a database with the newest schema; return its address. To walk through all migrations is done once."""
        if not self._schema:
            await migrate(whole := await self.database())
            self._schema.append(whole.rpartition("/")[2])
        return await self.database(like=self._schema[0])

    async def database(self, *, like: str = "template1") -> str:
        """Make an empty database, or a copy of one that nobody uses; return its address."""
        name = f"loa_{secrets.token_hex(6)}"
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="loa", database="postgres")
        try:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        finally:
            await connection.close()
        return f"postgresql+asyncpg://loa@127.0.0.1:{self.port}/{name}"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a cluster; its server refuses to be root, so root lends it to another user."""
    bin_folder = programs()
    assert bin_folder is not None, "install postgresql first"
    folder = Path(tempfile.mkdtemp(prefix="loa-postgres-"))
    user = _server_user()
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data, port = folder / "data", free_port()
    try:
        subprocess.run(
            [bin_folder / "initdb", "--no-sync", "-A", "trust", "-U", "loa", "-E", "UTF8", "--locale=C.UTF-8", data],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
        )
        options = [word for setting in _FAST for word in ("-c", setting)]
        server = subprocess.Popen(
            [bin_folder / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            cwd=folder,
        )
        try:
            ready = [bin_folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            eventually(lambda: subprocess.run(ready, check=False).returncode == 0, within_s=20, what="PostgreSQL ready")
            yield Cluster(port)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


async def somebody_waits(house: House) -> bool:
    """Whether a transaction waits for another one."""
    async with house.database.reading() as session:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(await session.scalar(text(waiting)))
