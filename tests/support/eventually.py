"""Waiting for something to become true, with a deadline: the one place in the tests that waits."""

import time
from collections.abc import Callable
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
