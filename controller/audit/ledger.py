"""All SQL of the trail as a chain: where it ends, the next link, all of it in order."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, String, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from controller.audit.chain import GENESIS, Deed, Entry, Head, Unreadable, canonical, entries_of, read_entry
from controller.audit.models import AuditBase, AuditEntry
from controller.audit.values import moment
from controller.database import Actor

_LOCK = 0x10A_A0D17
"""Names the lock under which one of several PostgreSQL clients appends."""
_ROWS_AT_A_TIME = 1000
_COLUMNS = AuditEntry.__table__.columns
_LENGTHS = {column.name: column.type.length for column in _COLUMNS if isinstance(column.type, String)}


def append(session: Session, deeds: Iterable[tuple[Actor, Deed]], now: datetime) -> None:
    """Add entries at the end of the chain, in this transaction and as its last work.

    SQLite has one writer anyhow. On PostgreSQL a lock holds the others back from here to the commit, which follows.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = _head(connection)
    rows: list[dict[str, Any]] = []
    for actor, deed in deeds:
        by = {
            "at": moment(now),
            "actor_id": actor.user_id,
            "actor": _fitting("actor", actor.name),
            "address": _fitting("address", actor.address),
        }
        (entry,) = entries_of([_fitted(deed)], last, **by)
        rows.append(_row(entry))
        last = entry.head
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        connection.execute(insert(AuditEntry), rows[start : start + _ROWS_AT_A_TIME])


class Ledger:
    """The whole trail, without a viewer: for checking, exporting and pruning it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def head(self) -> Head:
        """Return where the chain ends."""
        return await self._session.run_sync(lambda session: _head(session.connection()))

    async def bases(self) -> Sequence[AuditBase]:
        """Return what was ever pruned, oldest first."""
        return (await self._session.scalars(select(AuditBase).order_by(AuditBase.number))).all()

    async def since(self, at: str) -> int:
        """Return the number of the first entry made then or later; one beyond the last where there is none."""
        first = await self._session.scalar(select(func.min(AuditEntry.number)).where(AuditEntry.at >= at))
        return (await self.head()).number + 1 if first is None else first

    async def stream(self, *, first: int | None = None, last: int | None = None) -> AsyncIterator[Entry | Unreadable]:
        """Yield entries in order, a thousand in memory at a time."""
        after = None if first is None else first - 1
        while rows := await self._some(after, last):
            for row in rows:
                yield stored_entry(row)
            after = rows[-1]["number"]

    async def _some(self, after: int | None, last: int | None) -> Sequence[RowMapping]:
        statement: Select[Any] = select(*_COLUMNS).order_by(AuditEntry.number).limit(_ROWS_AT_A_TIME)
        if after is not None:
            statement = statement.where(AuditEntry.number > after)
        if last is not None:
            statement = statement.where(AuditEntry.number <= last)
        rows: Sequence[RowMapping] = (await self._session.execute(statement)).mappings().all()
        return rows

    async def entry(self, number: int) -> Entry | Unreadable | None:
        """Return one entry."""
        row = (await self._session.execute(select(*_COLUMNS).where(AuditEntry.number == number))).mappings().first()
        return None if row is None else stored_entry(row)

    async def prune(self, base: Head, token: str) -> int:
        """Begin the chain after `base`, which `token` vouches for; return how many entries went.

        The database lets entries go only when a base at or after them was recorded first.
        """
        self._session.add(AuditBase(number=base.number, hash=base.hash, token=token))
        await self._session.flush()
        count = await self._session.scalar(
            select(func.count()).select_from(AuditEntry).where(AuditEntry.number <= base.number)
        )
        await self._session.execute(delete(AuditEntry).where(AuditEntry.number <= base.number))
        return count or 0


def stored_entry(row: RowMapping) -> Entry | Unreadable:
    """Return a row as an entry; a row that no entry of ours can have become is `Unreadable`."""
    stored = dict(row)
    try:
        changes = json.loads(stored["changes"])
        if canonical(changes).decode() != stored["changes"]:
            return Unreadable(stored["number"])
    except (ValueError, TypeError, RecursionError):
        return Unreadable(stored["number"])
    return read_entry(stored | {"changes": changes})


def _head(connection: Connection) -> Head:
    ends = (
        select(model.number, model.hash).order_by(model.number.desc()).limit(1) for model in (AuditEntry, AuditBase)
    )
    found = [row for row in (connection.execute(end).first() for end in ends) if row is not None]
    return Head(*max(found, key=lambda row: row.number)) if found else GENESIS


def _row(entry: Entry) -> dict[str, Any]:
    return {column.name: getattr(entry, column.name) for column in _COLUMNS} | {
        "changes": canonical(entry.changes).decode()
    }


def _fitted(deed: Deed) -> Deed:
    return replace(
        deed,
        kind=_fitting("kind", deed.kind),
        key=_fitting("key", deed.key),
        action=_fitting("action", deed.action),
        label=_fitting("label", deed.label),
    )


def _fitting(column: str, said: str) -> str:
    """Return what a column can hold of a text: names come from outside, and an entry must not fail for them."""
    return said.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[: _LENGTHS[column]]
