"""When an alert sounds: at once, again by its repeat plan, and never again what was heard, ended or replaced."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Airings:
    """The moments at which an alert wants to be heard, from its first on, for as long as it lives."""

    starts_at: datetime
    expires_at: datetime
    first_gaps_s: tuple[int, ...] = ()
    """Between the first airings …"""
    then_every_s: int | None = None
    """… and from the last of those on; None: no more."""

    def at(self, number: int) -> datetime | None:
        """Return when the `number`-th airing begins, counted from 0; None when there is none."""
        at = self.starts_at + timedelta(seconds=sum(self.first_gaps_s[:number]))
        further = number - len(self.first_gaps_s)
        if further > 0:
            if self.then_every_s is None:
                return None
            at += timedelta(seconds=self.then_every_s * further)
        return at if at < self.expires_at else None

    def begun(self, now: datetime) -> int:
        """Return of how many airings the time has come."""
        if now < self.starts_at:
            return 0
        at = self.starts_at
        for number, gap_s in enumerate(self.first_gaps_s, 1):
            at += timedelta(seconds=gap_s)
            if now < at:
                return number
        begun = 1 + len(self.first_gaps_s)
        return begun if self.then_every_s is None else begun + (now - at) // timedelta(seconds=self.then_every_s)


@dataclass(frozen=True, slots=True)
class Due:
    """One airing, and until when it may begin: then the next one is due, or the alert is over."""

    number: int
    at: datetime
    until: datetime


def due(plan: Airings, now: datetime, heard: Callable[[int], bool]) -> Iterator[Due]:
    """Yield what is to be heard next: the newest airing whose time has come, unless it was heard, then the one after.

    Whoever comes late hears the newest only: the alert is active, and what it says is the same each time.
    """
    if now >= plan.expires_at:
        return
    newest = max(0, plan.begun(now) - 1)
    for number in (newest, newest + 1):
        at = plan.at(number)
        if at is not None and not heard(number):
            yield Due(number, at, plan.at(number + 1) or plan.expires_at)
