"""What the speaker says of itself: gathered from all rooms, sent when it changes and every 30 s."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NoReturn

import structlog

from device_agent.programme import clips_of
from protocol.messages import DeviceState, Plan, Problem
from protocol.topics import DELIVERY

log = structlog.get_logger(__name__)

EVERY_S = 30.0
DEBOUNCE_S = 0.2
MISSING_MAX = 200
PROBLEMS_MAX = 50


def readiness(plan: Plan | None, here: Callable[[str], bool], now: datetime) -> tuple[int, int, tuple[str, ...]]:
    """Return how many coming occurrences can sound, of how many, and the clips that are missing, the soonest first."""
    ready, planned = 0, 0
    missing: dict[str, None] = {}
    for occurrence in sorted(plan.occurrences, key=lambda one: one.starts_at) if plan else ():
        if (now - occurrence.starts_at).total_seconds() * 1000 >= occurrence.duration_ms:
            continue
        absent = [clip for clip in clips_of(occurrence) if not here(clip)]
        planned += 1
        ready += not absent
        missing.update(dict.fromkeys(absent))
    return ready, planned, tuple(missing)


class ProblemLog:
    """Remembers since when each problem is there, and logs its coming and going once."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def dated(self, problems: Iterable[Problem], now: datetime) -> tuple[Problem, ...]:
        """Return the problems of now, one a code, each with its beginning."""
        current = {problem.code: problem for problem in reversed(tuple(problems))}
        for code in self._since.keys() - current.keys():
            log.info("problem_over", code=code)
            del self._since[code]
        for code, problem in current.items():
            if code not in self._since:
                log.warning("problem", code=code, text=problem.text)
                self._since[code] = problem.since or now
        dated = [problem.model_copy(update={"since": self._since[code]}) for code, problem in current.items()]
        return tuple(sorted(dated, key=lambda problem: (self._since[problem.code], problem.code)))[:PROBLEMS_MAX]


def fitting(state: DeviceState) -> DeviceState:
    """Return the state as its topic can carry it: what is too long names fewer missing clips, then says less."""
    shorter = state
    for missing, words in ((MISSING_MAX, 300), (50, 300), (50, 60), (0, 0)):
        problems = tuple(problem.model_copy(update={"text": problem.text[:words]}) for problem in state.problems)
        shorter = state.model_copy(update={"missing": state.missing[:missing], "problems": problems})
        if len(shorter.encode()) <= DELIVERY[state.channel].max_bytes:
            break
    return shorter


class StateReporter:
    """Sends the state on each change, a moment later so that changes that come together travel together."""

    def __init__(
        self, build: Callable[[], DeviceState], send: Callable[[DeviceState], None], *, every_s: float = EVERY_S
    ) -> None:
        self._build = build
        self._send = send
        self._every_s = every_s
        self._wake = asyncio.Event()
        self._told: DeviceState | None = None
        self._due_s = 0.0

    def poke(self) -> None:
        """Something may have changed."""
        self._wake.set()

    def again(self) -> None:
        """Send even what has not changed: the broker may have lost it."""
        self._told = None
        self._wake.set()

    async def run(self) -> NoReturn:
        """Report until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            state = self._build()
            if self._told is None or loop.time() >= self._due_s or _lasting(state) != _lasting(self._told):
                self._told, self._due_s = state, loop.time() + self._every_s
                self._send(fitting(state))
            try:
                async with asyncio.timeout_at(self._due_s):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(DEBOUNCE_S)


def _lasting(state: DeviceState) -> DeviceState:
    """The state without what moves by itself all the time."""
    moving = {"position_ms": 0, "latency_ms": None, "level_dbfs": None, "late_ms": None}
    return state.model_copy(
        update={
            "at": None,
            "health": None,
            "player": state.player.model_copy(update=moving),
            "clock": state.clock.model_copy(update={"error_ms": None, "wall_offset_ms": None, "round_trip_ms": None}),
        }
    )
