"""All SQL about signing keys. They belong to the whole country, so there is no `readable`: who may ask sees all."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.signing.models import KeyNoticeRow, SigningKeyRow


class SigningKeyRepository:
    """Keys and notices."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def keys(self) -> Sequence[SigningKeyRow]:
        """Return every key, oldest first."""
        return (await self._session.scalars(select(SigningKeyRow).order_by(SigningKeyRow.made_at))).all()

    async def notices(self) -> Sequence[KeyNoticeRow]:
        """Return every notice, oldest first."""
        return (await self._session.scalars(select(KeyNoticeRow).order_by(KeyNoticeRow.serial))).all()

    def add(self, row: SigningKeyRow | KeyNoticeRow) -> None:
        """Add a row."""
        self._session.add(row)
