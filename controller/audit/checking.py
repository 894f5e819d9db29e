"""Checks, exports and prunes the trail of a database. Reads it as a stream: a million entries take no more memory."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from controller.audit import heads
from controller.audit.capture import note
from controller.audit.chain import GENESIS, Break, Deed, Entry, Flaw, Head, Unreadable, Verdict, Verifier, verify
from controller.audit.export import reading, write_file
from controller.audit.ledger import Ledger
from controller.audit.values import moment
from controller.errors import Conflict
from controller.text import Text
from protocol.signing import KeyRing, Signer


async def check_database(session: AsyncSession, keys: KeyRing, signed: Iterable[Head]) -> Verdict:
    """Follow the chain in the database and hold it against signed heads."""
    ledger = Ledger(session)
    bases, base = await ledger.bases(), GENESIS
    if bases:
        base = Head(bases[-1].number, bases[-1].hash)
        vouched = heads.read(bases[-1].token, purpose=heads.BASE, keys=keys)
        if vouched is None or vouched.head != base:
            return Verdict(0, base, 0, Break(base.number, Flaw.UNFOUNDED))
    verifier = Verifier(base, signed)
    async for entry in ledger.stream(first=base.number + 1):
        if not verifier.follows(entry):
            break
    return verifier.verdict()


def check_file(path: Path, keys: KeyRing, signed: Iterable[Head] = ()) -> Verdict:
    """Follow the chain in an export, up to where its header says that it ends. Raises `NotAnExport`."""
    with reading(path, keys) as (header, entries):
        within = [head for head in signed if head.number <= header.head.number]
        return verify(entries, base=header.base or GENESIS, heads=[header.head, *within])


async def export(
    session: AsyncSession,
    path: Path,
    *,
    key: Signer,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Write entries of some time, or all, to a file that vouches for itself; return how many."""
    ledger = Ledger(session)
    first = await ledger.since(moment(since)) if since is not None else (await _start(ledger)).number + 1
    last = await ledger.since(moment(until)) - 1 if until is not None else (await ledger.head()).number
    base, end = await _head_at(ledger, first - 1), await _head_at(ledger, max(last, first - 1))
    token = heads.sign(end, purpose=heads.EXPORT, key=key, now=now, base=base)
    return await write_file(path, token, ledger.stream(first=first, last=last))


async def prune(
    session: AsyncSession, path: Path, *, key: Signer, now: datetime, kept_for: timedelta
) -> tuple[int, Head]:
    """Remove from the database what a whole and sound export of its oldest entries holds; return how many went.

    Where the chain begins from now on is recorded and signed, and the pruning is itself an entry.
    """
    ledger = Ledger(session)
    with reading(path, KeyRing([key.public])) as (header, entries):
        base, newest = header.base or GENESIS, _Newest()
        verdict = verify(newest.passing(entries), base=base, heads=[header.head])
    if verdict.broken is not None:
        raise Conflict(Text("The export is broken at entry %(number)s", number=verdict.broken.number))
    if base != await _start(ledger):
        raise Conflict(Text("The export does not begin where the trail begins"))
    end = verdict.last
    if end == base or await _head_at(ledger, end.number) != end:
        raise Conflict(Text("The trail does not hold these entries"))
    if newest.at >= moment(now - kept_for):
        raise Conflict(Text("Entries of the last %(days)s days stay", days=kept_for.days))
    count = await ledger.prune(end, heads.sign(end, purpose=heads.BASE, key=key, now=now))
    note(session, Deed("audit", "trail", "pruned", changes={"entries": [count, 0], "through": [None, end.number]}))
    return count, end


class _Newest:
    """Remembers the latest moment of the entries that pass."""

    def __init__(self) -> None:
        self.at = ""

    def passing(self, entries: Iterable[Entry | Unreadable]) -> Iterator[Entry | Unreadable]:
        for entry in entries:
            if isinstance(entry, Entry):
                self.at = max(self.at, entry.at)
            yield entry


async def _start(ledger: Ledger) -> Head:
    """Where the chain in the database begins."""
    bases = await ledger.bases()
    return Head(bases[-1].number, bases[-1].hash) if bases else GENESIS


async def _head_at(ledger: Ledger, number: int) -> Head:
    """Return the chain up to an entry."""
    start = await _start(ledger)
    if number == start.number:
        return start
    entry = await ledger.entry(number)
    if not isinstance(entry, Entry):
        raise Conflict(Text("There is no readable entry %(number)s; see: loa audit verify", number=number))
    return entry.head
