"""Why sound cannot leave the machine. All are transient: the player opens the sink again by itself."""

from typing import ClassVar


class SinkError(Exception):
    """Sound cannot leave the machine this way."""

    code: ClassVar[str] = "sink"
    transient: ClassVar[bool] = True


class SinkLost(SinkError):
    """The device behind an open sink is gone; it may come back."""

    code = "sink_lost"


class SinkUnavailable(SinkError):
    """The sink could not be opened now; trying again later may help."""

    code = "sink_unavailable"
