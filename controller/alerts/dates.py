"""When speakers are tested without a sound: pure."""

from datetime import datetime, time, timedelta
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

from controller.areas.policy import SilentTest

BEGINS: Final = time(9)
"""Of working hours: who reads the report can still do something about it …"""
BEGINS_WITHIN_MIN: Final = 6 * 60
"""… and a test that waits for a broadcast to end, or for a speaker to come back, is over before the night."""
_DAYS: Final = {SilentTest.MONTHLY: 28, SilentTest.WEEKLY: 7}


def may_begin(now: datetime, zone: ZoneInfo) -> bool:
    """Whether it is an hour at which a test may begin: one that was due while the service was down waits for it."""
    local = now.astimezone(zone)
    return timedelta() <= local - _begins(local) < timedelta(minutes=BEGINS_WITHIN_MIN)


def next_due(area_code: str, every: SilentTest, after: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when an area is tested next after a moment; None: never.

    Each area has a day and a minute of its own, so that ten thousand speakers do not fetch and report at once.
    """
    if every is SilentTest.OFF:
        return None
    slot = crc32(area_code.encode())
    day, minute = slot % _DAYS[every], slot // _DAYS[every] % BEGINS_WITHIN_MIN
    local = after.astimezone(zone)
    first = local.replace(day=1) if every is SilentTest.MONTHLY else local - timedelta(days=local.weekday())
    due = _slot(first, day, minute)
    if due <= local:
        later = first + timedelta(days=32 if every is SilentTest.MONTHLY else 7)
        due = _slot(later.replace(day=1) if every is SilentTest.MONTHLY else later, day, minute)
    return due.astimezone(after.tzinfo)


def _slot(first: datetime, day: int, minute: int) -> datetime:
    return _begins(first + timedelta(days=day)) + timedelta(minutes=minute)


def _begins(day: datetime) -> datetime:
    return day.replace(hour=BEGINS.hour, minute=0, second=0, microsecond=0)
