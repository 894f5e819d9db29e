"""The outbox in the database: documents that must stand on the broker, and commands not yet sent."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from pydantic import TypeAdapter

from controller.commands.models import CommandRow
from controller.commands.repository import CommandTraffic
from controller.database import Database
from controller.errors import Unavailable
from controller.link.models import RetainedDocument
from controller.link.ports import Outgoing
from controller.link.repository import DocumentRepository
from protocol import topics
from protocol.messages import Action, Command
from protocol.signing import Signer, sign
from protocol.topics import Channel
from schedules.types import DeviceId

_ACTION: TypeAdapter[Action] = TypeAdapter(Action)
_COMMAND = "command:"
INLINE_LIVES_S = 120


class DatabaseOutbox:
    """Reads what is to be said; notes what was said."""

    def __init__(
        self,
        database: Database,
        *,
        key: Signer,
        now: Callable[[], datetime],
        content: Callable[[str], bytes | None] = lambda _sha256: None,
    ) -> None:
        self._database = database
        self._content = content
        self._key = key
        self._now = now

    async def everything(self, after: str | None, limit: int) -> Sequence[Outgoing]:
        """Every document, in pages."""
        async with self._database.reading() as session:
            return [_document(row) for row in await DocumentRepository(session).page(after, limit)]

    async def urgent(self, limit: int) -> Sequence[Outgoing]:
        """Sets of alerts that changed."""
        async with self._database.reading() as session:
            return [_document(row) for row in await DocumentRepository(session).unpublished_alerts(limit)]

    async def sequel(self, sent: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """The sounds of these sets: whoever misses one here fetches it."""
        alerts = [each.topic for each in sent if each.topic.endswith(f"/{Channel.ALERTS}") and each.payload]
        if not alerts:
            return ()
        async with self._database.reading() as session:
            sounds = await DocumentRepository(session).inline_of(alerts)
        return [
            Outgoing(topic.removesuffix(Channel.ALERTS) + Channel.AUDIO, content, expires_in_s=INLINE_LIVES_S)
            for topic, sha256 in sounds.items()
            if (content := await asyncio.to_thread(self._content, sha256)) is not None
        ]

    async def waiting(self, limit: int) -> Sequence[Outgoing]:
        """Commands first: somebody stands there and waits; then documents."""
        now = self._now()
        async with self._database.reading() as session:
            commands = await CommandTraffic(session).unsent(now=now, limit=limit)
            documents = await DocumentRepository(session).unpublished(limit)
        orders: list[Outgoing] = []
        with suppress(Unavailable):  # nothing to sign with: they wait, and expire
            orders = [self._command(row, now) for row in commands]
        return [*orders, *map(_document, documents)]

    async def published(self, sent: Sequence[Outgoing]) -> None:
        """Note it."""
        commands = [each.receipt.removeprefix(_COMMAND) for each in sent if each.receipt and _is_command(each)]
        versions = {each.topic: int(each.receipt) for each in sent if each.receipt and not _is_command(each)}
        if not (commands or versions):
            return
        now = self._now()
        async with self._database.transaction() as session:
            await CommandTraffic(session).sent(commands, now)
            await DocumentRepository(session).published(versions, now)

    def _command(self, row: CommandRow, now: datetime) -> Outgoing:
        body = Command(id=row.id, action=_ACTION.validate_python(row.action))
        left = row.expires_at - now
        signed = sign(body, audience=row.device_id, key=self._key, now=now, lifetime=left, jti=row.id)
        return Outgoing(
            topics.device(DeviceId(row.device_id), Channel.COMMAND),
            signed.encode(),
            expires_in_s=int(left.total_seconds()),
            receipt=f"{_COMMAND}{row.id}",
        )


def _is_command(outgoing: Outgoing) -> bool:
    return outgoing.receipt is not None and outgoing.receipt.startswith(_COMMAND)


def _document(row: RetainedDocument) -> Outgoing:
    receipt = None if row.published_at is not None else str(row.version)  # said before: nothing to note
    return Outgoing(row.topic, row.payload, retain=True, receipt=receipt)
