"""All SQL about what must stand on the broker."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controller.link.models import RetainedDocument
from protocol.topics import Channel


class DocumentRepository:
    """Retained documents, as the link publishes them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, after: str | None, limit: int) -> Sequence[RetainedDocument]:
        """Return documents by topic, after one of them."""
        statement = select(RetainedDocument).order_by(RetainedDocument.topic).limit(limit)
        if after is not None:
            statement = statement.where(RetainedDocument.topic > after)
        return (await self._session.scalars(statement)).all()

    async def unpublished_alerts(self, limit: int) -> Sequence[RetainedDocument]:
        """Return sets of alerts that the broker has not taken yet, the longest waiting first."""
        return (
            await self._session.scalars(
                select(RetainedDocument)
                .where(RetainedDocument.published_at.is_(None), RetainedDocument.topic.like(f"%/{Channel.ALERTS}"))
                .order_by(RetainedDocument.issued_at, RetainedDocument.topic)
                .limit(limit)
            )
        ).all()

    async def inline_of(self, documents: Collection[str]) -> Mapping[str, str]:
        """Return the small sound that goes with each of these topics' sets of alerts, by topic."""
        found = await self._session.execute(
            select(RetainedDocument.topic, RetainedDocument.content_sha256).where(
                RetainedDocument.topic.in_(documents), RetainedDocument.content_sha256.is_not(None)
            )
        )
        return {topic: sha256 for topic, sha256 in found if sha256 and topic.endswith(f"/{Channel.ALERTS}")}

    async def unpublished(self, limit: int) -> Sequence[RetainedDocument]:
        """Return documents that the broker has not taken yet, the longest waiting first."""
        return (
            await self._session.scalars(
                select(RetainedDocument)
                .where(RetainedDocument.published_at.is_(None))
                .order_by(RetainedDocument.issued_at, RetainedDocument.topic)
                .limit(limit)
            )
        ).all()

    async def published(self, versions: Mapping[str, int], now: datetime) -> None:
        """Note that the broker has these, unless they changed meanwhile."""
        if not versions:
            return
        statement = (
            update(RetainedDocument)
            .where(
                RetainedDocument.topic == bindparam("said"),
                RetainedDocument.version == bindparam("as_of"),
                RetainedDocument.published_at.is_(None),
            )
            .values(published_at=now)
        )
        # In one go, and in the order in which the planner takes them.
        said = [{"said": topic, "as_of": version} for topic, version in sorted(versions.items())]
        await (await self._session.connection()).execute(statement, said)

    async def forget_signers(self) -> None:
        """Have everything signed anew when it is next planned, as if another key signed now."""
        await self._session.execute(update(RetainedDocument).values(kid=""))
