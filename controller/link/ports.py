"""What the link needs from the house: somewhere to take what must be said, and to bring what was heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from protocol.topics import DeviceTopic


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something to publish. A retained empty payload clears its topic."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expires_in_s: int | None = None
    receipt: str | None = None
    """What the outbox recognises it by once the broker has it."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Something a speaker said."""

    topic: DeviceTopic
    payload: bytes
    retained: bool
    """An old message that the broker kept: it says nothing about now."""


class Outbox(Protocol):
    """What must stand on the broker, from the database."""

    async def everything(self, after: str | None, limit: int) -> Sequence[Outgoing]:
        """Every document that must stand on the broker, by topic, in pages."""

    async def waiting(self, limit: int) -> Sequence[Outgoing]:
        """Documents that changed since they were last published, and commands not yet sent."""

    async def urgent(self, limit: int) -> Sequence[Outgoing]:
        """Of what waits, the alerts: nothing else goes before them."""

    async def sequel(self, sent: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """What follows these at once, and is not kept: small sounds of alerts."""

    async def published(self, sent: Sequence[Outgoing]) -> None:
        """The broker has taken these."""


class Inbox(Protocol):
    """Where messages from speakers go."""

    async def receive(self, message: Incoming) -> Sequence[Outgoing]:
        """Take one message in; return what is to be answered once that is safely stored."""

    async def receive_some(self, messages: Sequence[Incoming]) -> Sequence[Outgoing]:
        """As `receive`, for messages of different speakers: together where that is possible."""
