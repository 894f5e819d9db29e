"""How urgent a telling is here: the standard's three scales on this country's three priorities, in a table to edit."""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from controller.cap.message import Certainty, Info, Severity, Urgency
from controller.text import Text
from schedules.types import Priority


def _of_the_circular(priority: Priority) -> Priority:
    if priority is Priority.LIVE:
        raise ValueError(Text("A rung leads to 0 (routine), 1 (priority) or 3 (emergency)"))
    return priority


class Rung(BaseModel):
    """What matches all three scales gets this priority; an empty set matches everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urgency: frozenset[Urgency] = frozenset()
    severity: frozenset[Severity] = frozenset()
    certainty: frozenset[Certainty] = frozenset()
    priority: Annotated[Priority, AfterValidator(_of_the_circular)]

    def matches(self, info: Info) -> bool:
        """Whether this rung is for `info`."""
        return (
            (not self.urgency or info.urgency in self.urgency)
            and (not self.severity or info.severity in self.severity)
            and (not self.certainty or info.certainty in self.certainty)
        )


class Ladder(BaseModel):
    """Rungs from the top: the first that matches counts, and what matches none is routine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rungs: tuple[Rung, ...] = Field(default=(), max_length=50)

    def priority(self, info: Info) -> Priority:
        """The priority of one telling."""
        return next((rung.priority for rung in self.rungs if rung.matches(info)), Priority.ROUTINE)


DEFAULT_LADDER: Final = Ladder(
    rungs=(
        Rung(
            urgency=frozenset({Urgency.IMMEDIATE, Urgency.EXPECTED}),
            severity=frozenset({Severity.EXTREME, Severity.SEVERE}),
            certainty=frozenset({Certainty.OBSERVED, Certainty.LIKELY}),
            priority=Priority.EMERGENCY,
        ),
        Rung(severity=frozenset({Severity.MODERATE}), priority=Priority.PRIORITY),
        Rung(urgency=frozenset({Urgency.FUTURE}), priority=Priority.PRIORITY),
    )
)
"""No rule says where to cut; this is the project's own reading, which is why it can be edited."""
