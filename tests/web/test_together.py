import asyncio
import time

import pytest

from controller.web.together import Together
from tests.support.eventually import becomes


class Work:
    """Something that is done when it is told to, and says how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.done = asyncio.Event()
        self.left = 0

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        return number


def asked(together: Together, work: Work, *, key: str = "reach") -> asyncio.Task[int]:
    """Ask, when it is this task's turn."""
    return asyncio.create_task(together.ask(key, work))


async def begins(work: Work, times: int) -> None:
    """Wait until it was begun so often."""

    async def has() -> bool:
        return work.begun >= times

    await becomes(has)


async def test_who_asks_before_it_is_begun_gets_the_same_answer_and_who_asks_later_a_newer_one() -> None:
    together, work = Together(), Work()
    first, second = asked(together, work), asked(together, work)
    await begins(work, 1)
    third, fourth = asked(together, work), asked(together, work)
    work.done.set()
    assert await asyncio.gather(first, second, third, fourth) == [1, 1, 2, 2]


async def test_what_differs_is_done_for_each() -> None:
    together, work = Together(), Work()
    mine, yours = asked(together, work, key="mine"), asked(together, work, key="yours")
    work.done.set()
    assert sorted(await asyncio.gather(mine, yours)) == [1, 2]


async def test_it_rests_four_times_what_it_cost_and_who_asks_meanwhile_waits() -> None:
    async def burns() -> float:
        began = time.monotonic()
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        return began

    together = Together()
    first = await together.ask("reach", burns)
    second = await together.ask("reach", burns)
    assert second - first >= 0.02 + 0.08


async def test_who_leaves_takes_nobody_along_and_what_nobody_waits_for_is_left() -> None:
    together, work = Together(), Work()
    leaves, stays = asked(together, work), asked(together, work)
    await begins(work, 1)
    leaves.cancel()
    waits = asked(together, work)
    asyncio.get_running_loop().call_soon(waits.cancel)
    await asyncio.wait([leaves, waits])
    work.done.set()
    assert await stays == 1
    work.done.clear()

    alone = asked(together, work)
    await begins(work, 2)
    alone.cancel()
    await asyncio.wait([alone])
    after = asked(together, work)
    work.done.set()
    assert await after == 3
    assert work.left == 1


async def test_what_fails_fails_for_all_who_wait_and_is_done_anew_for_the_next() -> None:
    async def fails() -> int:
        raise LookupError("no")

    together, work = Together(), Work()
    work.done.set()
    for each in (asyncio.create_task(together.ask("reach", fails)) for _ in range(2)):
        with pytest.raises(LookupError):
            await each
    assert await together.ask("reach", work) == 1
