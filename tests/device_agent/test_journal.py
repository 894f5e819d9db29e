import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_agent.errors import ReplayedOrder
from device_agent.journal import LOST, Journal
from device_agent.ledger import MIGRATIONS, Ledger, Statement
from device_agent.ports import EXPIRED, PlayKind, Quality
from device_agent.replay import Rejections, ReplayMemory
from protocol.messages import Outcome
from tests.support.agent_rooms import NOON, play

ROOT = Path(__file__).parents[2]
WELL = Quality(level_dbfs=-18.5)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[Ledger, Journal]]:
    ledger = await Ledger.open(path, now=NOON)
    try:
        yield ledger, await Journal.open(ledger)
    finally:
        await ledger.aclose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


async def sound(journal: Journal, name: str, outcome: Outcome = Outcome.COMPLETED, played_ms: int = 1000) -> None:
    play_id = await journal.begin(play(name), NOON)
    ended = NOON + timedelta(milliseconds=played_ms)
    await journal.finish(
        play_id, outcome, started_at=None, ended_at=ended, played_ms=played_ms, start_error_ms=0.5, quality=WELL
    )


def overwrite(path: Path, at: int, words: bytes) -> None:
    content = bytearray(path.read_bytes() if path.exists() else b"")
    content[at : at + len(words)] = words
    path.write_bytes(content)


async def numbers(journal: Journal) -> list[int]:
    batch = await journal.pending()
    return [record.seq for record in batch.records] if batch else []


async def test_records_are_numbered_from_one_in_the_order_of_their_endings(path: Path) -> None:
    async with opened(path) as (_, journal):
        first = await journal.begin(play("a"), NOON)
        await journal.note(play("b"), Outcome.MISSED, at=NOON, reason="late")
        await journal.finish(
            first, Outcome.COMPLETED, started_at=NOON, ended_at=NOON, played_ms=5, start_error_ms=None, quality=WELL
        )
        batch = await journal.pending()
    assert batch is not None
    assert [(record.seq, record.occurrence) for record in batch.records] == [(1, "b"), (2, "a")]


async def test_closing_twice_keeps_the_first_word(path: Path) -> None:
    async with opened(path) as (_, journal):
        play_id = await journal.begin(play("a"), NOON)
        for outcome in (Outcome.STOPPED, Outcome.COMPLETED):
            await journal.finish(
                play_id, outcome, started_at=None, ended_at=NOON, played_ms=1, start_error_ms=None, quality=WELL
            )
        batch = await journal.pending()
    assert batch is not None
    assert [record.outcome for record in batch.records] == [Outcome.STOPPED]


async def test_an_acknowledged_record_is_remembered_but_not_sent_again(path: Path) -> None:
    async with opened(path) as (_, journal):
        await sound(journal, "a")
        await journal.acknowledge(journal.boot.id, 1)
        assert (await journal.pending(), journal.waiting) == (None, 0)
    async with opened(path) as (_, journal):
        heard = journal.heard("a")
        assert heard is not None
        assert heard.finished
        assert await journal.pending() is None


async def test_an_acknowledgement_beyond_what_exists_does_not_swallow_what_comes(path: Path) -> None:
    async with opened(path) as (_, journal):
        await sound(journal, "a")
        await journal.acknowledge(journal.boot.id, 99)
        await journal.acknowledge("another-boot", 99)
        await sound(journal, "b")
        assert await numbers(journal) == [2]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(min_value=0, max_value=8), max_size=12))
def test_shuffled_and_repeated_acknowledgements_leave_what_the_highest_leaves(acks: list[int]) -> None:
    async def left() -> list[int]:
        with TemporaryDirectory() as folder:
            async with opened(Path(folder) / "journal.sqlite3") as (_, journal):
                for number in range(6):
                    await sound(journal, f"o{number}")
                for seq in acks:
                    await journal.acknowledge(journal.boot.id, seq)
                return await numbers(journal)

    assert asyncio.run(left()) == list(range(min(max(acks, default=0), 6) + 1, 7))


async def test_each_start_is_a_new_boot_and_the_oldest_is_sent_first(path: Path) -> None:
    async with opened(path) as (_, journal):
        first = journal.boot
        await sound(journal, "a")
    async with opened(path) as (_, journal):
        await sound(journal, "b")
        batch = await journal.pending()
        assert batch is not None
        assert batch.boot == first
        await journal.acknowledge(first.id, 1)
        batch = await journal.pending()
        assert batch is not None
        assert (batch.boot, [record.occurrence for record in batch.records]) == (journal.boot, ["b"])
        assert journal.boot.order == first.order + 1


async def test_what_was_heard_adds_up_over_restarts(path: Path) -> None:
    async with opened(path) as (_, journal):
        await sound(journal, "a", Outcome.PRE_EMPTED, played_ms=1000)
    async with opened(path) as (_, journal):
        play_id = await journal.begin(play("a", from_ms=5000), NOON)
        await journal.finish(
            play_id,
            Outcome.PRE_EMPTED,
            started_at=None,
            ended_at=NOON,
            played_ms=300,
            start_error_ms=None,
            quality=WELL,
        )
        heard = journal.heard("a")
        aired = await journal.aired_since(NOON - timedelta(hours=1))
    assert heard is not None
    assert (heard.played_ms, heard.reached_ms, heard.finished) == (1300, 5300, False)
    assert [(one.occurrence, one.played_ms) for one in aired] == [("a", 1300)]


