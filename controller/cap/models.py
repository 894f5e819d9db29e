"""The tables of CAP: who sends, what came, and the feeds that are looked at."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.areas.models import Area, Code
from controller.cap.judging import Outcome, Release
from controller.cap.ladder import DEFAULT_LADDER
from controller.cap.message import MessageType, Status
from controller.cap.polling import INTERVAL_S
from controller.columns import stored_as_text
from controller.database import Base, Versioned, new_id

Id = String(26)
KeyHash = String(64)
"""Of a message's sender and identifier, which may be longer than an index takes."""


class CapSender(Versioned, Base):
    """Somebody whose messages we take, for one area and all below it."""

    __tablename__ = "cap_senders"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(200))
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    names: Mapped[list[str]] = mapped_column(JSON, default=list)
    """What its messages may call their sender; none: anything."""
    certificates: Mapped[list[str]] = mapped_column(JSON, default=list)
    """In PEM. With any, whatever it sends must be signed by one of them."""
    release: Mapped[Release] = mapped_column(stored_as_text(Release), default=Release.OFFICER)
    ladder: Mapped[dict[str, Any]] = mapped_column(JSON, default=lambda: DEFAULT_LADDER.model_dump(mode="json"))
    languages: Mapped[list[str]] = mapped_column(JSON, default=lambda: ["vi"])
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Of the token with which it sends; None: only its feeds are read."""
    retired_at: Mapped[datetime | None]
    """Put away: nothing of it is taken any more. It is never deleted, since alerts and the trail name it."""

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)


class CapMessage(Base):
    """A message that was taken, whatever it came to: kept as it came."""

    __tablename__ = "cap_messages"
    __table_args__ = (UniqueConstraint("sender_id", "key_hash"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    sender_id: Mapped[str] = mapped_column(Id, ForeignKey("cap_senders.id"), index=True)
    key_hash: Mapped[str] = mapped_column(KeyHash)
    sender_name: Mapped[str] = mapped_column(Text)
    identifier: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[Status] = mapped_column(stored_as_text(Status))
    type: Mapped[MessageType] = mapped_column(stored_as_text(MessageType))
    outcome: Mapped[Outcome] = mapped_column(stored_as_text(Outcome))
    notices: Mapped[list[str]] = mapped_column(JSON)
    """Their stable codes."""
    alerts: Mapped[list[str]] = mapped_column(JSON)
    """Ids of what was raised for it."""
    over_at: Mapped[datetime]
    """When the last of its alerts ends, or was ended by another message."""
    document: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class CapReference(Base):
    """A message that another one names, whether it ever came or not."""

    __tablename__ = "cap_references"

    message_id: Mapped[str] = mapped_column(Id, ForeignKey("cap_messages.id", ondelete="CASCADE"), primary_key=True)
    key_hash: Mapped[str] = mapped_column(KeyHash, primary_key=True, index=True)


class CapRefusal(Base):
    """The newest message of a sender that was not taken, and why: for whoever looks after it."""

    __tablename__ = "cap_refusals"

    sender_id: Mapped[str] = mapped_column(Id, ForeignKey("cap_senders.id"), primary_key=True)
    at: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(64))
    """Stable (`errors.CapRefused.code`)."""


class CapFeed(Versioned, Base):
    """A feed in which a sender publishes."""

    __tablename__ = "cap_feeds"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    sender_id: Mapped[str] = mapped_column(Id, ForeignKey("cap_senders.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    interval_s: Mapped[int] = mapped_column(default=INTERVAL_S, server_default=str(INTERVAL_S))
    """How often it is looked at while all is well."""


class CapFeedState(Base):
    """How far a feed was read (`polling.FeedState`)."""

    __tablename__ = "cap_feed_states"

    feed_id: Mapped[str] = mapped_column(Id, ForeignKey("cap_feeds.id", ondelete="CASCADE"), primary_key=True)
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(Text)
    handled: Mapped[list[str]] = mapped_column(JSON)
    failures: Mapped[int]
    problem: Mapped[str | None] = mapped_column(String(64))
    """The stable code of what was wrong with it at the last look."""
    looked_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None] = mapped_column(index=True)


class CapPublished(Base):
    """A message that told others of an alert of ours: kept as it was signed."""

    __tablename__ = "cap_published"

    alert_id: Mapped[str] = mapped_column(Id, ForeignKey("alerts.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sender_name: Mapped[str] = mapped_column(Text)
    """What we called ourselves then."""
    identifier: Mapped[str] = mapped_column(String(64), unique=True)
    sent_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    cancelled: Mapped[bool]
    document: Mapped[bytes] = mapped_column(LargeBinary)
