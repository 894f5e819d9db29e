"""How far a long work has come, told as it goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["speaking", "listening", "encoding"]
Progress = Callable[[Stage, float | None], None]
"""Told the stage, and how much of the whole work is done (0 to 1, never less than before; None while the length is
unknown). What it raises cancels the work."""


@dataclass(slots=True)
class _Mark:
    done: float = 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """Tells of one part of a work, which counts from `begin` to `end` of the whole."""

    on_progress: Progress | None
    begin: float = 0.0
    end: float = 1.0
    _mark: _Mark = field(default_factory=_Mark)

    def part(self, begin: float, end: float) -> "Account":
        """The account of a part of this part."""
        span = self.end - self.begin
        return Account(self.on_progress, self.begin + begin * span, self.begin + end * span, self._mark)

    def tell(self, stage: Stage, fraction: float | None) -> None:
        """So much of this part is done."""
        if self.on_progress is None:
            return
        if fraction is None:
            self.on_progress(stage, None)
            return
        self._mark.done = max(self._mark.done, self.begin + fraction * (self.end - self.begin))
        self.on_progress(stage, self._mark.done)
