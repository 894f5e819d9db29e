"""Work that many pages ask for at once, and that is done once for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from controller.runtime import Runtime
from controller.web.resting import RESTS, Costing

T = TypeVar("T")


class _Turn:
    """One doing of a piece of work, and all who wait for it."""

    def __init__(self, work: Callable[[], Awaitable[Any]], before: "_Turn | None") -> None:
        self.begun = False
        self._work = work
        self._rests_until = 0.0
        self._waiting = 0
        self._task = asyncio.create_task(self._do(before))

    @property
    def open(self) -> bool:
        """Whether who asks now still gets an answer from after the question."""
        return not (self.begun or self._task.done() or self._task.cancelling())

    @property
    def rested(self) -> bool:
        """Whether the next one may begin at once."""
        return self._task.done() and time.monotonic() >= self._rests_until

    async def rest(self) -> None:
        """Wait until the next one may begin."""
        await asyncio.wait([self._task])
        await asyncio.sleep(self._rests_until - time.monotonic())

    async def joined(self) -> Any:
        """Wait for the answer. Once nobody does any more, the work is left."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._task.cancel()

    async def _do(self, before: "_Turn | None") -> Any:
        if before is not None:
            await before.rest()
        self.begun = True
        costing = Costing(self._work())
        try:
            return await costing
        finally:
            self._rests_until = time.monotonic() + RESTS * costing.cost_ms / 1000


class Together:
    """Does a piece of work for all who ask for it meanwhile; nobody's answer is older than the question.

    Between two doings it rests as long as a page does, however many watch.
    """

    def __init__(self) -> None:
        self._turns: dict[Hashable, _Turn] = {}

    async def ask(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work gives; `key` names all that it depends on but the moment."""
        turn = self._turns.get(key)
        if turn is None or not turn.open:
            self._turns = {name: each for name, each in self._turns.items() if name == key or not each.rested}
            turn = self._turns[key] = _Turn(work, turn)
        answer: T = await turn.joined()
        return answer


def together_of(runtime: Runtime) -> Together:
    """Return the service's one."""
    if Together not in runtime.parts:
        runtime.parts[Together] = Together()
    together: Together = runtime.parts[Together]
    return together
