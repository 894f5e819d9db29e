"""Shapes of pronunciations."""

from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from controller.http.fields import AreaCodeField, In, Line
from controller.pronunciations.models import Pronunciation
from controller.text import Text

SPOKEN_MAX, WRITTEN_MAX = 200, 100


def _has_words(text: str) -> str:
    if not any(letter.isalnum() for letter in text):
        raise ValueError(Text("There is no word to read"))
    return text


Written = Annotated[Line, StringConstraints(max_length=WRITTEN_MAX), AfterValidator(_has_words)]
Spoken = Annotated[Line, StringConstraints(max_length=SPOKEN_MAX), AfterValidator(_has_words)]
LanguageField = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$", max_length=16)]
"""Such as `vi`, `en`, `tyz`."""


class PronunciationIn(In):
    """A new entry; it holds in its area (absent: your own) and everywhere below."""

    written: Written
    spoken: Spoken
    area_code: AreaCodeField | None = None
    language: LanguageField = "vi"


class PronunciationEdit(In):
    """What to change; absent stays."""

    written: Written | None = None
    spoken: Spoken | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.written is None and self.spoken is None:
            raise ValueError(Text("Nothing to change"))
        return self


class PronunciationOut(BaseModel):
    """An entry. `inherited`: it is of an area above yours, whose people edit it."""

    id: str
    area_code: str
    area_name: str
    language: str
    written: str
    spoken: str
    author: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    inherited: bool

    @classmethod
    def of(cls, row: Pronunciation, *, inherited: bool) -> Self:
        """Return what may be seen of a row."""
        return cls(
            id=row.id,
            area_code=row.area_code,
            area_name=row.area.name,
            language=row.language,
            written=row.written,
            spoken=row.spoken,
            author=row.author,
            created_at=row.created_at,
            updated_at=row.updated_at,
            inherited=inherited,
        )
