"""What can be done about the collisions of something before it is kept or sent, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from controller.broadcasts.preview import Ahead, CollisionOut
from controller.web.formats import Formats
from schedules.collisions import Because

RANK_STEP: Final = 1


@dataclass(frozen=True)
class CollisionChoice:
    """What can be done about a collision, in words; `value` is what its button sends."""

    value: str
    label: str


def choices(
    ahead: Ahead, mine: str, ranks: Mapping[str, int], rank: int, formats: Formats
) -> tuple[CollisionChoice, ...]:
    """What can be done about the collisions: which goes first, where the commune's order decides, or a later time."""
    t, found = formats.t, list[CollisionChoice]()
    for each in _first_of_each(ahead.collisions, mine):
        wins = each.winner_schedule_id == mine
        other, title = (
            (each.loser_schedule_id, each.loser_title) if wins else (each.winner_schedule_id, each.winner_title)
        )
        if each.because in {Because.COMMUNE_ORDER, Because.EARLIER, Because.ID} and other in ranks:
            if wins:
                wanted = max(rank, ranks[other] + RANK_STEP)
                found.append(CollisionChoice(f"rank:{wanted}", t("Let “%(title)s” go first", title=title)))
            else:
                wanted = min(rank, ranks[other] - RANK_STEP)
                found.append(CollisionChoice(f"rank:{wanted}", t("Go before “%(title)s”", title=title)))
    for each in ahead.collisions[:1]:
        free = formats.local(each.free_at + timedelta(seconds=59))
        if free.date() != formats.local(each.starts_at).date():
            continue  # beyond midnight it would be another day's
        found.append(CollisionChoice(f"time:{free:%H:%M}", t("Begin at %(time)s instead", time=f"{free:%H:%M}")))
    return tuple(dict.fromkeys(found))


def _first_of_each(collisions: Iterable[CollisionOut], mine: str) -> Iterable[CollisionOut]:
    """Return one collision with each other schedule."""
    seen: set[str] = set()
    for each in collisions:
        other = each.loser_schedule_id if each.winner_schedule_id == mine else each.winner_schedule_id
        if other not in seen:
            seen.add(other)
            yield each


def changes(choice: str) -> dict[str, Any]:
    """Return what one of these choices puts into a form, by field: a place in the commune's order, or a time."""
    name, _, value = choice.partition(":")
    return {name: value} if name in {"rank", "time"} else {}
