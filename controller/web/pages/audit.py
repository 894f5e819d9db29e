"""Who did what: the whole trail for auditors, and one thing's for whoever sees the thing."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from controller.accounts.access import AUDITS, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.audit.registry import KINDS
from controller.audit.repository import AuditRepository
from controller.audit.tally import REFUSAL
from controller.audit.values import moment
from controller.http.route import NowDep, SessionDep
from controller.repository import PageRequest
from controller.web.pages.common import page_for
from controller.web.present.audit import TrailView, entry_view, kind_text
from controller.web.present.compose import parsed_day
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 50
Cursor = Annotated[str | None, Query(max_length=2000)]


@router.get("/audit", dependencies=[AUDITS])
async def audit(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    kind: Annotated[str, Query(max_length=32)] = "",
    actor: Annotated[str, Query(max_length=64)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
    cursor: Cursor = None,
) -> Response:
    """One page of everything, newest first."""
    page = await page_for(request, session, viewer, now)
    repository, since, until = AuditRepository(session), "", ""
    if (chosen := parsed_day(day)) is not None:
        start = datetime(chosen.year, chosen.month, chosen.day, tzinfo=ZoneInfo(str(page.formats.zone))).astimezone(UTC)
        since, until = moment(start), moment(start + timedelta(days=1))
    listed = repository.listed(viewer, kind=kind, actor=actor.strip(), since=since, until=until)
    found = await repository.page(listed, PageRequest(cursor, ROWS))
    filters = {"kind": kind, "actor": actor, "day": day}
    asked = {name: value for name, value in filters.items() if value}
    return page.html(
        "audit.html",
        viewer_name=viewer.name,
        trail=TrailView(
            rows=tuple(entry_view(row, page.formats, with_address=True) for row in found.items),
            kinds=tuple((each, kind_text(each, page.t)) for each in sorted({*KINDS, REFUSAL})),
            **filters,
            next_page=f"/audit?{urlencode({**asked, 'cursor': found.next_cursor})}" if found.next_cursor else "",
        ),
    )


@router.get("/audit/{kind}/{key}", dependencies=[READS])
async def history(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    kind: Annotated[str, Path(max_length=32)],
    key: Annotated[str, Path(max_length=255)],
    cursor: Cursor = None,
) -> Response:
    """The trail of one thing, newest first."""
    page, repository = await page_for(request, session, viewer, now), AuditRepository(session)
    found = await repository.page(repository.listed(viewer, kind=kind, key=key), PageRequest(cursor, ROWS))
    label = found.items[0].label if found.items else key
    here = f"/audit/{quote(kind, safe='')}/{quote(key, safe='')}"
    told_from_where = viewer.may(Permission.AUDIT)
    return page.html(
        "audit.html",
        viewer_name=viewer.name,
        trail=TrailView(
            rows=tuple(entry_view(row, page.formats, with_address=told_from_where) for row in found.items),
            of=f"{kind_text(kind, page.t)} {label}",
            next_page=f"{here}?{urlencode({'cursor': found.next_cursor})}" if found.next_cursor else "",
        ),
    )
