"""The first page: what is on the air, what comes, how the speakers are, and the form."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, TypedDict
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import OPERATES, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.announcements.repository import AnnouncementRepository
from controller.announcements.workshop import workshop_of
from controller.approval.api import ApprovalsDep
from controller.broadcasts.api import BroadcastsDep
from controller.broadcasts.repository import OccurrenceRepository
from controller.broadcasts.service import Broadcasts
from controller.http.route import NowDep, SessionDep
from controller.link.refusals import refusals_of
from controller.monitoring.fleet import FleetRepository, Tally
from controller.planning.repository import PlanningRepository
from controller.runtime import runtime_of
from controller.web import gather
from controller.web.compose import as_read, blank, compose_view, listen_of
from controller.web.pages.common import page_for
from controller.web.present import compose as form
from controller.web.present.compose import ComposeView
from controller.web.present.reading import reading_s
from controller.web.present.speakers import SpeakerView, SummaryView, speaker_view, summary
from controller.web.present.timeline import HORIZON, DayView, NeedView, days, unreachable
from controller.web.preview import Preview
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)


SPEAKERS = 60
"""Shown here, those with trouble first; all of them have a page."""


class _Day(TypedDict):
    """What the timeline is made of."""

    days: tuple[DayView, ...]
    awaiting: int
    """Speakers that what somebody changed has touched and whose plan is not made anew yet."""


async def _day(session: AsyncSession, viewer: Viewer, page: Page) -> _Day:
    airings = await gather.airings(session, viewer, page)
    return _Day(days=days(airings, page.formats, page.now), awaiting=await PlanningRepository(session).awaiting(viewer))


async def _tally(session: AsyncSession, viewer: Viewer, page: Page) -> Tally:
    return await FleetRepository(session).tally(viewer, refusals_of(runtime_of(page.request)).faulty())


async def _speakers(session: AsyncSession, viewer: Viewer, page: Page, tally: Tally) -> tuple[list[SpeakerView], int]:
    """Those to show, and how many there are besides."""
    refusals, fleet = refusals_of(runtime_of(page.request)), FleetRepository(session)
    few = tally.speakers <= SPEAKERS
    shown = gather.Fleet(await (fleet.now(viewer) if few else fleet.worst(viewer, refusals.faulty(), SPEAKERS)))
    views = [speaker_view(each, page.formats, page.now) for each in gather.speakers(shown, refusals)]
    return views, tally.speakers - len(views)


async def _summary(session: AsyncSession, viewer: Viewer, tally: Tally) -> SummaryView:
    return summary(tally, await OccurrenceRepository(session).heard_now(viewer))


async def _stoppable(session: AsyncSession, viewer: Viewer, now: datetime) -> bool:
    """Whether there is anything on air that the viewer may stop: by plan, or heard beyond it."""
    if not viewer.may(Permission.OPERATE):
        return False
    occurrences = OccurrenceRepository(session)
    return await occurrences.anything_on(viewer, now) or bool(await occurrences.heard_now(viewer))


@router.get("/", dependencies=[READS])
async def today(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    broadcasts: BroadcastsDep,
    approvals: ApprovalsDep,
    now: NowDep,
    sent: Annotated[str, Query(max_length=64)] = "",
    playlist: Annotated[str, Query(max_length=26)] = "",
    announcement: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """The whole page. `playlist`, `announcement`: what its form is about to air."""
    page = await page_for(request, session, viewer, now)
    tally = await _tally(session, viewer, page)
    speakers, further = await _speakers(session, viewer, page, tally)
    announces = viewer.may(Permission.ANNOUNCE)
    compose = await _compose(page, viewer, session, playlist, announcement) if announces else None
    schedule = await broadcasts.repository.find(viewer, sent) if sent else None
    if compose and schedule:
        asked = await broadcasts.approval_asked(schedule.area)
        compose = replace(compose, sent=form.sent_text(page.t, schedule.title, asked))
    return page.html(
        "today.html",
        viewer_name=viewer.name,
        summary=await _summary(session, viewer, tally),
        stoppable=await _stoppable(session, viewer, now),
        **await _day(session, viewer, page),
        speakers=speakers,
        further=further,
        compose=compose,
        settings=runtime_of(request).settings,
        waiting=await approvals.tally(now),
    )


async def _compose(page: Page, viewer: Viewer, session: AsyncSession, playlist: str, announcement: str) -> ComposeView:
    """The form, empty or with what is to be used again."""
    runtime = runtime_of(page.request)
    view = await compose_view(blank(playlist), page, viewer, session, runtime)
    row = await AnnouncementRepository(session).find(viewer, announcement) if announcement else None
    if row is None or row.retired_at is not None:
        return view
    values = form.of_announcement(row, view.values.token, view.voices[0][0] if view.voices else "")
    values = await as_read(session, viewer, values)
    values = replace(values, spoken=form.fingerprint(values))
    listen = listen_of(row, page, workshop_of(runtime).progress)
    return replace(view, values=values, listen=listen, reading_s=reading_s(row.text) if row.text else None)


@router.get("/parts/summary", dependencies=[READS])
async def summary_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The line at the top."""
    page = await page_for(request, session, viewer, now)
    tally = await _tally(session, viewer, page)
    return page.html("partials/summary.html", summary=await _summary(session, viewer, tally))


