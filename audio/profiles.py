"""Where a sound will be heard decides how it is shaped before it is levelled."""

from enum import StrEnum


class Profile(StrEnum):
    """What is done to a recording or a voice besides bringing it to the loudness we air."""

    HORN = "horn"
    """For horns on poles: 300 Hz to 6 kHz, which is all they radiate, and gentle compression to carry over noise."""
    INDOOR = "indoor"
    """For box speakers in a hall: only rumble is taken away, and compressed half as much."""
    AS_IS = "as_is"
    """For what is finished already, such as a song or a produced programme: levelled, otherwise untouched."""


_HORN = (
    "highpass=f=300:poles=2,highpass=f=240:poles=2,lowpass=f=6000:poles=2,lowpass=f=7000:poles=2,"
    "acompressor=threshold=0.1:ratio=3:attack=15:release=200:knee=4:makeup=1"
)
_INDOOR = "highpass=f=80:poles=2,acompressor=threshold=0.15:ratio=1.8:attack=25:release=300:knee=6:makeup=1"


def shaping(profile: Profile) -> str:
    """The ffmpeg filters of a profile; empty when nothing is shaped."""
    return {Profile.HORN: _HORN, Profile.INDOOR: _INDOOR, Profile.AS_IS: ""}[profile]


def trims_silence(profile: Profile) -> bool:
    """Whether silence before the first and after the last sound is cut off."""
    return profile is not Profile.AS_IS
