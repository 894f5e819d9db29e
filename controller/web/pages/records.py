"""Play records, filtered; and as a report, to be printed and filed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Select
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import READS, ViewerDep
from controller.areas.repository import AreaRepository
from controller.devices.repository import DeviceRepository
from controller.http.route import NowDep, SessionDep
from controller.monitoring.fleet import FleetRepository
from controller.records.models import PlayRecordRow
from controller.records.repository import RecordRepository
from controller.repository import PageRequest
from controller.text import plain
from controller.web.formats import Formats
from controller.web.pages.common import page_for, tree_of
from controller.web.present.areas import DeviceChoice
from controller.web.present.compose import parsed_day
from controller.web.present.records import RecordsView, record_view
from controller.web.present.words import outcome_text
from controller.web.routing import PageRoute
from protocol.messages import Outcome
from schedules.day import midnight

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 50
ON_PAPER = 1000
CHOICES_MAX = 300
"""Of more speakers nobody chooses in a list."""


@dataclass(frozen=True)
class Filters:
    """What the form asks for; nothing: all."""

    device: Annotated[str, Query(max_length=128)] = ""
    speaker: Annotated[str, Query(max_length=200)] = ""
    outcome: Annotated[str, Query(max_length=16)] = ""
    since: Annotated[str, Query(max_length=10)] = ""
    until: Annotated[str, Query(max_length=10)] = ""
    """The last day."""
    area: Annotated[str, Query(max_length=64)] = ""
    broken: Annotated[str, Query(max_length=8)] = ""

    def chosen(self, statement: Select[PlayRecordRow], called: Sequence[str], zone: str) -> Select[PlayRecordRow]:
        """Return the records that pass. `called`: the speakers whose names hold the words that were typed."""
        if self.device:
            statement = statement.where(PlayRecordRow.device_id == self.device)
        if self.speaker.strip():
            statement = statement.where(PlayRecordRow.device_id.in_(called))
        if self.outcome in set(Outcome):
            statement = statement.where(PlayRecordRow.outcome == Outcome(self.outcome))
        if (first := parsed_day(self.since)) is not None:
            statement = statement.where(PlayRecordRow.at >= midnight(first, zone))
        if (last := parsed_day(self.until)) is not None:
            statement = statement.where(PlayRecordRow.at < midnight(last + timedelta(days=1), zone))
        return statement.where(PlayRecordRow.underruns > 0) if self.broken else statement

    def said(self, speaker: str, formats: Formats) -> str:
        """Return the same in words, for paper. `speaker`: the name of the device."""
        t, first, last = formats.t, parsed_day(self.since), parsed_day(self.until)
        words = [
            t("from %(day)s", day=formats.short_day(first)) if first else "",
            t("up to and including %(day)s", day=formats.short_day(last)) if last else "",
            f"{t('Speaker')}: {speaker or self.speaker.strip()}" if speaker or self.speaker.strip() else "",
            f"{t('Outcome')}: {outcome_text(t, self.outcome)}" if self.outcome in set(Outcome) else "",
            t("Only what broke off") if self.broken else "",
        ]
        return " · ".join(each for each in words if each) or t("All records")


@router.get("/records", dependencies=[READS])
async def records(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    filters: Annotated[Filters, Depends()],
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    paper: Annotated[str, Query(alias="print", max_length=8)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """One page of them, newest first; `print`: as many as a report holds; `day`: that one, as older links say it."""
    asked = {name: value for name, value in asdict(filters).items() if value}
    if day:
        return RedirectResponse(f"/records?{urlencode({'since': day, 'until': day, **asked})}", 303)
    page = await page_for(request, session, viewer, now)
    fleet = FleetRepository(session)
    areas = AreaRepository(session)
    place = await areas.get(viewer, filters.area or viewer.area_code)
    paths = await fleet.by_path(viewer)
    many = sum(count for path, count in paths.items() if path.startswith(place.path)) > CHOICES_MAX
    roll = await fleet.standing(viewer, place.path) if filters.speaker or not many else ()
    words = plain(filters.speaker).split()
    called = [each.id for each in roll if all(word in plain(f"{each.name} {each.id}") for word in words)]
    repository = RecordRepository(session)
    statement = filters.chosen(await repository.newest(viewer, place.path), called, str(page.formats.zone))
    found = await repository.page(statement, PageRequest(None, ON_PAPER) if paper else PageRequest(cursor, ROWS))
    named = await DeviceRepository(session).some(viewer, {filters.device, *(row.device_id for row in found.items)})
    names = {each.id: each.name for each in named}
    return page.html(
        "records.html",
        viewer_name=viewer.name,
        here=f"/records?{urlencode(asked)}",
        outcomes=tuple((each.value, outcome_text(page.t, each.value)) for each in Outcome),
        area=place,
        chosen=filters.said(names.get(filters.device, filters.device), page.formats),
        printed=f"{page.formats.clock(now)} · {page.formats.short_day(now)}",
        records=RecordsView(
            rows=tuple(record_view(row, names.get(row.device_id, row.device_id), page.t) for row in found.items),
            speakers=() if many else tuple(DeviceChoice(each.id, each.name) for each in roll),
            areas=await tree_of(session, viewer, paths),
            many=many,
            **asdict(filters),
            next_page=f"/records?{urlencode({**asked, 'cursor': found.next_cursor})}" if found.next_cursor else "",
            more=bool(cursor or found.next_cursor),
            on_paper="" if paper else f"/records?{urlencode({**asked, 'print': '1'})}",
        ),
    )
