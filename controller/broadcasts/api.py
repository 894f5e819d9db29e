"""`/api/v1/schedules` and `/api/v1/occurrences`."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from controller.accounts.access import ANNOUNCES, OPERATES, READS, Idempotent, ViewerDep
from controller.approval.ledger import Ledger
from controller.broadcasts import progress
from controller.broadcasts.models import Schedule
from controller.broadcasts.preview import PreviewOut
from controller.broadcasts.schemas import OccurrenceOut, ScheduleEdit, ScheduleIn, ScheduleOut
from controller.broadcasts.service import Broadcasts, Timing
from controller.commands.api import CommandsDep
from controller.errors import NotFound
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag
from controller.monitoring.hub import hub_of
from controller.runtime import Runtime
from schedules.day import local_day, midnight

router = APIRouter(prefix="/api/v1", tags=["broadcasts"], route_class=TransactionRoute)


FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


def timing_of(runtime: Runtime) -> Timing:
    """Return how close to air things still move."""
    settings = runtime.settings
    return Timing(lead=timedelta(seconds=settings.lead_s), freeze=timedelta(seconds=settings.freeze_s))


def broadcasts_of(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep, commands: CommandsDep) -> Broadcasts:
    """Return broadcasts as the one who asks may change them."""
    ledger = Ledger(session, hub_of(runtime))
    return Broadcasts(session, viewer, timing=timing_of(runtime), commands=commands, ledger=ledger)


BroadcastsDep = Annotated[Broadcasts, Depends(broadcasts_of)]


async def _shown(broadcasts: Broadcasts, row: Schedule, response: Response) -> ScheduleOut:
    tag(response, row)
    response.headers["Location"] = f"/api/v1/schedules/{row.id}"
    (seen,) = await _seen(broadcasts, [row])
    return seen


async def _seen(broadcasts: Broadcasts, rows: Sequence[Schedule]) -> list[ScheduleOut]:
    states = await broadcasts.ledger.states(rows)
    return [ScheduleOut.of(row, states[row.id]) for row in rows]


@router.get("/schedules", operation_id="listSchedules", summary="Schedules, newest first", dependencies=[READS])
async def list_schedules(
    *,
    broadcasts: BroadcastsDep,
    viewer: ViewerDep,
    page: PageDep,
    active: Annotated[bool | None, Query(description="Only active ones, or only those withdrawn")] = None,
) -> PageOut[ScheduleOut]:
    """Answer one page of schedules."""
    statement = broadcasts.repository.readable(viewer)
    if active is not None:
        statement = statement.where(Schedule.active.is_(active))
    found = await broadcasts.repository.page(statement, page)
    return PageOut(items=await _seen(broadcasts, found.items), next_cursor=found.next_cursor)


@router.post(
    "/schedules",
    operation_id="createSchedule",
    summary="Say what airs where and when",
    status_code=201,
    dependencies=[ANNOUNCES, Idempotent],
)
async def create_schedule(body: ScheduleIn, response: Response, broadcasts: BroadcastsDep, now: NowDep) -> ScheduleOut:
    """Make a schedule; without `first_local` it airs now."""
    return await _shown(broadcasts, await broadcasts.add(body, now), response)


@router.post(
    "/schedules/preview",
    operation_id="previewSchedule",
    summary="What a schedule would do, unsaved",
    dependencies=[ANNOUNCES],
)
async def preview_schedule(body: ScheduleIn, broadcasts: BroadcastsDep, runtime: RuntimeDep, now: NowDep) -> PreviewOut:
    """Answer what would collide, who would yield and why, and what would not air. Nothing is saved."""
    return await broadcasts.preview(body, now, days=runtime.settings.plan_days)


@router.get("/schedules/{schedule_id}", operation_id="getSchedule", summary="One schedule", dependencies=[READS])
async def get_schedule(
    schedule_id: str, response: Response, broadcasts: BroadcastsDep, viewer: ViewerDep
) -> ScheduleOut:
    """Answer one schedule."""
    return await _shown(broadcasts, await broadcasts.repository.get(viewer, schedule_id), response)


@router.patch(
    "/schedules/{schedule_id}", operation_id="editSchedule", summary="Edit a schedule", dependencies=[ANNOUNCES]
)
async def edit_schedule(
    *,
    schedule_id: str,
    body: ScheduleEdit,
    response: Response,
    broadcasts: BroadcastsDep,
    viewer: ViewerDep,
    condition: IfMatchDep,
    now: NowDep,
) -> ScheduleOut:
    """Edit a schedule; what starts within seconds no longer changes."""
    row = await broadcasts.repository.get(viewer, schedule_id)
    condition.check(row)
    return await _shown(broadcasts, await broadcasts.edit(row, body, now), response)


@router.delete(
    "/schedules/{schedule_id}",
    operation_id="withdrawSchedule",
    summary="Withdraw a schedule",
    status_code=204,
    dependencies=[ANNOUNCES],
)
async def withdraw_schedule(
    schedule_id: str, broadcasts: BroadcastsDep, viewer: ViewerDep, condition: IfMatchDep, now: NowDep
) -> None:
    """Withdraw a schedule; what of it is on air stops. It stays on record, inactive."""
    row = await broadcasts.repository.get(viewer, schedule_id)
    condition.check(row)
    await broadcasts.remove(row, now)


@router.get(
    "/occurrences",
    operation_id="listOccurrences",
    summary="What airs on a day, and how it is going",
    dependencies=[READS],
)
async def list_occurrences(
    *,
    broadcasts: BroadcastsDep,
    viewer: ViewerDep,
    runtime: RuntimeDep,
    now: NowDep,
    day: Annotated[date | None, Query(ge=FIRST_DAY, le=LAST_DAY, description="A local day; today if absent")] = None,
) -> PageOut[OccurrenceOut]:
    """Answer every occurrence of a day on the viewer's speakers."""
    zone = runtime.settings.zone
    chosen = day or local_day(now, zone)
    start, end = midnight(chosen, zone), midnight(chosen + timedelta(days=1), zone)
    return PageOut(items=progress.occurrences(await broadcasts.occurrences.between(viewer, start, end), now))


@router.get(
    "/occurrences/{occurrence_id}", operation_id="getOccurrence", summary="One occurrence", dependencies=[READS]
)
async def get_occurrence(
    occurrence_id: str, broadcasts: BroadcastsDep, viewer: ViewerDep, now: NowDep
) -> OccurrenceOut:
    """Answer one occurrence, speaker by speaker."""
    found = progress.occurrences(await broadcasts.occurrences.one(viewer, occurrence_id), now)
    if not found:
        raise NotFound
    return found[0]


@router.post(
    "/occurrences/{occurrence_id}/cancel",
    operation_id="cancelOccurrence",
    summary="Call an occurrence off, or stop it",
    status_code=204,
    dependencies=[OPERATES],
)
async def cancel_occurrence(occurrence_id: str, broadcasts: BroadcastsDep, now: NowDep) -> None:
    """Call it off everywhere; where it sounds already, it stops."""
    await broadcasts.cancel(occurrence_id, now)
