"""Shapes of standing messages."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from audio.signals import Signal
from controller.alerts.standing import Hazard, Repeats
from controller.announcements.models import Status
from controller.announcements.schemas import Failure, Words, failure
from controller.http.fields import In, Line
from controller.pronunciations.schemas import LanguageField
from controller.standing.words import Message, blanks_in
from controller.text import Text

TEXT_MAX = 1000
"""About a minute of speech: longer is heard by nobody to its end, and every speaker has to keep it."""


class SecondIn(In):
    """The same in another language, heard after the Vietnamese."""

    language: LanguageField
    text: Annotated[Words, Field(max_length=TEXT_MAX)]


class StandingIn(In):
    """An area's own words. `{…}` in the text is a blank that the officer fills in."""

    headline: Line
    text: Annotated[Words, Field(max_length=TEXT_MAX)]
    second: SecondIn | None = None

    @model_validator(mode="after")
    def _can_be_filled_in(self) -> Self:
        if self.second is not None and (blanks_in(self.text) or blanks_in(self.second.text)):
            raise ValueError(
                Text("A message in two languages may have no blank {…}: it could be filled in in one of them only")
            )
        return self


class SecondOut(BaseModel):
    """The other language."""

    language: str
    text: str


class StandingMessageOut(BaseModel):
    """What holds in an area for one hazard."""

    hazard: Hazard
    version: str
    """Of what holds, whoever worded it: the ETag of an edit, in quotes."""
    headline: str
    text: str
    second: SecondOut | None
    blanks: list[str]
    """What the officer fills in before it can be raised; such a message has no sound beforehand."""
    signal: Signal
    repeats: Repeats
    lifetime_s: int
    area_code: str | None
    """Whose words these are; null: they came with the system."""
    own: bool
    """Whether they are this very area's."""
    author: str
    updated_at: AwareDatetime | None
    status: Status | None
    """Of the sound; null: none is made beforehand."""
    error: Failure | None
    clip: str | None
    duration_ms: int | None

    @classmethod
    def of(cls, message: Message) -> Self:
        """Return what may be seen of a message."""
        sound, row = message.sound, message.row
        return cls(
            hazard=message.hazard,
            version=message.version,
            headline=message.headline,
            text=message.text,
            second=SecondOut(language=message.second_language, text=message.second_text)
            if message.second_language
            else None,
            blanks=list(blanks_in(message.text)),
            signal=message.start.signal,
            repeats=message.start.repeats,
            lifetime_s=message.start.lifetime_s,
            area_code=row.area_code if row and not message.shipped else None,
            own=message.own,
            author=row.author if row and not message.shipped else "",
            updated_at=row.updated_at if row else None,
            status=sound.status if sound else None,
            error=failure(sound.error_code, sound.error_vi, sound.error_en) if sound else None,
            clip=sound.clip_sha256 if sound else None,
            duration_ms=sound.duration_ms if sound else None,
        )


class HolderOut(BaseModel):
    """Whether a speaker holds the messages that it should."""

    model_config = ConfigDict(from_attributes=True)
    device: str
    name: str
    area_code: str
    area_name: str
    current: bool
    """False: it would have to fetch some of them when they are needed."""
    online: bool
    last_seen_at: AwareDatetime | None
