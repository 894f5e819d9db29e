"""Shapes of announcements."""

from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from audio.loudness import Loudness
from audio.profiles import Profile
from audio.progress import Stage
from audio.speech import MAX_CHARS
from controller.announcements.making import Making
from controller.announcements.models import Announcement, Kind, Status
from controller.http.fields import AreaCodeField, In, Line
from controller.pronunciations.schemas import LanguageField
from controller.speech.fields import SpeedField, VoiceField
from controller.text import Text


def _has_words(text: str) -> str:
    if not any(letter.isalnum() for letter in text):
        raise ValueError(Text("There is no word to read"))
    return text


Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CHARS),
    AfterValidator(_has_words),
]
LONGEST_MS = 24 * 3_600_000
"""No recording is longer than a day."""
Category = Annotated[str, Field(max_length=64)]


class Second(In):
    """The same said in another language, heard after the first. A recording of it is sent to `…/{id}/second`."""

    language: LanguageField
    text: Words
    voice: VoiceField | None = None


class AnnouncementIn(In):
    """A typed announcement. `profile`: shaped for horns on poles, for a hall, or levelled only."""

    title: Line
    text: Words
    area_code: AreaCodeField
    language: LanguageField = "vi"
    voice: VoiceField | None = None
    speed_wpm: SpeedField | None = None
    profile: Profile = Profile.HORN
    second: Second | None = None
    category: Category = ""


class AnnouncementEdit(In):
    """What is to change; `second: null` takes the other language away. What is heard otherwise makes a new clip.

    `retired` puts it away, or takes it back.
    """

    title: Line | None = None
    text: Words | None = None
    voice: VoiceField | None = None
    speed_wpm: SpeedField | None = None
    profile: Profile | None = None
    second: Second | None = None
    category: Category | None = None
    retired: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(Text("Nothing to change"))
        return self


class Trim(In):
    """What is heard of a recording: from the first to the second of these milliseconds; null is its end."""

    from_ms: Annotated[int, Field(ge=0, le=LONGEST_MS)] = 0
    to_ms: Annotated[int, Field(gt=0, le=LONGEST_MS)] | None = None

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if self.to_ms is not None and self.to_ms <= self.from_ms:
            raise ValueError(Text("What is kept ends before it begins"))
        return self


class Failure(BaseModel):
    """Why there is no sound, in words."""

    code: str
    vi: str
    en: str


class ProgressOut(BaseModel):
    """How far the sound is; `percent` is null while its length is unknown."""

    stage: Stage
    percent: int | None


class PortraitOut(BaseModel):
    """A whole sound at a glance. `waveform` is its outline: up to 200 peaks, 0 to 100 per cent of full scale."""

    lufs: float
    peak_dbtp: float
    duration_ms: int
    waveform: list[int]


class SecondOut(BaseModel):
    """The other language: words and who reads them, or the name of a recording."""

    language: str
    text: str
    voice: str | None
    source_name: str


class AnnouncementOut(BaseModel):
    """An announcement. `before` is the sound as it came, `after` the clip that goes on air."""

    id: str
    area_code: str
    title: str
    kind: Kind
    text: str
    language: str
    voice: str | None
    speed_wpm: int | None
    profile: Profile
    second: SecondOut | None
    category: str
    source_name: str
    trim: Trim
    """Of an uploaded recording, the part that is heard; the file itself stays whole."""
    author: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    retired: bool
    status: Status
    progress: ProgressOut | None
    error: Failure | None
    clip: str | None
    duration_ms: int | None
    before: PortraitOut | None
    after: PortraitOut | None
    fit: bool | None
    """Whether the clip is as loud as everything we air, −16 LUFS ±1 and at most −2 dBTP; null while there is none."""
    listen_url: str | None

    @classmethod
    def of(cls, row: Announcement, making: Making | None = None) -> Self:
        """Return what may be seen of a row, and how far its sound is."""
        return cls(
            id=row.id,
            area_code=row.area_code,
            title=row.title,
            kind=row.kind,
            text=row.text,
            language=row.language,
            voice=row.voice,
            speed_wpm=row.speed_wpm,
            profile=Profile(row.profile),
            second=second_of(row),
            category=row.category,
            source_name=row.source_name,
            trim=Trim(from_ms=row.trim_from_ms, to_ms=row.trim_to_ms),
            author=row.author,
            created_at=row.created_at,
            updated_at=row.updated_at,
            retired=row.retired_at is not None,
            status=row.status,
            progress=ProgressOut(stage=making.stage, percent=making.percent) if making else None,
            error=failure(row.error_code, row.error_vi, row.error_en),
            clip=row.clip_sha256,
            duration_ms=row.duration_ms,
            before=PortraitOut.model_validate(row.before) if row.before else None,
            after=PortraitOut.model_validate(row.after) if row.after else None,
            fit=Loudness(row.after["lufs"], row.after["peak_dbtp"]).fit_for_air if row.after else None,
            listen_url=f"/content/{row.clip_sha256}" if row.clip_sha256 else None,
        )


def second_of(row: Announcement) -> SecondOut | None:
    """Return what is said in the other language, where there is one."""
    if row.second_language is None:
        return None
    return SecondOut(
        language=row.second_language,
        text=row.second_text,
        voice=row.second_voice,
        source_name=row.second_source_name,
    )


def failure(code: str | None, vi: str | None, en: str | None) -> Failure | None:
    """Return a failure where there is one."""
    return Failure(code=code, vi=vi or "", en=en or "") if code else None
