"""What is said about signing keys over HTTP."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from controller.http.fields import In
from controller.signing.lifecycle import KeyState
from protocol.messages.configs import NOTICE_MAX_BYTES

OVERLAP_HOURS = 7 * 24
"""Speakers that are off for a weekend learn the next key from its announcement; others follow the notices."""


class SigningKeyOut(BaseModel):
    """A key's public half, and where it is in its life."""

    model_config = ConfigDict(from_attributes=True)

    kid: str
    x: str
    """The public half (RFC 8037), as speakers pin it."""
    state: KeyState
    made_at: datetime
    signs_from: datetime | None
    trusted_until: datetime | None
    changed_at: datetime


class RotationIn(In):
    """How long the next key is announced before it signs."""

    overlap_hours: Annotated[float, Field(ge=0, le=24 * 90)] = OVERLAP_HOURS


class StatementOut(BaseModel):
    """What the recovery key is to sign: `loa controller key sign` does, also on a machine without network."""

    serial: int
    keys: list[dict[str, str]]
    revoked: list[str]


class RevocationIn(In):
    """The statement, signed."""

    notice: Annotated[str, Field(min_length=1, max_length=NOTICE_MAX_BYTES)]
