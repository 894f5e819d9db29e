"""What may happen to standing messages. Their sound is made at once, and kept by every speaker that may need it."""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import SYSTEM, Viewer
from controller.alerts.standing import STANDING, Hazard
from controller.announcements.models import Announcement, Status
from controller.announcements.schemas import AnnouncementIn, Second
from controller.announcements.service import Announcements
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import ROOT_CODE
from controller.errors import Invalid, NotFound
from controller.events import StandingChanged, record_event
from controller.http.versions import Precondition, quoted
from controller.standing.models import StandingMessage
from controller.standing.repository import StandingRepository
from controller.standing.schemas import SecondIn, StandingIn
from controller.standing.words import Message, blanks_in, in_force, named
from controller.text import Text

log = structlog.get_logger(__name__)

CATEGORY = "standing"
"""Of the announcements that are the sound of standing messages."""


class StandingMessages:
    """Standing messages within one transaction, as one viewer may change them."""

    def __init__(
        self, session: AsyncSession, viewer: Viewer, *, announcements: Announcements, sounds: bool = True
    ) -> None:
        self.repository = StandingRepository(session)
        self._session = session
        self._viewer = viewer
        self._announcements = announcements
        self._sounds = sounds
        """Whether their sound is made beforehand."""

    async def area(self, code: str) -> Area:
        """Return an area of the viewer's. Raises `NotFound`."""
        return await AreaRepository(self._session).get(self._viewer, code)

    async def all(self, area: Area) -> tuple[Message, ...]:
        """Return what holds in an area, a message for each hazard."""
        return in_force(await self.repository.holding(area.path), area.code)

    async def one(self, area: Area, hazard: Hazard) -> Message:
        """Return what holds in an area for a hazard."""
        return named(await self.all(area), hazard)

    async def word(
        self, area: Area, hazard: Hazard, wish: StandingIn, now: datetime, condition: Precondition
    ) -> Message:
        """Give an area its own words. Until their sound is on a speaker, it fetches it when it is needed.

        Raises `PreconditionFailed` where something else holds there than was read.
        """
        await self._demand(area, hazard, condition)
        if hazard is Hazard.ALL_CLEAR and blanks_in(wish.text):
            raise Invalid.field(
                "text", Text("An all-clear may have no blank {…}: nobody fills it in when an alert is called off")
            )
        return await self._word(area, hazard, wish, self._viewer.name, now)

    async def _word(self, area: Area, hazard: Hazard, wish: StandingIn, author: str, now: datetime) -> Message:
        row = await self.repository.own(area.code, hazard)
        if row is None:
            row = StandingMessage(area_code=area.code, area=area, hazard=hazard)
            self._session.add(row)
        elif _said(row) == _wished(wish) and not _failed(row.announcement):
            return await self.one(area, hazard)
        _put_away(row.announcement, now)
        earlier_id = _last_made(row)
        row.headline, row.text = wish.headline, wish.text
        row.second_language = wish.second.language if wish.second else None
        row.second_text = wish.second.text if wish.second else ""
        row.author, row.updated_at = author, now
        row.announcement = await self._voiced(area, wish, now)
        row.earlier_id = earlier_id if row.announcement else None
        await self._session.flush()
        if row.announcement is None:  # otherwise speakers are told once, when its sound is there
            record_event(self._session, StandingChanged(area.path))
        log.info("standing.worded", area=area.code, hazard=str(hazard), by=author)
        return await self.one(area, hazard)

    async def reset(self, area: Area, hazard: Hazard, now: datetime, condition: Precondition) -> Message:
        """Take an area's own words back: what holds above holds here again. Raises `NotFound` where there are none.

        Raises `PreconditionFailed` where something else holds there than was read.
        """
        await self._demand(area, hazard, condition)
        row = await self.repository.own(area.code, hazard)
        if row is None or row.author == SYSTEM.name:
            raise NotFound
        _put_away(row.announcement, now)
        await self._session.delete(row)
        await self._session.flush()
        record_event(self._session, StandingChanged(area.path))
        if area.code == ROOT_CODE:
            await self.begin(area, now)
        return await self.one(area, hazard)

    async def begin(self, country: Area, now: datetime) -> int:
        """Have the country say what came with the system, unless it says something else; returns how much is new."""
        known = {row.hazard: row for row in await self.repository.holding(country.path)}
        news = 0
        for each in STANDING:
            row = known.get(each.code)
            wish = StandingIn(headline=each.headline, text=each.text)
            if self._sounds and (row is None or (row.author == SYSTEM.name and _said(row) != _wished(wish))):
                await self._word(country, each.code, wish, SYSTEM.name, now)
                news += 1
        return news

    async def _demand(self, area: Area, hazard: Hazard, condition: Precondition) -> None:
        """Demand that what was read still holds. Held, so that of two edits at once the second sees the first."""
        await AreaRepository(self._session).hold(area.code)
        holding = await self.repository.holding(area.path, anew=True)
        condition.demand(quoted(named(in_force(holding, area.code), hazard).version))

    async def _voiced(self, area: Area, wish: StandingIn, now: datetime) -> Announcement | None:
        if not self._sounds or blanks_in(wish.text):
            return None
        said = AnnouncementIn(
            title=wish.headline,
            area_code=area.code,
            text=wish.text,
            second=Second(language=wish.second.language, text=wish.second.text) if wish.second else None,
            category=CATEGORY,
        )
        return await self._announcements.type(said, now)


def _put_away(sound: Announcement | None, now: datetime) -> None:
    """Keep for the record what alerts may have said; an alert that still says it keeps its sound too."""
    if sound is not None:
        sound.retired_at = now


def _last_made(row: StandingMessage) -> str | None:
    """Return the sound that speakers have of a message."""
    made = row.announcement is not None and row.announcement.clip_sha256 is not None
    return row.announcement_id if made else row.earlier_id


def _failed(sound: Announcement | None) -> bool:
    return sound is not None and sound.status is Status.FAILED


def _said(row: StandingMessage) -> tuple[str, str, str | None, str]:
    return row.headline, row.text, row.second_language, row.second_text


def _wished(wish: StandingIn) -> tuple[str, str, str | None, str]:
    second: SecondIn | None = wish.second
    return wish.headline, wish.text, second.language if second else None, second.text if second else ""
