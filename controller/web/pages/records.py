"""Play records, filtered."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.http.route import NowDep, SessionDep
from controller.records.models import PlayRecordRow
from controller.records.repository import RecordRepository
from controller.repository import PageRequest
from controller.text import plain
from controller.web.gather import Fleet
from controller.web.pages.common import page_for
from controller.web.present.compose import parsed_day
from controller.web.present.records import record_view
from controller.web.present.words import outcome_text
from controller.web.routing import PageRoute
from controller.web.views import DeviceChoice, RecordsView
from protocol.messages import Outcome

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 50
CHOICES_MAX = 300
"""Of more speakers nobody chooses in a list."""


@router.get("/records", dependencies=[READS])
async def records(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    device: Annotated[str, Query(max_length=128)] = "",
    speaker: Annotated[str, Query(max_length=200)] = "",
    outcome: Annotated[str, Query(max_length=16)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
    broken: Annotated[str, Query(max_length=8)] = "",
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """One page of them, newest first."""
    page = await page_for(request, session, viewer, now)
    fleet = await Fleet.of(session, viewer)
    repository = RecordRepository(session)
    statement = repository.readable(viewer)
    if device:
        statement = statement.where(PlayRecordRow.device_id == device)
    if words := plain(speaker).split():
        called = [each.id for each in fleet.speakers if all(word in plain(f"{each.name} {each.id}") for word in words)]
        statement = statement.where(PlayRecordRow.device_id.in_(called))
    if outcome in set(Outcome):
        statement = statement.where(PlayRecordRow.outcome == Outcome(outcome))
    if (chosen := parsed_day(day)) is not None:
        start = datetime(chosen.year, chosen.month, chosen.day, tzinfo=ZoneInfo(str(page.formats.zone)))
        end = start + timedelta(days=1)
        statement = statement.where(PlayRecordRow.at >= start.astimezone(UTC), PlayRecordRow.at < end.astimezone(UTC))
    if broken:
        statement = statement.where(PlayRecordRow.underruns > 0)
    found = await repository.page(statement, PageRequest(cursor, ROWS))
    names = {each.id: each.name for each in fleet.speakers}
    many = len(names) > CHOICES_MAX
    filters = {"device": device, "speaker": speaker, "outcome": outcome, "day": day, "broken": broken}
    asked = {name: value for name, value in filters.items() if value}
    return page.html(
        "records.html",
        viewer_name=viewer.name,
        here=f"/records?{urlencode(asked)}",
        outcomes=tuple((each.value, outcome_text(page.t, each.value)) for each in Outcome),
        records=RecordsView(
            rows=tuple(record_view(row, names.get(row.device_id, row.device_id), page.t) for row in found.items),
            speakers=() if many else tuple(DeviceChoice(each.id, each.name) for each in fleet.speakers),
            many=many,
            **filters,
            next_page=f"/records?{urlencode({**asked, 'cursor': found.next_cursor})}" if found.next_cursor else "",
        ),
    )
