"""The chain stays whole when many write at once, and when the power goes."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

from controller.audit.chain import GENESIS, verify
from controller.audit.ledger import Ledger
from controller.database import Actor, set_actor
from controller.groups.models import Group
from tests.support.controller import House, open_house
from tests.support.trail import trail, verdict

WRITERS, EACH = 20, 10


async def test_twenty_writers_at_once_make_one_chain(either_house: House):
    await either_house.commune("07339")

    async def write(writer: int) -> None:
        for number in range(EACH):
            async with either_house.database.transaction() as session:
                set_actor(session, Actor(str(writer), f"người {writer}"))
                session.add(Group(name=f"{writer}.{number}", area_code="07339"))
                session.add(Group(name=f"{writer}.{number} nữa", area_code="07339"))

    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    made = await trail(either_house, kind="group")
    assert len(made) == WRITERS * EACH * 2
    for writer in range(WRITERS):
        own = [entry.label for entry in made if entry.actor == f"người {writer}"]
        assert own == [name for number in range(EACH) for name in (f"{writer}.{number}", f"{writer}.{number} nữa")]
    assert (await verdict(either_house)).broken is None


async def test_a_writer_that_fails_leaves_no_gap_for_the_others(postgres_house: House):
    await postgres_house.commune("07339")

    async def write(number: int) -> None:
        async with postgres_house.database.transaction() as session:
            session.add(Group(name=str(number), area_code="07339" if number % 3 else "nowhere"))

    done = await asyncio.gather(*(write(number) for number in range(30)), return_exceptions=True)
    assert sum(isinstance(each, Exception) for each in done) == 10
    assert len(await trail(postgres_house, kind="group")) == 20
    assert (await verdict(postgres_house)).broken is None


WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from controller.groups.models import Group
from controller.runtime import Runtime
from controller.settings import Settings

async def main():
    runtime = Runtime.open(Settings(data_dir=Path(sys.argv[1])))
    for number in itertools.count():
        async with runtime.database.transaction() as session:
            session.add(Group(name=str(number), area_code="VN"))
        print(number, flush=True)

asyncio.run(main())
"""


async def test_after_a_kill_every_change_has_its_entry_and_the_chain_holds(tmp_path: Path):
    data = tmp_path / "data"
    async with open_house(data, services=()):
        pass
    for _ in range(3):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(data), stdout=asyncio.subprocess.PIPE, env={**os.environ}
        )
        assert writer.stdout is not None
        for _ in range(8):
            assert await writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        await writer.wait()
    async with open_house(data, services=()) as house:
        assert (await verdict(house)).broken is None
        entries = await trail(house, kind="group")
    database = sqlite3.connect(data / "loa.db")
    groups = {row[0] for row in database.execute("SELECT id FROM device_groups")}
    database.close()
    assert {entry.key for entry in entries} == groups
    assert len(groups) >= 24


async def test_a_copy_of_the_database_goes_on_as_a_whole_chain(quiet_house: House, tmp_path: Path):
    await quiet_house.commune("07339")
    source = sqlite3.connect(quiet_house.runtime.settings.data_dir / "loa.db")
    copy = sqlite3.connect(tmp_path / "copy.db")

    async def write() -> None:
        for number in range(20):
            async with quiet_house.database.transaction() as session:
                session.add(Group(name=str(number), area_code="07339"))

    await write()
    source.backup(copy)
    await write()
    copy.close()
    source.close()
    ours = quiet_house.runtime.settings.data_dir
    shutil.copytree(ours, tmp_path / "restored", ignore=shutil.ignore_patterns("loa.db*"))
    (tmp_path / "copy.db").rename(tmp_path / "restored" / "loa.db")
    async with open_house(tmp_path / "restored", services=()) as restored:
        await restored.area("07342", parent="24")
        async with restored.database.reading() as session:
            found = verify([entry async for entry in Ledger(session).stream()], base=GENESIS)
        assert found.broken is None
        assert found.entries == len(await trail(quiet_house)) - 20 + 1
