"""What speakers said and the database has not taken yet: bounded, and fair to every one of them."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from controller.link.ports import Incoming
from protocol.topics import KIB, Channel

MIB = KIB * KIB
RATE_PER_S: Final = 20.0
"""A speaker reports every 30 s and at each change, and asks for the time in small bursts."""
BURST: Final = 200
PACES_REMEMBERED: Final = 20_000
_NEWEST_ONLY: Final = frozenset({Channel.STATE, Channel.ALERT_REPORT})
_OVERHEAD_BYTES: Final = 200
"""Of the objects around a payload."""


class Pace:
    """Who speaks too fast: a token bucket for each speaker."""

    def __init__(self, now: Callable[[], float], *, rate_per_s: float = RATE_PER_S, burst: float = BURST) -> None:
        self._now = now
        self._rate = rate_per_s
        self._burst = burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def excess(self, device_id: str) -> int:
        """Return 0 if this speaker may say something more now, else how much too much it has said in one go."""
        now = self._now()
        bucket = self._buckets.setdefault(device_id, _Bucket(self._burst, now))
        self._buckets.move_to_end(device_id)
        if len(self._buckets) > PACES_REMEMBERED:
            self._buckets.popitem(last=False)
        bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left >= self._burst:
            bucket.excess = 0
        if bucket.left >= 1:
            bucket.left -= 1
            return 0
        bucket.excess += 1
        return bucket.excess


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float
    excess: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """How much may wait."""

    messages: int = 60_000
    """When a broker returns, ten thousand speakers say that they are there, how they are and how alerts stand on them,
    beside what it had kept of them."""
    size_bytes: int = 64 * MIB
    messages_of_one: int = 100
    size_of_one_bytes: int = 1 * MIB


class Backlog:
    """Messages in the order of each speaker; speakers take turns, so that one who floods makes only itself wait."""

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or Room()
        self._waiting: OrderedDict[str, deque[Incoming]] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self.messages = 0
        self.most = 0
        """Messages that waited at once, at most, since `most` was last set back."""
        self.size_bytes = 0
        self._some = asyncio.Event()

    def put(self, message: Incoming) -> str | None:
        """Let a message wait. Returns the speaker whose oldest message had to make room, if one had to.

        Of a speaker's states, and of its reports on alerts, only the newest waits. Births and deaths all do: which of
        them counts, their order says.
        """
        own = self._waiting.setdefault(message.topic.device_id, deque())
        if (channel := message.topic.channel) in _NEWEST_ONLY:
            for older in [each for each in own if each.topic.channel is channel]:
                own.remove(older)
                self._left(older)
        own.append(message)
        self._count(message, 1)
        self.most = max(self.most, self.messages)
        self._some.set()
        return self._make_room(message.topic.device_id)

    async def get(self) -> Incoming:
        """Wait for the next message, of the speaker that has waited longest for its turn."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        device_id, own = self._waiting.popitem(last=False)
        message = own.popleft()
        self._left(message)
        if own:
            self._waiting[device_id] = own
        return message

    def more(self, limit: int) -> list[Incoming]:
        """Return at most so many messages, the next of as many speakers."""
        found = [own[0] for own in islice(self._waiting.values(), limit)]
        for message in found:
            device_id = message.topic.device_id
            own = self._waiting[device_id]
            own.popleft()
            self._left(message)
            if not own:
                del self._waiting[device_id]
        return found

    def _make_room(self, speaking: str) -> str | None:
        made: str | None = None
        while (crowded := self._crowded(speaking)) is not None:
            own = self._waiting[crowded]
            self._left(own.popleft())
            if not own:
                del self._waiting[crowded]
            made = crowded
        return made

    def _crowded(self, speaking: str) -> str | None:
        """Who has to make room: the one that speaks if it has too much, else the one with the most."""
        room = self._room
        own = self._waiting.get(speaking, ())
        if len(own) > room.messages_of_one or self._sizes.get(speaking, 0) > room.size_of_one_bytes:
            return speaking
        if self.messages > room.messages or self.size_bytes > room.size_bytes:
            return max(self._sizes, key=self._sizes.__getitem__)
        return None

    def _left(self, message: Incoming) -> None:
        self._count(message, -1)

    def _count(self, message: Incoming, by: int) -> None:
        device_id, size = message.topic.device_id, by * (len(message.payload) + _OVERHEAD_BYTES)
        self.messages += by
        self.size_bytes += size
        self._sizes[device_id] = self._sizes.get(device_id, 0) + size
        if not self._sizes[device_id]:
            del self._sizes[device_id]
