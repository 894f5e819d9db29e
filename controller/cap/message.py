"""A CAP 1.2 message as values. Names are the standard's, in this project's manner; times are aware."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

MessageId = NewType("MessageId", str)
SenderName = NewType("SenderName", str)
"""What the `sender` element says."""


class Status(StrEnum):
    """What a message is meant as."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MessageType(StrEnum):
    """What a message does."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """Who may hear it."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(StrEnum):
    """What it is about."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(StrEnum):
    """What people should do."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(StrEnum):
    """How soon to act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """How bad it is."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """How sure it is."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Named:
    """A value with its name, which says what list the value is of."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Point:
    """A place, WGS 84, in degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Circle:
    """All within `radius_km` of a point; a radius of zero is the point."""

    centre: Point
    radius_km: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """A ring of at least four points, the last the same as the first."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where it holds: the standard's `area`, all of its forms together."""

    description: str
    polygons: tuple[Polygon, ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that goes with it, such as a recording."""

    description: str
    mime_type: str
    size_bytes: int | None = None
    uri: str | None = None
    inline_base64: str | None = None
    digest: str | None = None
    """SHA-1 of the content, as the standard asks; it finds a broken download, it proves nothing."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Another message, as `references` names it."""

    sender: SenderName
    identifier: MessageId
    sent: datetime

    @property
    def key(self) -> "Key":
        """Which message it is."""
        return Key(self.sender, self.identifier)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes a message one: identifiers are unique for each sender."""

    sender: SenderName
    identifier: MessageId


@dataclass(frozen=True, slots=True)
class Info:
    """One telling of it: in one language, for some places."""

    event: str
    categories: tuple[Category, ...]
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    language: str = "en-US"
    """The standard's default where a message says none."""
    responses: tuple[ResponseType, ...] = ()
    audience: str | None = None
    event_codes: tuple[Named, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    web: str | None = None
    contact: str | None = None
    parameters: tuple[Named, ...] = ()
    resources: tuple[Resource, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A CAP message."""

    identifier: MessageId
    sender: SenderName
    sent: datetime
    status: Status
    type: MessageType
    scope: Scope
    source: str | None = None
    restriction: str | None = None
    addresses: str | None = None
    codes: tuple[str, ...] = ()
    note: str | None = None
    references: tuple[Reference, ...] = ()
    incidents: str | None = None
    infos: tuple[Info, ...] = ()

    @property
    def key(self) -> Key:
        """Which message it is."""
        return Key(self.sender, self.identifier)
