"""What CAP does without anybody's hand: reading feeds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from controller.cap.fetching import Fetcher
from controller.cap.room import room_of
from controller.cap.service import FeedReader
from controller.runtime import Runtime


@asynccontextmanager
async def reading_feeds(runtime: Runtime) -> AsyncIterator[None]:
    """Keep what reads feeds: the clockwork lets it `look`."""
    fetcher = Fetcher(own_networks=runtime.settings.cap_networks)
    runtime.parts[FeedReader] = FeedReader(runtime.database, fetcher, room_of(runtime))
    try:
        yield
    finally:
        del runtime.parts[FeedReader]
        await fetcher.aclose()


async def look(runtime: Runtime) -> None:
    """Look at the feeds whose time has come."""
    reader: FeedReader = runtime.parts[FeedReader]
    await reader.look_at_due(runtime.clock())
