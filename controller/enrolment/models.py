"""The tables of codes, applications and certificates."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.columns import stored_as_text
from controller.database import Base
from controller.devices.models import DeviceKey

Fingerprint = String(64)
Serial = String(40)


class CodeRow(Base):
    """A one-time code, without its secret: only what proves that somebody knows it, for the hours that it lives."""

    __tablename__ = "enrolment_codes"

    id: Mapped[str] = mapped_column(String(4), primary_key=True)
    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    fingerprint: Mapped[str | None] = mapped_column(Fingerprint)
    """Of the key that it was used for: whoever asks again with that one, because the answer was lost, gets it again."""


class Decision(StrEnum):
    """What became of an application."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


class Application(Base):
    """An unknown speaker that asks to be let in."""

    __tablename__ = "enrolment_applications"

    fingerprint: Mapped[str] = mapped_column(Fingerprint, primary_key=True)
    request: Mapped[str] = mapped_column(Text)
    hardware: Mapped[str] = mapped_column(String(200))
    hostname: Mapped[str] = mapped_column(String(255))
    agent_version: Mapped[str] = mapped_column(String(50))
    address: Mapped[str] = mapped_column(String(64))
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[Decision] = mapped_column(stored_as_text(Decision))
    device_id: Mapped[str | None] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"))
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[datetime | None]


class Reason(StrEnum):
    """Why a certificate no longer counts."""

    REPLACED = "replaced"
    """Another board took the speaker's place."""
    SUPERSEDED = "superseded"
    """The speaker has shown that it uses a later one."""
    REVOKED = "revoked"
    """Somebody said so."""
    RETIRED = "retired"


class Certificate(Base):
    """A certificate that was issued to a speaker."""

    __tablename__ = "certificates"

    serial: Mapped[str] = mapped_column(Serial, primary_key=True)
    """In hex."""
    device_id: Mapped[str] = mapped_column(DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    fingerprint: Mapped[str] = mapped_column(Fingerprint, index=True)
    pem: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime]
    not_after: Mapped[datetime]
    renews: Mapped[str | None] = mapped_column(Serial)
    """The serial of the one it was asked for with."""
    revoked_at: Mapped[datetime | None] = mapped_column(index=True)
    reason: Mapped[Reason | None] = mapped_column(stored_as_text(Reason))
