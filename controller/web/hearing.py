"""Drafts heard from a page: what the form holds, to an address that an `<audio>` can play."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from audio.speech import VIETNAMESE
from controller.accounts.viewer import Viewer
from controller.errors import ControllerError
from controller.http.problems import invalid
from controller.runtime import Runtime
from controller.speech.previews import previews_of
from controller.speech.schemas import DraftIn
from controller.speech.service import address, draft_of
from controller.speech.studio import studio_of
from controller.web.i18n import Translator
from controller.web.templating import Page

SPEEDS_WPM = (120, 180)
"""Slow and quick; between them lies the usual pace."""


@dataclass(frozen=True)
class HeardView:
    """Something to hear at once, or why there is nothing."""

    url: str = ""
    note: str = ""
    error: str = ""


async def hear(
    session: AsyncSession,
    viewer: Viewer,
    page: Page,
    runtime: Runtime,
    *,
    text: str,
    voice: str = "",
    speed_wpm: str = "",
) -> HeardView:
    """Keep a draft and say where it is heard; a refusal comes in words."""
    given = {"text": text, "voice": voice or None, **({"speed_wpm": speed_wpm} if speed_wpm else {})}
    try:
        wish = DraftIn.model_validate(given)
        draft, casting = await draft_of(session, viewer, previews_of(runtime), wish, page.now)
    except (ControllerError, ValidationError) as refusal:
        problem = invalid(refusal.errors()) if isinstance(refusal, ValidationError) else refusal
        said = problem.errors[0].message if problem.errors else problem.detail
        return HeardView(error=said.in_language(page.t.language.code))
    vietnamese = page.t.language.code == VIETNAMESE
    return HeardView(url=address(draft), note=casting.note_vi if vietnamese else casting.note_en)


def voice_choices(runtime: Runtime, t: Translator) -> tuple[tuple[str, str], ...]:
    """Who can read Vietnamese here."""
    vietnamese = t.language.code == VIETNAMESE
    voices = studio_of(runtime).voices(VIETNAMESE)
    return tuple((voice.id, voice.vi if vietnamese else voice.en) for voice in voices)


def second_voice_choices(
    runtime: Runtime, t: Translator, languages: Sequence[tuple[str, str]]
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Who can read the other languages here, by the language's name."""
    vietnamese, studio = t.language.code == VIETNAMESE, studio_of(runtime)
    found = (
        (name, tuple((voice.id, voice.vi if vietnamese else voice.en) for voice in studio.voices(code)))
        for code, name in languages
    )
    return tuple((name, voices) for name, voices in found if voices)


def speed_choices(t: Translator) -> tuple[tuple[str, str], ...]:
    """How fast."""
    slow, quick = map(str, SPEEDS_WPM)
    return (("", t("Usual pace")), (slow, t("Slowly")), (quick, t("Quickly")))
