"""`/api/v1/speech`: who reads aloud here, and drafts to listen to."""

import asyncio

from fastapi import APIRouter, Request, Response

from controller.accounts.access import ANNOUNCES, READS, ViewerDep
from controller.http.language import language_of
from controller.http.openapi import refusals
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.speech.previews import Sound, previews_of
from controller.speech.schemas import DraftIn, DraftOut, VoiceOut, VoicesOut
from controller.speech.service import address, draft_of
from controller.speech.studio import studio_of
from controller.text import Text

router = APIRouter(prefix="/api/v1/speech", tags=["speech"], route_class=TransactionRoute)


@router.get("/voices", operation_id="listVoices", summary="Who reads aloud on this machine", dependencies=[READS])
async def list_voices(runtime: RuntimeDep, _viewer: ViewerDep) -> VoicesOut:
    """Answer all voices, the one that is taken unasked first."""
    voices = await asyncio.to_thread(studio_of(runtime).voices)
    return VoicesOut(items=[VoiceOut.of(voice) for voice in voices])


@router.post(
    "/previews",
    operation_id="previewSpeech",
    summary="Prepare to hear a draft",
    status_code=201,
    dependencies=[ANNOUNCES],
)
async def preview(
    *,
    request: Request,
    body: DraftIn,
    response: Response,
    session: SessionDep,
    viewer: ViewerDep,
    runtime: RuntimeDep,
    now: NowDep,
) -> DraftOut:
    """Keep the draft for some minutes, and answer where it can be heard. Nothing is stored, nothing is aired."""
    draft, casting = await draft_of(session, viewer, previews_of(runtime), body, now)
    response.headers["Location"] = address(draft)
    note = Text.both(casting.note_vi, casting.note_en).in_language(language_of(request))
    return DraftOut(url=address(draft), expires_at=draft.expires_at, voice=VoiceOut.of(draft.voice), note=note)


@router.get(
    "/previews/{token}",
    operation_id="hearSpeech",
    summary="Hear a draft while it is being read",
    response_class=Response,
    responses={200: {"content": {"audio/mpeg": {}}}, **refusals(503)},
    dependencies=[READS],
)
async def hear(token: str, viewer: ViewerDep, runtime: RuntimeDep, now: NowDep) -> Sound:
    """Answer MP3 from the first sentence on, as it is made. Only who prepared it may hear it."""
    return await previews_of(runtime).listen(viewer, token, now)
