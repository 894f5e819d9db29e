"""What an area says of each hazard: its own words, or the nearest above. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Final

from controller.accounts.viewer import SYSTEM
from controller.alerts.standing import STANDING, Hazard, Standing
from controller.announcements.models import Announcement, Status
from controller.announcements.schemas import Second
from controller.standing.models import StandingMessage

_BLANK: Final = re.compile(r"\{([^{}\n]{1,60})\}")


@dataclass(frozen=True, slots=True)
class Message:
    """The words that hold in an area for one hazard."""

    start: Standing
    """As it comes with the system: its signal, repeats and lifetime hold whatever the words."""
    row: StandingMessage | None
    own: bool
    """Whether these are the area's very own words."""

    @property
    def hazard(self) -> Hazard:
        """What it is for."""
        return self.start.code

    @property
    def shipped(self) -> bool:
        """Whether nobody here or above has words of their own."""
        return self.row is None or self.row.author == SYSTEM.name

    @property
    def version(self) -> str:
        """Of what holds: whose words, and which of them. What came with the system has none."""
        return f"{self.row.id}-{self.row.version}" if self.row else "none"

    @property
    def headline(self) -> str:
        """What people read."""
        return self.row.headline if self.row else self.start.headline

    @property
    def text(self) -> str:
        """What is said."""
        return self.row.text if self.row else self.start.text

    @property
    def second_language(self) -> str | None:
        """In which other language it is said afterwards."""
        return self.row.second_language if self.row else None

    @property
    def second_text(self) -> str:
        """What is said then."""
        return self.row.second_text if self.row else ""

    @property
    def sound(self) -> Announcement | None:
        """What was made of it beforehand."""
        return self.row.announcement if self.row else None


def in_force(holding: Sequence[StandingMessage], area_code: str) -> tuple[Message, ...]:
    """Return what holds in an area, given what is worded there and above, the widest first."""
    nearest = {row.hazard: row for row in holding}
    return tuple(
        Message(each, row, own=row is not None and row.area_code == area_code and row.author != SYSTEM.name)
        for each in STANDING
        for row in [nearest.get(each.code)]
    )


def sound_of(
    holding: Sequence[StandingMessage], text: str, second: Second | EllipsisType | None
) -> Announcement | None:
    """Return what was made beforehand of these very words here or above, the nearest; None: they are somebody's own.

    `second`: the same in another language; `...`: in whatever follows them there. None of these has a chosen voice.
    """
    also = (second.language, second.text, second.voice) if isinstance(second, Second) else (None, "", None)
    made = (
        row.announcement
        for row in reversed(holding)
        if row.text == text and (second is ... or also == (row.second_language, row.second_text, None))
    )
    return next((each for each in made if each is not None and each.status is Status.READY), None)


def blanks_in(text: str) -> tuple[str, ...]:
    """Return the names of what is still to be filled in, in the order of the text."""
    return tuple(dict.fromkeys(_BLANK.findall(text)))


def named(messages: Iterable[Message], hazard: Hazard) -> Message:
    """Return the message for a hazard."""
    return next(each for each in messages if each.hazard is hazard)
