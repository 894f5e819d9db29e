"""What administrators may do with senders and their feeds."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.secrets import new_token, token_hash
from controller.accounts.viewer import Viewer
from controller.areas.service import Areas
from controller.cap.models import CapFeed, CapFeedState, CapMessage, CapSender
from controller.cap.repository import CapMessageRepository, CapSenderRepository
from controller.cap.schemas import FeedEdit, FeedIn, SenderEdit, SenderIn
from controller.cap.signature import pinned
from controller.database import new_id
from controller.errors import Conflict, Invalid, NotFound
from controller.repository import Page, PageRequest
from controller.text import Text

FEEDS_MAX = 20


class CapSenders:
    """Senders within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.repository = CapSenderRepository(session)
        self._session = session
        self._viewer = viewer

    async def get(self, sender_id: str) -> CapSender:
        """Return a sender that the viewer sees; raises `NotFound`."""
        return await self.repository.get(self._viewer, sender_id)

    async def add(self, wish: SenderIn) -> CapSender:
        """Take messages of somebody from now on: by a token, or from feeds."""
        area = await Areas(self._session, self._viewer).place(wish.area_code)
        _check(wish.certificates)
        row = self.repository.add(
            CapSender(
                id=new_id(),
                area=area,
                area_code=area.code,
                title=wish.title,
                names=wish.names,
                certificates=wish.certificates,
                release=wish.release,
                ladder=wish.ladder.model_dump(mode="json"),
                languages=wish.languages,
            )
        )
        await self._session.flush()
        return row

    async def edit(self, row: CapSender, wish: SenderEdit, now: datetime) -> CapSender:
        """Change what the wish names. One that is put away is brought back before anything else."""
        if wish.retired is False:
            row.retired_at = None
        _check_in_use(row)
        if wish.certificates is not None:
            _check(wish.certificates)
            row.certificates = wish.certificates
            for feed, _ in await self.repository.feeds(row):
                _check_feed(feed.url, row)
        row.title = wish.title or row.title
        row.names = row.names if wish.names is None else wish.names
        row.release = wish.release or row.release
        row.languages = wish.languages or row.languages
        if wish.ladder is not None:
            row.ladder = wish.ladder.model_dump(mode="json")
        if wish.retired:
            row.retired_at = now
        await self._session.flush()
        return row

    async def give_token(self, row: CapSender) -> str:
        """Return a new token with which it sends; the one before is worth nothing any more."""
        _check_in_use(row)
        token = new_token()
        row.token_hash = token_hash(token)
        await self._session.flush()
        return token

    async def take_token(self, row: CapSender) -> None:
        """Take nothing any more of what it sends; its feeds are read on."""
        row.token_hash = None
        await self._session.flush()

    async def add_feed(self, row: CapSender, wish: FeedIn) -> CapFeed:
        """Read what it publishes there."""
        _check_in_use(row)
        _check_feed(wish.url, row)
        known = await self.repository.feeds(row)
        if any(feed.url == wish.url for feed, _ in known):
            raise Conflict(Text("This feed is there already"))
        if len(known) >= FEEDS_MAX:
            raise Conflict(Text("A sender has at most %(feeds_max)s feeds", feeds_max=FEEDS_MAX))
        feed = CapFeed(id=new_id(), sender_id=row.id, url=wish.url, interval_s=wish.interval_s)
        self._session.add(feed)
        await self._session.flush()
        return feed

    async def feeds(self, row: CapSender) -> Sequence[tuple[CapFeed, CapFeedState | None]]:
        """Its feeds, and how reading them goes."""
        return await self.repository.feeds(row)

    async def remove_feed(self, row: CapSender, feed_id: str) -> None:
        """Read a feed no more."""
        feed, _ = await self._feed(row, feed_id)
        await self._session.delete(feed)
        await self._session.flush()

    async def edit_feed(self, row: CapSender, feed_id: str, wish: FeedEdit) -> tuple[CapFeed, CapFeedState | None]:
        """Look at a feed more or less often from now on; the next look is at once."""
        feed, state = await self._feed(row, feed_id)
        feed.interval_s = wish.interval_s
        if state is not None:
            state.next_at = None
        await self._session.flush()
        return feed, state

    async def _feed(self, row: CapSender, feed_id: str) -> tuple[CapFeed, CapFeedState | None]:
        found = next((each for each in await self.repository.feeds(row) if each[0].id == feed_id), None)
        if found is None:
            raise NotFound
        return found

    async def messages(self, row: CapSender, page: PageRequest) -> Page[CapMessage]:
        """What it has sent, the newest first."""
        repository = CapMessageRepository(self._session)
        return await repository.page(repository.of(self._viewer, row), page)


def _check_in_use(sender: CapSender) -> None:
    if sender.retired_at is not None:
        raise Conflict(Text("This sender was put away. Bring it back first."))


def _check(certificates: Sequence[str]) -> None:
    for pem in certificates:
        pinned(pem)


def _check_feed(url: str, sender: CapSender) -> None:
    """Refuse what anybody on the way could rewrite."""
    if urlsplit(url).scheme != "https" and not sender.certificates:
        raise Invalid.field(
            "url", Text("An unsigned feed must be https. Add the sender's certificate, or use an https address.")
        )
