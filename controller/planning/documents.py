"""From a body to what stands on the broker: signed, versioned, and only when it says something new."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.content.store import ContentStore
from controller.link.models import RetainedDocument
from controller.planning.compile import content_hash
from protocol.messages import Config, Plan, PlanManifest
from protocol.signing import Signer, sign
from protocol.topics import INLINE_PLAN_MAX_BYTES

RENEW_BEFORE_END = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Standing:
    """What already stands on a topic."""

    version: int
    content_hash: str
    expires_at: datetime | None
    kid: str = ""
    """Who signed it."""

    @classmethod
    def of(cls, row: RetainedDocument | None) -> "Standing | None":
        """Return what a row says, free of its session."""
        return None if row is None else cls(row.version, row.content_hash, row.expires_at, row.kid)

    def still_good(self, digest: str, now: datetime, kid: str) -> bool:
        """Whether the same words need not be said again: by the key that signs now, and for long enough."""
        return (
            self.content_hash == digest
            and self.kid == kid
            and self.expires_at is not None
            and self.expires_at > now + RENEW_BEFORE_END
        )


@dataclass(frozen=True, slots=True)
class Document:
    """News for a topic."""

    topic: str
    device_id: str | None
    payload: bytes
    content_hash: str
    version: int
    expires_at: datetime | None
    kid: str = ""
    content_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """Signs bodies and, where they are too long for a topic, lays them in the content store."""

    key: Signer
    store: ContentStore
    url: Callable[[str, str, datetime], str]

    def print(
        self, body: Plan | Config, topic: str, standing: Standing | None, *, now: datetime, expires_at: datetime
    ) -> Document | None:
        """Return the document for a body, or None when the standing one says the same. May touch the disk."""
        digest, key = content_hash(body), self.key.itself()
        if standing is not None and standing.still_good(digest, now, key.kid):
            return None
        version = max(standing.version + 1 if standing else 1, int(now.timestamp() * 1000))
        body = body.model_copy(update={"version": version})
        lifetime = expires_at - now
        signed = sign(body, audience=body.device, key=key, now=now, lifetime=lifetime).encode()
        content: str | None = None
        if isinstance(body, Plan) and len(signed) > INLINE_PLAN_MAX_BYTES:
            stored = self.store.put(signed)
            content = stored.sha256
            manifest = PlanManifest(
                device=body.device,
                version=version,
                sha256=content,
                url=self.url(content, body.device, expires_at),
                size_bytes=stored.size_bytes,
            )
            signed = sign(manifest, audience=body.device, key=key, now=now, lifetime=lifetime).encode()
        return Document(topic, body.device, signed, digest, version, expires_at, key.kid, content)
