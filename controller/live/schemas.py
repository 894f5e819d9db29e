"""Shapes of live sessions."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field

from audio.signals import Signal, length_ms
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import Target
from controller.http.fields import AreaCodeField, In, Line
from controller.live.arriving import SoundFormat
from controller.live.models import LiveSessionRow
from controller.live.quiet import Reach
from controller.live.repository import NAMES_MAX, Because, Listener
from controller.live.states import Ending

TARGETS_MAX = 16
"""Each frame goes to each target's topic, fifty times a second: whoever means more names an area or a group."""
CHIME = timedelta(milliseconds=length_ms(Signal.OPENING))
"""Every speaker sounds it first; then it is time to speak."""


class LiveSessionIn(In):
    """Whom to speak to, and about what."""

    title: Line
    area_code: AreaCodeField
    """In whose name: the targets lie in it. Among live sessions who began first is heard, whatever the area."""
    targets: Annotated[list[Target], Field(min_length=1, max_length=TARGETS_MAX)]
    limit_s: Annotated[int, Field(ge=10, le=4 * 3600)] | None = None
    """When it ends at the latest; absent: as the service is set up."""
    sound: SoundFormat = SoundFormat.OPUS
    """What will be sent to its `/sound`."""
    without_quiet: bool = False
    """Speak to the rest where some of the speakers are in quiet hours. They stay silent whatever is said here."""


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
    because: Because


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
            SilentListenerOut(device=each.device, name=each.name, online=each.online, because=each.because)
            for each in listeners
            if not each.hears
        ]
        return cls(speakers=len(listeners), hearing=len(listeners) - len(silent), not_hearing=silent[:NAMES_MAX])


class QuietPlaceOut(BaseModel):
    """A place whose speakers keep silent now, for all but an emergency."""

    area_code: str
    name: str
    until: datetime
    speakers: int


class ReachOut(BaseModel):
    """Who would be spoken to now."""

    speakers: int
    """All that were meant."""
    reachable: int
    """Those that are not in quiet hours."""
    quiet: list[QuietPlaceOut]
    """The first hundred places in quiet hours."""

    @classmethod
    def of(cls, reach: Reach) -> Self:
        """Return what may be seen of it."""
        return cls(
            speakers=reach.speakers,
            reachable=reach.reachable,
            quiet=[
                QuietPlaceOut(area_code=each.area_code, name=each.name, until=each.until, speakers=each.speakers)
                for each in reach.quiet[:NAMES_MAX]
            ],
        )
