"""Every message of the wire as a typed model.

Down-going bodies travel inside a signed order (`protocol.signing`), up-going ones as plain JSON. A reader ignores
fields it does not know, so that either side may be updated first, and refuses a version it does not speak.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from protocol.errors import Malformed, TooLarge, UnsupportedVersion
from protocol.topics import DELIVERY, Channel
from schedules.types import VIETNAM, Priority, Resume

VERSION = 1


def _milliseconds(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _whole_milliseconds(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_whole_milliseconds),
    PlainSerializer(_milliseconds, return_type=str),
]
"""A moment as RFC 3339 UTC with milliseconds."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
VolumePercent = Annotated[int, Field(ge=0, le=100)]
Milliseconds = Annotated[int, Field(ge=0, le=7 * 24 * 3600 * 1000)]
Title = Annotated[str, Field(max_length=300)]


class Part(BaseModel):
    """A piece of a message: immutable, tolerant of fields from a newer sender."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Part):
    """A whole message."""

    channel: ClassVar[Channel]
    v: int = VERSION

    @classmethod
    def decode(cls, payload: bytes | bytearray | str) -> Self:
        """Read an up-going message. Raises `TooLarge`, `UnsupportedVersion` or `Malformed`."""
        limit = DELIVERY[cls.channel].max_bytes
        if len(payload) > limit:
            raise TooLarge(f"{cls.channel}: {len(payload)} bytes, {limit} allowed")
        try:
            return cls.model_validate_json(payload).known_version()
        except (ValidationError, ValueError, RecursionError) as error:
            raise _refusal(payload, error) from error

    def known_version(self) -> Self:
        """Return the message itself, or raise `UnsupportedVersion`."""
        if self.v != VERSION:
            raise UnsupportedVersion(f"message version {self.v}; this side speaks {VERSION}")
        return self

    def encode(self) -> bytes:
        """Return the message as JSON bytes."""
        return self.model_dump_json(exclude_none=True).encode()


class _Version(BaseModel):
    v: int = VERSION


def _refusal(payload: bytes | bytearray | str, error: Exception) -> Malformed | UnsupportedVersion:
    """A message of another version is said to be that, even where its shape is unknown too."""
    try:
        version = _Version.model_validate_json(payload).v
    except (ValidationError, ValueError, RecursionError):
        version = VERSION
    if version != VERSION:
        return UnsupportedVersion(f"message version {version}; this side speaks {VERSION}")
    return Malformed(str(error))


# --- to the speaker: signed bodies --------------------------------------------------------------------------------


class Order(Message):
    """The body of a signed order. `typ` names its kind inside the signature."""

    typ: ClassVar[str]


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
    stretches: tuple[Stretch, ...]


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
    quiet_hours: tuple[Window, ...] = ()
    volume_rules: tuple[VolumeWindow, ...] = ()
    default_volume: VolumePercent = 70
    max_volume: VolumePercent = 100
    caps: CapLimits = CapLimits()
    keys: tuple[TrustedKey, ...] = ()


class Stop(Part):
    """Silence what is on air; with an occurrence, only that one. What was stopped does not come back."""

    verb: Literal["stop"] = "stop"
    occurrence: Identifier | None = None


class Skip(Part):
    """Leave out one coming or sounding occurrence."""

    verb: Literal["skip"] = "skip"
    occurrence: Identifier


class SetVolume(Part):
    """Override the time of day's volume until a moment; the ceiling still holds."""

    verb: Literal["volume"] = "volume"
    volume: VolumePercent
    until: Instant


class TestTone(Part):
    """Sound a short tone that nobody can take for an alarm."""

    verb: Literal["test_tone"] = "test_tone"
    seconds: float = Field(default=2.0, gt=0, le=10)


class SendLogs(Part):
    """Return the last lines of the agent's log in the reply."""

    verb: Literal["send_logs"] = "send_logs"
    lines: int = Field(default=100, gt=0, le=300)


class Restart(Part):
    """End the agent; its supervisor starts it again."""

    verb: Literal["restart"] = "restart"


Action = Annotated[Stop | Skip | SetVolume | TestTone | SendLogs | Restart, Field(discriminator="verb")]