@router.get("/parts/day", dependencies=[READS])
async def day_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The timeline."""
    page = await page_for(request, session, viewer, now)
    return page.html("partials/day.html", **await _day(session, viewer, page))


@router.get("/parts/needs", dependencies=[READS])
async def needs_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """What of the next 24 hours somebody should see to: speakers that are away, broadcasts in each other's way."""
    page = await page_for(request, session, viewer, now)
    away = unreachable(await gather.airings(session, viewer, page), page.formats, now)
    preview = Preview(session, viewer, runtime_of(request).settings, page.formats, now)
    collisions = tuple(
        NeedView(each.words, f"/calendar?day={page.formats.local(each.at).date()}&area={quote(each.area_code)}")
        for each in await preview.collisions(now + HORIZON)
    )
    return page.html("partials/needs.html", needs=away + collisions)


@router.get("/parts/speakers", dependencies=[READS])
async def speakers_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The speakers."""
    page = await page_for(request, session, viewer, now)
    speakers, further = await _speakers(session, viewer, page, await _tally(session, viewer, page))
    return page.html("partials/speakers.html", speakers=speakers, further=further)


@router.get("/parts/stop-all", dependencies=[OPERATES])
async def stop_all_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The button that stops all, while there is anything to stop."""
    page = await page_for(request, session, viewer, now)
    return page.html("partials/stop_all.html", stoppable=await _stoppable(session, viewer, now))


@router.post("/stop-all", dependencies=[OPERATES])
async def stop_all(
    request: Request, session: SessionDep, viewer: ViewerDep, broadcasts: BroadcastsDep, now: NowDep
) -> Response:
    """Silence all that is on air by plan on the viewer's speakers."""
    await broadcasts.stop_all(now)
    await session.flush()
    page = await page_for(request, session, viewer, now)
    if not page.partial:
        return RedirectResponse("/", 303)
    return page.html("partials/stop_all.html", stoppable=await _stoppable(session, viewer, now))


@dataclass(frozen=True)
class Timeline:
    """Where one viewer changes what comes, within one transaction."""

    page: Page
    session: AsyncSession
    viewer: Viewer
    broadcasts: Broadcasts

    async def after(self, deed: Awaitable[object]) -> Response:
        """The timeline with what was done."""
        await deed
        await self.session.flush()
        if not self.page.partial:
            return RedirectResponse("/", 303)
        return self.page.html("partials/day.html", **await _day(self.session, self.viewer, self.page))


async def _timeline(
    request: Request, session: SessionDep, viewer: ViewerDep, broadcasts: BroadcastsDep, now: NowDep
) -> Timeline:
    return Timeline(await page_for(request, session, viewer, now), session, viewer, broadcasts)


TimelineDep = Annotated[Timeline, Depends(_timeline)]


@router.post("/occurrences/{occurrence_id}/stop", dependencies=[OPERATES])
async def stop(occurrence_id: str, timeline: TimelineDep) -> Response:
    """Call an occurrence off; where it sounds, it stops."""
    return await timeline.after(timeline.broadcasts.cancel(occurrence_id, timeline.page.now))


@router.post("/occurrences/{occurrence_id}/take-back", dependencies=[OPERATES])
async def take_back(occurrence_id: str, timeline: TimelineDep) -> Response:
    """Let an occurrence air that was called off, while it has not begun."""
    return await timeline.after(timeline.broadcasts.take_back(occurrence_id, timeline.page.now))
