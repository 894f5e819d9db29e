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


class SinkBusy(SinkUnavailable):
    """Another program holds the sound card."""

    code = "sink_busy"

    def __init__(self, device: str) -> None:
        super().__init__(f"another program holds {device}: find it with fuser -v /dev/snd/*, and stop it")


class SinkForbidden(SinkUnavailable):
    """The agent's user may not use the sound card."""

    code = "sink_forbidden"

    def __init__(self, device: str) -> None:
        super().__init__(f"no right to use {device}: put the agent's user into the group audio, and restart the agent")


class SinkMissing(SinkUnavailable):
    """There is no such sound card."""

    code = "sink_missing"

    def __init__(self, device: str) -> None:
        super().__init__(f"there is no {device}: check the plug, and the name with aplay -L")


class SinkUnsuited(SinkUnavailable):
    """The sound card does not take mono at 48 kHz."""

    code = "sink_unsuited"

    def __init__(self, device: str) -> None:
        super().__init__(f"{device} does not take mono 16-bit at 48 kHz: name it plughw:… instead of hw:…")
