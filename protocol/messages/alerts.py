"""Emergencies and live speech: designed here, not yet spoken by either side."""

from enum import StrEnum

from pydantic import Field

from protocol.messages._base import Identifier, Instant, Order, Part, Title, VolumePercent
from protocol.messages.plans import ClipRef
from protocol.topics import Channel


class AlertKind(StrEnum):
    """A test can never be mistaken for the real thing: it says what it is."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class Siren(StrEnum):
    """The patterns of Huế's 2025 rule; the sounds themselves lie on the device."""

    NONE = "none"
    STORM = "storm"
    FLOOD_2 = "flood-2"
    FLOOD_3 = "flood-3"


class RepeatPlan(Part):
    """When an alert sounds again: after each of `first_gaps_s`, then every `then_every_s` until it ends."""

    first_gaps_s: tuple[int, ...] = ()
    then_every_s: int | None = Field(default=None, ge=30)


class Alert(Part):
    """An emergency as state: active until it expires or is cancelled."""

    id: Identifier
    revision: int = Field(gt=0)
    kind: AlertKind
    issuer: Identifier
    issuer_depth: int = Field(ge=0, le=16)
    raised_at: Instant
    starts_at: Instant
    expires_at: Instant
    cancelled: bool = False
    headline: Title = ""
    text: str = Field(default="", max_length=4000)
    siren: Siren = Siren.NONE
    clip: ClipRef | None = None
    volume: VolumePercent = 100
    repeat: RepeatPlan = RepeatPlan()


class AlertSet(Order):
    """All active alerts of one area or group. A *set*, so that a retained copy can never re-fire an event."""

    channel = Channel.ALERTS
    typ = "loa-alerts+jwt"
    target: Identifier
    revision: int = Field(ge=0)
    alerts: tuple[Alert, ...] = Field(default=(), max_length=64)


class AlertNow(Order):
    """The newest alert, at once: latency only; the set is what counts."""

    channel = Channel.ALERT
    typ = "loa-alert+jwt"
    target: Identifier
    revision: int = Field(ge=0)
    alert: Alert


class LiveStart(Order):
    """A person speaks now: the session's key authenticates its frames."""

    channel = Channel.COMMAND
    typ = "loa-live+jwt"
    session: Identifier
    issuer_depth: int = Field(ge=0, le=16)
    starts_at: Instant
    ends_at: Instant
    frame_key: str = Field(min_length=43, max_length=64)
    volume: VolumePercent = 100
