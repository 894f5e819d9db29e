"""A person speaking live: the signed word that lets their frames be heard."""

from pydantic import Field

from protocol.messages._base import Identifier, Instant, Order, Title
from protocol.topics import Channel


class LiveSession(Order):
    """A person speaks to a target now, or (`over`) no longer.

    Said again every few seconds with a short lifetime, so that a speaker that was away finds in, and an old word is
    worth nothing. `target` is `area:` with a code, `group:` or `device:` with an id, and the order's audience.
    """

    channel = Channel.LIVE
    typ = "loa-live+jwt"
    session: Identifier
    target: Identifier
    title: Title = ""
    issuer_depth: int = Field(ge=0, le=16)
    starts_at: Instant
    """When the opening chime begins; who speaks is heard after it."""
    ends_at: Instant
    """The time limit, whatever becomes of who speaks."""
    frame_key: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    """The public half of the session's own Ed25519 key (base64url): it signs the frames."""
    over: bool = False
