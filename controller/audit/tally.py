"""Counts refusals, so that an attacker who knocks a million times is seen, and fills no disk. Pure.

The first of a kind is told at once, its repetitions as one number a minute: at most 41 entries a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from controller.audit.chain import Deed
from controller.database import Actor

KINDS_A_MINUTE: Final = 20
REFUSAL: Final = "refusal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody was refused something."""

    actor: Actor
    deed: Deed
    why: str

    @property
    def sort(self) -> tuple[Actor, str, str, str]:
        """Alike are those of one address and person, about one thing, for one reason."""
        return self.actor, self.deed.kind, self.deed.key, self.why

    def times(self, number: int) -> "Refusal":
        """The same for several of them."""
        return replace(self, deed=replace(self.deed, changes={**self.deed.changes, "times": [None, number]}))


OTHERS: Final = Refusal(Actor("", ""), Deed(REFUSAL, "others", "refused"), "others")
"""Stands for all whose kinds were too many to be told apart."""


@dataclass
class Tally:
    """What was refused within one minute."""

    _minute: int = 0
    _first: dict[tuple[Actor, str, str, str], Refusal] = field(default_factory=dict)
    _repeats: dict[tuple[Actor, str, str, str], int] = field(default_factory=dict)
    _others: int = 0

    def add(self, refusal: Refusal, now: datetime) -> Sequence[Refusal]:
        """Count one; return what is to be written now."""
        due, sort = [*self.due(now)], refusal.sort
        if sort in self._first:
            self._repeats[sort] = self._repeats.get(sort, 0) + 1
        elif len(self._first) < KINDS_A_MINUTE:
            self._first[sort] = refusal
            due.append(refusal)
        else:
            self._others += 1
        return due

    def due(self, now: datetime) -> Sequence[Refusal]:
        """Return the repetitions of a minute that is over."""
        minute = int(now.timestamp() // 60)
        if minute == self._minute:
            return ()
        self._minute = minute
        return self.rest()

    def rest(self) -> Sequence[Refusal]:
        """Return what was counted and not yet written, and begin anew."""
        taken = [self._first[sort].times(number) for sort, number in self._repeats.items()]
        if self._others:
            taken.append(OTHERS.times(self._others))
        self._first.clear()
        self._repeats.clear()
        self._others = 0
        return taken
