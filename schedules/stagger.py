"""Routine items of neighbouring hamlets one after another, so that two horns never talk across each other.

Different words at once are worse than the same words at once: either every hamlet waits until its neighbours have
finished, or, where that would take too long, all begin together.
"""

from datetime import timedelta

from schedules.types import Priority, Schedule

SLOTS = 3
"""Hamlets take turns in this many groups; those of one group lie too far apart to disturb each other."""
GAP_MS = 5_000
"""Silence between two turns."""
ALERT_STAGGER_MAX_MS = 20_000
"""Between two turns of an alert: the last turn still begins well within the shortest life of an alert, a minute."""
LONGEST_MS = 10 * 60 * 1000
"""No hamlet waits longer than this."""


def turn_of(hamlet_index: int) -> int:
    """Return the turn of a hamlet: neighbours have different ones."""
    return hamlet_index % SLOTS


def alert_delay(turn: int, stagger_ms: int) -> timedelta:
    """Return how much later than the common instant an alert begins on speakers of this turn."""
    return timedelta(milliseconds=turn_of(turn) * stagger_ms)


def staggers(schedule: Schedule) -> bool:
    """Say whether hamlets take turns with this schedule at all."""
    return schedule.staggered and schedule.priority is Priority.ROUTINE


def stagger_ms(speaker_hamlet_index: int, schedule: Schedule, *, slots: int = SLOTS, gap_ms: int = GAP_MS) -> int:
    """Return how much later than its nominal time the schedule airs in a hamlet: what `compile_plan` asks for."""
    turn_ms = schedule.duration_ms + gap_ms
    if not staggers(schedule) or (slots - 1) * turn_ms > LONGEST_MS:
        return 0
    return speaker_hamlet_index % slots * turn_ms
