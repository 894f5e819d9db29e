"""Shapes of announcements."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from audio.speech import MAX_CHARS
from controller.announcements.models import Announcement, Kind, Status
from controller.http.fields import AreaCodeField, In, Line
from controller.speech.fields import VoiceField
from controller.text import Text

Language = Literal["vi"]
"""The languages that we can read aloud."""


def _has_words(text: str) -> str:
    if not any(letter.isalnum() for letter in text):
        raise ValueError(Text("Chưa có chữ nào để đọc", "There is no word to read"))
    return text


Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CHARS),
    AfterValidator(_has_words),
]
Category = Annotated[str, Field(max_length=64)]


class AnnouncementIn(In):
    """A typed announcement."""

    title: Line
    text: Words
    area_code: AreaCodeField
    language: Language = "vi"
    voice: VoiceField | None = None
    category: Category = ""


class AnnouncementEdit(In):
    """What is to change. New words or another voice make a new clip."""

    title: Line | None = None
    text: Words | None = None
    voice: VoiceField | None = None
    category: Category | None = None
    retired: Literal[True] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(Text("Chưa có gì để sửa", "Nothing to change"))
        return self


class Failure(BaseModel):
    """Why there is no sound, in words."""

    code: str
    vi: str
    en: str


class AnnouncementOut(BaseModel):
    """An announcement."""

    id: str
    area_code: str
    title: str
    kind: Kind
    text: str
    language: str
    voice: str | None
    category: str
    source_name: str
    author: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    retired: bool
    status: Status
    error: Failure | None
    clip: str | None
    duration_ms: int | None
    listen_url: str | None

    @classmethod
    def of(cls, row: Announcement) -> Self:
        """Return what may be seen of a row."""
        return cls(
            id=row.id,
            area_code=row.area_code,
            title=row.title,
            kind=row.kind,
            text=row.text,
            language=row.language,
            voice=row.voice,
            category=row.category,
            source_name=row.source_name,
            author=row.author,
            created_at=row.created_at,
            updated_at=row.updated_at,
            retired=row.retired_at is not None,
            status=row.status,
            error=failure(row.error_code, row.error_vi, row.error_en),
            clip=row.clip_sha256,
            duration_ms=row.duration_ms,
            listen_url=f"/content/{row.clip_sha256}" if row.clip_sha256 else None,
        )


def failure(code: str | None, vi: str | None, en: str | None) -> Failure | None:
    """Return a failure where there is one."""
    return Failure(code=code, vi=vi or "", en=en or "") if code else None
