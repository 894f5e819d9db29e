"""What keeps the trail beside the requests: heads are signed as it grows, refusals that were counted are written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from controller.audit import heads
from controller.audit.chain import GENESIS, Head
from controller.audit.ledger import Ledger
from controller.audit.refusals import tally_of, write
from controller.background import kept_running
from controller.runtime import Runtime
from controller.settings import Settings

log = structlog.get_logger(__name__)

TICK_S = 60.0
TICKS_PER_HEAD = 10
"""A head every ten minutes, if anything happened: at most 16 MB a year."""


@asynccontextmanager
async def auditing(runtime: Runtime) -> AsyncIterator[None]:
    """Sign heads from time to time, and once more at the end."""
    signer = Signer(runtime)
    async with kept_running(partial(_keep, runtime, signer), "audit"):
        yield
    await write(runtime, tally_of(runtime).rest())
    try:
        await signer.sign()
    except (SQLAlchemyError, OSError):
        log.exception("audit.head_not_signed")


class Signer:
    """Signs where the chain ends, whenever it ends elsewhere than before."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._signed: Head = GENESIS

    async def sign(self) -> Head:
        """Append a signed head to the file, and to the log for whoever collects that elsewhere."""
        async with self._runtime.database.reading() as session:
            head = await Ledger(session).head()
        if head != self._signed:
            token = heads.sign(head, purpose=heads.HEAD, key=self._runtime.keys.signing, now=self._runtime.clock())
            await asyncio.to_thread(heads.append_line, heads_file(self._runtime.settings), token)
            log.info("audit.head", number=head.number, token=token)
            self._signed = head
        return head


def heads_file(settings: Settings) -> Path:
    """Where signed heads lie."""
    return settings.audit_heads_file or settings.data_dir / "audit-heads.txt"


async def _keep(runtime: Runtime, signer: Signer) -> None:
    for tick in count():
        await write(runtime, tally_of(runtime).due(runtime.clock()))
        if tick % TICKS_PER_HEAD == 0:
            await signer.sign()
        await asyncio.sleep(TICK_S)
