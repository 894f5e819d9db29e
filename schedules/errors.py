"""What can be wrong with a schedule. All are permanent: the same values will be refused again."""

from typing import ClassVar

from schedules.words import Sentence


class ScheduleError(Exception):
    """The root of this room's errors. `code` is stable."""

    code: ClassVar[str] = "schedule"
    transient: ClassVar[bool] = False


class InvalidRecurrence(ScheduleError):
    """A recurrence that cannot be used: `field` is the one to mend, `reason` says in one stable word why."""

    code = "invalid_recurrence"

    def __init__(self, field: str, reason: str, sentence: Sentence) -> None:
        super().__init__(sentence.en)
        self.field = field
        self.reason = reason
        self.sentence = sentence


class TooManyOccurrences(ScheduleError):
    """More airings in one window than anybody plans on purpose."""

    code = "too_many_occurrences"


class InvalidStagger(ScheduleError):
    """A delay between hamlets that is negative, or longer than a calendar looks back."""

    code = "invalid_stagger"