@pytest.mark.parametrize(
    ("kind", "outcome", "reason", "over"),
    [
        ("alert", Outcome.MISSED, "outranked", False),
        ("alert", Outcome.SKIPPED, EXPIRED, False),
        ("alert", Outcome.STOPPED, EXPIRED, False),
        ("alert", Outcome.STOPPED, "command", True),
        ("alert", Outcome.COMPLETED, "", True),
        ("occurrence", Outcome.MISSED, "outranked", True),
    ],
)
async def test_of_an_alert_that_was_late_more_may_be_heard_and_of_a_broadcast_not(
    path: Path, kind: PlayKind, outcome: Outcome, reason: str, *, over: bool
) -> None:
    async with opened(path) as (_, journal):
        await journal.note(replace(play("a"), kind=kind), outcome, at=NOON, reason=reason)
        before = journal.heard("a")
    async with opened(path) as (_, journal):
        after = journal.heard("a")
    assert before == after
    assert before is not None
    assert before.finished is over


async def test_a_record_says_how_well_it_sounded_and_nothing_of_what_did_not(path: Path) -> None:
    async with opened(path) as (_, journal):
        play_id = await journal.begin(play("a"), NOON)
        broken = Quality(underruns=2, underrun_ms=340, level_dbfs=-21.5)
        await journal.finish(
            play_id, Outcome.COMPLETED, started_at=None, ended_at=NOON, played_ms=9, start_error_ms=1, quality=broken
        )
        await journal.note(play("b"), Outcome.MISSED, at=NOON, reason="late")
        batch = await journal.pending()
    assert batch is not None
    said = [(record.underruns, record.underrun_ms, record.level_dbfs) for record in batch.records]
    assert said == [(2, 340, -21.5), (None, None, None)]


async def test_the_journal_of_an_older_agent_opens_with_all_it_holds(path: Path) -> None:
    with sqlite3.connect(path) as old:
        old.executescript(f"{MIGRATIONS[0]} PRAGMA user_version=1;")
        old.execute("INSERT INTO boots VALUES (1, 'before', 0)")
        old.executemany(
            "INSERT INTO plays VALUES"
            " (?, 1, ?, 'occurrence', ?, NULL, '', NULL, NULL, 5, ?, 0, 700, NULL, 60, 'trusted', NULL, 1, ?, '')",
            ((1, 1, "a", 9, "completed"), (2, None, "b", None, None)),
        )
    old.close()
    async with opened(path) as (_, journal):
        batch = await journal.pending()
    assert batch is not None
    assert [(record.occurrence, record.outcome, record.played_ms, record.underruns) for record in batch.records] == [
        ("a", Outcome.COMPLETED, 700, None),
        ("b", Outcome.INTERRUPTED, 700, None),
    ]


async def test_a_row_left_open_is_closed_as_interrupted_under_its_own_boot(path: Path) -> None:
    async with opened(path) as (_, journal):
        first = journal.boot
        await sound(journal, "a")
        play_id = await journal.begin(play("b"), NOON)
        await journal.progress(play_id, 700, Quality(2, 340, -21.5))
    async with opened(path) as (_, journal):
        batch = await journal.pending()
        heard = journal.heard("b")
    assert batch is not None
    assert batch.boot == first
    assert [(record.seq, record.outcome, record.played_ms) for record in batch.records] == [
        (1, Outcome.COMPLETED, 1000),
        (2, Outcome.INTERRUPTED, 700),
    ]
    cut = batch.records[1]
    assert (cut.underruns, cut.underrun_ms, cut.level_dbfs) == (2, 340, -21.5)
    assert heard is not None
    assert not heard.finished


