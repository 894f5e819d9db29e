"""One-off orders to a speaker, and its answer."""

from typing import Annotated, Literal

from pydantic import Field

from protocol.messages._base import Identifier, Instant, Message, Order, Part, VolumePercent
from protocol.topics import Channel


class Stop(Part):
    """Silence what is on air; with an occurrence, only that one. What was stopped does not come back."""

    verb: Literal["stop"] = "stop"
    occurrence: Identifier | None = None


class Skip(Part):
    """Leave out one coming or sounding occurrence."""

    verb: Literal["skip"] = "skip"
    occurrence: Identifier


class SetVolume(Part):
    """Override the time of day's volume until a moment; the ceiling still holds."""

    verb: Literal["volume"] = "volume"
    volume: VolumePercent
    until: Instant


class TestTone(Part):
    """Sound a short tone that nobody can take for an alarm."""

    verb: Literal["test_tone"] = "test_tone"
    seconds: float = Field(default=2.0, gt=0, le=10)


class SendLogs(Part):
    """Return the last lines of the agent's log in the reply."""

    verb: Literal["send_logs"] = "send_logs"
    lines: int = Field(default=100, gt=0, le=300)


class Restart(Part):
    """End the agent; its supervisor starts it again."""

    verb: Literal["restart"] = "restart"


Action = Annotated[Stop | Skip | SetVolume | TestTone | SendLogs | Restart, Field(discriminator="verb")]


class Command(Order):
    """A signed one-off. The order's `jti` is the command's id: it is obeyed once."""

    channel = Channel.COMMAND
    typ = "loa-command+jwt"
    id: Identifier
    action: Action


class Reply(Message):
    """What became of a command."""

    channel = Channel.REPLY
    device: Identifier
    command_id: Identifier
    outcome: Literal["done", "refused", "failed"]
    detail: str = Field(default="", max_length=60_000)
    at: Instant | None = None
