"""The dictionary as a page: a line for each word, to hear, to correct, to remove and to take back."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ANNOUNCES, READS, ViewerDep
from controller.errors import ControllerError, Invalid
from controller.http.problems import invalid
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.http.versions import Precondition
from controller.pronunciations.api import PronunciationsDep
from controller.pronunciations.models import Pronunciation
from controller.pronunciations.schemas import PronunciationEdit, PronunciationIn
from controller.pronunciations.service import Pronunciations
from controller.repository import PageRequest
from controller.web.hearing import hear
from controller.web.pages.common import page_for
from controller.web.present.pronunciations import PronunciationsView, PronunciationView
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 100
HERE = "/pronunciations"
Typed = Annotated[str, Form(max_length=400)]


@router.get(HERE, dependencies=[READS])
async def pronunciations(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    entries: PronunciationsDep,
    now: NowDep,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """All that holds here, in order of the words."""
    page = await page_for(request, session, viewer, now)
    return await _shown(page, entries, viewer.name, PronunciationsView(), cursor)


@router.post(HERE, dependencies=[ANNOUNCES])
async def add(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    entries: PronunciationsDep,
    now: NowDep,
    written: Typed = "",
    spoken: Typed = "",
    area_code: Typed = "",
    language: Typed = "vi",
) -> Response:
    """Add an entry, or take back a removal: both say what is to be there."""
    page = await page_for(request, session, viewer, now)
    given = {"written": written, "spoken": spoken, "language": language, "area_code": area_code or None}
    try:
        await entries.add(PronunciationIn.model_validate(given), now)
    except (Invalid, ValidationError) as refusal:
        view = PronunciationsView(written=written, spoken=spoken, error=_words(refusal, page))
        return await _shown(page, entries, viewer.name, view, status=422)
    return RedirectResponse(HERE, 303)


@router.post(f"{HERE}/hear", dependencies=[ANNOUNCES])
async def hear_word(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    runtime: RuntimeDep,
    now: NowDep,
    spoken: Typed = "",
) -> Response:
    """Hear a word as it would be spoken."""
    page = await page_for(request, session, viewer, now)
    heard = await hear(session, viewer, page, runtime, text=spoken)
    return page.html("partials/heard.html", status=422 if heard.error else 200, heard=heard)


@router.post(f"{HERE}/{{pronunciation_id}}", dependencies=[ANNOUNCES])
async def change(
    *,
    request: Request,
    pronunciation_id: str,
    session: SessionDep,
    viewer: ViewerDep,
    entries: PronunciationsDep,
    now: NowDep,
    version: Typed,
    written: Typed = "",
    spoken: Typed = "",
    do: Typed = "save",
) -> Response:
    """Correct an entry or remove it."""
    page = await page_for(request, session, viewer, now)
    row = await entries.repository.get(viewer, pronunciation_id)
    Precondition(frozenset({f'"{version}"'})).check(row)
    if do == "remove":
        removed = _view(entries, row)
        await entries.remove(row)
        return await _shown(page, entries, viewer.name, PronunciationsView(removed=removed))
    try:
        await entries.edit(row, PronunciationEdit(written=written, spoken=spoken), now)
    except (Invalid, ValidationError) as refusal:
        view = PronunciationsView(error=_words(refusal, page), wrong=row.id)
        return await _shown(page, entries, viewer.name, view, status=422)
    return RedirectResponse(HERE, 303)


async def _shown(
    page: Page,
    entries: Pronunciations,
    viewer_name: str,
    view: PronunciationsView,
    cursor: str | None = None,
    *,
    status: int = 200,
) -> Response:
    found = await entries.repository.page(entries.repository.readable(entries.viewer), PageRequest(cursor, ROWS))
    return page.html(
        "pronunciations.html",
        status=status,
        viewer_name=viewer_name,
        rows=tuple(_view(entries, row) for row in found.items),
        view=view,
        next_page=f"{HERE}?cursor={found.next_cursor}" if found.next_cursor else "",
    )


def _view(entries: Pronunciations, row: Pronunciation) -> PronunciationView:
    return PronunciationView(
        id=row.id,
        version=str(row.version),
        written=row.written,
        spoken=row.spoken,
        language=row.language,
        area_code=row.area_code,
        area_name=row.area.name,
        inherited=entries.inherited(row),
    )


def _words(refusal: Invalid | ValidationError, page: Page) -> str:
    problem: ControllerError = invalid(refusal.errors()) if isinstance(refusal, ValidationError) else refusal
    said = problem.errors[0].message if problem.errors else problem.detail
    return said.in_language(page.t.language.code)
