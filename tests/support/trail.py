"""Reads the trail in tests."""

from typing import Any

from controller.audit.chain import Entry, Head, Verdict, verify
from controller.audit.ledger import Ledger
from tests.support.controller import House


async def trail(house: House, **wanted: str) -> list[Entry]:
    """The entries that have these fields, oldest first."""
    async with house.database.reading() as session:
        entries = [entry async for entry in Ledger(session).stream()]
    found: list[Entry] = []
    for entry in entries:
        assert isinstance(entry, Entry), entry
        if all(getattr(entry, name) == value for name, value in wanted.items()):
            found.append(entry)
    return found


async def told(house: House, **wanted: str) -> list[tuple[str, dict[str, Any]]]:
    """What was done, and what became different."""
    return [(entry.action, dict(entry.changes)) for entry in await trail(house, **wanted)]


async def verdict(house: House, *heads: Head) -> Verdict:
    """The judgement of the whole chain."""
    async with house.database.reading() as session:
        return verify([entry async for entry in Ledger(session).stream()], heads=heads)
