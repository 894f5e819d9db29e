"""SQL of CAP: senders, the messages that they sent before, and what others were told of ours."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertRow
from controller.alerts.repository import AlertRepository
from controller.alerts.states import AlertState
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import TargetKind
from controller.cap.geometry import BORDER_DEG, outline_of
from controller.cap.judging import Known, Outcome, Seen
from controller.cap.message import Key, MessageId, SenderName, Status
from controller.cap.models import (
    CapFeed,
    CapFeedState,
    CapMessage,
    CapPublished,
    CapReference,
    CapRefusal,
    CapSender,
)
from controller.cap.publishing import OwnPlace
from controller.devices.models import Device
from controller.planning.repository import PlanningRepository, chunks
from controller.repository import Repository
from schedules.types import AlertId, AreaCode

AT_A_TIME: Final = 100
FEED_MAX: Final = 100
"""Messages in our own feed: days of the busiest commune, and a moment to read."""


def key_hash(key: Key) -> str:
    """What a message is found by; neither part of the key holds a comma."""
    return hashlib.sha256(f"{key.sender},{key.identifier}".encode()).hexdigest()


class CapSenderRepository(Repository[CapSender]):
    """Senders for areas in the viewer's subtree."""

    model = CapSender
    order = (CapSender.title, CapSender.id)

    def readable(self, viewer: Viewer) -> Select[CapSender]:
        """Senders in the viewer's area subtree; the base of every other query here."""
        return select(CapSender).join(CapSender.area).where(within(Area.path, viewer.scope))

    def listed(self, viewer: Viewer, *, retired: bool) -> Select[CapSender]:
        """Those of whom messages are taken; with `retired` also those put away."""
        found = self.readable(viewer)
        return found if retired else found.where(CapSender.retired_at.is_(None))

    async def by_token(self, token_hash: str) -> CapSender | None:
        """Whose token it is."""
        return await self.session.scalar(
            select(CapSender).where(CapSender.token_hash == token_hash, CapSender.retired_at.is_(None))
        )

    async def feeds(self, sender: CapSender) -> Sequence[tuple[CapFeed, CapFeedState | None]]:
        """A sender's feeds."""
        found = await self.session.execute(
            select(CapFeed, CapFeedState)
            .outerjoin(CapFeedState, CapFeedState.feed_id == CapFeed.id)
            .where(CapFeed.sender_id == sender.id)
            .order_by(CapFeed.id)
        )
        return [(feed, state) for feed, state in found]

    async def feeds_of(self, senders: Collection[str]) -> dict[str, int]:
        """How many feeds each of these senders has, where it has any."""
        counted = select(CapFeed.sender_id, func.count()).where(CapFeed.sender_id.in_(senders))
        found = await self.session.execute(counted.group_by(CapFeed.sender_id))
        return {row[0]: row[1] for row in found}

    async def feeds_due(self, now: datetime) -> Sequence[tuple[CapFeed, CapFeedState | None]]:
        """The feeds to look at of all senders that are not put away; those that were never looked at included."""
        found = await self.session.execute(
            select(CapFeed, CapFeedState)
            .outerjoin(CapFeedState, CapFeedState.feed_id == CapFeed.id)
            .join(CapSender, CapSender.id == CapFeed.sender_id)
            .where(CapSender.retired_at.is_(None), or_(CapFeedState.next_at.is_(None), CapFeedState.next_at <= now))
            .order_by(CapFeed.id)
        )
        return [(feed, state) for feed, state in found]


