"""Emergencies."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from protocol.messages._base import Identifier, Instant, Message, Milliseconds, Order, Part, Title, VolumePercent
from protocol.messages.plans import ClipRef
from protocol.topics import Channel
from schedules.stagger import ALERT_STAGGER_MAX_MS
from schedules.types import Priority

ACTIVE_MAX = 64
"""Alerts of one target at once. More is no emergency but a fault."""


LOCAL_ALERT = "local."
"""Begins the id of an alert that somebody raised at the speaker itself; no alert of the controller has such a one."""


class AlertKind(StrEnum):
    """A test can never be mistaken for the real thing: it says what it is."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class RepeatPlan(Part):
    """When an alert sounds again: after each of `first_gaps_s`, then every `then_every_s` until it ends."""

    first_gaps_s: Annotated[tuple[Annotated[int, Field(ge=30, le=86_400)], ...], Field(max_length=16)] = ()
    then_every_s: int | None = Field(default=None, ge=30, le=86_400)


class Alert(Part):
    """An alert as state: active until it expires or leaves the set.

    What it says may come after it: `revision` counts every change, `sound_revision` names the last one for which
    people must listen anew. The attention signal is made by the speaker itself, by its name in `audio.signals`.
    """

    id: Identifier
    revision: int = Field(gt=0)
    sound_revision: int = Field(gt=0)
    kind: AlertKind
    priority: Priority = Priority.EMERGENCY
    """Below an emergency it waits for whoever speaks live, and keeps quiet hours."""
    issuer: Identifier
    issuer_depth: int = Field(ge=0, le=16)
    raised_at: Instant
    starts_at: Instant
    stagger_ms: int = Field(default=0, ge=0, le=ALERT_STAGGER_MAX_MS)
    """A speaker begins so much later for each turn before its own (`Config.turn`); 0: all together."""
    expires_at: Instant
    ends: bool = False
    """The alert itself is over, and this is the all-clear: for whoever had the alert."""
    headline: Title = ""
    signal: Identifier | None = None
    signal_ms: Milliseconds = 0
    message: Annotated[tuple[ClipRef, ...], Field(max_length=8)] = ()
    """What is said after the signal, one clip after another."""
    message_follows: bool = False
    """It is still being made: the signal need not wait for it."""
    volume: VolumePercent | None = None
    """Instead of the speaker's own volume for emergencies; 0 is a test that nobody hears."""
    repeat: RepeatPlan = RepeatPlan()


class AlertSet(Order):
    """All active alerts of one target. A *set*, so that a retained copy can never re-fire an event.

    `target` is `area:` with a code, `group:` or `device:` with an id, and the order's audience.
    """

    channel = Channel.ALERTS
    typ = "loa-alerts+jwt"
    target: Identifier
    version: int = Field(gt=0)
    """Only grows: a speaker refuses a lower one."""
    alerts: tuple[Alert, ...] = Field(default=(), max_length=ACTIVE_MAX)


class AlertPhase(StrEnum):
    """How far an alert has come on one speaker."""

    RECEIVED = "received"
    """Verified; its time has not come, or its sound is not ready."""
    SOUNDING = "sounding"
    """The sink consumes it."""
    FINISHED = "finished"
    """Heard to its end at least once."""
    FAILED = "failed"
    """It could not be heard, and no more can be."""
    ENDED = "ended"
    """Called off, replaced or expired; nothing of it sounds any more."""


class AlertStanding(Part):
    """How one alert stands on one speaker."""

    alert: Identifier
    revision: int = Field(gt=0)
    phase: AlertPhase
    at: Instant
    """Since when."""
    first_sound_at: Instant | None = None
    """When its first sample left the sink, by the speaker's trusted clock."""
    reason: str = Field(default="", max_length=200)


class AlertReport(Message):
    """How all alerts that a speaker knows stand on it: at each change, and whenever the link comes back."""

    channel = Channel.ALERT_REPORT
    device: Identifier
    standings: tuple[AlertStanding, ...] = Field(default=(), max_length=2 * ACTIVE_MAX)
