"""Shapes of codes, applications and certificates."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from controller.devices.schemas import DeviceIn
from controller.enrolment.models import Application, Certificate, Decision, Reason
from controller.http.fields import In
from controller.text import Text

FingerprintField = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CodeOut(BaseModel):
    """A one-time code. It is not shown again."""

    device_id: str
    code: str
    command: str
    """What to type at the speaker."""
    qr_svg: str
    """The command as a QR code."""
    expires_at: AwareDatetime


class ApprovalIn(In):
    """Which speaker a waiting board becomes."""

    device_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    register_as: DeviceIn | None = None
    """A speaker that is registered with it."""
    replace: bool = False
    """It takes the place of the board that the speaker has; that one is shut out."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.device_id is None) == (self.register_as is None):
            raise ValueError(Text("Name a speaker, or register one"))
        return self


class ApplicationOut(BaseModel):
    """A board that asks to be let in. Everything but its fingerprint and address is what it says of itself."""

    model_config = ConfigDict(from_attributes=True)
    fingerprint: str
    hardware: str
    hostname: str
    agent_version: str
    address: str
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime
    state: Decision
    device_id: str | None
    decided_by: str
    decided_at: AwareDatetime | None

    @classmethod
    def of(cls, row: Application) -> Self:
        """Return a row as it is shown."""
        return cls.model_validate(row)


class CertificateOut(BaseModel):
    """A certificate that was issued to a speaker."""

    model_config = ConfigDict(from_attributes=True)
    serial: str
    device_id: str
    fingerprint: str
    issued_at: AwareDatetime
    not_after: AwareDatetime
    revoked_at: AwareDatetime | None
    reason: Reason | None

    @classmethod
    def of(cls, row: Certificate) -> Self:
        """Return a row as it is shown."""
        return cls.model_validate(row)
