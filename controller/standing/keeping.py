"""What stands ready without anybody's hand: the messages that come with the system, and their sound."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import SYSTEM, Viewer
from controller.announcements.service import Announcements
from controller.announcements.workshop import workshop_of
from controller.areas.models import Area
from controller.areas.tree import ROOT_CODE
from controller.events import AnnouncementSettled, Event, StandingChanged, record_event
from controller.monitoring.hub import hub_of
from controller.runtime import Runtime
from controller.standing.repository import StandingRepository
from controller.standing.service import StandingMessages


def messages_of(runtime: Runtime, session: AsyncSession, viewer: Viewer) -> StandingMessages:
    """Return standing messages as a viewer may change them within a transaction."""
    announcements = Announcements(session, viewer, hub=hub_of(runtime), wake_workshop=workshop_of(runtime).wake)
    return StandingMessages(session, viewer, announcements=announcements, sounds=runtime.settings.standing_sounds)


async def begin(runtime: Runtime) -> int:
    """Have the sound made of what came with the system, and anew where a newer version words it otherwise."""
    if not runtime.settings.standing_sounds:
        return 0
    async with runtime.database.transaction() as session:
        country = await session.get(Area, ROOT_CODE)
        if country is None:
            return 0
        return await messages_of(runtime, session, SYSTEM).begin(country, runtime.clock())


@asynccontextmanager
async def telling(runtime: Runtime) -> AsyncIterator[None]:
    """Tell speakers what to keep once it is made: an area's messages together, or all would be told of each."""

    async def process(session: AsyncSession, events: Sequence[Event]) -> None:
        repository = StandingRepository(session)
        for event in events:
            if isinstance(event, AnnouncementSettled):
                message = await repository.of_announcement(event.announcement_id)
                if message is not None and not await repository.being_made(message.area_code):
                    record_event(session, StandingChanged(message.area.path))

    runtime.database.before_commit.append(process)
    try:
        yield
    finally:
        runtime.database.before_commit.remove(process)
