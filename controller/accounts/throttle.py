"""How often somebody may try to sign in."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.errors import TooManyAttempts

WINDOW = timedelta(minutes=5)
TRIES_PER_USER_AND_ADDRESS = 5
TRIES_PER_ADDRESS = 50
REMEMBERED_MAX = 10_000


@dataclass
class Throttle:
    """Counts attempts in memory: by user and address, and by address alone. Bounded; the oldest are forgotten."""

    _tries: OrderedDict[tuple[str, str], list[datetime]] = field(default_factory=OrderedDict)

    def attempt(self, name: str, address: str, now: datetime) -> None:
        """Count an attempt, or raise `TooManyAttempts`."""
        for key, allowed in (((name, address), TRIES_PER_USER_AND_ADDRESS), (("", address), TRIES_PER_ADDRESS)):
            recent = [at for at in self._tries.get(key, ()) if at > now - WINDOW]
            if len(recent) >= allowed:
                raise TooManyAttempts(max(1, round((recent[0] + WINDOW - now).total_seconds())))
            self._tries[key] = [*recent, now]
            self._tries.move_to_end(key)
        while len(self._tries) > REMEMBERED_MAX:
            self._tries.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of somebody who got in."""
        self._tries.pop((name, address), None)
