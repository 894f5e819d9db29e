"""How often somebody may try to sign in, without anybody being able to lock others out.

Failures are counted by what the one who tries cannot take from others: by name and address together, by address, and
by browser where the name has signed in before. A stranger who guesses at a name only ever slows down their own
address; the browser that its owner always uses is counted by itself.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from controller.errors import TooManyAttempts

WAIT_FIRST = timedelta(seconds=30)
WAIT_MAX = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)
REMEMBERED_MAX = 20_000
_DOUBLINGS_MAX = 16


class Counted(StrEnum):
    """What failures are counted by."""

    NAME_AND_ADDRESS = "name_and_address"
    ADDRESS = "address"
    BROWSER = "browser"
    """A name on a browser where it has signed in before."""
    CODE = "code"
    """One-time codes for a name, wherever they come from: whoever tries them has shown the password."""
    CODE_ON_BROWSER = "code_on_browser"
    LETTER = "letter"
    """Letters sent to a user."""
    REQUEST = "request"
    """Letters asked for from an address."""


FREE: Final[Mapping[Counted, int]] = {
    Counted.NAME_AND_ADDRESS: 5,
    Counted.ADDRESS: 50,
    Counted.BROWSER: 10,
    Counted.CODE: 5,
    Counted.CODE_ON_BROWSER: 10,
    Counted.LETTER: 3,
    Counted.REQUEST: 20,
}
"""Failures before anybody has to wait. An address may be a whole office."""


@dataclass(frozen=True, slots=True)
class Key:
    """One count."""

    by: Counted
    value: str

    @property
    def hashed(self) -> str:
        """What is remembered of it."""
        return hashlib.sha256(f"{self.by}\n{self.value}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Failures:
    """How many there were lately."""

    count: int
    last_at: datetime

    def wait(self, free: int, now: datetime) -> timedelta:
        """How long until the next attempt is let through: each failure doubles it. Zero or less: now."""
        if self.count < free:
            return timedelta()
        doublings: int = min(self.count - free, _DOUBLINGS_MAX)
        whole = min(WAIT_MAX, WAIT_FIRST * (1 << doublings))
        return min(whole, self.last_at + whole - now)


def keys_for(name: str, address: str, browser: str | None) -> tuple[Key, ...]:
    """What an attempt with a password counts against. `browser` is one where this name has signed in before."""
    if browser is not None:
        return (Key(Counted.BROWSER, f"{browser}\n{name}"),)
    home = network_of(address)
    return (Key(Counted.NAME_AND_ADDRESS, f"{home}\n{name}"), Key(Counted.ADDRESS, home))


def keys_for_code(user_id: str, browser: str | None) -> tuple[Key, ...]:
    """What an attempt with a one-time code counts against."""
    if browser is not None:
        return (Key(Counted.CODE_ON_BROWSER, f"{browser}\n{user_id}"),)
    return (Key(Counted.CODE, user_id),)


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the half that a subscriber is given."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


@dataclass
class Throttle:
    """The counts, in memory and bounded: the least recent are forgotten. A service keeps them over a restart."""

    _failures: OrderedDict[str, Failures] = field(default_factory=OrderedDict)
    _changed: set[str] = field(default_factory=set)

    def attempt(self, keys: Iterable[Key], now: datetime) -> None:
        """Count an attempt as a failure until it succeeds, or raise `TooManyAttempts` and count nothing."""
        wanted = [(key, key.hashed) for key in keys]
        waits = [self._failures[hashed].wait(FREE[key.by], now) for key, hashed in wanted if hashed in self._failures]
        if (longest := max(waits, default=timedelta())) > timedelta():
            raise TooManyAttempts(ceil(longest.total_seconds()))
        for _, hashed in wanted:
            known = self._failures.get(hashed)
            recent = known.count if known is not None and known.last_at > now - FORGOTTEN_AFTER else 0
            self._set(hashed, Failures(recent + 1, now))

    def succeeded(self, keys: Iterable[Key]) -> None:
        """Take back what was counted: all that a name failed, and one for an address that others share."""
        for key in keys:
            known = self._failures.get(key.hashed)
            if known is None:
                continue
            if key.by is Counted.ADDRESS and known.count > 1:
                self._set(key.hashed, replace(known, count=known.count - 1))
            else:
                self._forget(key.hashed)

    def remembered(self) -> Mapping[str, Failures]:
        """All counts by hashed key, the least recent first."""
        return self._failures

    def recall(self, kept: Mapping[str, Failures]) -> None:
        """Take in what was kept before a restart."""
        for hashed, failures in kept.items():
            self._set(hashed, failures)
        self._changed.clear()

    def take_changes(self) -> Mapping[str, Failures | None]:
        """What changed since the last call; None: forgotten."""
        changes = {hashed: self._failures.get(hashed) for hashed in self._changed}
        self._changed.clear()
        return changes

    def put_back(self, hashes: Iterable[str]) -> None:
        """Say that changes could not be kept."""
        self._changed.update(hashes)

    def _set(self, hashed: str, failures: Failures) -> None:
        self._failures[hashed] = failures
        self._failures.move_to_end(hashed)
        self._changed.add(hashed)
        while len(self._failures) > REMEMBERED_MAX:
            self._forget(next(iter(self._failures)))

    def _forget(self, hashed: str) -> None:
        self._failures.pop(hashed, None)
        self._changed.add(hashed)
