"""Whether a schedule airs again: one that is over keeps nothing in use."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_

from controller.approval.coming import next_start
from controller.broadcasts.models import Airs, Schedule
from controller.planning import rows


def still_active(now: datetime, said: type[Airs] = Schedule) -> ColumnElement[bool]:
    """In SQL: not withdrawn, and by what is `said` not known to be over. `airs_again` tells rules that end apart."""
    return and_(Schedule.active, or_(said.over_at.is_(None), said.over_at > now))


def airs_again(said: Airs, now: datetime) -> bool:
    """Whether any airing of its calendar begins later than now."""
    return next_start(rows.recurrence(said), now) is not None
