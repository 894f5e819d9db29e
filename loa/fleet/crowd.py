"""Many simulated speakers in one process, with faults to order."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from loa.fleet.speaker import Ledger, Line, SimulatedSpeaker

AT_ONCE = 100
GOODBYE_S = 2.0
REPORT_EVERY_S = 30.0
"""As often as an agent says how it is."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the fleet."""

    offline_share: float = 0.0
    """Speakers that never come."""
    slow_share: float = 0.0
    slow_s: float = 2.0
    """How late everything takes effect on a slow line."""
    storm_every_s: float | None = None
    """All lose their line at once, so often, and come back together."""


class Crowd:
    """Runs its speakers until cancelled."""

    def __init__(
        self,
        device_ids: Sequence[str],
        *,
        host: str,
        port: int,
        ledger: Ledger,
        faults: Faults | None = None,
        report_every_s: float = REPORT_EVERY_S,
        first: int = 0,
    ) -> None:
        self._faults = faults or Faults()
        self._report_every_s = report_every_s
        dice = random.Random(first)  # noqa: S311  # the same fleet each time
        self.speakers = [
            SimulatedSpeaker(first + number, device_id, host=host, port=port, ledger=ledger, line=self._line(dice))
            for number, device_id in enumerate(device_ids)
            if dice.random() >= self._faults.offline_share
        ]

    def _line(self, dice: random.Random) -> Line:
        slow = dice.random() < self._faults.slow_share
        return Line(self._faults.slow_s if slow else 0.0)

    async def connect(self) -> None:
        """Connect all, a hundred at a time, and return when each has its configuration."""
        for start in range(0, len(self.speakers), AT_ONCE):
            for speaker in self.speakers[start : start + AT_ONCE]:
                speaker.connect()
            await asyncio.sleep(0)
        for speaker in self.speakers:
            await speaker.configured.wait()

    async def run(self) -> NoReturn:
        """Report and keep lines alive, and break them as ordered."""
        loop = asyncio.get_running_loop()
        storm_at = loop.time() + (self._faults.storm_every_s or float("inf"))
        turns = max(1, round(self._report_every_s))
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            for speaker in self.speakers[second % turns :: turns]:
                speaker.tick()
                if speaker.connected:
                    speaker.report()
            if loop.time() >= storm_at:
                storm_at = loop.time() + (self._faults.storm_every_s or float("inf"))
                self.storm()

    def storm(self) -> None:
        """Let all lose their line at once; they come back by themselves."""
        for speaker in self.speakers:
            speaker.cut()

    async def close(self) -> None:
        """Have all say goodbye, and return when their lines are closed."""
        for speaker in self.speakers:
            speaker.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for speaker in self.speakers:
                    await speaker.gone.wait()
        for speaker in self.speakers:
            speaker.cut()
