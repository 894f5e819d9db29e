"""The frames of a live session: 20 ms of Opus each, signed by the session's own key.

Everybody in an area may read what is said to it, so a shared secret would let any one of ten thousand speakers, opened
on its pole, speak to all others. Each frame therefore carries an Ed25519 signature: 64 bytes beside some 80 of sound,
0.1 ms to check, fifty times a second. The private half lives in the controller's memory, for one session.
"""

import base64
import struct
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol.errors import BadSignature, Malformed

FRAME_MS: Final = 20
OPUS_MAX_BYTES: Final = 1275
"""The longest packet of one frame (RFC 6716, 3.2.1)."""
_OF_20_MS: Final = frozenset({1, 5, 9, 13, 15, 19, 23, 27, 31})
"""The configurations with frames of 20 ms (RFC 6716, table 2)."""
_MARK: Final = 1
"""The first byte: a signed word on the same topic begins with a letter."""
_HEAD: Final = struct.Struct("!B8sIQ")
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of somebody's speech."""

    tag: bytes
    """The first bytes of the session's public key: whose key to ask."""
    number: int
    """Counts the frames from the session's first; a frame that was lost leaves a gap."""
    sent_ms: int
    """When the controller passed it on, in milliseconds since 1970."""
    opus: bytes


@dataclass(frozen=True, slots=True)
class SealedFrame:
    """A frame as it came, not to be believed yet."""

    frame: Frame
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, payload: bytes) -> Self | None:
        """Return the frame, or None for something else than one. Raises `Malformed` for a broken one."""
        if payload[:1] != bytes([_MARK]):
            return None
        signed, signature = payload[:-_SIGNATURE_BYTES], payload[-_SIGNATURE_BYTES:]
        if not _HEAD.size < len(signed) <= _HEAD.size + OPUS_MAX_BYTES:
            raise Malformed(f"a live frame of {len(payload)} bytes")
        _, tag, number, sent_ms = _HEAD.unpack_from(signed)
        return cls(Frame(tag, number, sent_ms, signed[_HEAD.size :]), signed, signature)

    def opened(self, key: "FrameKey") -> Frame:
        """Return the frame if this key signed it. Raises `BadSignature`."""
        try:
            key.public.verify(self.signature, self.signed)
        except InvalidSignature as error:
            raise BadSignature("a live frame that the session's key did not sign") from error
        return self.frame


@dataclass(frozen=True, slots=True)
class FrameKey:
    """What speakers check frames with: the public half, as the signed order names it."""

    public: Ed25519PublicKey
    tag: bytes

    @classmethod
    def of(cls, text: str) -> Self:
        """Read `LiveSession.frame_key`. Raises `Malformed`."""
        try:
            raw = base64.urlsafe_b64decode(text + "=")
            return cls(Ed25519PublicKey.from_public_bytes(raw), raw[:8])
        except ValueError as error:
            raise Malformed("the key of a live session is none") from error


class FrameSigner:
    """Signs the frames of one session, for as long as it lasts."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._tag = raw[:8]
        self.key = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        """As `LiveSession.frame_key` says it."""

    def seal(self, number: int, sent_ms: int, opus: bytes) -> bytes:
        """Return a frame for the wire."""
        signed = _HEAD.pack(_MARK, self._tag, number, sent_ms) + opus
        return signed + self._private.sign(signed)


def is_speech(opus: bytes) -> bool:
    """Whether this is one Opus packet of one frame of 20 ms (RFC 6716, 3.1): all that speakers are made for."""
    if not 1 <= len(opus) <= OPUS_MAX_BYTES:
        return False
    config, code = opus[0] >> 3, opus[0] & 3
    return config in _OF_20_MS and code == 0
