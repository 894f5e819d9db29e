"""The journal of what was played: written before the sound, closed after it, kept until the controller has it.

A record gets its number when it is closed, so the numbers of one boot have no holes. A row that a kill left open is
closed at the next start as interrupted, under the boot that began it.
"""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog

from device_agent.ledger import PATIENCE_S, Ledger, Statement, Value
from device_agent.ports import EXPIRED, Aired, Heard, Play, PlayId, PlayKind, Quality
from protocol.messages import ClockQuality, Outcome, PlayRecord, Problem

log = structlog.get_logger(__name__)

LOST = "the journal was full: this record was dropped"

_FINAL = frozenset({Outcome.COMPLETED, Outcome.STOPPED, Outcome.SKIPPED, Outcome.MISSED})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // timedelta(milliseconds=1)


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else _EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of the agent; numbers records together with `seq`."""

    id: str
    order: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one boot that the controller has not acknowledged, in order."""

    boot: Boot
    records: tuple[PlayRecord, ...]


class Journal:
    """Plays of this speaker, over all its boots that are still remembered."""

    def __init__(self, ledger: Ledger, boot: Boot, *, next_id: int, heard: dict[str, Heard]) -> None:
        self.boot = boot
        self._ledger = ledger
        self._next_id = next_id
        self._next_seq = 1
        self._heard = heard
        self._open: dict[PlayId, Play] = {}
        self._waiting = 0
        self._dropped = 0

    @classmethod
    async def open(cls, ledger: Ledger) -> Self:
        """Close what a kill left open, and begin a new boot."""
        rows = await ledger.read("SELECT COALESCE(MAX(boot_order), 0) AS last FROM boots")
        boot = Boot(secrets.token_hex(8), int(rows[0]["last"]) + 1)
        await ledger.write(
            *await _closing(ledger),
            Statement("INSERT INTO boots (boot_order, boot) VALUES (?, ?)", (boot.order, boot.id)),
            Statement(
                "DELETE FROM boots WHERE boot_order < ? AND boot_order NOT IN (SELECT boot_order FROM plays)",
                (boot.order,),
            ),
            durable=True,
        )
        heard: dict[str, Heard] = {}
        for row in await ledger.read(
            "SELECT * FROM plays WHERE occurrence IS NOT NULL AND seq IS NOT NULL ORDER BY id"
        ):
            occurrence, outcome = str(row["occurrence"]), Outcome(row["outcome"])
            final = is_final(row["kind"], outcome, row["reason"])
            heard[occurrence] = _add(heard.get(occurrence), outcome, row["from_ms"], row["played_ms"], final=final)
        last = await ledger.read("SELECT COALESCE(MAX(id), 0) AS last FROM plays")
        journal = cls(ledger, boot, next_id=int(last[0]["last"]) + 1, heard=heard)
        await journal._count_waiting()
        return journal

    async def begin(self, play: Play, started_at: datetime) -> PlayId:
        """Write durably, before the first sample, that `play` starts; a disk that hangs is not waited for."""
        play_id = PlayId(self._next_id)
        self._next_id += 1
        self._open[play_id] = play
        await self._ledger.write(_insert(play_id, self.boot, play, started_at=started_at), durable=True)
        return play_id

    async def progress(self, play: PlayId, played_ms: int, quality: Quality) -> None:
        """Note how much has sounded and how well, so that a power cut loses only the last seconds."""
        await self._ledger.write(
            Statement(
                "UPDATE plays SET played_ms = ?, underruns = ?, underrun_ms = ?, level_dbfs = ?"
                " WHERE id = ? AND seq IS NULL AND played_ms <> ?",
                (played_ms, quality.underruns, quality.underrun_ms, quality.level_dbfs, play, played_ms),
            )
        )

    async def finish(
        self,
        play: PlayId,
        outcome: Outcome,
        *,
        started_at: datetime | None,
        ended_at: datetime,
        played_ms: int,
        start_error_ms: float | None,
        quality: Quality,
        reason: str = "",
    ) -> None:
        """Close the row with what the sink really did. A row that is closed already stays as it is."""
        begun = self._open.pop(play, None)
        if begun is None:
            return
        self._remember(begun, outcome, reason, played_ms)
        closing = Statement(
            "UPDATE plays SET seq = ?, outcome = ?, started_at = COALESCE(?, started_at), ended_at = ?, played_ms = ?,"
            " start_error_ms = ?, underruns = ?, underrun_ms = ?, level_dbfs = ?, reason = ? WHERE id = ?",
            (
                self._number(),
                outcome,
                _ms(started_at),
                _ms(ended_at),
                played_ms,
                start_error_ms,
                quality.underruns,
                quality.underrun_ms,
                quality.level_dbfs,
                reason[:200],
                play,
            ),
        )
        await self._ledger.write(closing, durable=True)

    async def note(self, play: Play, outcome: Outcome, *, at: datetime, reason: str) -> None:
        """Write a whole row for something that did not sound."""
        play_id = PlayId(self._next_id)
        self._next_id += 1
        self._remember(play, outcome, reason, 0)
        closing = Statement(
            "UPDATE plays SET seq = ?, outcome = ?, ended_at = ?, reason = ? WHERE id = ?",
            (self._number(), outcome, _ms(at), reason[:200], play_id),
        )
        await self._ledger.write(_insert(play_id, self.boot, play, started_at=None), closing, durable=True)

    def heard(self, occurrence: str) -> Heard | None:
        """What is remembered of an occurrence, from memory."""
        return self._heard.get(occurrence)

    def heard_below(self, prefix: str) -> Iterator[tuple[str, Heard]]:
        """Yield what is remembered of all occurrences whose ids begin so, from memory."""
        yield from ((name, heard) for name, heard in self._heard.items() if name.startswith(prefix))

    async def aired_since(self, since: datetime) -> Sequence[Aired]:
        """Routine occurrences that sounded since a moment, one entry an occurrence."""
        rows = await self._ledger.read(
            "SELECT occurrence, MIN(started_at) AS started_at, SUM(played_ms) AS played_ms FROM plays"
            " WHERE routine AND kind = 'occurrence' AND occurrence IS NOT NULL AND started_at >= ? AND played_ms > 0"
            " GROUP BY occurrence ORDER BY started_at",
            (_ms(since),),
            within_s=PATIENCE_S,
        )
        return [Aired(str(row["occurrence"]), _at(row["started_at"]) or since, int(row["played_ms"])) for row in rows]

    @property
    def waiting(self) -> int:
        """How many records the controller has not acknowledged."""
        return self._waiting

    async def pending(self, limit: int = 100) -> Batch | None:
        """Return the oldest unacknowledged records of the oldest boot that has any."""
        rows = await self._ledger.read(
            "SELECT plays.*, boots.boot, boots.acked FROM plays JOIN boots USING (boot_order)"
            " WHERE seq > acked AND boot_order = "
            " (SELECT MIN(boot_order) FROM plays JOIN boots USING (boot_order) WHERE seq > acked)"
            " ORDER BY seq LIMIT ?",
            (limit,),
        )
        if not rows:
            return None
        boot = Boot(str(rows[0]["boot"]), int(rows[0]["boot_order"]))
        dropped = range(int(rows[0]["acked"]) + 1, int(rows[0]["seq"]))
        holes = [PlayRecord(seq=seq, outcome=Outcome.FAILED, reason=LOST) for seq in dropped]
        return Batch(boot, tuple((holes + [_record(row) for row in rows])[:limit]))

    async def acknowledge(self, boot: str, seq: int) -> None:
        """The controller has stored everything of `boot` up to `seq`. Late and repeated ones change nothing."""
        known = await self._ledger.read(
            "SELECT acked, (SELECT MAX(seq) FROM plays WHERE plays.boot_order = boots.boot_order) AS last"
            " FROM boots WHERE boot = ?",
            (boot,),
        )
        if not known:
            return
        stored = min(seq, int(known[0]["last"] or 0))
        if stored > int(known[0]["acked"]):
            await self._ledger.write(
                Statement("UPDATE boots SET acked = ? WHERE boot = ? AND acked < ?", (stored, boot, stored))
            )
            await self._count_waiting()

    async def trim(self, now: datetime, *, keep: timedelta, limit_bytes: int) -> None:
        """Forget what is too old, then, while the file is too big, the oldest: acknowledged records first."""
        acked = "id IN (SELECT id FROM plays JOIN boots USING (boot_order) WHERE seq <= acked AND {0})"
        closed = "seq IS NOT NULL AND {0}"
        aged = "COALESCE(ended_at, started_at) < ?"
        await self._drop(acked.format(aged), (_ms(now - keep),))
        self._dropped += await self._drop(closed.format(aged), (_ms(now - keep),))
        while await self._size_bytes() > limit_bytes:
            oldest = "id <= (SELECT MIN(id) + 49 FROM plays WHERE seq IS NOT NULL)"
            oldest_acked = "id <= (SELECT MIN(id) + 49 FROM plays JOIN boots USING (boot_order) WHERE seq <= acked)"
            if await self._drop(acked.format(oldest_acked), ()):
                continue
            lost = await self._drop(closed.format(oldest), ())
            if not lost:
                break
            self._dropped += lost
        await self._count_waiting()

    def problems(self) -> tuple[Problem, ...]:
        """Records that were dropped before the controller had them."""
        if not self._dropped:
            return ()
        return (
            Problem(code="records_dropped", text=f"{self._dropped} records were dropped before they could be sent"),
        )

    async def _drop(self, condition: str, values: tuple[Value, ...]) -> int:
        found = await self._ledger.read(f"SELECT COUNT(*) AS n FROM plays WHERE {condition}", values)  # noqa: S608 — own words only
        count = int(found[0]["n"])
        if count:
            await self._ledger.write(Statement(f"DELETE FROM plays WHERE {condition}", values))  # noqa: S608
        return count

    async def _size_bytes(self) -> int:
        rows = await self._ledger.read(
            "SELECT (page_count - freelist_count) * page_size AS size"
            " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
        )
        return int(rows[0]["size"])

    async def _count_waiting(self) -> None:
        rows = await self._ledger.read(
            "SELECT COUNT(*) AS n FROM plays JOIN boots USING (boot_order) WHERE seq > acked"
        )
        self._waiting = int(rows[0]["n"])

    def _number(self) -> int:
        seq = self._next_seq
        self._next_seq += 1
        self._waiting += 1
        return seq

    def _remember(self, play: Play, outcome: Outcome, reason: str, played_ms: int) -> None:
        if play.occurrence is not None:
            before, final = self._heard.get(play.occurrence), is_final(play.kind, outcome, reason)
            self._heard[play.occurrence] = _add(before, outcome, play.from_ms, played_ms, final=final)


