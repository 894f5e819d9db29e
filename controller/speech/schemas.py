"""Shapes of voices and drafts."""

from typing import Self

from pydantic import AwareDatetime, BaseModel

from audio.speech import DEFAULT_SPEED_WPM, Gender, Region, Voice
from controller.announcements.schemas import Words
from controller.http.fields import AreaCodeField, In
from controller.pronunciations.schemas import LanguageField
from controller.speech.fields import SpeedField, VoiceField


class VoiceOut(BaseModel):
    """Somebody who reads aloud."""

    id: str
    language: str
    gender: Gender | None
    region: Region | None
    name_vi: str
    name_en: str

    @classmethod
    def of(cls, voice: Voice) -> Self:
        """Return what may be seen of a voice."""
        return cls(
            id=voice.id,
            language=voice.language,
            gender=voice.gender,
            region=voice.region,
            name_vi=voice.vi,
            name_en=voice.en,
        )


class VoicesOut(BaseModel):
    """Who reads here."""

    items: list[VoiceOut]


class DraftIn(In):
    """A text to hear before it is anything. The dictionary is that of `area_code` (absent: your own)."""

    text: Words
    language: LanguageField = "vi"
    voice: VoiceField | None = None
    speed_wpm: SpeedField = DEFAULT_SPEED_WPM
    area_code: AreaCodeField | None = None


class DraftOut(BaseModel):
    """Where it can be heard, and for how long. `note`: the voice asked for is not here, another reads."""

    url: str
    expires_at: AwareDatetime
    voice: VoiceOut
    note: str
