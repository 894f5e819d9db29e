"""What alerts say: typed, taken from the library, or as a standing message has it; and what ends them."""

from datetime import datetime
from types import EllipsisType
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from audio.signals import EXERCISE_SAID, TEST_SAID, TEST_WORDS
from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertRow
from controller.alerts.schemas import AlertEdit, AlertIn
from controller.alerts.standing import NO_DANGER, Hazard
from controller.announcements.models import Announcement, Kind
from controller.announcements.repository import AnnouncementRepository
from controller.announcements.schemas import AnnouncementIn, Second
from controller.announcements.service import Announcements, Recording
from controller.areas.models import Area
from controller.cap.speech import primary
from controller.errors import Invalid
from controller.standing.repository import StandingRepository
from controller.standing.words import Message, blanks_in, in_force, named, sound_of
from controller.text import Text
from protocol.messages import AlertKind

MARKS: Final = {AlertKind.EXERCISE: EXERCISE_SAID, AlertKind.TEST: TEST_SAID}
"""With which words what is not the real thing begins, by language."""
TEST_OVER: Final = f"{TEST_WORDS} Việc thử đã xong, không có nguy hiểm."
"""What is said where a test that is heard is called off."""
CATEGORY: Final = "Khẩn cấp"
"""Of the announcements that alerts say: one of those that people see and choose from."""
VIETNAMESE: Final = "vi"


class Wording:
    """The words of alerts within one transaction."""

    def __init__(self, session: AsyncSession, viewer: Viewer, announcements: Announcements) -> None:
        self._session = session
        self._viewer = viewer
        self._announcements = announcements

    async def of_draft(self, wish: AlertIn, area: Area, now: datetime) -> Announcement | None:
        """Return what a new alert says; None: its signal alone."""
        kind = None if wish.silent else wish.kind
        if wish.announcement_id is not None:
            return await self._ready(wish.announcement_id, kind)
        text = marked(kind, _filled_in("text", wish.text))
        if not text:
            return None
        second = _also(kind, wish.second) if "second" in wish.model_fields_set else ...
        return await self._spoken(area, wish.headline, text, second, now)

    async def of_edit(self, row: AlertRow, wish: AlertEdit, now: datetime) -> Announcement | None:
        """Return a draft's words as they are to be: made anew, for what it said until now others may say, too."""
        before, kind = row.announcement, None if row.volume == 0 else row.kind
        if wish.announcement_id is not None:
            return await self._ready(wish.announcement_id, kind)
        second = wish.second if "second" in wish.model_fields_set else _second_of(before)
        said = before.text if before else ""
        text = said if wish.text is None else _filled_in("text", wish.text)
        if text:
            text, also = marked(kind, text), _also(kind, second)
            return await self._spoken(row.area, wish.headline or row.headline, text, also, now, before=before)
        if wish.text is None or wish.second is not None:
            raise Invalid.field("second", Text("Type the first words, too"))
        return None

    async def of_end(self, row: AlertRow, text: str, now: datetime) -> Announcement:
        """Return what is said where an alert is called off."""
        words = marked(row.kind, text or await self.all_clear(row))
        return await self._spoken(row.area, f"Báo yên: {row.headline}"[:200], words, ..., now)

    async def all_clear(self, row: AlertRow) -> str:
        """Return the words of that, unless somebody says it otherwise."""
        if row.kind is AlertKind.TEST:
            return TEST_OVER
        return named(await self.standing(row.area), Hazard.ALL_CLEAR).text

    async def standing(self, area: Area) -> tuple[Message, ...]:
        """Return the standing messages that hold in an area."""
        return in_force(await StandingRepository(self._session).holding(area.path), area.code)

    async def hazard(self, wish: AlertIn, area: Area) -> Hazard | None:
        """Return of which danger an alert warns that began with a standing message, though its words were changed."""
        begun = await self.standing(area)
        same = (each.hazard for each in begun if wish.headline == each.headline or wish.text == each.text)
        return next((each for each in same if each not in NO_DANGER), None)

    async def _ready(self, announcement_id: str, kind: AlertKind | None) -> Announcement:
        """Return an announcement as it stands. A recording in another language is believed to say what it must."""
        known = AnnouncementRepository(self._session)
        await known.hold(announcement_id)  # an edit comes before this and is seen, or after and is refused
        words = await known.find(self._viewer, announcement_id)
        if words is None or words.retired_at is not None:
            raise Invalid.field("announcement_id", Text("There is no such announcement"))
        said = _filled_in("announcement_id", words.text if words.kind is Kind.TEXT else "")
        _check_marked(kind, said, VIETNAMESE)
        if words.second_language is not None and words.second_text:
            _check_marked(kind, words.second_text, words.second_language)
        return words

    async def _spoken(
        self,
        area: Area,
        title: str,
        text: str,
        second: Second | EllipsisType | None,
        now: datetime,
        *,
        before: Announcement | None = None,
    ) -> Announcement:
        """Return words with their sound: speakers have it already where it is that of a standing message.

        `second`: the same in another language; `...`: in whatever follows them there. `before`: what was said until
        now; its voice stays, and its recording of the same words.
        """
        if before is None or before.language == VIETNAMESE:
            made = sound_of(await StandingRepository(self._session).holding(area.path), text, second)
            if made is not None:
                return made
        also = second if isinstance(second, Second) else None
        wish = AnnouncementIn(
            title=title, area_code=area.code, text=text, second=also, category=CATEGORY, **_voice_of(before)
        )
        return await self._announcements.type(wish, now, _recording_of(before, text))