class CapMessageRepository(Repository[CapMessage]):
    """What was sent for areas in the viewer's subtree; newest first."""

    model = CapMessage
    order = (CapMessage.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[CapMessage]:
        """Messages of the senders that the viewer sees."""
        senders = (
            select(CapSender.id).join(Area, Area.code == CapSender.area_code).where(within(Area.path, viewer.scope))
        )
        return select(CapMessage).where(CapMessage.sender_id.in_(senders))

    def of(self, viewer: Viewer, sender: CapSender) -> Select[CapMessage]:
        """Those of one sender."""
        return self.readable(viewer).where(CapMessage.sender_id == sender.id)

    async def newest(self, senders: Collection[str]) -> dict[str, CapMessage]:
        """The newest of each of these senders."""
        last = select(func.max(CapMessage.id)).where(CapMessage.sender_id.in_(senders)).group_by(CapMessage.sender_id)
        found = await self.session.scalars(select(CapMessage).where(CapMessage.id.in_(last)))
        return {row.sender_id: row for row in found}

    async def refusals(self, senders: Collection[str]) -> dict[str, CapRefusal]:
        """The newest that was not taken of each of these senders."""
        found = await self.session.scalars(select(CapRefusal).where(CapRefusal.sender_id.in_(senders)))
        return {row.sender_id: row for row in found}


class PublishedRepository:
    """What others were told of our alerts, and what is still to be told."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def unsettled(self) -> Sequence[AlertRow]:
        """Alerts of our own that stand otherwise than they were told, in the order of their release."""
        last = (
            select(CapPublished.alert_id, func.max(CapPublished.revision).label("revision"))
            .group_by(CapPublished.alert_id)
            .subquery()
        )
        return (
            await self._session.scalars(
                select(AlertRow)
                .outerjoin(last, last.c.alert_id == AlertRow.id)
                .outerjoin(
                    CapPublished,
                    and_(CapPublished.alert_id == AlertRow.id, CapPublished.revision == last.c.revision),
                )
                .where(
                    AlertRow.released_at.is_not(None),
                    AlertRow.relayed.is_(False),
                    or_(
                        CapPublished.alert_id.is_(None),
                        and_(AlertRow.state == AlertState.CANCELLED, CapPublished.cancelled.is_(False)),
                        and_(AlertRow.state == AlertState.ACTIVE, CapPublished.expires_at != AlertRow.expires_at),
                    ),
                )
                .order_by(AlertRow.released_at, AlertRow.id)
                .limit(AT_A_TIME)
            )
        ).all()

    async def of_alerts(self, alerts: Collection[str]) -> Sequence[CapPublished]:
        """The messages of these alerts, in the order in which they were told."""
        return (
            await self._session.scalars(
                select(CapPublished)
                .where(CapPublished.alert_id.in_(alerts))
                .order_by(CapPublished.sent_at, CapPublished.alert_id, CapPublished.revision)
            )
        ).all()

    async def places(self, row: AlertRow) -> tuple[OwnPlace, ...]:
        """The areas that an alert addresses, and those in which the single speakers that it addresses stand.

        Of one that was drawn: the drawing, which holds the single speakers in it and stands for the outlines in it.
        """
        keys = {kind: {target.key for target in row.targets if target.kind is kind} for kind in TargetKind}
        codes = set(keys[TargetKind.AREA])
        drawn = outline_of(json.loads(row.polygon)).buffer(BORDER_DEG) if row.polygon is not None else None
        single = await PlanningRepository(self._session).reached(keys | {TargetKind.AREA: set()})
        for chunk in chunks(sorted(single)):
            standing = select(Device.area_code, Device.lat, Device.lon).where(Device.id.in_(chunk))
            for code, lat, lon in await self._session.execute(standing):
                if drawn is None or lat is None or lon is None or not drawn.covers(shapely.Point(lon, lat)):
                    codes.add(code)
        places = await self._places(codes)
        if drawn is None:
            return tuple(places)
        return (*(_beside(each, drawn) for each in places), OwnPlace(None, row.area.name, row.polygon))

    async def _places(self, codes: Collection[str]) -> list[OwnPlace]:
        found: list[OwnPlace] = []
        for chunk in chunks(sorted(codes)):
            areas = await self._session.execute(
                select(Area.code, Area.name, Area.polygon).where(Area.code.in_(chunk)).order_by(Area.code)
            )
            found += [OwnPlace(AreaCode(code), name, polygon) for code, name, polygon in areas]
        return found

    async def newest(self, viewer: Viewer | None) -> Sequence[CapPublished]:
        """What was published of the alerts that the viewer may see, the newest first; None: of all."""
        statement = select(CapPublished).order_by(CapPublished.sent_at.desc(), CapPublished.identifier.desc())
        return (await self._session.scalars(self._for(viewer, statement).limit(FEED_MAX))).all()

    async def find(self, viewer: Viewer | None, identifier: str) -> CapPublished | None:
        """A message that was published."""
        statement = select(CapPublished).where(CapPublished.identifier == identifier)
        return await self._session.scalar(self._for(viewer, statement))

    def _for(self, viewer: Viewer | None, statement: Select[CapPublished]) -> Select[CapPublished]:
        if viewer is None:
            return statement
        seen = AlertRepository(self._session).readable(viewer).with_only_columns(AlertRow.id)
        return statement.where(CapPublished.alert_id.in_(seen))


class CapTraffic:
    """What one sender has sent before. Nothing of other senders is ever seen."""

    def __init__(self, session: AsyncSession, sender: CapSender) -> None:
        self._session = session
        self._sender = sender

    async def hold(self) -> None:
        """Take one message of a sender at a time: a cancellation must see the alert that came a moment before."""
        await self._session.execute(select(CapSender.id).where(CapSender.id == self._sender.id).with_for_update())

    async def known(self, keys: Collection[Key]) -> Known:
        """What is known of these messages."""
        hashes = {key_hash(key) for key in keys}
        rows = await self._messages(hashes)
        later = await self._later(hashes)
        return Known(
            messages={
                Key(SenderName(row.sender_name), MessageId(row.identifier)): self._seen(row, later) for row in rows
            },
            superseded=frozenset(
                (Status(row.status), key) for key in keys for row, named in later if named == key_hash(key)
            ),
        )

    async def _messages(self, hashes: Collection[str]) -> Sequence[CapMessage]:
        """The sender's messages among these."""
        return (
            await self._session.scalars(
                select(CapMessage).where(CapMessage.sender_id == self._sender.id, CapMessage.key_hash.in_(hashes))
            )
        ).all()

    async def carrying(self, alerts: Collection[AlertId], now: datetime) -> list[CapMessage]:
        """The sender's messages that raised any of these alerts, and are not over."""
        rows = (
            await self._session.scalars(
                select(CapMessage).where(CapMessage.sender_id == self._sender.id, CapMessage.over_at > now)
            )
        ).all()
        return [row for row in rows if set(row.alerts) & set(alerts)]

    async def _later(self, hashes: Collection[str]) -> Sequence[tuple[CapMessage, str]]:
        """The sender's messages that name any of these, with which they name."""
        found = await self._session.execute(
            select(CapMessage, CapReference.key_hash)
            .join(CapReference, CapReference.message_id == CapMessage.id)
            .where(
                CapMessage.sender_id == self._sender.id,
                CapMessage.outcome != Outcome.SILENT,
                CapReference.key_hash.in_(hashes),
            )
        )
        return [(row, named) for row, named in found]

    @staticmethod
    def _seen(row: CapMessage, later: Iterable[tuple[CapMessage, str]]) -> Seen:
        """The message, with what has replaced its alerts since."""
        rows = [row, *(other for other, named in later if named == row.key_hash and other.status is row.status)]
        return Seen(
            Key(SenderName(row.sender_name), MessageId(row.identifier)),
            row.status,
            max(each.over_at for each in rows if each.alerts or each is row),
            tuple(AlertId(alert) for each in rows for alert in each.alerts),
        )


def _beside(place: OwnPlace, drawn: BaseGeometry) -> OwnPlace:
    """The place beside a drawing: by its code alone where the drawing holds its outline."""
    if place.polygon is None or not drawn.covers(outline_of(json.loads(place.polygon))):
        return place
    return OwnPlace(place.code, place.name)
