"""Shapes of live sessions."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field

from audio.signals import Signal, length_ms
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import Target
from controller.http.fields import AreaCodeField, In, Line
from controller.live.models import LiveSessionRow
from controller.live.repository import NAMES_MAX, Listener
from controller.live.states import Ending

TARGETS_MAX = 16
"""Each frame goes to each target's topic, fifty times a second: whoever means more names an area or a group."""
CHIME = timedelta(milliseconds=length_ms(Signal.OPENING))
"""Every speaker sounds it first; then it is time to speak."""


class LiveSessionIn(In):
    """Whom to speak to, and about what."""

    title: Line
    area_code: AreaCodeField
    """Who speaks: a wider area outranks a narrower one."""
    targets: Annotated[list[Target], Field(min_length=1, max_length=TARGETS_MAX)]
    limit_s: Annotated[int, Field(ge=10, le=4 * 3600)] | None = None
    """When it ends at the latest; absent: as the service is set up."""


class LiveTargetOut(BaseModel):
    """An area, a group or a speaker that is spoken to."""

    kind: TargetKind
    key: str


class LiveSessionOut(BaseModel):
    """A live session."""

    id: str
    area_code: str
    title: str
    author: str
    created_at: datetime
    starts_at: datetime
    speak_at: datetime
    """When the chime is over: what is said from then on is heard."""
    ends_at: datetime
    ended_at: datetime | None
    ending: Ending | None
    announcement_id: str | None
    """What was recorded of it, once it is over."""
    targets: list[LiveTargetOut]

    @classmethod
    def of(cls, row: LiveSessionRow) -> Self:
        """Return what may be seen of a session."""
        return cls(
            id=row.id,
            area_code=row.area_code,
            title=row.title,
            author=row.author,
            created_at=row.created_at,
            starts_at=row.starts_at,
            speak_at=row.starts_at + CHIME,
            ends_at=row.ends_at,
            ended_at=row.ended_at,
            ending=row.ending,
            announcement_id=row.announcement_id,
            targets=[LiveTargetOut(kind=each.kind, key=each.key) for each in row.targets],
        )


class SilentListenerOut(BaseModel):
    """A speaker on which nothing of it is heard now."""

    device: str
    name: str
    online: bool


class ListenersOut(BaseModel):
    """Who hears a session now, by the speakers' own word."""

    speakers: int
    hearing: int
    not_hearing: list[SilentListenerOut]
    """The first hundred that do not."""

    @classmethod
    def of(cls, listeners: list[Listener]) -> Self:
        """Count."""
        silent = [
            SilentListenerOut(device=each.device, name=each.name, online=each.online)
            for each in listeners
            if not each.hears
        ]
        return cls(speakers=len(listeners), hearing=len(listeners) - len(silent), not_hearing=silent[:NAMES_MAX])
