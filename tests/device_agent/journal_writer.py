"""A process that plays without end and says on stdout what its journal has promised to keep; the test kills it."""

import asyncio
import sys
from datetime import timedelta
from itertools import count
from pathlib import Path

from device_agent.journal import Journal
from device_agent.ledger import Ledger
from device_agent.ports import Quality
from protocol.messages import Outcome
from tests.support.agent_rooms import NOON, play


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


async def main(path: Path) -> None:
    ledger = await Ledger.open(path, now=NOON)
    journal = await Journal.open(ledger)
    for number in count():
        name = f"{journal.boot.order}.{number}"
        play_id = await journal.begin(play(name), NOON)
        say("begun", name)
        await journal.progress(play_id, 500, Quality())
        await journal.finish(
            play_id,
            Outcome.COMPLETED,
            started_at=NOON,
            ended_at=NOON + timedelta(seconds=1),
            played_ms=1000,
            start_error_ms=0,
            quality=Quality(),
        )
        say("closed", name)


asyncio.run(main(Path(sys.argv[1])))
