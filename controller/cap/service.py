"""Taking CAP messages: read, judge, hand over to the alert room, and remember, in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.secrets import token_hash
from controller.cap.atlas import atlas_below
from controller.cap.errors import CapRefused
from controller.cap.fetching import Fetcher
from controller.cap.geometry import Atlas
from controller.cap.judging import Intake, Outcome, SenderPolicy, asked_about, judge
from controller.cap.ladder import Ladder
from controller.cap.loading import load
from controller.cap.message import Message, SenderName
from controller.cap.models import CapFeed, CapFeedState, CapMessage, CapReference, CapRefusal, CapSender
from controller.cap.polling import Arrival, FeedState, Look, failed, look
from controller.cap.reading import read
from controller.cap.repository import CapSenderRepository, CapTraffic, key_hash
from controller.cap.signature import pinned, signed_part
from controller.database import Actor, Database, actor_of, new_id, set_actor
from controller.errors import TooManyAttempts, Unauthenticated
from schedules.types import AlertId

log = structlog.get_logger(__name__)

LOOKS_AT_ONCE: Final = 4


class AlertRoom(Protocol):
    """Where alerts live, as CAP sees it."""

    async def carry_out(self, intake: Intake, sender: CapSender, *, now: datetime) -> Sequence[AlertId]:
        """End, raise and say what the intake asks, within the caller's transaction.

        Return an id for each of `intake.raises`, in order. Where they are held, `intake.ends` ends with their release.
        """


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that was taken, and what it came to."""

    message: CapMessage
    intake: Intake


class CapService:
    """CAP messages within one transaction."""

    def __init__(self, session: AsyncSession, room: AlertRoom) -> None:
        self._session = session
        self._room = room
        self._senders = CapSenderRepository(session)

    async def sender_of(self, token: str) -> CapSender:
        """Who sends with this token; raises `Unauthenticated`."""
        sender = await self._senders.by_token(token_hash(token))
        if sender is None:
            raise Unauthenticated
        return sender

    async def answer(self, sender: CapSender, data: bytes, *, now: datetime) -> Taken | CapRefused:
        """Take a message of `sender`, or remember why not and return that. Raises `TooManyAttempts`."""
        try:
            return await self.take(sender, data, now=now)
        except CapRefused as refused:
            await CapTraffic(self._session, sender).hold()
            await self._session.merge(CapRefusal(sender_id=sender.id, at=now, code=refused.code))
            return refused

    async def take(self, sender: CapSender, data: bytes, *, now: datetime) -> Taken:
        """Take a message of `sender`; raises `CapRefused` or `TooManyAttempts`, and then nothing has changed."""
        set_actor(self._session, Actor(sender.id, f"CAP {sender.title}", actor_of(self._session).address))
        signed = bool(sender.certificates)
        message = await asyncio.to_thread(_read, data, tuple(sender.certificates), now)
        traffic = CapTraffic(self._session, sender)
        await traffic.hold()
        atlas = await _atlas(self._session, sender, message)
        known = await traffic.known(asked_about(message))
        intake = await asyncio.to_thread(judge, message, _policy(sender), atlas, known, signed=signed, now=now)
        alerts = await self._room.carry_out(intake, sender, now=now) if intake.outcome is not Outcome.SILENT else ()
        if not intake.held:
            for row in await traffic.carrying(intake.ends, now):
                row.over_at = now
        row = _row(message, intake, alerts, now)
        row.sender_id, row.document = sender.id, data
        self._session.add(row)
        hashes = {key_hash(reference.key) for reference in message.references}
        self._session.add_all(CapReference(message_id=row.id, key_hash=each) for each in sorted(hashes))
        log.info("cap.taken", sender=sender.id, outcome=intake.outcome, held=intake.held, raised=len(alerts))
        return Taken(row, intake)


async def _atlas(session: AsyncSession, sender: CapSender, message: Message) -> Atlas:
    """The sender's areas; outlines and positions only where the message draws something."""
    drawn = any(place.polygons or place.circles for info in message.infos for place in info.places)
    return await atlas_below(session, sender.area.path, drawn=drawn)


def _row(message: Message, intake: Intake, alerts: Sequence[AlertId], now: datetime) -> CapMessage:
    return CapMessage(
        id=new_id(),
        key_hash=key_hash(message.key),
        sender_name=message.sender,
        identifier=message.identifier,
        sent_at=message.sent,
        received_at=now,
        status=message.status,
        type=message.type,
        outcome=intake.outcome,
        notices=[notice.code for notice in intake.notices],
        alerts=list(alerts),
        over_at=max((wanted.expires_at for wanted in intake.raises), default=now),
    )


class FeedReader:
    """Looks at the feeds and takes what is in them: each message in a transaction of its own, the state last."""

    def __init__(self, database: Database, fetcher: Fetcher, room: Callable[[AsyncSession], AlertRoom]) -> None:
        self._database = database
        self._fetcher = fetcher
        self._room = room
        self._at_once = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def look_at_due(self, now: datetime) -> None:
        """Look at every feed whose time has come."""
        async with self._database.reading() as session:
            due = await CapSenderRepository(session).feeds_due(now)
        await asyncio.gather(*(self._look_at(feed, _state(state), now) for feed, state in due))

    async def _look_at(self, feed: CapFeed, state: FeedState, now: datetime) -> None:
        async with self._at_once:
            period = timedelta(seconds=feed.interval_s)
            found = await look(self._fetcher, feed.url, state, now=now, period=period)
        try:
            for arrival in found.arrivals:
                await self.take(feed, arrival, now)
        except TooManyAttempts as error:  # those that were taken are known by their identifiers, the others come again
            log.warning("cap.feed_held_back", feed=feed.id, sender=feed.sender_id, retry_after_s=error.retry_after_s)
            found = Look(failed(state, now, retry_after_s=error.retry_after_s), problem=error.code)
        async with self._database.transaction() as session:
            if await session.get(CapFeed, feed.id) is not None:
                await session.merge(_kept(feed.id, found, now))

    async def take(self, feed: CapFeed, arrival: Arrival, now: datetime) -> None:
        """Take one message. One that is refused would be refused again: it is told once, and done with."""
        async with self._database.transaction() as session:
            sender = await session.get_one(CapSender, feed.sender_id)
            if sender.retired_at is not None:
                return
            came_to = await CapService(session, self._room(session)).answer(sender, arrival.data, now=now)
        if isinstance(came_to, CapRefused):
            log.warning("cap.refused", feed=feed.id, sender=feed.sender_id, code=came_to.code, number=came_to.number)


def _state(row: CapFeedState | None) -> FeedState:
    if row is None:
        return FeedState()
    return FeedState(row.etag, row.last_modified, frozenset(row.handled), row.failures, row.next_at)


def _kept(feed_id: str, found: Look, now: datetime) -> CapFeedState:
    state = found.state
    return CapFeedState(
        feed_id=feed_id,
        etag=state.etag,
        last_modified=state.last_modified,
        handled=sorted(state.handled),
        failures=state.failures,
        problem=found.problem,
        looked_at=now,
        next_at=state.next_at,
    )


def _read(data: bytes, certificates: Sequence[str], now: datetime) -> Message:
    """Read a message; of a sender with certificates only what one of them signed."""
    if not certificates:
        return read(data)
    load(data)
    return read(signed_part(data, [pinned(pem) for pem in certificates], now=now))


def _policy(sender: CapSender) -> SenderPolicy:
    return SenderPolicy(
        names=frozenset(map(SenderName, sender.names)),
        release=sender.release,
        ladder=Ladder.model_validate(sender.ladder),
        languages=tuple(sender.languages),
    )
