"""What is heard while a station is relayed: the station, what stands in for it, or nothing. Pure; counted in frames."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from device_agent.sinks import RATE_HZ


class Voice(StrEnum):
    """Who is heard."""

    SOURCE = "source"
    FALLBACK = "fallback"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is borne, in frames. Between two programmes stations pause for 2–5 s: that is no fault yet."""

    patience: int = 3 * RATE_HZ
    """Nothing at hand for so long: what stands in begins."""
    hush: int = 8 * RATE_HZ
    """The station is there, but silent, for so long: the same."""
    healthy: int = 5 * RATE_HZ
    """The station is good again for so long: it is heard again."""
    primed: int = 2 * RATE_HZ
    """So much must lie in the buffer before the station is heard."""
    fade: int = RATE_HZ * 30 // 1000
    """The last of the buffer is kept for fading out."""


LIMITS: Final = Limits()
_FORGIVEN: Final = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """What is at hand when the next frames are asked for."""

    buffered: int
    """Frames of the station."""
    hushed: int
    """For how long what came out of the buffer last has been silence."""
    flowing: bool
    """The connection stands and brings sound."""
    spare: bool
    """What stands in can sound now."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is heard, and what speaks for a change."""

    voice: Voice = Voice.SILENCE
    waited: int = 0
    """For how long there has been silence, of late: four seconds of sound make up for one."""
    healthy: int = 0
    """For how long the station could have been heard while another was."""


def after(  # noqa: PLR0911 -- one line a rule
    standing: Standing, seen: Seen, frames: int, limits: Limits = LIMITS
) -> Standing:
    """Return who is heard for the next `frames` frames."""
    sounding = seen.hushed < limits.hush
    fit = sounding and seen.flowing and seen.buffered >= limits.primed + frames
    match standing.voice:
        case Voice.SOURCE if sounding and seen.buffered >= frames + limits.fade:
            return replace(standing, waited=max(0, standing.waited - frames // _FORGIVEN))
        case Voice.SOURCE if seen.spare and not sounding:
            return Standing(Voice.FALLBACK)
        case Voice.SOURCE:
            # One that breaks off may be back at once; one that does so again and again is on a poor link.
            return replace(standing, voice=Voice.SILENCE)
        case Voice.SILENCE if fit:
            return replace(standing, voice=Voice.SOURCE, waited=min(standing.waited, limits.patience // 2))
        case Voice.SILENCE if seen.spare and (standing.waited >= limits.patience or not sounding):
            return Standing(Voice.FALLBACK)
        case Voice.SILENCE:
            return replace(standing, waited=standing.waited + frames)
        case Voice.FALLBACK if fit and standing.healthy >= limits.healthy:
            return Standing(Voice.SOURCE)
        case Voice.FALLBACK if not seen.spare:
            return Standing(Voice.SILENCE)
    return replace(standing, healthy=standing.healthy + frames if fit else 0)


def spare_wanted(standing: Standing, seen: Seen, limits: Limits = LIMITS) -> bool:
    """Whether what stands in should be made ready, or kept so."""
    if standing.voice is not Voice.SOURCE:
        return True
    return seen.hushed > limits.hush // 2 or (not seen.flowing and seen.buffered < limits.primed)


@dataclass(frozen=True, slots=True)
class Account:
    """How much of a relay was what, in frames."""

    source: int = 0
    fallback: int = 0
    silence: int = 0

    def with_(self, voice: Voice, frames: int) -> "Account":
        """Return the account after so much more."""
        return self + Account(**{voice.value: frames})

    def __add__(self, other: "Account") -> "Account":
        return Account(self.source + other.source, self.fallback + other.fallback, self.silence + other.silence)

    @property
    def flawless(self) -> bool:
        """Whether nothing but the station was heard, but for a breath."""
        return self.fallback + self.silence < RATE_HZ

    @property
    def unreachable(self) -> bool:
        """Whether nothing was heard at all."""
        return not self.source and not self.fallback

    def words(self) -> str:
        """Say it in whole seconds."""
        parts = {"source": self.source, "fallback": self.fallback, "silence": self.silence}
        return " ".join(f"{name}={round(frames / RATE_HZ)}s" for name, frames in parts.items())
