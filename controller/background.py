"""Work beside the requests: begun again when it fails, and brought to its end before the house is closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)

AGAIN_AFTER_S = 5.0


@asynccontextmanager
async def kept_running(
    work: Callable[[], Coroutine[Any, Any, None]], name: str, *, again_after_s: float = AGAIN_AFTER_S
) -> AsyncIterator[None]:
    """Run something beside the block. A full disk or a database that is away fails it; it begins anew."""
    task = asyncio.create_task(_again_and_again(work, name, again_after_s), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _again_and_again(work: Callable[[], Coroutine[Any, Any, None]], name: str, again_after_s: float) -> None:
    while True:
        try:
            await work()
        except Exception:  # whatever it was, a controller without its link or its workshop is worse
            log.exception("service_failed", service=name, again_after_s=again_after_s)
        await asyncio.sleep(again_after_s)


class UnderWay:
    """Knows which recurring work is going on, so that its end can be waited for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def noting(self, work: Callable[[], Awaitable[object]]) -> Callable[[], Coroutine[Any, Any, None]]:
        """Return the same work, noted as long as it goes on."""

        async def noted() -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 a coroutine that runs has a task
            self._tasks.add(task)
            try:
                await work()
            finally:
                self._tasks.discard(task)

        return noted

    async def ended(self, within_s: float) -> None:
        """Wait for what goes on; stop what takes longer."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=within_s)
        for task in late:
            log.warning("recurring_work_cut_off", task=task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late)
