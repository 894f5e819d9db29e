"""How often strangers may ask. Nobody is locked out but the address that asks too much."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.errors import TooManyAttempts
from controller.runtime import Runtime

REMEMBERED_MAX = 10_000


@dataclass
class Doorbell:
    """Counts what comes from each address, in memory. Bounded; the oldest are forgotten."""

    allowed: int
    window: timedelta
    _rung: OrderedDict[str, list[datetime]] = field(default_factory=OrderedDict)

    def check(self, address: str, now: datetime) -> None:
        """Raise `TooManyAttempts` for who has used up what is allowed."""
        recent = self._recent(network_of(address), now)
        if len(recent) >= self.allowed:
            raise TooManyAttempts(max(1, round((recent[0] + self.window - now).total_seconds())))

    def count(self, address: str, now: datetime) -> None:
        """Count one."""
        network = network_of(address)
        self._rung[network] = [*self._recent(network, now), now]
        self._rung.move_to_end(network)
        while len(self._rung) > REMEMBERED_MAX:
            self._rung.popitem(last=False)

    def _recent(self, network: str, now: datetime) -> list[datetime]:
        return [at for at in self._rung.get(network, ()) if at > now - self.window]


@dataclass
class Doorbells:
    """One for every request, one for those whose proof was wrong."""

    requests: Doorbell = field(default_factory=lambda: Doorbell(120, timedelta(minutes=1)))
    """A commune's speakers may stand behind one address."""
    wrong: Doorbell = field(default_factory=lambda: Doorbell(10, timedelta(minutes=5)))


def network_of(address: str) -> str:
    """What is one stranger: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def doorbells_of(runtime: Runtime) -> Doorbells:
    """Return the service's own."""
    bells: Doorbells = runtime.parts.setdefault(Doorbells, Doorbells())
    return bells
