"""Where SQL lives. Every query begins with what the viewer may see, and is read in pages of a stable order."""

import asyncio
import base64
import binascii
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, UnaryExpression, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from controller.accounts.viewer import Viewer
from controller.database import Base
from controller.errors import Invalid, NotFound
from controller.text import Text, plain

M = TypeVar("M", bound=Base)

PAGE_DEFAULT = 50
PAGE_MAX = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: after `cursor`, at most `limit` rows."""

    cursor: str | None = None
    limit: int = PAGE_DEFAULT


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows in a stable order, and where the next page begins (None: this is the last)."""

    items: Sequence[M]
    next_cursor: str | None


class Repository(ABC, Generic[M]):
    """The rows of one table that a viewer may see. Never commits."""

    model: ClassVar[type[Any]]
    order: ClassVar[tuple[InstrumentedAttribute[Any], ...]]
    """What pages are sorted by; the last is unique, so that rows added meanwhile neither repeat nor hide others."""
    descending: ClassVar[bool] = False
    searched: ClassVar[tuple[InstrumentedAttribute[str], ...]] = ()
    """The columns that `search` looks into."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    @abstractmethod
    def readable(self, viewer: Viewer) -> Select[M]:
        """What the viewer may see; the base of every other query here."""

    async def find(self, viewer: Viewer, key: str) -> M | None:
        """Return the row with this primary key, or None."""
        (primary,) = self.model.__mapper__.primary_key
        return await self.session.scalar(self.readable(viewer).where(primary == key))

    async def get(self, viewer: Viewer, key: str) -> M:
        """Return the row with this primary key, or raise `NotFound`."""
        row = await self.find(viewer, key)
        if row is None:
            raise NotFound
        return row

    async def all(self, statement: Select[M]) -> Sequence[M]:
        """Return every row of a statement that began with `readable`."""
        return (await self.session.scalars(statement)).all()

    async def search(self, statement: Select[M], words: str, limit: int) -> Sequence[M]:
        """Return the first rows of a statement that began with `readable` that hold these words.

        Marks and capitals are left aside, which not every database that we run on can do by itself.
        """
        wanted = plain(words)
        sorting = self._sorting()
        (primary,) = self.model.__mapper__.primary_key
        rows = await self.session.execute(
            statement.with_only_columns(primary, *self.searched).order_by(None).order_by(*sorting)
        )
        holding = (id_ for id_, *texts in rows if any(wanted in plain(text) for text in texts))
        found = await asyncio.to_thread(list, islice(holding, limit))  # thousands of texts: others go on meanwhile
        return await self.all(statement.where(primary.in_(found)).order_by(None).order_by(*sorting))

    async def page(self, statement: Select[M], request: PageRequest) -> Page[M]:
        """Return one page of a statement that began with `readable`."""
        if request.cursor is not None:
            statement = statement.where(self._after(request.cursor))
        rows = await self.all(statement.order_by(None).order_by(*self._sorting()).limit(request.limit + 1))
        if len(rows) <= request.limit:
            return Page(rows, None)
        kept = rows[: request.limit]
        return Page(kept, _encode([getattr(kept[-1], column.key) for column in self.order]))

    def add(self, row: M) -> M:
        """Add a row to the transaction."""
        self.session.add(row)
        return row

    def _sorting(self) -> list[UnaryExpression[Any]]:
        return [column.desc() if self.descending else column.asc() for column in self.order]

    def _after(self, cursor: str) -> ColumnElement[bool]:
        position = tuple_(*_decode(cursor, self.order))
        columns = tuple_(*self.order)
        return columns < position if self.descending else columns > position


def _encode(position: Sequence[object]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in position]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).rstrip(b"=").decode()


def _decode(cursor: str, order: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    """Return the position in a cursor, each value of its column's type: cursors come from outside."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_value(plain[index], column.type.python_type) for index, column in enumerate(order)]
    except (ValueError, TypeError, LookupError, RecursionError, binascii.Error) as error:
        raise Invalid.field("cursor", Text("Not a cursor of this list")) from error


def _value(plain: object, wanted: type[object]) -> object:
    if wanted is datetime and isinstance(plain, str):
        moment = datetime.fromisoformat(plain)
        if moment.tzinfo is not None:
            return moment
    elif type(plain) is wanted and "\0" not in str(plain):
        return plain
    raise ValueError("a value of another type")
