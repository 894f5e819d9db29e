"""The conductor: decides what is on air, has the player make it so, and writes down what came of it."""

from collections.abc import Callable
from datetime import datetime

from device_agent.clock import TrustedClock
from device_agent.player import Player
from device_agent.ports import Clips, Configs, Journal, Plans
from protocol.messages import PlayerState, Problem


class Conductor:
    """Runs one speaker's plan. Everything it needs is handed in; `changed` is called when the player's state changes."""

    def __init__(
        self,
        *,
        clock: TrustedClock,
        player: Player,
        clips: Clips,
        journal: Journal,
        plans: Plans,
        configs: Configs,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._player = player
        self._clips = clips
        self._journal = journal
        self._plans = plans
        self._configs = configs
        self._changed = changed

    async def run(self) -> None:
        """Conduct until cancelled; what sounds then is faded out and recorded as interrupted."""
        raise NotImplementedError

    def poke(self) -> None:
        """The plan, the config, the cache or the clock changed: decide again now."""
        raise NotImplementedError

    async def stop(self, occurrence: str | None = None) -> str:
        """Silence what is on air (or one occurrence) for good; returns a sentence of what was done."""
        raise NotImplementedError

    async def skip(self, occurrence: str) -> str:
        """Leave out one coming or sounding occurrence; returns a sentence of what was done."""
        raise NotImplementedError

    def set_volume(self, volume: int, until: datetime) -> str:
        """Override the time of day's volume until a moment; the ceiling still holds."""
        raise NotImplementedError

    async def test_tone(self, seconds: float) -> str:
        """Sound a short tone when nothing else does, and return when it has sounded."""
        raise NotImplementedError

    def state(self) -> PlayerState:
        """What the sink does."""
        raise NotImplementedError

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should look at: sink lost, clock not trusted with something due, clip missing at its time."""
        raise NotImplementedError
