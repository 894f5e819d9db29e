"""When an alert sounds, by each repeat plan that people choose from."""

from datetime import UTC, datetime, timedelta
from itertools import count, takewhile

import pytest

from controller.alerts.standing import Repeats
from schedules.alerts import Airings

AT_ONCE = datetime(2026, 11, 23, 5, tzinfo=UTC)
STARTS = {
    Repeats.ONCE: [0],
    Repeats.TWICE: [0, 5],
    Repeats.EVERY_10_MIN: [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
    Repeats.EVERY_30_MIN: [0, 30, 60, 90],
    Repeats.TSUNAMI: [0, 5, 10, 40, 70],
    Repeats.TSUNAMI_3: [0, 5, 10, 30, 50, 70, 90],
}
"""In minutes, of an alert that lives 100."""


@pytest.mark.parametrize("repeats", Repeats)
def test_a_plan_sounds_at_these_minutes_and_not_past_the_end(repeats: Repeats):
    plan = repeats.plan()
    ends_at = AT_ONCE + timedelta(minutes=100)
    airings = Airings(AT_ONCE, ends_at, plan.first_gaps_s, plan.then_every_s)
    starts = takewhile(lambda at: at is not None, map(airings.at, count()))
    assert [(at - AT_ONCE) / timedelta(minutes=1) for at in starts if at] == STARTS[repeats]
