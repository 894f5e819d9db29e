"""Keeps the counts of failed attempts over a restart: written a few seconds later, and at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from controller.accounts.models import Attempts
from controller.accounts.throttle import FORGOTTEN_AFTER, REMEMBERED_MAX, Failures, Throttle
from controller.background import kept_running
from controller.runtime import Runtime

log = structlog.get_logger(__name__)

WRITTEN_EVERY_S = 5.0


def throttle_of(runtime: Runtime) -> Throttle:
    """Return the service's one throttle."""
    throttle: Throttle = runtime.parts.setdefault(Throttle, Throttle())
    return throttle


@asynccontextmanager
async def remembering_attempts(runtime: Runtime) -> AsyncIterator[None]:
    """Recall the counts, and keep them written."""
    await recall(runtime)

    async def write_now_and_then() -> None:
        while True:
            await asyncio.sleep(WRITTEN_EVERY_S)
            await write(runtime)

    async with kept_running(write_now_and_then, "throttle"):
        yield
    with suppress(SQLAlchemyError, OSError):
        await write(runtime)


async def recall(runtime: Runtime) -> None:
    """Read what was counted before."""
    newest = select(Attempts).where(Attempts.last_at > runtime.clock() - FORGOTTEN_AFTER)
    async with runtime.database.reading() as session:
        rows = (await session.scalars(newest.order_by(Attempts.last_at.desc()).limit(REMEMBERED_MAX))).all()
    throttle_of(runtime).recall({row.key: Failures(row.failures, row.last_at) for row in reversed(rows)})


async def write(runtime: Runtime) -> None:
    """Write what changed since the last time."""
    throttle = throttle_of(runtime)
    changes = throttle.take_changes()
    if not changes:
        return
    try:
        async with runtime.database.transaction() as session:
            await session.execute(delete(Attempts).where(Attempts.last_at <= runtime.clock() - FORGOTTEN_AFTER))
            for key, failures in changes.items():
                if failures is None:
                    await session.execute(delete(Attempts).where(Attempts.key == key))
                else:
                    await session.merge(Attempts(key=key, failures=failures.count, last_at=failures.last_at))
    except BaseException:
        throttle.put_back(changes)
        raise
