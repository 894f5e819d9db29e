import asyncio
import time

import pytest

from controller.web.resting import LONGEST_MS, Costing, rest_ms


def burn(cpu_s: float) -> None:
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        pass


async def test_an_answer_costs_its_own_steps_and_not_those_of_others() -> None:
    async def answer() -> str:
        burn(0.02)
        others = asyncio.create_task(hog())
        await others
        burn(0.02)
        return "here"

    async def hog() -> None:
        burn(0.2)

    costing = Costing(answer())
    assert await costing == "here"
    assert 40 <= costing.cost_ms < 200


async def test_what_is_cancelled_or_fails_learns_of_it() -> None:
    seen: list[type[BaseException]] = []
    waiting = asyncio.Event()

    async def waits() -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.append(type(error))
            raise

    async def costed() -> None:
        await Costing(waits())

    task = asyncio.create_task(costed())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [asyncio.CancelledError]

    async def fails() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await Costing(fails())


@pytest.mark.parametrize(("cost_ms", "watchers", "rests_ms"), [(50, 1, 200), (50, 0, 200), (50, 4, 800)])
def test_all_watchers_together_leave_four_fifths_to_the_speakers(
    cost_ms: float, watchers: int, rests_ms: float
) -> None:
    assert rest_ms(cost_ms, watchers) == rests_ms


def test_a_page_is_never_older_than_ten_seconds() -> None:
    assert rest_ms(50, 1000) == LONGEST_MS
