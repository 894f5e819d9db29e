"""Where a sound will be heard decides how it is shaped before it is levelled."""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """What is done to a recording or a voice besides bringing it to the loudness we air."""

    HORN = "horn"
    """For horns on poles: the 300 Hz to 6 kHz that they radiate, gently compressed to carry over noise."""
    INDOOR = "indoor"
    """For loudspeakers in a hall: only rumble is taken away, and compressed less."""
    AS_IS = "as_is"
    """For what is finished already, such as a song or a produced programme: levelled, otherwise untouched."""


@dataclass(frozen=True, slots=True)
class Compression:
    """Slow, gentle compression of a voice that was brought to `audio.rehearsal.NOMINAL_LUFS` before."""

    threshold_db: float
    ratio: float
    attack_ms: float = 80.0
    release_ms: float = 240.0

    def filter(self) -> str:
        """The same for ffmpeg."""
        return (
            f"acompressor=threshold={10 ** (self.threshold_db / 20):.5f}:ratio={self.ratio}"
            f":attack={self.attack_ms}:release={self.release_ms}:knee=1:makeup=1:detection=rms"
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What a profile does. `band` is a chain of linear ffmpeg filters."""

    band: str
    compression: Compression | None
    trims_silence: bool


# Butterworth, fourth order: two sections of the second with these Q.
_FOURTH_ORDER = (0.5412, 1.3066)
_HORN_BAND = ",".join(
    [f"highpass=f=300:t=q:w={q}" for q in _FOURTH_ORDER] + [f"lowpass=f=6000:t=q:w={q}" for q in _FOURTH_ORDER]
)

_SHAPES = {
    Profile.HORN: Shape(_HORN_BAND, Compression(threshold_db=-26.0, ratio=2.0), trims_silence=True),
    Profile.INDOOR: Shape("highpass=f=80", Compression(threshold_db=-24.0, ratio=1.5), trims_silence=True),
    Profile.AS_IS: Shape("anull", None, trims_silence=False),
}


def shape(profile: Profile) -> Shape:
    """How a profile shapes."""
    return _SHAPES[profile]
