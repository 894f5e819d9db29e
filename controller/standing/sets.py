"""Which standing messages a speaker keeps the sound of, and which its own alarm says. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controller.alerts.standing import NO_DANGER, STANDING, Hazard
from protocol.messages import STANDING_MAX, AlarmWords, standing_digest

AREAS_DEEP: Final = 4
"""Of so many areas, the nearest and above, a speaker keeps the messages: hamlet, commune, province, country."""


@dataclass(frozen=True, slots=True)
class Worded:
    """A message that an area words: its last finished sound, and the headline of that. One with a blank has none."""

    hazard: Hazard
    sha256: str | None
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The clips that one speaker keeps."""

    clips: tuple[str, ...] = ()
    alarms: tuple[AlarmWords, ...] = ()
    """What an alarm that is raised at the speaker says, one for each danger."""

    @property
    def digest(self) -> str:
        """What the speaker calls this set once it holds all of it."""
        return standing_digest(self.clips)


def kept(chain: Sequence[str], worded: Mapping[str, Sequence[Worded]]) -> Kept:
    """Return what a speaker keeps, `chain` being its areas from the widest on.

    Not only the nearest area's words: a province may raise an alert in its own, whatever its communes say in theirs.
    """
    having = [code for code in reversed(chain) if _sounds(worded.get(code, ()))][:AREAS_DEEP]
    clips = tuple(dict.fromkeys(sha256 for code in having for sha256 in _sounds(worded[code])))[:STANDING_MAX]
    return Kept(clips, tuple(_alarms(chain, worded, clips)))


def _sounds(messages: Sequence[Worded]) -> list[str]:
    return [each.sha256 for each in messages if each.sha256 is not None]


def _alarms(
    chain: Sequence[str], worded: Mapping[str, Sequence[Worded]], clips: Collection[str]
) -> Iterator[AlarmWords]:
    """Yield the words in force of each danger, where they can be said as they stand.

    Where they cannot, not those of an area above: somebody near had a reason to word it otherwise.
    """
    in_force = {each.hazard: each for code in chain for each in worded.get(code, ())}
    for start in STANDING:
        said = in_force.get(start.code)
        if said is not None and said.sha256 in clips and start.code not in NO_DANGER:
            yield AlarmWords(hazard=start.code, headline=said.headline, signal=start.signal, clip=said.sha256)
