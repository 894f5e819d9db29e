"""What the trail costs: entries appended beside bare inserts of the same rows, and verifying beside SHA-256 alone.

SQLite as in production (WAL, synchronous=FULL): one transaction an entry, then a thousand entries a transaction. What
is verified is an export of a million entries (or of `ENTRIES`), in a process whose peak memory is read.
"""

import asyncio
import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from controller.audit import heads
from controller.audit.capture import note
from controller.audit.chain import GENESIS, Deed, canonical, entries_of
from controller.audit.checking import check_file
from controller.audit.export import FORMAT, line_of
from controller.audit.ledger import _row
from controller.audit.models import AuditEntry
from controller.audit.tally import Tally
from controller.audit.trail import keep_trail
from controller.database import Database
from controller.migrations import migrate
from protocol.signing import KeyRing, SigningKey

ENTRIES = int(os.environ.get("ENTRIES", "1000000"))
ONE_BY_ONE, TOGETHER = 300, 20_000
BY = {"at": "2026-11-20T05:00:00.000000Z", "actor_id": "01", "actor": "lan", "address": "10.0.0.7"}


def deed(number: int) -> Deed:
    changes = {
        "first_local": ["2026-11-20T05:00:00", "2026-11-20T17:00:00"],
        "title": [f"Tin {number}", "Bản tin sáng"],
    }
    return Deed("schedule", f"{number:026d}", "changed", "Bản tin sáng", "/24/07339/", changes)


async def appended(database: Database, transactions: int, each: int) -> float:
    began = time.perf_counter()
    for number in range(transactions):
        async with database.transaction() as session:
            for place in range(each):
                note(session, deed(number * each + place))
    return transactions * each / (time.perf_counter() - began)


async def inserted(database: Database, transactions: int, each: int) -> float:
    rows: list[dict[str, Any]] = [
        _row(entry) for entry in entries_of(map(deed, range(transactions * each)), GENESIS, **BY)
    ]
    began = time.perf_counter()
    for number in range(transactions):
        async with database.transaction() as session:
            await session.execute(insert(AuditEntry.__table__), rows[number * each : (number + 1) * each])
    return transactions * each / (time.perf_counter() - began)


async def fresh(folder: Path, name: str, *, bare: bool) -> Database:
    url = f"sqlite+aiosqlite:///{folder / name}"
    await migrate(url)
    database = Database(url)
    if not bare:
        keep_trail(database, lambda: datetime.now(UTC), Tally())
        return database
    async with database.transaction() as session:
        await session.execute(text("DROP TRIGGER audit_entries_follow"))
    return database


def written(path: Path, key: SigningKey) -> None:
    last, count = GENESIS, 0
    body = path.with_suffix(".body")
    with body.open("wb") as file:
        for entry in entries_of(map(deed, range(ENTRIES)), GENESIS, **BY):
            file.write(line_of(entry))
            last, count = entry.head, count + 1
    token = heads.sign(last, purpose=heads.EXPORT, key=key, now=datetime.now(UTC), base=GENESIS)
    with path.open("wb") as file, body.open("rb") as lines:
        file.write(canonical({"export": token, "format": FORMAT}) + b"\n")
        file.writelines(lines)
    body.unlink()


def lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), dict[str, float]()
        for label, transactions, each in (("one_by_one", ONE_BY_ONE, 1), ("by_thousands", TOGETHER // 1000, 1000)):
            for bare, run in ((False, appended), (True, inserted)):
                database = await fresh(folder, f"{label}-{bare}.db", bare=bare)
                found[f"{label}_{'bare_inserts' if bare else 'entries'}_per_s"] = round(
                    await run(database, transactions, each)
                )
                await database.close()
        key, path = SigningKey.generate(), folder / "trail.jsonl"
        written(path, key)
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        verdict = check_file(path, KeyRing([key.public]))
        took_s = time.perf_counter() - began
        assert verdict.broken is None
        assert verdict.entries == ENTRIES
        began = time.perf_counter()
        for line in lines(path):
            hashlib.sha256(line).digest()
        bare_s = time.perf_counter() - began
        found |= {
            "verified_entries": ENTRIES,
            "verified_per_s": round(ENTRIES / took_s),
            "bare_sha256_per_s": round(ENTRIES / bare_s),
            "file_mb": round(path.stat().st_size / 1e6),
            "memory_grew_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib,
        }
    print(json.dumps({"bench": "audit", **found}))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
