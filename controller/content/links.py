"""Expiring links to clips: what a plan carries, so that a speaker needs no session.

`/content/{sha256}?exp=…&dev=…&sig=…`; the signature covers all three, so a link opens one clip for one speaker.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

RENEWABLE_FOR = timedelta(days=30)
"""How long after its end a genuine link may still be exchanged for a fresh one."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link's parts, as they arrive in a request: not to be believed before `ContentLinks.genuine`."""

    sha256: str
    expires_at_s: int
    device_id: str
    signature: str

    def valid_at(self, now: datetime, *, grace: timedelta = timedelta(0)) -> bool:
        """Whether the link has not ended, or ended no longer than `grace` ago."""
        return now.timestamp() < self.expires_at_s + grace.total_seconds()


@dataclass(frozen=True, slots=True)
class ContentLinks:
    """Makes and checks links with the service's own secret."""

    secret: bytes
    base_url: str

    def url(self, sha256: str, *, device_id: str, expires_at: datetime) -> str:
        """Return a link to a clip for one speaker: the same text for the same arguments, so that plans do not churn."""
        expires_at_s = int(expires_at.timestamp())
        query = {"exp": expires_at_s, "dev": device_id, "sig": self._signature(sha256, expires_at_s, device_id)}
        return f"{self.base_url.rstrip('/')}/content/{sha256}?{urlencode(query)}"

    def genuine(self, link: Link) -> bool:
        """Whether this service made the link, however old it is."""
        expected = self._signature(link.sha256, link.expires_at_s, link.device_id)
        return hmac.compare_digest(expected.encode(), link.signature.encode())

    def _signature(self, sha256: str, expires_at_s: int, device_id: str) -> str:
        words = f"content\n{sha256}\n{expires_at_s}\n{device_id}".encode()
        return base64.urlsafe_b64encode(hmac.digest(self.secret, words, hashlib.sha256)).rstrip(b"=").decode()
