"""How long the planner's pure part takes: every speaker airs every schedule, seven days, one core.

A commune's mix: daily, weekly and monthly rules, some with exceptions or an end. Beside it stands what the same rules
cost when the recurrence library alone expands them, once for all speakers: nobody who uses it can be faster than that.
"""

# ruff: noqa: DTZ001 - recurrences are made of wall-clock times

import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from functools import partial

from dateutil.rrule import rrulestr

from schedules.plan import Calendar, compile_plan, plan_window
from schedules.recurrence import daily, monthly, weekly
from schedules.stagger import stagger_ms
from schedules.types import (
    Caps,
    Percent,
    Priority,
    Recurrence,
    Schedule,
    ScheduleId,
    SpeakerPolicy,
    TimeWindow,
    VolumeRule,
)

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
DAYS = 7


def recurrence(dice: random.Random) -> Recurrence:
    first = datetime(2026, dice.randint(1, 10), dice.randint(1, 28), dice.randint(5, 20), dice.randrange(0, 60, 5))
    match dice.randrange(10):
        case 0 | 1 | 2 | 3:
            made = daily(first)
        case 4:
            made = daily(first, until=NOW.date() + timedelta(days=dice.randint(1, 60)))
        case 5 | 6 | 7:
            made = weekly(first, dice.sample(range(7), dice.randint(1, 5)))
        case 8:
            made = weekly(first, range(5), count=400)
        case _:
            made = monthly(first, dice.choice([1, 15, -1]))
    if dice.random() < 0.2:
        day_off = datetime.combine(NOW.date() + timedelta(days=dice.randint(0, 6)), first.time())
        made = Recurrence(made.first_local, made.zone, made.rrule, except_local=frozenset({day_off}))
    return made


def schedules(number: int) -> list[Schedule]:
    dice = random.Random(number)
    return [
        Schedule(
            id=ScheduleId(f"s{index}"),
            title=f"Bản tin {index}",
            recurrence=recurrence(dice),
            duration_ms=dice.randint(30, 900) * 1000,
            priority=dice.choice([Priority.ROUTINE] * 8 + [Priority.PRIORITY, Priority.EMERGENCY]),
            commune_rank=dice.randrange(5),
        )
        for index in range(number)
    ]


def policies(number: int) -> list[SpeakerPolicy]:
    """Every tenth speaker stands in a ward with Hà Nội's caps."""
    night = (TimeWindow(clock(21), clock(5)),)
    evening = (VolumeRule(TimeWindow(clock(18), clock(6)), Percent(50)),)
    ward = Caps(sessions_per_day=2, session_max_s=900, days_per_week=5)
    return [
        SpeakerPolicy(quiet_hours=night, volume_rules=evening, caps=ward if index % 10 == 0 else Caps())
        for index in range(number)
    ]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plan_all(speakers: int, wanted: list[Schedule]) -> int:
    calendar = Calendar(plan_window(NOW, days=DAYS))
    planned = 0
    for index, policy in enumerate(policies(speakers)):
        plan = compile_plan(wanted, policy, calendar, NOW, stagger_ms=partial(stagger_ms, index))
        planned += len(plan.occurrences)
    return planned


def expand_bare(wanted: list[Schedule]) -> int:
    window = plan_window(NOW, days=DAYS)
    since, until = window.start.replace(tzinfo=None), window.end.replace(tzinfo=None)
    return sum(
        len(
            rrulestr(f"RRULE:{each.recurrence.rrule}", dtstart=each.recurrence.first_local, ignoretz=True).between(
                since, until
            )
        )
        for each in wanted
    )


def measure(speakers: int, number: int) -> float:
    wanted = schedules(number)
    planned = 0

    def work() -> None:
        nonlocal planned
        planned = plan_all(speakers, wanted)

    took = seconds(work)
    print(f"{speakers} speakers × {number} schedules: {planned} occurrences planned in {took:.2f} s", file=sys.stderr)
    return took


def say(**figures: object) -> None:
    print(json.dumps({"bench": "planning", **figures}), flush=True)


def main() -> None:
    full = measure(100, 1000)
    say(speakers=100, schedules=1000, days=DAYS, seconds=round(full, 3))
    few_speakers = measure(10, 1000)
    say(growth="speakers", **{"from": 10, "to": 100}, schedules=1000, ratio=round(full / few_speakers, 2))
    few_schedules = measure(100, 100)
    say(growth="schedules", **{"from": 100, "to": 1000}, speakers=100, ratio=round(full / few_schedules, 2))
    bare = seconds(lambda: expand_bare(schedules(1000)))
    say(peer="dateutil, each rule expanded once", schedules=1000, days=DAYS, seconds=round(bare, 3))


if __name__ == "__main__":
    main()
