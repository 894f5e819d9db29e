"""Shapes of playlists."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, ValidationInfo, field_validator

from audio.signals import ABOUT, ATTENTION_MAX_S, ATTENTION_MIN_S, Signal, Use
from controller.announcements.models import Status
from controller.announcements.schemas import Failure, failure
from controller.http.fields import AreaCodeField, In, Line
from controller.playlists.models import ItemKind, Playlist, PlaylistItem
from controller.playlists.stations import station
from controller.text import Text
from protocol.messages import Relay, Stretch

ITEMS_MAX = 100
PAUSE_MAX_MS = 10 * 60_000
REPEAT_MAX = 20
FADE_MAX_MS = 10_000
BED_MIN_DB, BED_MAX_DB = -40.0, -12.0
"""A louder bed would leave no room for the voice above it."""
RELAY_MIN_MS, RELAY_MAX_MS = 10_000, 2 * 3600_000
RELAYS_MAX_MS = 24 * 3600_000
"""All relays of a playlist together."""


def _no_siren(signal: Signal) -> Signal:
    if ABOUT[signal].use is Use.ALARM:
        raise ValueError(Text("A siren sounds with an emergency only. Choose a chime."))
    return signal


class ChimeIn(In):
    """A signal of ours; never a siren. After `exercise` a voice says «Đây là diễn tập.»."""

    kind: Literal["chime"]
    chime: Annotated[Signal, AfterValidator(_no_siren)] = Signal.OPENING
    seconds: float | None = Field(default=None, ge=ATTENTION_MIN_S, le=ATTENTION_MAX_S)
    """How long the attention call lasts, which is the only one with a choice (EN 50849); 4.5 unless told."""

    @field_validator("seconds")
    @classmethod
    def _only_attention(cls, seconds: float | None, info: ValidationInfo) -> float | None:
        if seconds is not None and info.data.get("chime") is not Signal.ATTENTION:
            raise ValueError(Text("Only the attention call has a length to choose. Leave it out."))
        return seconds


class AnnouncementItemIn(In):
    """An announcement, perhaps several times, `repeat_gap_ms` apart; perhaps with another softly under it."""

    kind: Literal["announcement"]
    announcement_id: Annotated[str, Field(max_length=26)]
    repeat: int = Field(default=1, ge=1, le=REPEAT_MAX)
    repeat_gap_ms: int = Field(default=0, ge=0, le=PAUSE_MAX_MS)
    fade_in_ms: int = Field(default=0, ge=0, le=FADE_MAX_MS)
    fade_out_ms: int = Field(default=0, ge=0, le=FADE_MAX_MS)
    bed_id: Annotated[str, Field(max_length=26)] | None = None
    """The announcement that sounds underneath: music, as a rule."""
    bed_db: float | None = Field(default=None, ge=BED_MIN_DB, le=BED_MAX_DB)
    """How much softer than its own loudness; −18 unless told."""


class PauseIn(In):
    """Silence."""

    kind: Literal["pause"]
    pause_ms: int = Field(gt=0, le=PAUSE_MAX_MS)


class RelayIn(In):
    """Another station's programme, for just so long (`tiếp âm`)."""

    kind: Literal["relay"]
    url: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(station)
    ]
    """Of an Icecast or any plain HTTP stream, or of an HLS playlist."""
    title: Line
    duration_ms: int = Field(ge=RELAY_MIN_MS, le=RELAY_MAX_MS)
    announcement_id: Annotated[str, Field(max_length=26)] | None = None
    """What sounds in its place while the station is silent, late or gone."""


ItemIn = Annotated[ChimeIn | AnnouncementItemIn | PauseIn | RelayIn, Field(discriminator="kind")]
Items = Annotated[list[ItemIn], Field(min_length=1, max_length=ITEMS_MAX)]


class PlaylistIn(In):
    """A new playlist."""

    title: Line
    area_code: AreaCodeField
    items: Items


class PlaylistEdit(In):
    """What is to change; `items` replaces them all. `retired` puts it away, or takes it back."""

    title: Line | None = None
    items: Items | None = None
    retired: bool | None = None


class ItemOut(BaseModel):
    """One item."""

    kind: str
    announcement_id: str | None = None
    chime: str | None = None
    seconds: float | None = None
    repeat: int = 1
    pause_ms: int | None = None
    repeat_gap_ms: int = 0
    fade_in_ms: int = 0
    fade_out_ms: int = 0
    bed_id: str | None = None
    bed_db: float | None = None
    url: str | None = None
    title: str | None = None
    duration_ms: int | None = None

    @classmethod
    def of(cls, item: PlaylistItem) -> Self:
        """Return what may be seen of a row."""
        return cls(
            kind=item.kind.value,
            announcement_id=item.announcement_id,
            chime=item.chime or None,
            seconds=item.pause_ms / 1000 if item.kind is ItemKind.CHIME and item.pause_ms else None,
            repeat=item.repeat,
            pause_ms=item.pause_ms if item.kind is ItemKind.PAUSE else None,
            repeat_gap_ms=item.pause_ms if item.kind is ItemKind.ANNOUNCEMENT else 0,
            fade_in_ms=item.fade_in_ms,
            fade_out_ms=item.fade_out_ms,
            bed_id=item.bed_id,
            bed_db=item.bed_db,
            url=item.relay_url or None,
            title=item.relay_title or None,
            duration_ms=item.relay_ms or None,
        )


def holds(playlist: Playlist, items: Sequence[ItemIn]) -> bool:
    """Whether a playlist has just these items."""
    held = [ItemOut.of(item).model_dump() for item in playlist.items]
    return len(held) == len(items) and all(
        item.model_dump().items() <= has.items() for item, has in zip(items, held, strict=True)
    )


class PlaylistOut(BaseModel):
    """A playlist. `status` speaks of its present items; `stretches` and `relays` are what airs meanwhile."""

    id: str
    area_code: str
    title: str
    author: str
    created_at: AwareDatetime
    retired: bool
    items: list[ItemOut]
    status: Status
    error: Failure | None
    duration_ms: int | None
    stretches: list[Stretch]
    relays: list[Relay]
    listen_url: str | None

    @classmethod
    def of(cls, row: Playlist) -> Self:
        """Return what may be seen of a row."""
        sound, wanted = row.sound, row.wanted
        stretches = [Stretch.model_validate(each) for each in sound.stretches] if sound else []
        return cls(
            id=row.id,
            area_code=row.area_code,
            title=row.title,
            author=row.author,
            created_at=row.created_at,
            retired=row.retired_at is not None,
            items=[ItemOut.of(item) for item in row.items],
            status=wanted.status if wanted else Status.PROCESSING,
            error=failure(wanted.error_code, wanted.error_vi, wanted.error_en) if wanted else None,
            duration_ms=sound.duration_ms if sound else None,
            stretches=stretches,
            relays=[Relay.model_validate(each) for each in sound.relays] if sound else [],
            listen_url=f"/content/{stretches[0].clip}" if stretches else None,
        )
