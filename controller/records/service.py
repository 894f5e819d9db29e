"""Taking play records in: each exactly once, and acknowledged as far as nothing is missing."""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.database import after_commit
from controller.monitoring.hub import Hub, Topic
from controller.records.models import PlayRecordRow, RecordMark
from controller.records.repository import IncomingRecords
from protocol.messages import PlayRecord, Records

log = structlog.get_logger(__name__)


def complete_to(known: int, stored: Iterable[int], *, oldest: int | None = None) -> int:
    """Return up to which number everything is stored, or gone for good.

    `known` was complete before; `stored` are numbers that are there, in any order; below `oldest` the speaker has
    nothing left to send.
    """
    end = max(known, (oldest or 1) - 1)
    for seq in sorted(set(stored)):
        if seq > end + 1:
            break
        end = max(end, seq)
    return end


class RecordService:
    """What may happen with play records."""

    def __init__(self, session: AsyncSession, hub: Hub) -> None:
        self._rows = IncomingRecords(session)
        self._session = session
        self._hub = hub

    async def take(self, batch: Records, *, now: datetime) -> int:
        """Store what is new of a batch; return the number up to which the speaker may forget."""
        mark = await self._rows.mark(batch.device, batch.boot, batch.boot_order)
        new = {record.seq: record for record in batch.records}
        for seq in await self._rows.known(batch.device, batch.boot, new):
            del new[seq]
        self._rows.add([_row(batch, record, now) for record in new.values()])
        await self._move(mark, batch)
        if new:
            after_commit(self._session, lambda: self._hub.publish(Topic.RECORDS, Topic.OCCURRENCES))
        return mark.complete_to

    async def _move(self, mark: RecordMark, batch: Records) -> None:
        beyond = await self._rows.stored_beyond(batch.device, batch.boot, mark.complete_to)
        reached = complete_to(mark.complete_to, beyond, oldest=batch.oldest)
        if batch.oldest is not None and batch.oldest > mark.complete_to + 1:
            dropped = batch.oldest - 1 - mark.complete_to - sum(seq < batch.oldest for seq in beyond)
            if dropped:
                log.warning("records.dropped_by_speaker", device=batch.device, count=dropped)
                mark.dropped += dropped
        mark.complete_to = reached


def _row(batch: Records, record: PlayRecord, now: datetime) -> PlayRecordRow:
    return PlayRecordRow(
        device_id=batch.device,
        boot=batch.boot,
        boot_order=batch.boot_order,
        seq=record.seq,
        # A clock from 2099 must not keep the head of every list for ever.
        at=min(record.started_at or record.planned_at or record.ended_at or now, now),
        received_at=now,
        kind=record.kind,
        occurrence_id=record.occurrence,
        schedule_id=record.schedule_id,
        title=record.title,
        clip_sha256=record.clip,
        planned_at=record.planned_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        from_ms=record.from_ms,
        played_ms=record.played_ms,
        start_error_ms=record.start_error_ms,
        underruns=record.underruns,
        underrun_ms=record.underrun_ms,
        level_dbfs=record.level_dbfs,
        volume=record.volume,
        outcome=record.outcome,
        reason=record.reason,
        clock=record.clock.value,
        plan_version=record.plan_version,
    )
