"""How much may sound: limits on sessions, on their length, on the day and on the week.

- A session is sound with pauses shorter than `SESSION_GAP`: three announcements in a row are one session.
- Everything that was or will be heard counts; only routine occurrences are ever left out. Priority and live ones are
  counted first, wherever in the day they lie; emergencies neither count nor are limited.
- An occurrence belongs to the local day, and that day's ISO week, in which it starts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from schedules.day import local_day
from schedules.entry import nominal_end
from schedules.reasons import Reason
from schedules.types import Caps, PlannedOccurrence, Priority, Sounded, SpeakerPolicy

SESSION_GAP = timedelta(minutes=1)
TOLERANCE = timedelta(seconds=5)
"""What really sounded is never exactly as long as planned; a device forgives this much."""

_Session = tuple[datetime, datetime]


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


class _Day:
    """One day's sound: its sessions in order, and the sum of what was in them."""

    def __init__(self) -> None:
        self.sessions: list[_Session] = []
        self.total = timedelta()

    def session_with(self, wish: Sounded) -> tuple[slice, _Session]:
        """Return the session that `wish` would be part of, and which of the present ones it would join into it."""
        first = bisect_right(self.sessions, wish.starts_at - SESSION_GAP, key=_end)
        last = bisect_left(self.sessions, wish.ends_at + SESSION_GAP, lo=first, key=_start)
        joined = self.sessions[first:last]
        start = min([wish.starts_at, *map(_start, joined)])
        end = max([wish.ends_at, *map(_end, joined)])
        return slice(first, last), (start, end)

    def add(self, sounded: Sounded) -> None:
        joined, session = self.session_with(sounded)
        self.sessions[joined] = [session]
        self.total += sounded.ends_at - sounded.starts_at


class _Used:
    """What the caps already have to bear."""

    def __init__(self, policy: SpeakerPolicy, tolerance: timedelta = timedelta()) -> None:
        self._caps = policy.caps
        self._zone = policy.zone
        self._tolerance = tolerance
        self._days: dict[date, _Day] = {}

    def add(self, sounded: Sounded) -> None:
        self._days.setdefault(local_day(sounded.starts_at, self._zone), _Day()).add(sounded)

    def refusal(self, wish: Sounded) -> Reason | None:
        caps = self._caps
        today = local_day(wish.starts_at, self._zone)
        day = self._days.get(today)
        if day is None:
            if caps.days_per_week is not None and self._days_of_week(today) >= caps.days_per_week:
                return Reason.DAYS_PER_WEEK
            day = _Day()
        joined, (start, end) = day.session_with(wish)
        opens_another = joined.start == joined.stop
        if caps.sessions_per_day is not None and opens_another and len(day.sessions) >= caps.sessions_per_day:
            return Reason.SESSIONS_PER_DAY
        if caps.session_max_s is not None and end - start > timedelta(seconds=caps.session_max_s) + self._tolerance:
            return Reason.SESSION_CAP
        total = day.total + (wish.ends_at - wish.starts_at)
        if caps.daily_max_s is not None and total > timedelta(seconds=caps.daily_max_s) + self._tolerance:
            return Reason.DAILY_CAP
        return None

    def _days_of_week(self, today: date) -> int:
        monday = today - timedelta(days=today.weekday())
        return sum(monday + timedelta(days=days) in self._days for days in range(7))


def _start(session: _Session) -> datetime:
    return session[0]


def _end(session: _Session) -> datetime:
    return session[1]


def _turn(occurrence: PlannedOccurrence) -> tuple[bool, datetime, int, str]:
    return (occurrence.priority is Priority.ROUTINE, occurrence.starts_at, occurrence.commune_rank, occurrence.id)


def _sounded(occurrence: PlannedOccurrence) -> Sounded:
    return Sounded(occurrence.id, occurrence.starts_at, nominal_end(occurrence))
