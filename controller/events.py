"""What changed inside a transaction. Processors see it before the commit, so that a change and its plans are one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

_EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed."""


@dataclass(frozen=True, slots=True)
class DeviceChanged(Event):
    """A speaker was registered, edited, moved or retired."""

    device_id: str


@dataclass(frozen=True, slots=True)
class AreaPolicyChanged(Event):
    """Quiet hours, volume or caps of an area, and so of everything below `path`, were edited."""

    path: str


@dataclass(frozen=True, slots=True)
class GroupChanged(Event):
    """A group's members changed. `device_ids` are those that joined or left."""

    group_id: str
    device_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ScheduleChanged(Event):
    """A schedule was created, edited or withdrawn."""

    schedule_id: str


@dataclass(frozen=True, slots=True)
class PlaylistChanged(Event):
    """A playlist's items, and so its sound, changed."""

    playlist_id: str


@dataclass(frozen=True, slots=True)
class PlaylistEdited(Event):
    """Somebody changed a playlist's items; its sound may follow later."""

    playlist_id: str


@dataclass(frozen=True, slots=True)
class AnnouncementEdited(Event):
    """Somebody changed an announcement; its sound may follow later."""

    announcement_id: str


@dataclass(frozen=True, slots=True)
class AnnouncementSettled(Event):
    """The sound of an announcement is made, or cannot be."""

    announcement_id: str


@dataclass(frozen=True, slots=True)
class StandingChanged(Event):
    """An area worded a standing message, or took its words back; it holds everywhere below `path`."""

    path: str


Processor = Callable[[AsyncSession, Sequence[Event]], Awaitable[None]]
"""Runs before the commit, with what happened in order and without repetition; it may record further events."""


def record_event(session: AsyncSession, event: Event) -> None:
    """Note a change; processors are called with it before this transaction commits."""
    session.info.setdefault(_EVENTS, {})[event] = None


def take_events(session: AsyncSession) -> tuple[Event, ...]:
    """Return the events noted since the last call."""
    return tuple(session.info.pop(_EVENTS, ()))
