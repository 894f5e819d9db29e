"""Boards that want to be let in, and what lets them in, as their page sees them."""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup


@dataclass(frozen=True)
class ApplicationView:
    """A board that waits to be let in."""

    fingerprint: str
    groups: tuple[str, ...]
    """The same, as eyes can compare it."""
    about: str
    since: datetime


@dataclass(frozen=True)
class EnrolmentCodeView:
    """A one-time code, and the command with it, typed or scanned."""

    device_id: str
    code: str
    command: str
    qr: Markup
    expires_at: datetime


@dataclass(frozen=True)
class CertificateView:
    """Until when a speaker is let in."""

    device_id: str
    not_after: datetime
    expired: bool
