"""`/api/v1/records`: what was really played."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from controller.accounts.access import READS, ViewerDep
from controller.areas.service import Areas
from controller.areas.tree import ROOT_PATH
from controller.http.pages import PageDep, PageOut
from controller.http.route import SessionDep, TransactionRoute
from controller.records.models import PlayRecordRow
from controller.records.repository import RecordRepository
from protocol.messages import Outcome

router = APIRouter(prefix="/api/v1/records", tags=["records"], route_class=TransactionRoute)


class RecordOut(BaseModel):
    """One play record."""

    device: str
    boot: str
    boot_order: int
    seq: int
    kind: str
    occurrence: str | None
    schedule_id: str | None
    title: str
    clip: str | None
    planned_at: AwareDatetime | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    received_at: AwareDatetime
    from_ms: int
    played_ms: int
    start_error_ms: float | None
    underruns: int | None
    """How often it broke off for lack of samples; None where the speaker does not say."""
    underrun_ms: int | None
    level_dbfs: float | None
    """RMS of all that sounded, after the volume."""
    volume: int
    outcome: Outcome
    reason: str
    clock: str
    plan_version: int | None

    @classmethod
    def of(cls, row: PlayRecordRow) -> Self:
        """Return what may be seen of a row."""
        return cls(
            device=row.device_id,
            boot=row.boot,
            boot_order=row.boot_order,
            seq=row.seq,
            kind=row.kind,
            occurrence=row.occurrence_id,
            schedule_id=row.schedule_id,
            title=row.title,
            clip=row.clip_sha256,
            planned_at=row.planned_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            received_at=row.received_at,
            from_ms=row.from_ms,
            played_ms=row.played_ms,
            start_error_ms=row.start_error_ms,
            underruns=row.underruns,
            underrun_ms=row.underrun_ms,
            level_dbfs=row.level_dbfs,
            volume=row.volume,
            outcome=row.outcome,
            reason=row.reason,
            clock=row.clock,
            plan_version=row.plan_version,
        )


@router.get("", operation_id="listRecords", summary="Play records, newest first", dependencies=[READS])
async def list_records(
    *,
    session: SessionDep,
    viewer: ViewerDep,
    page: PageDep,
    area: Annotated[str | None, Query(max_length=64, description="Only in this area and below it")] = None,
    device: Annotated[str | None, Query(max_length=128)] = None,
    occurrence: Annotated[str | None, Query(max_length=128)] = None,
    schedule: Annotated[str | None, Query(max_length=128)] = None,
    outcome: Outcome | None = None,
    broken: Annotated[bool, Query(description="Only what broke off for lack of samples")] = False,
    since: Annotated[AwareDatetime | None, Query(description="Sounded at this moment or later")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Sounded before this moment")] = None,
) -> PageOut[RecordOut]:
    """Answer one page of records."""
    repository = RecordRepository(session)
    path = (await Areas(session, viewer).place(area, "area")).path if area is not None else ROOT_PATH
    statement = await repository.newest(viewer, path)
    wanted = (
        (PlayRecordRow.device_id, device),
        (PlayRecordRow.occurrence_id, occurrence),
        (PlayRecordRow.schedule_id, schedule),
    )
    for column, value in wanted:
        if value is not None:
            statement = statement.where(column == value)
    if outcome is not None:
        statement = statement.where(PlayRecordRow.outcome == outcome)
    if broken:
        statement = statement.where(PlayRecordRow.underruns > 0)
    if since is not None:
        statement = statement.where(PlayRecordRow.at >= since)
    if until is not None:
        statement = statement.where(PlayRecordRow.at < until)
    found = await repository.page(statement, page)
    return PageOut(items=[RecordOut.of(row) for row in found.items], next_cursor=found.next_cursor)
