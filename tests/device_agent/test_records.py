import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from device_agent.journal import Batch, Boot, Journal
from device_agent.ledger import Ledger
from device_agent.records import RecordSender, fitting
from protocol.messages import Outcome, PlayRecord, Records, RecordsAck
from protocol.topics import DELIVERY, Channel
from tests.support.agent_rooms import NOON, SPEAKER, play


class Controller:
    """Stores by (boot, seq), like the real one, over a wire that loses what it is told to lose."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Records] = asyncio.Queue()
        self.stored: dict[tuple[str, int], str | None] = {}
        self.link_up = True

    async def batch(self) -> Records:
        async with asyncio.timeout(5):
            return await self.sent.get()

    def store(self, batch: Records) -> RecordsAck:
        for record in batch.records:
            self.stored.setdefault((batch.boot, record.seq), record.occurrence)
        seq = 0
        while (batch.boot, seq + 1) in self.stored:
            seq += 1
        return RecordsAck(device=SPEAKER, stored={batch.boot: seq})


@asynccontextmanager
async def sending(path: Path, controller: Controller) -> AsyncIterator[tuple[Journal, RecordSender]]:
    ledger = await Ledger.open(path, now=NOON)
    journal = await Journal.open(ledger)
    sender = RecordSender(
        SPEAKER, journal, send=controller.sent.put_nowait, link_up=lambda: controller.link_up, resend_s=0.05
    )
    work = asyncio.create_task(sender.run())
    try:
        yield journal, sender
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        await ledger.aclose()


async def heard(journal: Journal, *names: str) -> None:
    for name in names:
        await journal.note(play(name), Outcome.MISSED, at=NOON, reason="late")


async def test_records_are_sent_until_they_are_acknowledged(tmp_path: Path) -> None:
    controller = Controller()
    async with sending(tmp_path / "journal.sqlite3", controller) as (journal, sender):
        await heard(journal, "a", "b")
        sender.poke()
        first = await controller.batch()
        again = await controller.batch()
        assert again.records[: len(first.records)] == first.records
        await sender.acknowledged(controller.store(again))
        assert journal.waiting == 0


async def test_nothing_is_sent_while_the_link_is_down(tmp_path: Path) -> None:
    controller = Controller()
    controller.link_up = False
    async with sending(tmp_path / "journal.sqlite3", controller) as (journal, sender):
        await heard(journal, "a")
        sender.poke()
        await asyncio.to_thread(lambda: None)
        assert controller.sent.empty()
        controller.link_up = True
        sender.poke()
        assert len((await controller.batch()).records) == 1


async def test_over_a_bad_wire_every_record_is_stored_once_and_in_order(tmp_path: Path) -> None:
    chance, controller = random.Random(7), Controller()
    names: list[str] = []
    for _ in range(3):
        async with sending(tmp_path / "journal.sqlite3", controller) as (journal, sender):
            fresh = [f"{journal.boot.order}.{number}" for number in range(60)]
            names += fresh
            await heard(journal, *fresh)
            sender.poke()
            late: list[RecordsAck] = []
            while journal.waiting:
                batch = await controller.batch()
                ack = controller.store(batch)
                late += [ack] * chance.randint(0, 2)
                chance.shuffle(late)
                if late:
                    await sender.acknowledged(late.pop())
    assert list(controller.stored.values()) == names


def test_a_batch_never_outgrows_its_message() -> None:
    records = tuple(
        PlayRecord(seq=seq, title="Ề" * 300, reason="ệ" * 200, outcome=Outcome.FAILED) for seq in range(1, 51)
    )
    message = fitting(SPEAKER, Batch(Boot("b1", 1), records))
    assert len(message.encode()) <= DELIVERY[Channel.RECORDS].max_bytes
    assert message.records == records[: len(message.records)]
