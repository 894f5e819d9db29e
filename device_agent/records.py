"""Sends play records until the controller says that it has them."""

import asyncio
from collections.abc import Callable
from typing import NoReturn

from device_agent.journal import Batch, Journal
from protocol.messages import Records, RecordsAck
from protocol.topics import DELIVERY, Channel

BATCH_MAX = 50
RESEND_S = 15.0
"""Without an answer for so long, the batch is sent again: a number stored twice is stored once."""


def fitting(device_id: str, batch: Batch, *, max_bytes: int = DELIVERY[Channel.RECORDS].max_bytes) -> Records:
    """Return as much of a batch as one message may hold, at least one record."""
    count = len(batch.records)
    while True:
        message = Records(
            device=device_id, boot=batch.boot.id, boot_order=batch.boot.order, records=batch.records[:count]
        )
        if count == 1 or len(message.encode()) <= max_bytes:
            return message
        count = max(1, count // 2)


class RecordSender:
    """One batch is under way at a time, oldest boot first; the acknowledgement sets off the next."""

    def __init__(
        self,
        device_id: str,
        journal: Journal,
        *,
        send: Callable[[Records], None],
        link_up: Callable[[], bool],
        resend_s: float = RESEND_S,
    ) -> None:
        self._device_id = device_id
        self._journal = journal
        self._send = send
        self._link_up = link_up
        self._resend_s = resend_s
        self._wake = asyncio.Event()

    def poke(self) -> None:
        """There is a new record, or the link is up."""
        self._wake.set()

    async def acknowledged(self, ack: RecordsAck) -> None:
        """Take the controller's word for what is stored, in any order, any number of times."""
        before = self._journal.waiting
        for boot, seq in ack.stored.items():
            await self._journal.acknowledge(boot, seq)
        if self._journal.waiting != before:
            self._wake.set()

    async def run(self) -> NoReturn:
        """Send until cancelled."""
        while True:
            self._wake.clear()
            if self._journal.waiting and self._link_up():
                batch = await self._journal.pending(BATCH_MAX)
                if batch is not None:
                    self._send(fitting(self._device_id, batch))
            try:
                async with asyncio.timeout(self._resend_s):
                    await self._wake.wait()
            except TimeoutError:
                continue
