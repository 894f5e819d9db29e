"""What all messages share: the types of their fields, and how they are written and read."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from protocol.errors import Malformed, TooLarge, UnsupportedVersion
from protocol.topics import DELIVERY, Channel

VERSION = 1


@lru_cache(maxsize=2048)
def _milliseconds(at: datetime) -> str:
    """Write a moment. Remembered: the plans of neighbours name the same moments, and each is written twice."""
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


class Order(Message):
    """The body of a signed order. `typ` names its kind inside the signature."""

    typ: ClassVar[str]
