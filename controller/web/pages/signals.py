"""Signals and sirens: what each means, and how it sounds."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from audio.signals import ABOUT, Signal, Use, length_ms
from controller.accounts.access import READS, ViewerDep
from controller.http.route import NowDep, SessionDep
from controller.web.i18n import Language
from controller.web.pages.common import page_for
from controller.web.present.signals import SignalView
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/signals", dependencies=[READS])
async def signals(request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """All of them, by when they may sound."""
    page = await page_for(request, session, viewer, now)
    return page.html(
        "signals.html",
        viewer_name=viewer.name,
        groups={
            use.value: tuple(_view(kind, page.t.language) for kind in Signal if ABOUT[kind].use is use) for use in Use
        },
    )


def _view(kind: Signal, language: Language) -> SignalView:
    about, vietnamese = ABOUT[kind], language is Language.VIETNAMESE
    return SignalView(
        kind=kind.value,
        name=about.name_vi if vietnamese else about.name_en,
        meaning=about.meaning_vi if vietnamese else about.meaning_en,
        source=about.source_vi if vietnamese else about.source_en,
        duration_s=length_ms(kind) / 1000,
        url=f"/api/v1/signals/{kind}.opus",
    )
