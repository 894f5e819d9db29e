"""What is remembered of orders that were obeyed: each is obeyed once, whatever comes in between."""

import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent import replay
from device_agent.errors import ReplayedOrder
from device_agent.ledger import Ledger
from device_agent.replay import ReplayMemory
from tests.support.agent_rooms import NOON

LATER = NOON + timedelta(hours=1)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(tmp_path / "journal.sqlite3", now=NOON)
    yield opened
    await opened.aclose()


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "REMEMBERED_MAX", 20)


async def rows(ledger: Ledger) -> int:
    return int((await ledger.read("SELECT count(*) AS n FROM seen"))[0]["n"])


@pytest.mark.usefixtures("little")
async def test_a_flood_neither_grows_the_memory_nor_makes_it_forget(ledger: Ledger):
    memory = await ReplayMemory.open(ledger)
    await memory.claim("the-real-one", LATER)
    for number in range(200):
        await memory.claim(f"flood-{number}", LATER + timedelta(seconds=1 + number))
    assert await rows(ledger) == 20
    for again in (memory, await ReplayMemory.open(ledger)):
        for jti, expires_at in (("the-real-one", LATER), ("flood-3", LATER + timedelta(seconds=4))):
            with pytest.raises(ReplayedOrder):
                await again.claim(jti, expires_at)


@pytest.mark.usefixtures("little")
async def test_after_a_flood_of_long_lived_orders_a_new_one_is_still_obeyed_once(ledger: Ledger):
    memory = await ReplayMemory.open(ledger)
    for number in range(50):
        await memory.claim(f"flood-{number}", NOON + timedelta(days=3650, seconds=number))
    with pytest.raises(ReplayedOrder):
        await memory.claim("short", LATER)
    await memory.claim("long", NOON + timedelta(days=3651))
    with pytest.raises(ReplayedOrder):
        await memory.claim("long", NOON + timedelta(days=3651))


async def test_expired_ids_make_room(ledger: Ledger):
    memory = await ReplayMemory.open(ledger)
    await memory.claim("a", LATER)
    await memory.forget_expired(LATER + timedelta(seconds=1))
    assert await rows(ledger) == 0


async def test_on_a_full_disk_an_order_is_obeyed_once_and_written_when_there_is_room(ledger: Ledger):
    memory = await ReplayMemory.open(ledger)
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count={pages}")
    for number in range(400):
        await memory.claim(f"{number:064}", LATER)
    assert {problem.code for problem in ledger.problems()} == {"journal_unwritable"}
    with pytest.raises(ReplayedOrder):
        await memory.claim(f"{399:064}", LATER)
    ledger._connection.execute("PRAGMA max_page_count=100000")
    await ledger.retry()
    with pytest.raises(ReplayedOrder):
        await (await ReplayMemory.open(ledger)).claim(f"{399:064}", LATER)


@settings(deadline=None, max_examples=40)
@given(orders=st.lists(st.tuples(st.integers(0, 15), st.sampled_from(["claim", "restart", "expire"])), max_size=60))
async def test_no_order_is_obeyed_twice_while_it_lives(orders: list[tuple[int, str]]):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "REMEMBERED_MAX", 5)
        ledger = await Ledger.open(Path(folder) / "journal.sqlite3", now=NOON)
        memory, obeyed, now = await ReplayMemory.open(ledger), set[int](), NOON
        for number, act in orders:
            expires_at = NOON + timedelta(minutes=10 + number * 7 % 16)
            if act == "restart":
                memory = await ReplayMemory.open(ledger)
            elif act == "expire":
                now = max(now, NOON + timedelta(minutes=number))
                await memory.forget_expired(now)
            elif expires_at > now:
                try:
                    await memory.claim(str(number), expires_at)
                except ReplayedOrder:
                    continue
                assert number not in obeyed
                obeyed.add(number)
        await ledger.aclose()
