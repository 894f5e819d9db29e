"""Announcements as the library sees them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Use:
    """A playlist that holds an announcement, and how many schedules air it."""

    playlist: str
    title: str
    schedules: tuple[tuple[str, str], ...] = ()
    """Ids and titles of the schedules that air it."""


@dataclass(frozen=True)
class UsedBy:
    """What still uses an announcement that is to be put away; `where` it is changed, or which level above does that."""

    kind: str
    title: str
    where: str
    above: str


@dataclass(frozen=True)
class LibraryRow:
    """One announcement of the library."""

    id: str
    title: str
    words: str
    category: str
    author: str
    made_at: datetime
    length: str
    url: str = ""
    state: str = ""
    """Why it cannot be heard yet; nothing where it can."""
    retired: bool = False
    uses: tuple[Use, ...] = ()
    version: str = ""