class Command(Order):
    """A signed one-off. The order's `jti` is the command's id: it is obeyed once."""

    channel = Channel.COMMAND
    typ = "loa-command+jwt"
    id: Identifier
    action: Action


class RecordsAck(Order):
    """The highest contiguous number stored, per boot: only now may the device forget."""

    channel = Channel.RECORDS_ACK
    typ = "loa-records-ack+jwt"
    device: Identifier
    stored: dict[Identifier, int]


class ClockReply(Order):
    """The controller's two timestamps of a four-timestamp exchange (as in NTP, RFC 5905), with the device's nonce."""

    channel = Channel.CLOCK_REPLY
    typ = "loa-clock+jwt"
    nonce: Identifier
    sent_mono_us: int
    """The device's own monotonic time of asking, given back."""
    received_at_us: int
    """Controller UTC when the question arrived, µs since the epoch."""
    replied_at_us: int
    """Controller UTC when the answer left, µs since the epoch."""


class Pulse(Order):
    """The controller's heartbeat: an agent that misses it knows that it is blind."""

    channel = Channel.PULSE
    typ = "loa-pulse+jwt"
    at: Instant
    every_s: int = 30
    alert_revisions: dict[Identifier, int] = Field(default_factory=dict)
    """Area or group → revision of its alert set."""


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


# --- from the speaker: JSON, bound to the device by its certificate and the broker's ACL ------------------------------


class Reply(Message):
    """What became of a command."""

    channel = Channel.REPLY
    device: Identifier
    command_id: Identifier
    outcome: Literal["done", "refused", "failed"]
    detail: str = Field(default="", max_length=60_000)
    at: Instant | None = None


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
    underruns: int = 0


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
    clock: ClockState
    player: PlayerState
    cache_mb: float = 0
    cache_limit_mb: float = 0
    records_waiting: int = Field(default=0, ge=0)
    rejected: dict[Identifier, int] = Field(default_factory=dict)
    """Refused orders since the journal began, by the code of the refusal."""
    problems: tuple[Problem, ...] = Field(default=(), max_length=50)
    health: Health = Health()


class Outcome(StrEnum):
    """How one stretch of airing ended."""

    COMPLETED = "completed"
    PRE_EMPTED = "pre-empted"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    MISSED = "missed"
    SKIPPED = "skipped"


class PlayRecord(Part):
    """What the sink really played, once. Ordered by (boot order, seq): the wall clock may have stepped."""

    seq: int = Field(gt=0)
    kind: Literal["occurrence", "alert", "live", "test_tone"] = "occurrence"
    occurrence: Identifier | None = None
    schedule_id: Identifier | None = None
    title: Title = ""
    clip: Hash | None = None
    planned_at: Instant | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    from_ms: int = 0
    """Where in the occurrence the sound began: above 0 after a late join."""
    played_ms: int = 0
    start_error_ms: float | None = None
    """First sample at the sink, less its time."""
    volume: VolumePercent = 0
    outcome: Outcome
    reason: str = Field(default="", max_length=200)
    clock: ClockQuality = ClockQuality.TRUSTED
    plan_version: int | None = None


class Records(Message):
    """A batch of play records of one boot, in order of their numbers."""

    channel = Channel.RECORDS
    device: Identifier
    boot: Identifier
    boot_order: int = Field(gt=0)
    """Counts the agent's starts; a new journal begins at 1 with a new `boot`."""
    oldest: int | None = Field(default=None, gt=0)
    """The lowest number of this boot that the device still has, said when older ones had to make room."""
    records: tuple[PlayRecord, ...] = Field(max_length=100)


class ClockRequest(Message):
    """The speaker asks for the time."""

    channel = Channel.CLOCK
    nonce: Identifier
    sent_mono_us: int


ORDERS: tuple[type[Order], ...] = (
    Plan,
    PlanManifest,
    Config,
    Command,
    RecordsAck,
    ClockReply,
    Pulse,
    AlertSet,
    AlertNow,
    LiveStart,
)
REPORTS: tuple[type[Message], ...] = (Reply, Status, DeviceState, Records, ClockRequest)
