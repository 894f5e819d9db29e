"""The first page: what is on the air, what comes, how the speakers are, and the form."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import OPERATES, READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.announcements.repository import AnnouncementRepository
from controller.announcements.workshop import workshop_of
from controller.approval.api import ApprovalsDep
from controller.broadcasts.api import BroadcastsDep
from controller.http.route import NowDep, SessionDep
from controller.link.refusals import refusals_of
from controller.runtime import runtime_of
from controller.web import gather
from controller.web.compose import blank, compose_view, listen_of
from controller.web.pages.common import page_for
from controller.web.present import compose as form
from controller.web.present.reading import reading_s
from controller.web.present.speakers import SpeakerFacts, speaker_view, summary, worst
from controller.web.present.timeline import HORIZON, days, unreachable
from controller.web.preview import Preview
from controller.web.routing import PageRoute
from controller.web.templating import Page
from controller.web.views import ComposeView, DayView, NeedView, Phase, SpeakerView, SummaryView

router = APIRouter(include_in_schema=False, route_class=PageRoute)


async def _day(session: AsyncSession, viewer: Viewer, page: Page, fleet: gather.Fleet) -> tuple[DayView, ...]:
    return days(await gather.airings(session, viewer, page, fleet), page.formats, page.now)


SPEAKERS = 60
"""Shown here, those with trouble first; all of them have a page."""


def _facts(page: Page, fleet: gather.Fleet) -> list[SpeakerFacts]:
    return gather.speakers(fleet, refusals_of(runtime_of(page.request)))


def _speakers(page: Page, facts: list[SpeakerFacts]) -> tuple[list[SpeakerView], int]:
    """Those to show, and how many there are besides."""
    shown = worst(facts, SPEAKERS) if len(facts) > SPEAKERS else facts
    return [speaker_view(each, page.formats, page.now) for each in shown], len(facts) - len(shown)


def _summary(facts: list[SpeakerFacts], day: tuple[DayView, ...]) -> SummaryView:
    on_air = sum(1 for part in day for each in part.occurrences if each.phase is Phase.ON_AIR and each.on_air)
    return summary(facts, on_air)


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
    fleet = await gather.Fleet.of(session, viewer)
    day, facts = await _day(session, viewer, page, fleet), _facts(page, fleet)
    speakers, further = _speakers(page, facts)
    schedule = await broadcasts.repository.find(viewer, sent) if sent else None
    compose = replace(
        await _compose(page, viewer, session, playlist, announcement),
        areas=await gather.places(session, viewer, fleet),
        sent=form.sent_text(page.t, schedule.title, await broadcasts.approval_asked(schedule.area)) if schedule else "",
    )
    return page.html(
        "today.html",
        viewer_name=viewer.name,
        summary=_summary(facts, day),
        days=day,
        speakers=speakers,
        further=further,
        compose=compose,
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
    listen = listen_of(row, page, workshop_of(runtime).progress)
    return replace(view, values=values, listen=listen, reading_s=reading_s(row.text) if row.text else None)


@router.get("/parts/summary", dependencies=[READS])
async def summary_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The line at the top."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.of(session, viewer)
    day = await _day(session, viewer, page, fleet)
    return page.html("partials/summary.html", summary=_summary(_facts(page, fleet), day))


@router.get("/parts/day", dependencies=[READS])
async def day_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The timeline."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.of(session, viewer)
    return page.html("partials/day.html", days=await _day(session, viewer, page, fleet))


@router.get("/parts/needs", dependencies=[READS])
async def needs_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """What of the next 24 hours somebody should see to: speakers that are away, broadcasts in each other's way."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.of(session, viewer)
    away = unreachable(await gather.airings(session, viewer, page, fleet), page.formats, now)
    preview = Preview(session, viewer, runtime_of(request).settings, page.formats, now)
    collisions = tuple(NeedView(words, "/approvals") for words in await preview.collisions(fleet, now + HORIZON))
    return page.html("partials/needs.html", needs=away + collisions)


@router.get("/parts/speakers", dependencies=[READS])
async def speakers_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The speakers."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.of(session, viewer)
    speakers, further = _speakers(page, _facts(page, fleet))
    return page.html("partials/speakers.html", speakers=speakers, further=further)


@router.post("/stop-all", dependencies=[OPERATES])
async def stop_all(
    request: Request, session: SessionDep, viewer: ViewerDep, broadcasts: BroadcastsDep, now: NowDep
) -> Response:
    """Silence all that is on air by plan on the viewer's speakers."""
    await broadcasts.stop_all(now)
    await session.flush()
    return await _after(request, session, viewer, now)


async def _after(request: Request, session: AsyncSession, viewer: Viewer, now: datetime) -> Response:
    page = await page_for(request, session, viewer, now)
    if not page.partial:
        return RedirectResponse("/", 303)
    fleet = await gather.Fleet.of(session, viewer)
    return page.html("partials/day.html", days=await _day(session, viewer, page, fleet))


@router.post("/occurrences/{occurrence_id}/stop", dependencies=[OPERATES])
async def stop(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    broadcasts: BroadcastsDep,
    now: NowDep,
    occurrence_id: str,
) -> Response:
    """Call an occurrence off; where it sounds, it stops."""
    await broadcasts.cancel(occurrence_id, now)
    await session.flush()
    return await _after(request, session, viewer, now)
