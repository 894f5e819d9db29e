"""On the path of an agent process whose wall clock the test sets through libfaketime.

The kernel says that nothing disciplines the wall clock. And libfaketime takes Python's absolute monotonic sleep for one
by the wall clock, which fails: sleeping goes another way.
"""

import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds)  # type: ignore[assignment]  # what this file is for

from device_agent.system_clock import SystemClock  # noqa: E402 — only now, it must see the other way to sleep

SystemClock.synchronised = lambda _self: False  # type: ignore[method-assign]  # what this file is for
