"""How much a broker may be asked for, from the number of speakers. Pure."""

from dataclasses import dataclass
from typing import Final

from protocol.topics import DELIVERY, KIB

MESSAGE_MAX_BYTES: Final = max(delivery.max_bytes for delivery in DELIVERY.values())
"""The longest message of the wire: a small sound for an alert."""
_HEADER_BYTES: Final = 4 * KIB
"""More than topic, properties and fixed header ever take."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes that every broker is given, as far as it knows them."""

    speakers: int = 1000

    @property
    def packet_bytes(self) -> int:
        """The longest packet."""
        return MESSAGE_MAX_BYTES + _HEADER_BYTES

    @property
    def connections(self) -> int:
        """Every speaker, twice while it changes networks, and some for people who look after the broker."""
        return 2 * self.speakers + 50

    @property
    def queued_messages(self) -> int:
        """For one client: the controller meets two retained messages of every speaker when it comes back."""
        return 1000 + 4 * self.speakers

    @property
    def queued_bytes(self) -> int:
        """For one client."""
        return 32 * KIB * KIB

    @property
    def inflight(self) -> int:
        """Messages on their way to one client."""
        return 20

    @property
    def session_days(self) -> int:
        """For how long what waits for a speaker that is away is kept; its orders expire by themselves besides."""
        return 7

    @property
    def save_every_s(self) -> int:
        """How much may be lost to a kill. The whole store is written each time: a large one more rarely."""
        return 5 if self.speakers <= 1000 else 30  # noqa: PLR2004 some 10 MB of plans