def marked(kind: AlertKind | None, text: str, language: str = VIETNAMESE) -> str:
    """Return words that begin by saying what it is, where it is not the real thing. None: nobody hears them.

    In a language in which we have no such words they stay as they are: the Vietnamese before them has said it.
    """
    mark = _mark(kind, language)
    begun = (mark, f"{_mark(kind, VIETNAMESE)} {mark}")  # what CAP brings says it in both
    said = text.lstrip().casefold().startswith(tuple(each[:-1].casefold() for each in begun))
    return text if said or not mark else f"{mark} {text}".strip()


def _mark(kind: AlertKind | None, language: str) -> str:
    return MARKS[kind].get(primary(language), "") if kind in MARKS else ""


def _check_marked(kind: AlertKind | None, text: str, language: str) -> None:
    if marked(kind, text, language) != text:
        raise Invalid.field(
            "announcement_id",
            Text("The words must begin with “%(mark)s”. Type them, and it is added.", mark=_mark(kind, language)),
        )


def _also(kind: AlertKind | None, second: Second | None) -> Second | None:
    """Return what is typed in another language as it is said."""
    if second is None:
        return None
    text = marked(kind, _filled_in("second", second.text), second.language)
    return second.model_copy(update={"text": text})


def _filled_in(field: str, text: str) -> str:
    """Return words that have no blank left, and can be read out."""
    if text and not any(map(str.isalnum, text)):
        raise Invalid.field(field, Text("There is no word to read"))
    if blanks := blanks_in(text):
        raise Invalid.field(field, Text("Fill in the blank “%(blank)s”", blank=blanks[0]))
    return text


def _second_of(said: Announcement | None) -> Second | None:
    """Return what is said in another language, where it was typed."""
    if said is None or said.second_language is None or not said.second_text:
        return None
    return Second(language=said.second_language, text=said.second_text, voice=said.second_voice)


def _voice_of(said: Announcement | None) -> dict[str, Any]:
    """Return who says it, as a wish for other words names it."""
    return {"language": said.language, "voice": said.voice, "speed_wpm": said.speed_wpm} if said else {}


def _recording_of(said: Announcement | None, text: str) -> Recording | None:
    """Return the recording of these words, where they were recorded."""
    if said is None or said.kind is not Kind.TEXT or said.text != text or not (said.source or said.recording_url):
        return None
    return Recording(said.source, said.recording_url, said.recording_sha1)