def test_a_kill_at_any_moment_loses_and_doubles_nothing(path: Path) -> None:
    promised: list[list[str]] = []
    for lines in (1, 2, 7, 12):
        command = [sys.executable, "-m", "tests.device_agent.journal_writer", str(path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(lines)]
            os.kill(writer.pid, signal.SIGKILL)
            promised += [line.split() for line in said + writer.stdout.readlines() if line.endswith("\n")]

    async def everything() -> list[tuple[int, int, str | None, Outcome]]:
        found = []
        async with opened(path) as (_, journal):
            while batch := await journal.pending():
                found += [(batch.boot.order, one.seq, one.occurrence, one.outcome) for one in batch.records]
                await journal.acknowledge(batch.boot.id, batch.records[-1].seq)
        return found

    found = asyncio.run(everything())
    outcomes = {name: outcome for _, _, name, outcome in found}
    assert len(outcomes) == len(found)
    assert {name for word, name in promised if word == "begun"} <= outcomes.keys()
    assert {outcomes[name] for word, name in promised if word == "closed"} == {Outcome.COMPLETED}
    assert [*outcomes.values()].count(Outcome.INTERRUPTED) <= 4
    for boot in {order for order, _, _, _ in found}:
        own = [seq for order, seq, _, _ in found if order == boot]
        assert own == list(range(1, len(own) + 1))


async def test_what_a_full_disk_refuses_is_written_when_there_is_room(path: Path) -> None:
    async with opened(path) as (ledger, journal):
        [size] = await ledger.read("PRAGMA page_count")
        await ledger.read(f"PRAGMA max_page_count = {size[0]}")
        for number in range(100):
            await sound(journal, f"o{number}", Outcome.COMPLETED)
        assert [problem.code for problem in ledger.problems()] == ["journal_unwritable"]
        heard = journal.heard("o99")
        assert heard is not None

        await ledger.read("PRAGMA max_page_count = 100000")
        await ledger.retry()
        assert ledger.problems() == ()
        assert journal.waiting == 100
        assert await numbers(journal) == list(range(1, 101))


async def test_a_broken_file_is_moved_aside_and_told_of(path: Path) -> None:
    overwrite(path, 0, b"this is no database" * 500)
    async with opened(path) as (ledger, journal):
        assert [problem.code for problem in ledger.problems()] == ["journal_reset"]
        await sound(journal, "a")
        assert await numbers(journal) == [1]
    assert len(list(path.parent.glob("*.broken-*"))) == 1


async def test_a_damaged_page_is_noticed_at_the_start(path: Path) -> None:
    async with opened(path) as (_, journal):
        for number in range(120):
            await journal.note(play(f"o{number}"), Outcome.MISSED, at=NOON, reason="late")
    overwrite(path, 4096 * 3, os.urandom(8192))
    async with opened(path) as (ledger, _):
        assert [problem.code for problem in ledger.problems()] == ["journal_reset"]


async def test_a_file_of_a_newer_agent_is_kept_aside(path: Path) -> None:
    async with opened(path) as (ledger, _):
        await ledger.write(Statement("PRAGMA user_version = 99"))
    async with opened(path) as (ledger, _):
        assert "newer agent" in (ledger.problems()[0].text)


async def test_acknowledged_records_are_dropped_before_others_and_holes_are_filled(path: Path) -> None:
    async with opened(path) as (_, journal):
        for number in range(400):
            await journal.note(play(f"o{number}", title="x" * 250), Outcome.MISSED, at=NOON, reason="late")
        await journal.acknowledge(journal.boot.id, 200)
        await journal.trim(NOON, keep=timedelta(days=30), limit_bytes=140_000)
        assert journal.problems() == ()
        assert journal.waiting == 200

        await journal.trim(NOON, keep=timedelta(days=30), limit_bytes=60_000)
        assert [problem.code for problem in journal.problems()] == ["records_dropped"]
        batch = await journal.pending()
    assert batch is not None
    assert batch.records[0].seq == 201
    assert batch.records[0].reason == LOST


async def test_nothing_is_kept_beyond_its_days(path: Path) -> None:
    async with opened(path) as (_, journal):
        await sound(journal, "a")
        await journal.acknowledge(journal.boot.id, 1)
        await journal.trim(NOON + timedelta(days=31), keep=timedelta(days=30), limit_bytes=10**9)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM plays").fetchone() == (0,)
    connection.close()


async def test_nothing_is_written_when_nothing_changed(path: Path) -> None:
    async with opened(path) as (ledger, journal):
        await sound(journal, "a")
        await journal.acknowledge(journal.boot.id, 1)
        rejections = await Rejections.open(ledger)
        [before] = await ledger.read("SELECT total_changes() AS n")
        await journal.acknowledge(journal.boot.id, 1)
        await journal.trim(NOON, keep=timedelta(days=30), limit_bytes=10**9)
        await rejections.flush()
        await ledger.retry()
        [after] = await ledger.read("SELECT total_changes() AS n")
    assert before["n"] == after["n"]


async def test_a_command_is_remembered_over_a_restart_until_it_expires(path: Path) -> None:
    async with opened(path) as (ledger, _):
        await (await ReplayMemory.open(ledger)).claim("c1", NOON + timedelta(hours=1))
    async with opened(path) as (ledger, _):
        memory = await ReplayMemory.open(ledger)
        with pytest.raises(ReplayedOrder):
            await memory.claim("c1", NOON + timedelta(hours=1))
        await memory.forget_expired(NOON + timedelta(hours=2))
        await memory.claim("c1", NOON + timedelta(hours=3))


async def test_refusals_are_counted_over_restarts(path: Path) -> None:
    async with opened(path) as (ledger, _):
        rejections = await Rejections.open(ledger)
        rejections.count("expired")
        rejections.count("expired")
        await rejections.flush()
    async with opened(path) as (ledger, _):
        rejections = await Rejections.open(ledger)
        rejections.count("older")
        assert rejections.totals() == {"expired": 2, "older": 1}
