"""Voices as data: who can read aloud, in which language, from which region."""

from dataclasses import dataclass
from enum import StrEnum

VIETNAMESE = "vi"


class Gender(StrEnum):
    """How a voice sounds."""

    FEMALE = "female"
    MALE = "male"


class Region(StrEnum):
    """Where a Vietnamese voice is at home."""

    NORTHERN = "northern"
    CENTRAL = "central"
    SOUTHERN = "southern"


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who reads aloud. The id is what is stored: the engine, a colon, the engine's own name of the voice."""

    id: str
    language: str
    gender: Gender | None
    region: Region | None
    vi: str
    en: str

    @property
    def engine(self) -> str:
        """Which engine this voice belongs to."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """What the engine itself calls it."""
        return self.id.partition(":")[2]


def named(
    engine: str, name: str, language: str, gender: Gender | None, region: Region | None, *, title: str = ""
) -> Voice:
    """A voice with the words that people choose it by."""
    vi = ", ".join(filter(None, (_SEX_VI[gender], _REGION_VI.get(region) or _LANGUAGE_VI.get(language))))
    en = ", ".join(filter(None, (_SEX_EN[gender], _REGION_EN.get(region) or _LANGUAGE_EN.get(language))))
    prefix = f"{title}: " if title else ""
    return Voice(f"{engine}:{name}", language, gender, region, prefix + vi, prefix + en)


def id_of(stored: str) -> str:
    """Today's id for one that was stored at any time."""
    return _FORMER_IDS.get(stored, stored)


_SEX_VI: dict[Gender | None, str] = {None: "Giọng", Gender.FEMALE: "Giọng nữ", Gender.MALE: "Giọng nam"}
_SEX_EN: dict[Gender | None, str] = {None: "Voice", Gender.FEMALE: "Woman", Gender.MALE: "Man"}
_REGION_VI: dict[Region | None, str] = {
    Region.NORTHERN: "miền Bắc",
    Region.CENTRAL: "miền Trung",
    Region.SOUTHERN: "miền Nam",
}
_REGION_EN: dict[Region | None, str] = {
    Region.NORTHERN: "northern",
    Region.CENTRAL: "central",
    Region.SOUTHERN: "southern",
}
_LANGUAGE_VI = {"vi": "tiếng Việt", "en": "tiếng Anh", "cmn": "tiếng Trung (phổ thông)", "yue": "tiếng Quảng Đông"}
_LANGUAGE_EN = {"vi": "Vietnamese", "en": "English", "cmn": "Chinese (Mandarin)", "yue": "Cantonese"}

_FORMER_IDS = {
    "vi": "espeak:vi",
    "vi-vn-x-central": "espeak:vi-vn-x-central+Nguyen",
    "vi-vn-x-south": "espeak:vi-vn-x-south+Nguyen",
}
"""Before there were several engines and women's voices, an accent's name was all."""
