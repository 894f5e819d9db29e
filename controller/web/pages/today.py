"""The first page: what is on the air, what comes, how the speakers are, and the form."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import OPERATES, READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.approval.api import ApprovalsDep
from controller.broadcasts.api import BroadcastsDep
from controller.http.route import NowDep, SessionDep
from controller.link.refusals import refusals_of
from controller.playlists.repository import PlaylistRepository
from controller.runtime import runtime_of
from controller.web import gather
from controller.web.compose import blank, compose_view
from controller.web.pages.common import page_for
from controller.web.present import compose as form
from controller.web.present.speakers import SpeakerFacts, speaker_view, summary, worst
from controller.web.present.timeline import days
from controller.web.routing import PageRoute
from controller.web.templating import Page
from controller.web.views import DayView, Phase, SpeakerView, SummaryView

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
) -> Response:
    """The whole page. `playlist`: what its form is about to air."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.of(session, viewer)
    day, facts = await _day(session, viewer, page, fleet), _facts(page, fleet)
    speakers, further = _speakers(page, facts)
    schedule = await broadcasts.repository.find(viewer, sent) if sent else None
    compose = replace(
        await compose_view(blank(playlist), page, viewer, PlaylistRepository(session), runtime_of(request)),
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


@router.get("/parts/speakers", dependencies=[READS])
async def speakers_part(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The speakers."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.of(session, viewer)
    speakers, further = _speakers(page, _facts(page, fleet))
    return page.html("partials/speakers.html", speakers=speakers, further=further)


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
    page = await page_for(request, session, viewer, now)
    if not page.partial:
        return RedirectResponse("/", 303)
    fleet = await gather.Fleet.of(session, viewer)
    return page.html("partials/day.html", days=await _day(session, viewer, page, fleet))
