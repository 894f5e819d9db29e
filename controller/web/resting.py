"""How long pages rest that renew themselves: together they take a fifth of the server's time, however many watch.

Ten thousand speakers that all report at once must be heard first.
"""

import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

RESTS: Final = 4
"""Times what an answer cost."""
LONGEST_MS: Final = 10_000


class Costing(Generator[Any, Any, Any]):
    """Awaits something, and counts the processor time of its own steps: not what others did while it waited."""

    def __init__(self, work: Awaitable[Any]) -> None:
        self._steps = work.__await__()
        self.cost_ms = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        """Await it."""
        return self

    def send(self, value: Any) -> Any:
        """Go on."""
        return self._counted(self._steps.send, value)

    def throw(self, *error: Any) -> Any:
        """Go on with an exception: it was cancelled."""
        return self._counted(self._steps.throw, *error)

    def _counted(self, step: Callable[..., Any], *given: Any) -> Any:
        began_ns = time.thread_time_ns()
        try:
            return step(*given)
        finally:
            self.cost_ms += (time.thread_time_ns() - began_ns) / 1e6


def rest_ms(cost_ms: float, watchers: int) -> float:
    """Return how long a page rests after an answer, when so many pages are watching."""
    return min(RESTS * cost_ms * max(watchers, 1), LONGEST_MS)
