"""Which standing messages a speaker keeps the sound of. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controller.alerts.standing import Hazard
from protocol.messages import STANDING_MAX, standing_digest

AREAS_DEEP: Final = 4
"""Of so many areas, the nearest and above, a speaker keeps the messages: hamlet, commune, province, country."""


@dataclass(frozen=True, slots=True)
class Worded:
    """A message with its finished sound."""

    hazard: Hazard
    sha256: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The clips that one speaker keeps."""

    clips: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What the speaker calls this set once it holds all of it."""
        return standing_digest(self.clips)


def kept(chain: Sequence[str], worded: Mapping[str, Sequence[Worded]]) -> Kept:
    """Return what a speaker keeps, `chain` being its areas from the widest on.

    Not only the nearest area's words: a province may raise an alert in its own, whatever its communes say in theirs.
    """
    having = [code for code in reversed(chain) if worded.get(code)][:AREAS_DEEP]
    clips = dict.fromkeys(each.sha256 for code in having for each in worded[code])
    return Kept(tuple(clips)[:STANDING_MAX])
