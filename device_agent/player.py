"""The player: one open stream, fed with silence until there is something to say."""

from collections.abc import Callable

from device_agent.ports import Amplifier, NullAmplifier
from device_agent.sinks import Sink


class Player:
    """Owns the sink in one thread. `open_sink` is called there, again after each loss."""

    def __init__(self, open_sink: Callable[[], Sink], amplifier: Amplifier | None = None) -> None:
        self._open_sink = open_sink
        self._amplifier = amplifier or NullAmplifier()

    def start(self) -> None:
        """Start the thread. Call it inside the event loop: events are delivered there."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Fade out, end the thread, close the sink."""
        raise NotImplementedError
