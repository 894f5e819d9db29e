"""How much may sound: limits on sessions, on their length, on the day and on the week.

- A session is sound with pauses shorter than `SESSION_GAP`: three announcements in a row are one session.
- Everything that was or will be heard counts; only routine occurrences are ever left out. Priority and live ones are
  counted first, wherever in the day they lie; emergencies neither count nor are limited.
- An occurrence belongs to the local day, and that day's ISO week, in which it starts.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from schedules.day import local_day
from schedules.entry import nominal_end
from schedules.reasons import Reason
from schedules.types import Caps, PlannedOccurrence, Priority, Sounded, SpeakerPolicy

SESSION_GAP = timedelta(minutes=1)
TOLERANCE = timedelta(seconds=5)
"""What really sounded is never exactly as long as planned; a device forgives this much."""

_Stretch = tuple[datetime, datetime]


def capped(
    occurrences: Iterable[PlannedOccurrence],
    policy: SpeakerPolicy,
    given: Iterable[PlannedOccurrence] = (),
) -> tuple[list[PlannedOccurrence], list[tuple[PlannedOccurrence, Reason]]]:
    """Split occurrences into those that may air and those left out, with the cap that each would break.

    The earlier routine occurrence has the room; between simultaneous ones the commune's order decides, then the id.
    `given` air in any case, and count.
    """
    wishes = list(occurrences)
    if policy.caps == Caps():
        return wishes, []
    used = _Used(policy)
    for occurrence in given:
        if occurrence.priority is not Priority.EMERGENCY:
            used.add(_sounded(occurrence))
    kept: list[PlannedOccurrence] = []
    cut: list[tuple[PlannedOccurrence, Reason]] = []
    for occurrence in sorted(wishes, key=_turn):
        wish = _sounded(occurrence)
        reason = used.refusal(wish) if occurrence.priority is Priority.ROUTINE else None
        if reason is not None:
            cut.append((occurrence, reason))
            continue
        kept.append(occurrence)
        if occurrence.priority is not Priority.EMERGENCY:
            used.add(wish)
    return kept, cut


def refusal(occurrence: PlannedOccurrence, heard: Iterable[Sounded], policy: SpeakerPolicy) -> Reason | None:
    """Return the cap that the occurrence would break after what was heard today (or this week), or None.

    Leave emergencies out of `heard`. Its own earlier parts are not held against an occurrence that resumes.
    """
    if occurrence.priority is not Priority.ROUTINE or policy.caps == Caps():
        return None
    used = _Used(policy, TOLERANCE)
    for sounded in heard:
        if sounded.occurrence_id != occurrence.id:
            used.add(sounded)
    return used.refusal(_sounded(occurrence))


def allowed(occurrence: PlannedOccurrence, heard_today: Iterable[Sounded], policy: SpeakerPolicy) -> bool:
    """Say whether the caps let the occurrence sound after what was heard: the device's own last check."""
    return refusal(occurrence, heard_today, policy) is None


class _Used:
    """What the caps already have to bear."""

    def __init__(self, policy: SpeakerPolicy, tolerance: timedelta = timedelta()) -> None:
        self._caps = policy.caps
        self._zone = policy.zone
        self._tolerance = tolerance
        self._by_day: defaultdict[date, list[_Stretch]] = defaultdict(list)

    def add(self, sounded: Sounded) -> None:
        insort(self._by_day[local_day(sounded.starts_at, self._zone)], (sounded.starts_at, sounded.ends_at))

    def refusal(self, wish: Sounded) -> Reason | None:
        caps = self._caps
        day = local_day(wish.starts_at, self._zone)
        before = self._by_day.get(day, [])
        mine = (wish.starts_at, wish.ends_at)
        if caps.days_per_week is not None and not before and self._days_of_week(day) >= caps.days_per_week:
            return Reason.DAYS_PER_WEEK
        sessions_before = _sessions(before)
        sessions = _sessions(sorted([*before, mine]))
        if caps.sessions_per_day is not None and len(sessions) > max(caps.sessions_per_day, len(sessions_before)):
            return Reason.SESSIONS_PER_DAY
        # Only the session that it would be part of: another one's excess is not its fault.
        start, end = next(session for session in sessions if session[0] <= mine[0] and mine[1] <= session[1])
        if caps.session_max_s is not None and end - start > timedelta(seconds=caps.session_max_s) + self._tolerance:
            return Reason.SESSION_CAP
        total = sum((until - since for since, until in [*before, mine]), timedelta())
        if caps.daily_max_s is not None and total > timedelta(seconds=caps.daily_max_s) + self._tolerance:
            return Reason.DAILY_CAP
        return None

    def _days_of_week(self, day: date) -> int:
        monday = day - timedelta(days=day.weekday())
        return sum(bool(self._by_day.get(monday + timedelta(days=days))) for days in range(7))


def _sessions(stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """Join what follows without a real pause; `stretches` are in order."""
    sessions: list[_Stretch] = []
    for start, end in stretches:
        if sessions and start - sessions[-1][1] < SESSION_GAP:
            sessions[-1] = (sessions[-1][0], max(sessions[-1][1], end))
        else:
            sessions.append((start, end))
    return sessions


def _turn(occurrence: PlannedOccurrence) -> tuple[bool, datetime, int, str]:
    return (occurrence.priority is Priority.ROUTINE, occurrence.starts_at, occurrence.commune_rank, occurrence.id)


def _sounded(occurrence: PlannedOccurrence) -> Sounded:
    return Sounded(occurrence.id, occurrence.starts_at, nominal_end(occurrence))
