"""A draft on its way to an ear."""

import asyncio
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from audio.errors import AudioError
from audio.speech import Casting
from controller.accounts.viewer import Viewer
from controller.areas.service import Areas
from controller.pronunciations.service import dictionary_for
from controller.speech.previews import KEPT_FOR, Draft, Previews, refusal
from controller.speech.schemas import DraftIn

PREVIEWS = "/api/v1/speech/previews"


async def draft_of(
    session: AsyncSession, viewer: Viewer, previews: Previews, wish: DraftIn, now: datetime
) -> tuple[Draft, Casting]:
    """Keep what is to be heard, with the voice and the dictionary that it will be read with."""
    area = await Areas(session, viewer).place(wish.area_code or viewer.area_code)
    try:
        casting = await asyncio.to_thread(previews.studio.cast, wish.voice, wish.language)
    except AudioError as error:
        raise refusal(error) from error
    draft = Draft(
        text=wish.text,
        voice=casting.voice,
        speed_wpm=wish.speed_wpm,
        dictionary=await dictionary_for(session, area, wish.language),
        user_id=viewer.user_id,
        expires_at=now + KEPT_FOR,
    )
    previews.keep(draft, now)
    return draft, casting


def address(draft: Draft) -> str:
    """Where a draft can be heard: no word of it stands in the address."""
    return f"{PREVIEWS}/{draft.token}"
