"""Waiting for something to become true, with a deadline: the one place in the tests that waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], *, within_s: float, every_s: float = 0.05, what: str = "") -> T:
    """Return the first truthy value of `check`, or fail after `within_s` with what it said last.

    An `AssertionError` inside `check` counts as "not yet", and its words are kept for the failure.
    """
    deadline = time.monotonic() + within_s
    while True:
        last: object
        try:
            value = check()
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what or check.__name__}; last seen: {last!r}")
        time.sleep(every_s)


async def becomes(check: Callable[[], Awaitable[T]], *, within_s: float = 20) -> T:
    """As `eventually`, without holding up the loop: for what only a database or a page can tell."""
    async with asyncio.timeout(within_s):
        while not (value := await check()):  # noqa: ASYNC110 -- neither of them has events to wait for
            await asyncio.sleep(0.02)
        return value
