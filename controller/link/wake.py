"""How a transaction calls the link once it is committed, without knowing it."""

from collections.abc import Callable

from controller.runtime import Runtime


class Bell:
    """Rings whoever listens; before that, nobody: the link looks into the database when it comes."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] | None = None

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call this from now on."""
        self._listener = listener

    def ring(self) -> None:
        """There is something to publish."""
        if self._listener is not None:
            self._listener()


def bell_of(runtime: Runtime) -> Bell:
    """Return the service's one bell."""
    bell: Bell = runtime.parts.setdefault(Bell, Bell())
    return bell


def wake_of(runtime: Runtime) -> Callable[[], None]:
    """Return what to run after a commit that wants publishing."""
    return bell_of(runtime).ring
