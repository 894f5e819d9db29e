"""Lists in pages."""

from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from controller.repository import PAGE_DEFAULT, PAGE_MAX, PageRequest

T = TypeVar("T")


class PageOut(BaseModel, Generic[T]):
    """One page. `next_cursor` asks for the next; without it this is the last."""

    items: list[T]
    next_cursor: str | None = None


def _page_request(
    cursor: Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
) -> PageRequest:
    return PageRequest(cursor, limit)


PageDep = Annotated[PageRequest, Depends(_page_request)]
