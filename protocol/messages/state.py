"""How a speaker is."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from protocol.messages._base import Hash, Identifier, Instant, Message, Part, Title, VolumePercent
from protocol.topics import Channel


class Status(Message):
    """Birth, or death through the will. A will that bears an old session is ignored."""

    channel = Channel.STATUS
    device: Identifier
    session: Identifier
    online: bool
    agent_version: str = Field(default="", max_length=64)
    at: Instant | None = None


class ClockQuality(StrEnum):
    """Whether timed items may play."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class ClockState(Part):
    """How the speaker knows the time."""

    quality: ClockQuality
    source: Literal["none", "system", "exchange", "holdover"]
    error_ms: float | None = None
    """Bound of the clock's error, as far as the device can tell."""
    wall_offset_ms: float | None = None
    """Trusted time less the system's wall clock."""
    round_trip_ms: float | None = None
    steps: int = 0
    """How often the wall clock was seen to jump since the agent started."""


class PlayerState(Part):
    """What the sink does, never what was asked."""

    state: Literal["silent", "playing", "lost"]
    occurrence: Identifier | None = None
    title: Title = ""
    position_ms: int = 0
    volume: VolumePercent = 0
    sink: str = Field(default="", max_length=64)
    latency_ms: float | None = None
    level_dbfs: float | None = None
    """RMS of what the sink consumed in the last half second; a broadcast of silence shows here. None when off air."""
    late_ms: float | None = None
    """How far what is on air is behind its instants; the speaker corrects it softly."""
    underruns: int = 0
    """How often samples were lacking since the agent started: the sink stood still, or got silence in their place."""
    underrun_ms: int = 0
    """For how long, in all."""
    jumps: int = 0
    """How often what was on air had to be set right at once because it was too far from its instants."""
    amplifier_on: bool | None = None
    """None where the speaker does not switch its amplifier, or cannot."""


class Problem(Part):
    """Something a technician must look at. `code` is stable; `text` is for reading."""

    code: Identifier
    text: str = Field(default="", max_length=300)
    since: Instant | None = None


class Health(Part):
    """The machine under the agent."""

    uptime_s: float = 0
    memory_mb: float = 0
    disk_free_mb: float | None = None
    temperature_c: float | None = None
    load_1m: float | None = None
    data_bytes: int | None = None
    """Received and sent over the network since the machine started; the modem's bill counts much the same."""
    signal_percent: int | None = Field(default=None, ge=0, le=100)
    """Of the mobile modem, as ModemManager says it; None without a modem or without ModemManager."""


class DeviceState(Message):
    """How a speaker is: sent on each change and every 30 s."""

    channel = Channel.STATE
    device: Identifier
    session: Identifier
    at: Instant | None = None
    agent_version: str = Field(default="", max_length=64)
    plan_version: int | None = None
    plan_until: Instant | None = None
    config_version: int | None = None
    ready: int = Field(default=0, ge=0)
    """Occurrences still to come whose every clip is here …"""
    planned: int = Field(default=0, ge=0)
    """… of this many."""
    missing: tuple[Hash, ...] = Field(default=(), max_length=200)
    standing: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")
    """Which standing messages are here: `standing_digest` of their clips. Other than the controller's: an old set."""
    clock: ClockState
    player: PlayerState
    cache_mb: float = 0
    cache_limit_mb: float = 0
    records_waiting: int = Field(default=0, ge=0)
    rejected: dict[Identifier, int] = Field(default_factory=dict)
    """Refused orders since the journal began, by the code of the refusal."""
    problems: tuple[Problem, ...] = Field(default=(), max_length=50)
    health: Health = Health()