def is_final(kind: PlayKind, outcome: Outcome, reason: str) -> bool:
    """Whether nothing more of an occurrence may sound after this.

    That the time of an alert was over is what the clock and its set said then: a speaker that learns better, because
    the alert was prolonged or the clock was wrong, sounds it after all.
    """
    by_time = outcome is Outcome.MISSED or reason == EXPIRED
    return outcome in _FINAL and not (kind == "alert" and by_time)


def _add(before: Heard | None, outcome: Outcome, from_ms: int, played_ms: int, *, final: bool) -> Heard:
    before = before or Heard(played_ms=0, reached_ms=0, last_outcome=outcome, finished=False)
    return replace(
        before,
        played_ms=before.played_ms + played_ms,
        reached_ms=max(before.reached_ms, from_ms + played_ms if played_ms else 0),
        last_outcome=outcome,
        finished=before.finished or final,
    )


def _insert(play_id: PlayId, boot: Boot, play: Play, *, started_at: datetime | None) -> Statement:
    row: dict[str, Value] = {
        "id": play_id,
        "boot_order": boot.order,
        "kind": play.kind,
        "occurrence": play.occurrence,
        "schedule_id": play.schedule_id,
        "title": play.title,
        "clip": play.clip,
        "planned_at": _ms(play.planned_at),
        "started_at": _ms(started_at),
        "from_ms": play.from_ms,
        "volume": play.volume,
        "clock": play.clock.value,
        "plan_version": play.plan_version,
        "routine": int(play.routine),
    }
    marks = ", ".join("?" * len(row))
    return Statement(f"INSERT INTO plays ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 — own column names


async def _closing(ledger: Ledger) -> list[Statement]:
    """Close the rows that a kill left open, each under its own boot."""
    rows = await ledger.read(
        "SELECT id, started_at, played_ms, boot_order,"
        " MAX(acked, (SELECT COALESCE(MAX(seq), 0) FROM plays AS p WHERE p.boot_order = plays.boot_order)) AS last"
        " FROM plays JOIN boots USING (boot_order) WHERE seq IS NULL ORDER BY id"
    )
    statements = []
    last: dict[int, int] = {}
    for row in rows:
        seq = last[row["boot_order"]] = last.get(row["boot_order"], int(row["last"])) + 1
        ended = None if row["started_at"] is None else int(row["started_at"]) + int(row["played_ms"])
        statements.append(
            Statement(
                "UPDATE plays SET seq = ?, outcome = ?, ended_at = ?, reason = 'agent_restarted' WHERE id = ?",
                (seq, Outcome.INTERRUPTED.value, ended, int(row["id"])),
            )
        )
    return statements


def _record(row: sqlite3.Row) -> PlayRecord:
    return PlayRecord(
        seq=row["seq"],
        kind=row["kind"],
        occurrence=row["occurrence"],
        schedule_id=row["schedule_id"],
        title=row["title"],
        clip=row["clip"],
        planned_at=_at(row["planned_at"]),
        started_at=_at(row["started_at"]),
        ended_at=_at(row["ended_at"]),
        from_ms=row["from_ms"],
        played_ms=row["played_ms"],
        start_error_ms=row["start_error_ms"],
        underruns=row["underruns"],
        underrun_ms=row["underrun_ms"],
        level_dbfs=row["level_dbfs"],
        volume=row["volume"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        clock=ClockQuality(row["clock"]),
        plan_version=row["plan_version"],
    )
