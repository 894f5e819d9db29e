"""An amplifier's line made of nothing."""

from dataclasses import dataclass, field

from device_agent.amplifier import AmplifierFault


@dataclass
class FakeLine:
    """Remembers what it was driven to; can be told to fail."""

    levels: list[bool] = field(default_factory=list)
    broken: bool = False
    closed: bool = False

    def set(self, *, on: bool) -> None:
        if self.broken:
            raise AmplifierFault("the board is gone")
        self.levels.append(on)

    def close(self) -> None:
        self.closed = True
