"""A proxy between the controller and its broker: some sets of alerts pass, and instead of the next one it acts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from protocol.topics import Channel
from tests.support.hostile_broker import PUBLISH, Heard, HostileBroker, packed, packets


@dataclass
class Tripwire(HostileBroker):
    """Stands before the broker at `behind`, and does no harm of its own."""

    struck: Callable[[], None] = lambda: None
    """Called instead of passing on one set more than `passes`: none follows it."""
    passes: int | None = None
    """How many sets still pass; None: all."""

    async def _pass_up(self, down: asyncio.StreamReader, to_broker: asyncio.StreamWriter) -> None:
        async for head, body in packets(down):
            if self.passes is not None and head >> 4 == PUBLISH and Heard.of(head, body).topic.endswith(_SETS):
                if not self.passes:
                    self.passes = None
                    self.struck()
                    raise ConnectionResetError
                self.passes -= 1
            to_broker.write(packed(head, body))
            await to_broker.drain()
        raise ConnectionResetError


_SETS = f"/{Channel.ALERTS}"
