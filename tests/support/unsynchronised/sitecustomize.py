"""On the path of an agent process: the kernel says that nothing disciplines its wall clock."""

from device_agent.system_clock import SystemClock

SystemClock.synchronised = lambda _self: False  # type: ignore[method-assign]  # what this file is for
