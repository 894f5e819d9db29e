"""Tests of the way of an alert: what came of each, speaker by speaker, to be printed and filed."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ALERTS, READS
from controller.accounts.roles import Permission
from controller.alerts.api import SPEAKERS_MAX
from controller.alerts.report import is_over
from controller.alerts.testing import Calendar, raise_test, whole
from controller.areas.policy import SilentTest
from controller.areas.repository import AreaRepository
from controller.http.route import RuntimeDep
from controller.repository import PageRequest
from controller.web.pages.emergency import PostDep
from controller.web.present import alert_tests as present
from controller.web.present.words import silent_test_text
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/emergency/tests"
ROWS = 50


@router.get(HERE, dependencies=[READS])
async def reports_page(
    post: PostDep, runtime: RuntimeDep, cursor: Annotated[str | None, Query(max_length=2000)] = None
) -> Response:
    """All tests, newest first, and when the next one is."""
    repository, formats, now = post.alerts.repository, post.page.formats, post.page.now
    found = await repository.page(repository.tests(post.viewer), PageRequest(cursor, ROWS))
    totals = await post.alerts.reach.totals(post.viewer, [row.id for row in found.items])
    coming = await Calendar(post.session, ZoneInfo(runtime.settings.zone)).coming(post.viewer)
    rule = (await AreaRepository(post.session).silent_tests([post.viewer.scope]))[post.viewer.scope]
    return post.page.html(
        "alert_tests.html",
        viewer_name=post.viewer.name,
        rows=[present.line(row, totals.get(row.id), formats, now) for row in found.items],
        coming=f"{formats.clock(coming[1])} · {formats.short_day(coming[1])} · {coming[0]}" if coming else "",
        every=silent_test_text(post.page.t, rule),
        off=rule is SilentTest.OFF,
        may_test=post.viewer.may(Permission.ALERT),
        next_page=f"{HERE}?cursor={found.next_cursor}" if found.next_cursor else "",
    )


@router.post(HERE, dependencies=[ALERTS])
async def begin_test(post: PostDep, runtime: RuntimeDep) -> Response:
    """Test all speakers of the viewer's area at once, without a sound."""
    area = await AreaRepository(post.session).get(post.viewer, post.viewer.area_code)
    row = await raise_test(post.alerts, area.code, whole(area), post.page.now, ZoneInfo(runtime.settings.zone))
    return RedirectResponse(f"{HERE}/{row.id}", 303)


@router.get(f"{HERE}/{{alert_id}}", dependencies=[READS])
async def report_page(alert_id: str, post: PostDep) -> Response:
    """One report, those that did not pass first."""
    formats, now = post.page.formats, post.page.now
    row = await post.alerts.repository.get(post.viewer, alert_id)
    totals = await post.alerts.reach.totals(post.viewer, [row.id])
    found = await post.alerts.reach.speakers(post.viewer, row.id, silent=False, after="", limit=SPEAKERS_MAX)
    speakers = present.speakers([(reach, device) for reach, device, _ in found], formats, over=is_over(row, now))
    line = present.line(row, totals.get(row.id), formats, now)
    return post.page.html(
        "alert_test.html",
        viewer_name=post.viewer.name,
        line=line,
        speakers=speakers,
        more=max(0, line.targeted - len(speakers)),
        printed=f"{formats.clock(now)} · {formats.short_day(now)}",
    )
