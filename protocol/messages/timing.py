"""The time, and that somebody is there."""

from protocol.messages._base import Identifier, Instant, Message, Order
from protocol.topics import Channel


class ClockReply(Order):
    """The controller's two timestamps of a four-timestamp exchange (as in NTP, RFC 5905), with the device's nonce."""

    channel = Channel.CLOCK_REPLY
    typ = "loa-clock+jwt"
    nonce: Identifier
    sent_mono_us: int
    """The device's own monotonic time of asking, given back."""
    received_at_us: int
    """Controller UTC when the question arrived, µs since the epoch."""
    replied_at_us: int
    """Controller UTC when the answer left, µs since the epoch."""


class Pulse(Order):
    """The controller's heartbeat: an agent that misses it knows that it is blind."""

    channel = Channel.PULSE
    typ = "loa-pulse+jwt"
    at: Instant
    every_s: int = 30


class ClockRequest(Message):
    """The speaker asks for the time."""

    channel = Channel.CLOCK
    nonce: Identifier
    sent_mono_us: int
