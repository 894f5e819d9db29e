"""An alert as it stands at this moment: on its page, and as the part that renews itself there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from fastapi import APIRouter, Request
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.alerts.api import AlertsDep, reach_out, shown, speakers_out
from controller.alerts.models import AlertRow
from controller.alerts.repository import ReachRepository
from controller.alerts.schemas import AlertOut
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.web.pages.common import page_for
from controller.web.present import alerts as present
from controller.web.routing import PageRoute
from controller.web.templating import Page
from controller.web.together import together_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)

SILENT_MAX: Final = 100
"""Speakers that have not sounded it which the page names; the call list has them all."""


@dataclass(frozen=True)
class ReachParts:
    """How far it has come, in two parts of the page: the figures, and each area and speaker."""

    counts: Markup
    lists: Markup


class Told(TypedDict):
    """What `partials/alert_live.html` is made of, besides how far it has come."""

    alert: AlertOut
    line: present.AlertLine
    heard: str
    other: present.OtherLanguage | None
    recorded: str
    clip: str | None
    ends: str


def told(row: AlertRow, alert: AlertOut, page: Page) -> Told:
    """Return what an alert says, and how it stands."""
    formats = page.formats
    return Told(
        alert=alert,
        line=present.line(alert, formats),
        heard=present.heard(alert, formats) if row.volume != 0 else "",
        other=present.other_language(alert),
        recorded=row.announcement.title if row.announcement and not alert.text else "",
        clip=row.announcement.clip_sha256 if row.announcement else None,
        ends=f"{formats.clock(row.expires_at)} · {formats.short_day(row.expires_at)}" if row.expires_at else "",
    )


async def reach_parts(session: AsyncSession, viewer: Viewer, page: Page, alert_id: str, now: datetime) -> ReachParts:
    """Return how far an alert has come on the viewer's speakers."""
    repository, formats = ReachRepository(session), page.formats
    reach = await reach_out(repository, viewer, alert_id, now)
    silent = await speakers_out(repository, viewer, alert_id, silent=True, limit=SILENT_MAX)
    counts = page.markup(
        "partials/reach_counts.html",
        {"counts": present.counts(reach.total, formats), "shares": present.shares(reach.total)},
    )
    lists = page.markup(
        "partials/reach_lists.html",
        {
            "alert_id": alert_id,
            "reached": present.areas(reach.areas, formats),
            "silent": present.silent(silent, formats, now),
            "silent_more": reach.total.unheard - len(silent),
        },
    )
    return ReachParts(counts, lists)


@router.get("/parts/alerts/{alert_id}/live", dependencies=[READS])
async def live_part(
    *,
    alert_id: str,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    alerts: AlertsDep,
    runtime: RuntimeDep,
    now: NowDep,
) -> Response:
    """What of the page renews itself. All who watch the same speakers are counted for together."""
    page = await page_for(request, session, viewer, now)
    row = await alerts.repository.get(viewer, alert_id)
    (alert,) = await shown(alerts, row)
    says = told(row, alert, page)
    if row.released_at is None:
        return page.html("partials/alert_live.html", **says, reach=None)

    async def counted() -> ReachParts:
        async with runtime.database.reading() as own:
            return await reach_parts(own, viewer, page, row.id, runtime.clock())

    await session.close()  # a connection that waits would be missing where somebody presses
    seen_as = (viewer.scope, page.t.language, page.formats.zone)
    reach = await together_of(runtime).ask(("reach", row.id, *seen_as), counted)
    return page.html("partials/alert_live.html", **says, reach=reach)
