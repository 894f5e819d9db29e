"""The controller's half of the clock exchange: two timestamps, signed, with the speaker's nonce."""

from datetime import UTC, datetime, timedelta
from time import time_ns

from protocol import topics
from protocol.messages import ClockReply, ClockRequest
from protocol.signing import Signer, sign
from schedules.types import DeviceId

REPLY_LIFETIME = timedelta(minutes=1)


def now_us() -> int:
    """UTC as microseconds since the epoch."""
    return time_ns() // 1000


def answer(payload: bytes, *, device_id: DeviceId, received_at_us: int, key: Signer) -> tuple[str, bytes]:
    """Return topic and payload of the reply; raise a `ProtocolError` for a question that cannot be read.

    The second timestamp is taken last, so that only the signing lies between it and the wire.
    """
    request = ClockRequest.decode(payload)
    replied_at_us = now_us()
    reply = ClockReply(
        nonce=request.nonce,
        sent_mono_us=request.sent_mono_us,
        received_at_us=received_at_us,
        replied_at_us=replied_at_us,
    )
    now = datetime.fromtimestamp(replied_at_us / 1_000_000, UTC)
    signed = sign(reply, audience=device_id, key=key, now=now, lifetime=REPLY_LIFETIME)
    return topics.device(device_id, topics.Channel.CLOCK_REPLY), signed.encode()
