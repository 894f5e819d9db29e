"""What a speaker must know about its place."""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from protocol.messages._base import Hash, Identifier, Order, Part, Title, VolumePercent
from protocol.messages.plans import ClipRef
from protocol.topics import Channel
from schedules.types import VIETNAM


def _known_zone(name: str) -> str:
    """A zone that this side cannot look up must not come into force: nothing could be timed by it."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no such time zone: {name!r}") from error
    return name


Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
LocalTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Window(Part):
    """A daily stretch of local time, `HH:MM`; crosses midnight when it ends at or before its start."""

    start: LocalTime
    end: LocalTime


class VolumeWindow(Window):
    """The volume of a part of the day."""

    volume: VolumePercent


class ClassVolumes(Part):
    """The volume of a class of content at any hour; absent is the time of day's, for an emergency the ceiling.

    Only `emergency` may exceed `max_volume`.
    """

    routine: VolumePercent | None = None
    priority: VolumePercent | None = None
    live: VolumePercent | None = None
    emergency: VolumePercent | None = None


class CapLimits(Part):
    """Limits on routine sound; absent is no limit."""

    sessions_per_day: int | None = None
    session_max_s: int | None = None
    daily_max_s: int | None = None
    days_per_week: int | None = None


class TrustedKey(Part):
    """A controller's public signing key as an RFC 8037 JWK."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    kid: Identifier
    x: str
    role: Literal["orders", "recovery"] = "orders"
    """A recovery key signs nothing but notices about keys: it lies in a safe, and outranks those that sign orders."""


REVOKED_MAX = 64
NOTICES_MAX = 16
KEYS_MAX = 16
NOTICE_MAX_BYTES = 12 * 1024
SignedNotice = Annotated[str, Field(max_length=NOTICE_MAX_BYTES)]


class KeyNotice(Order):
    """What one key says about others; travels inside configs, so that whoever comes back after years can follow.

    By a key that signs orders it introduces the next one. By a recovery key it says all there is to say: which keys
    sign orders from now on, and which must never be believed again.
    """

    channel = Channel.CONFIG
    typ = "loa-keys+jwt"
    serial: int = Field(gt=0)
    """Of two by a recovery key the larger holds."""
    keys: Annotated[tuple[TrustedKey, ...], Field(max_length=KEYS_MAX)] = ()
    revoked: Annotated[tuple[Identifier, ...], Field(max_length=REVOKED_MAX)] = ()


ALARM_WORDS_MAX = 16
STANDING_MAX = 40
"""Standing messages that one speaker keeps: those of four areas in a chain, with room for a few hazards more."""


def standing_digest(clips: Iterable[str]) -> str:
    """Return the short name of a set of standing messages, whatever their order; nothing for none."""
    held = sorted(set(clips))
    return hashlib.sha256("\n".join(held).encode()).hexdigest()[:16] if held else ""


class AlarmWords(Part):
    """What one danger's alarm says where somebody raises it at the speaker itself."""

    hazard: Identifier
    headline: Title
    signal: Identifier
    """By its name in `audio.signals`."""
    clip: Hash
    """One of the configuration's `standing`."""


class Config(Order):
    """What a speaker must know about its place: areas, hours, volume, caps, and whom to trust."""

    channel = Channel.CONFIG
    typ = "loa-config+jwt"
    device: Identifier
    version: int = Field(gt=0)
    name: Title = ""
    zone: Zone = VIETNAM
    areas: tuple[Identifier, ...] = ()
    """The chain of area codes from the widest to the speaker's own."""
    groups: tuple[Identifier, ...] = ()
    turn: int = Field(default=0, ge=0)
    """Which of its neighbours it waits for where an alert is staggered; neighbouring hamlets have different turns."""
    quiet_hours: tuple[Window, ...] = ()
    volume_rules: tuple[VolumeWindow, ...] = ()
    default_volume: VolumePercent = 70
    max_volume: VolumePercent = 100
    class_volumes: ClassVolumes = ClassVolumes()
    caps: CapLimits = CapLimits()
    local_alarm: bool = False
    """Whether somebody at the speaker may raise its own alarm, by a button or a command."""
    standing: Annotated[tuple[ClipRef, ...], Field(max_length=STANDING_MAX)] = ()
    """The sound of standing messages, kept so that an alert in their words needs no download."""
    alarm_words: Annotated[tuple[AlarmWords, ...], Field(max_length=ALARM_WORDS_MAX)] = ()
    """Which of them are the words of the speaker's own alarm, where it may raise one: one for each danger."""
    keys: tuple[TrustedKey, ...] = ()
    notices: Annotated[
        tuple[Annotated[str, Field(max_length=NOTICE_MAX_BYTES)], ...], Field(max_length=NOTICES_MAX)
    ] = ()
    """Signed `KeyNotice`s, oldest first: the way from a key that was pinned long ago to the one that signs today."""
