"""What a speaker will play."""

from typing import Literal

from pydantic import Field

from protocol.messages._base import Hash, Identifier, Instant, Milliseconds, Order, Part, Title, VolumePercent
from protocol.topics import Channel
from schedules.types import Priority, Resume


class Mark(Part):
    """Where one playlist item lies inside a stretch of sound."""

    item_id: Identifier
    kind: Literal["chime", "announcement", "pause", "relay"]
    title: Title = ""
    at_ms: Milliseconds
    duration_ms: Milliseconds


class Stretch(Part):
    """One file of uninterrupted sound inside an occurrence."""

    clip: Hash
    at_ms: Milliseconds
    duration_ms: Milliseconds
    marks: tuple[Mark, ...] = ()


class Relay(Part):
    """Time inside an occurrence that belongs to another station (`tiếp âm`)."""

    item_id: Identifier
    title: Title = ""
    at_ms: Milliseconds
    duration_ms: Milliseconds
    """It ends then, whatever the station does."""
    url: str = Field(max_length=2000, pattern=r"^https?://")
    """Of a stream: Icecast or any plain HTTP audio, or an HLS playlist."""
    fallback: Hash | None = None
    """The clip that sounds while the station is silent, late or gone."""


class PlanOccurrence(Part):
    """One airing, ready for the conductor."""

    id: Identifier
    schedule_id: Identifier
    title: Title
    starts_at: Instant
    duration_ms: Milliseconds
    priority: Priority
    issuer_depth: int = Field(default=2, ge=0, le=16)
    commune_rank: int = 0
    resume: Resume = Resume.REJOIN
    late_join_s: int | None = Field(default=None, ge=0)
    volume: VolumePercent
    own_volume: bool = True
    """Its schedule chose this volume; otherwise the device follows the volume of its class, or of the time of day."""
    stretches: tuple[Stretch, ...]
    relays: tuple[Relay, ...] = ()


class ClipRef(Part):
    """Where to fetch a clip, and what must arrive."""

    sha256: Hash
    url: str = Field(max_length=2000)
    size_bytes: int = Field(gt=0)
    duration_ms: Milliseconds
    media_type: str = "audio/ogg; codecs=opus"


class Plan(Order):
    """One speaker's occurrences for the coming days: the desired state, complete in itself.

    `version` only grows: a device refuses a lower one.
    """

    channel = Channel.PLAN
    typ = "loa-plan+jwt"
    device: Identifier
    version: int = Field(gt=0)
    window_start: Instant
    window_end: Instant
    occurrences: tuple[PlanOccurrence, ...] = ()
    clips: tuple[ClipRef, ...] = ()


class PlanManifest(Order):
    """Stands on the plan's topic when the plan is too long for it; the signed plan itself lies at `url`."""

    channel = Channel.PLAN
    typ = "loa-plan-manifest+jwt"
    device: Identifier
    version: int = Field(gt=0)
    sha256: Hash
    url: str = Field(max_length=2000)
    size_bytes: int = Field(gt=0, le=8 * 1024 * 1024)
