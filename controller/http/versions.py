"""ETags on what several people edit: an edit says which version it edits, and a lost race is told."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Response

from controller.database import Versioned
from controller.errors import PreconditionFailed, PreconditionRequired


def etag(row: Versioned) -> str:
    """Return the strong validator of a row's version."""
    return quoted(str(row.version))


def quoted(version: str) -> str:
    """Return the strong validator of what is known by other versions than a row's."""
    return f'"{version}"'


def tag(response: Response, row: Versioned) -> None:
    """Put the row's ETag on the answer."""
    response.headers["ETag"] = etag(row)


@dataclass(frozen=True, slots=True)
class Precondition:
    """What `If-Match` demands."""

    tags: frozenset[str]

    def check(self, row: Versioned) -> None:
        """Raise `PreconditionFailed` unless the row is still the version that was read."""
        self.demand(etag(row))

    def demand(self, found: str) -> None:
        """Raise `PreconditionFailed` unless this is the ETag that was read."""
        if "*" not in self.tags and found not in self.tags:
            raise PreconditionFailed


def _if_match(
    if_match: Annotated[str | None, Header(max_length=1000, description="The ETag that was read")] = None,
) -> Precondition:
    if if_match is None:
        raise PreconditionRequired
    return Precondition(frozenset(part.strip() for part in if_match.split(",")))


IfMatchDep = Annotated[Precondition, Depends(_if_match)]
"""Demands `If-Match`; call `.check(row)` before editing."""
