"""Which occurrences of one speaker want the air at the same time, who gets it, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from schedules.entry import nominal_end
from schedules.on_air import Rank, rank_of
from schedules.types import VIETNAM, PlannedOccurrence, Resume
from schedules.words import Sentence


class Because(StrEnum):
    """The first place of the total order where the two differ."""

    PRIORITY = "priority"
    ISSUER = "issuer"
    NEWER = "newer"
    COMMUNE_ORDER = "commune_order"
    EARLIER = "earlier"
    ID = "id"


_BECAUSE = {
    Because.PRIORITY: Sentence("mức ưu tiên cao hơn", "it has the higher priority"),
    Because.ISSUER: Sentence("do cấp cao hơn ban hành", "a higher level issued it"),
    Because.NEWER: Sentence("được ban hành sau", "it is the newer one"),
    Because.COMMUNE_ORDER: Sentence("xã đã xếp trước", "the commune ranked it first"),
    Because.EARLIER: Sentence("bắt đầu sớm hơn", "it begins earlier"),
    Because.ID: Sentence("hai lượt ngang nhau, theo thứ tự mã", "they are equal, and the order of ids decides"),
}
_THEN = {
    Resume.REJOIN: Sentence("phần còn lại được phát tiếp nếu còn giờ", "rejoins if it is still on by then"),
    Resume.RESTART: Sentence("sau đó phát lại từ đầu nếu còn giờ", "starts over afterwards if there is time"),
    Resume.SKIP: Sentence("phần còn lại không phát", "is not resumed"),
}


@dataclass(frozen=True, slots=True)
class Collision:
    """One occurrence yields the air to another."""

    winner: PlannedOccurrence
    loser: PlannedOccurrence
    from_: datetime
    until: datetime
    """The end of their overlap by the nominal times."""
    because: Because

    def explain(self, zone: str = VIETNAM) -> Sentence:
        """Return the collision as a sentence for the officer who may change it."""
        local = ZoneInfo(zone)
        since, until = (f"{at.astimezone(local):%H:%M:%S}" for at in (self.from_, self.until))
        why, then = _BECAUSE[self.because], _THEN[self.loser.resume]
        return Sentence(
            f"Từ {since} đến {until}, “{self.winner.title}” được phát thay “{self.loser.title}” vì {why.vi}; "
            f"“{self.loser.title}”: {then.vi}.",
            f"From {since} to {until} “{self.winner.title}” has the air instead of “{self.loser.title}” because "
            f"{why.en}; “{self.loser.title}” {then.en}.",
        )


def collisions(occurrences: Iterable[PlannedOccurrence]) -> list[Collision]:
    """Return a collision for every beginning that finds the air taken, in order of time.

    Each is between what is on air at that moment and what begins: whoever yields appears as a loser, and the list is
    never longer than the occurrences, however many overlap. Times are nominal: what resumes late is not followed.
    """
    found: list[Collision] = []
    order = sorted(occurrences, key=lambda each: (each.starts_at, _rank(each)))
    active: list[tuple[Rank, int]] = []
    for place, newcomer in enumerate(order):
        while active and nominal_end(order[active[0][1]]) <= newcomer.starts_at:
            heappop(active)
        if active:
            found.append(_between(order[active[0][1]], newcomer))
        heappush(active, (_rank(newcomer), place))
    return found


def _between(holder: PlannedOccurrence, newcomer: PlannedOccurrence) -> Collision:
    places = zip(Because, _rank(holder), _rank(newcomer), strict=True)
    winner, loser = (holder, newcomer) if _rank(holder) < _rank(newcomer) else (newcomer, holder)
    return Collision(
        winner=winner,
        loser=loser,
        from_=newcomer.starts_at,
        until=min(nominal_end(holder), nominal_end(newcomer)),
        because=next((place for place, mine, theirs in places if mine != theirs), Because.ID),
    )


def _rank(occurrence: PlannedOccurrence) -> Rank:
    return rank_of(
        occurrence.priority,
        occurrence.issuer_depth,
        occurrence.starts_at,
        occurrence.commune_rank,
        occurrence.id,
    )
