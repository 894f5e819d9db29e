"""Keeping how machines were: a sample now and then, coarser with age."""

from datetime import datetime
from itertools import pairwise

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.database import Database
from controller.health.repository import HealthRepository, Samples
from controller.health.sampling import STEPS, Range, Sample, Window, gapless, slot_of, window


async def history(
    session: AsyncSession, viewer: Viewer, device_id: str, wanted: Range, now: datetime
) -> tuple[Window, tuple[Sample, ...]]:
    """Return how a speaker's machine was, slot by slot."""
    looked = window(wanted, now)
    return looked, gapless(await HealthRepository(session).over(viewer, device_id, looked), looked)


async def condense(database: Database, now: datetime) -> None:
    """Join what has become old enough, and forget what is too old: a transaction each, so that others write between."""
    for finer, coarser in pairwise(STEPS):
        before_s = slot_of(now - finer.kept, coarser.span_s)
        async with database.transaction() as session:
            await Samples(session).join(span_s=finer.span_s, to_span_s=coarser.span_s, before_s=before_s)
    last = STEPS[-1]
    async with database.transaction() as session:
        await Samples(session).forget(span_s=last.span_s, before_s=slot_of(now - last.kept, last.span_s))
