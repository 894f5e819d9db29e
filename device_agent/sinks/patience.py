"""Noticing that a device hangs: what was tried in vain for too long, and calls that do not come back."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

LIMIT_S: Final = 0.7
"""What takes no samples or gives no answer for so long hangs; the rest of a second is for saying so."""
SHORTEST_NAP_S: Final = 0.002
NAP_S: Final = 0.01
"""Between two tries to write: a sixteenth of what the device has in hand, and few enough to cost next to nothing."""
_FEWEST_TRIES: Final = 10
"""A machine that slept has let the time pass, too, but has not asked so often."""

T = TypeVar("T")


class Patience:
    """Says when something has been tried in vain for too long."""

    def __init__(self, mono: Callable[[], float]) -> None:
        self._mono = mono
        self.renew()

    def renew(self) -> None:
        """It worked."""
        self._since_s, self._tries = self._mono(), 0

    def over(self) -> bool:
        """It did not work once more."""
        self._tries += 1
        return self._tries > _FEWEST_TRIES and self._mono() - self._since_s > LIMIT_S


class Errands:
    """Makes calls that may never come back, one after another, each in a thread that may be left behind."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: threading.Thread | None = None

    @property
    def stuck(self) -> bool:
        """Whether a call has still not come back."""
        return self._last is not None and self._last.is_alive()

    def begin(self, call: Callable[[], T]) -> "Future[T]":
        """Have the call made once those before it are back."""
        answer: Future[T] = Future()
        before = self._last

        def work() -> None:
            if before is not None:
                before.join()
            try:
                answer.set_result(call())
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is told where it is waited for
                answer.set_exception(error)

        self._last = threading.Thread(target=work, name=self._name, daemon=True)
        self._last.start()
        return answer

    def run(self, call: Callable[[], T], *, limit_s: float = LIMIT_S) -> T:
        """Make the call; raises `TimeoutError` when it does not come back in time, and leaves it to itself."""
        return self.begin(call).result(limit_s)
