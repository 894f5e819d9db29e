"""What must be remembered of orders: which were obeyed, and how many were refused and why."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Self

from device_agent.errors import ReplayedOrder
from device_agent.ledger import Ledger, Statement

REMEMBERED_MAX = 10_000
_REJECTED = "rejected."
_DROPPED_TO = "replay.dropped_to"


class ReplayMemory:
    """Ids of one-off orders, kept until they expire: each is obeyed once, also over restarts.

    A flood cannot make it forget an order that could still be replayed: what it must drop for want of room, and
    whatever expires no later, is refused from then on as possibly obeyed before.
    """

    def __init__(self, ledger: Ledger, seen: Mapping[str, int], *, dropped_to: int = 0) -> None:
        self._ledger = ledger
        self._seen = dict(seen)
        self._dropped_to = dropped_to

    @classmethod
    async def open(cls, ledger: Ledger) -> Self:
        """Read what was remembered."""
        rows = await ledger.read("SELECT jti, expires_at FROM seen")
        dropped = await ledger.read("SELECT value FROM counters WHERE name = ?", (_DROPPED_TO,))
        return cls(
            ledger,
            {str(row["jti"]): int(row["expires_at"]) for row in rows},
            dropped_to=int(dropped[0]["value"]) if dropped else 0,
        )

    async def claim(self, jti: str, expires_at: datetime) -> None:
        """Remember an id durably before it is obeyed. Raises `ReplayedOrder` when it was seen before."""
        expires = int(expires_at.timestamp())
        if jti in self._seen:
            raise ReplayedOrder(f"{jti} was obeyed before")
        if expires <= self._dropped_to:
            raise ReplayedOrder(f"{jti} may have been obeyed before: too many orders came to remember each")
        self._seen[jti] = expires
        statements = [Statement("INSERT OR IGNORE INTO seen (jti, expires_at) VALUES (?, ?)", (jti, self._seen[jti]))]
        if len(self._seen) > REMEMBERED_MAX:
            soonest = min(self._seen, key=lambda known: (self._seen[known], known))
            self._dropped_to = self._seen.pop(soonest)
            statements += [
                Statement("DELETE FROM seen WHERE jti = ?", (soonest,)),
                Statement(
                    "INSERT INTO counters (name, value) VALUES (?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    (_DROPPED_TO, self._dropped_to),
                ),
            ]
        await self._ledger.write(*statements, durable=True)

    async def forget_expired(self, now: datetime) -> None:
        """Drop ids whose orders would be refused as expired anyway."""
        limit = int(now.astimezone(UTC).timestamp())
        expired = [jti for jti, expires_at in self._seen.items() if expires_at < limit]
        for jti in expired:
            del self._seen[jti]
        if expired:
            await self._ledger.write(Statement("DELETE FROM seen WHERE expires_at < ?", (limit,)))


class Rejections:
    """Refused orders by code, since the journal began. Written now and then, not at each refusal."""

    def __init__(self, ledger: Ledger, counts: Mapping[str, int]) -> None:
        self._ledger = ledger
        self._counts = Counter(dict(counts))
        self._unwritten: set[str] = set()

    @classmethod
    async def open(cls, ledger: Ledger) -> Self:
        """Read the counts."""
        rows = await ledger.read("SELECT name, value FROM counters WHERE name LIKE 'rejected.%'")
        return cls(ledger, {str(row["name"]).removeprefix(_REJECTED): int(row["value"]) for row in rows})

    def count(self, code: str) -> int:
        """Count one refusal; returns the new total of its code."""
        self._counts[code] += 1
        self._unwritten.add(code)
        return self._counts[code]

    def totals(self) -> dict[str, int]:
        """Refusals by code."""
        return dict(self._counts)

    async def flush(self) -> None:
        """Write the counts that changed."""
        changed, self._unwritten = self._unwritten, set()
        if changed:
            await self._ledger.write(
                *(
                    Statement(
                        "INSERT INTO counters (name, value) VALUES (?, ?)"
                        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                        (_REJECTED + code, self._counts[code]),
                    )
                    for code in sorted(changed)
                )
            )
