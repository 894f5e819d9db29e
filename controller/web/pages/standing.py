"""The standing messages of a place as a page: to read, to hear, to word anew, and to take back."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import PREPARES, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.alerts.standing import Hazard
from controller.areas.models import Area
from controller.errors import ControllerError, PreconditionFailed
from controller.http.problems import invalid
from controller.http.route import NowDep, SessionDep
from controller.http.versions import Precondition, quoted
from controller.standing.api import MessagesDep
from controller.standing.schemas import StandingIn
from controller.standing.service import StandingMessages
from controller.web.i18n import Translator
from controller.web.pages.common import page_for
from controller.web.pages.places import places
from controller.web.present import standing as present
from controller.web.present.compose import languages
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/emergency/messages"
OLD_MAX = 100
Typed = Annotated[str, Form(max_length=8000)]


@dataclass(frozen=True)
class Desk:
    """One page being made, with all that it needs."""

    page: Page
    session: AsyncSession
    viewer: Viewer
    messages: StandingMessages

    async def shown(
        self,
        area: Area,
        *,
        wrong: present.MessageView | None = None,
        removed: present.MessageView | None = None,
        status: int = 200,
    ) -> Response:
        """All messages of a place; `wrong` is one as it was typed and refused, `removed` one that was taken back."""
        formats, now = self.page.formats, self.page.now
        views = [present.message(each, area, formats) for each in await self.messages.all(area)]
        repository = self.messages.repository
        speakers, holding = await repository.tally(self.viewer, area)
        old = await repository.holdings(self.viewer, area, old=True, limit=OLD_MAX) if holding < speakers else []
        return self.page.html(
            "standing.html",
            status=status,
            viewer_name=self.viewer.name,
            area=area,
            places=await places(self.session, self.viewer, also=[area.code]),
            messages=[wrong if wrong and wrong.hazard == each.hazard else each for each in views],
            wrong=wrong.hazard if wrong else "",
            removed=removed,
            other_languages=languages(),
            may_word=self.viewer.may(Permission.PREPARE),
            speakers=speakers,
            holding=holding,
            old=present.old(old, formats, now),
            old_more=speakers - holding - len(old),
        )


async def desk_of(request: Request, session: SessionDep, viewer: ViewerDep, messages: MessagesDep, now: NowDep) -> Desk:
    """Return the page's desk for the one who asks."""
    return Desk(await page_for(request, session, viewer, now), session, viewer, messages)


DeskDep = Annotated[Desk, Depends(desk_of)]


@router.get(HERE, dependencies=[READS])
async def messages_page(desk: DeskDep, area_code: Annotated[str, Query(max_length=64)] = "") -> Response:
    """What holds in a place; in one's own if none is named."""
    return await desk.shown(await desk.messages.area(area_code or desk.viewer.area_code))


@router.post(f"{HERE}/{{hazard}}", dependencies=[PREPARES])
async def word(
    *,
    hazard: Hazard,
    desk: DeskDep,
    area_code: Typed = "",
    version: Typed = "",
    headline: Typed = "",
    text: Typed = "",
    language: Typed = "",
    second_text: Typed = "",
    do: Typed = "save",
) -> Response:
    """Give a place its own words, or take them back; what was taken back can be said again.

    Where somebody else changed it meanwhile, what was typed is kept, beside what they put there.
    """
    area, now, formats = await desk.messages.area(area_code or desk.viewer.area_code), desk.page.now, desk.page.formats
    condition = Precondition(frozenset({quoted(version)}))
    second = {"language": language, "text": _lines(second_text)} if language or second_text.strip() else None
    given = {"headline": headline, "text": _lines(text), "second": second}
    try:
        if do == "reset":
            before = present.message(await desk.messages.one(area, hazard), area, formats)
            held = await desk.messages.reset(area, hazard, now, condition)
            return await desk.shown(area, removed=replace(before, version=held.version))
        await desk.messages.word(area, hazard, StandingIn.model_validate(given), now, condition)
    except (ControllerError, ValidationError) as refusal:
        problem: ControllerError = invalid(refusal.errors()) if isinstance(refusal, ValidationError) else refusal
        there = await desk.messages.one(area, hazard)
        lost = isinstance(problem, PreconditionFailed)
        wrong = replace(
            present.message(there, area, formats),  # of the newest version: who saves again has seen the other's
            headline=headline,
            text=_lines(text),
            language=language,
            second_text=_lines(second_text),
            problem=_lost(do, desk.page.t) if lost else _said(problem, desk.page.t),
            theirs=present.theirs(there, area, formats) if lost else None,
        )
        return await desk.shown(area, wrong=wrong, status=problem.status)
    return RedirectResponse(f"{HERE}?area_code={area.code}#{hazard.value}", 303)


def _said(problem: ControllerError, t: Translator) -> str:
    said = problem.errors[0].message if problem.errors else problem.detail
    return said.in_language(t.language.code)


def _lost(do: str, t: Translator) -> str:
    if do == "reset":
        return t("Somebody else has just changed this, and nothing was taken back. What they put there is shown here.")
    return t("Somebody else has just changed this. What you typed is kept below: save again to put it in its place.")


def _lines(text: str) -> str:
    """A text of the form; browsers send its lines with CR LF."""
    return text.replace("\r\n", "\n").strip()
