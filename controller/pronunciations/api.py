"""`/api/v1/pronunciations`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from controller.accounts.access import ANNOUNCES, READS, Idempotent, ViewerDep
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag
from controller.pronunciations.models import Pronunciation
from controller.pronunciations.schemas import PronunciationEdit, PronunciationIn, PronunciationOut
from controller.pronunciations.service import Pronunciations

router = APIRouter(prefix="/api/v1/pronunciations", tags=["pronunciations"], route_class=TransactionRoute)


def pronunciations_of(session: SessionDep, viewer: ViewerDep) -> Pronunciations:
    """Return pronunciations as the one who asks may change them."""
    return Pronunciations(session, viewer)


PronunciationsDep = Annotated[Pronunciations, Depends(pronunciations_of)]


def _out(entries: Pronunciations, row: Pronunciation) -> PronunciationOut:
    return PronunciationOut.of(row, inherited=entries.inherited(row))


def _shown(entries: Pronunciations, row: Pronunciation, response: Response) -> PronunciationOut:
    tag(response, row)
    response.headers["Location"] = f"/api/v1/pronunciations/{row.id}"
    return _out(entries, row)


@router.get(
    "",
    operation_id="listPronunciations",
    summary="How words are spoken here, in order of the words",
    dependencies=[READS],
)
async def list_pronunciations(
    entries: PronunciationsDep, viewer: ViewerDep, page: PageDep
) -> PageOut[PronunciationOut]:
    """Answer one page of entries: your areas' own, and those of the areas above that hold here."""
    found = await entries.repository.page(entries.repository.readable(viewer), page)
    return PageOut(items=[_out(entries, row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "",
    operation_id="addPronunciation",
    summary="Say how a word is spoken",
    status_code=201,
    dependencies=[ANNOUNCES, Idempotent],
)
async def add_pronunciation(
    body: PronunciationIn, response: Response, entries: PronunciationsDep, now: NowDep
) -> PronunciationOut:
    """Add an entry. Sound made from now on follows it; what was made before stays."""
    return _shown(entries, await entries.add(body, now), response)


@router.get("/{pronunciation_id}", operation_id="getPronunciation", summary="One entry", dependencies=[READS])
async def get_pronunciation(
    pronunciation_id: str, response: Response, entries: PronunciationsDep, viewer: ViewerDep
) -> PronunciationOut:
    """Answer one entry."""
    return _shown(entries, await entries.repository.get(viewer, pronunciation_id), response)


@router.patch(
    "/{pronunciation_id}", operation_id="editPronunciation", summary="Edit an entry", dependencies=[ANNOUNCES]
)
async def edit_pronunciation(
    *,
    pronunciation_id: str,
    body: PronunciationEdit,
    response: Response,
    entries: PronunciationsDep,
    viewer: ViewerDep,
    condition: IfMatchDep,
    now: NowDep,
) -> PronunciationOut:
    """Edit an entry of your own areas."""
    row = await entries.repository.get(viewer, pronunciation_id)
    condition.check(row)
    return _shown(entries, await entries.edit(row, body, now), response)


@router.delete(
    "/{pronunciation_id}",
    operation_id="deletePronunciation",
    summary="Remove an entry",
    status_code=204,
    dependencies=[ANNOUNCES],
)
async def delete_pronunciation(
    pronunciation_id: str, entries: PronunciationsDep, viewer: ViewerDep, condition: IfMatchDep
) -> None:
    """Remove an entry of your own areas."""
    row = await entries.repository.get(viewer, pronunciation_id)
    condition.check(row)
    await entries.remove(row)
