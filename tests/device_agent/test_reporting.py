"""A speaker's report: soon after a change, regularly besides, never longer than its topic carries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from device_agent.state import MISSING_MAX, PROBLEMS_MAX, ProblemLog, StateReporter, fitting, readiness
from protocol.messages import DeviceState, Health, PlayerState, Problem
from tests.support.agent_rooms import CLIP, NOON, SPEAKER, occurrence, plan
from tests.support.speaker import state_of

LONG = "Bản tin sáng của xã ệ" * 20


class Desk:
    """Something to report of, and what was reported."""

    def __init__(self) -> None:
        self.state = state_of(SPEAKER, "s", plan_version=1)
        self.sent: asyncio.Queue[DeviceState] = asyncio.Queue()
        self.looked = asyncio.Event()

    def look(self) -> DeviceState:
        self.looked.set()
        return self.state

    def change(self, **facts: object) -> None:
        self.state = self.state.model_copy(update=facts)


@asynccontextmanager
async def reporting(desk: Desk, *, every_s: float = 3600) -> AsyncIterator[StateReporter]:
    reporter = StateReporter(desk.look, desk.sent.put_nowait, every_s=every_s)
    task = asyncio.create_task(reporter.run())
    try:
        yield reporter
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def report(desk: Desk) -> DeviceState:
    async with asyncio.timeout(5):
        return await desk.sent.get()


async def test_changes_that_come_together_travel_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_agent.state.DEBOUNCE_S", 0.02)
    desk = Desk()
    async with reporting(desk) as reporter:
        assert (await report(desk)).plan_version == 1
        for version in range(2, 9):
            desk.change(plan_version=version)
            reporter.poke()
            await asyncio.sleep(0)
        assert (await report(desk)).plan_version == 8
        assert desk.sent.empty()


async def test_what_moves_by_itself_is_no_change_and_a_new_link_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("device_agent.state.DEBOUNCE_S", 0)
    desk = Desk()
    async with reporting(desk) as reporter:
        await report(desk)
        desk.looked.clear()
        desk.change(at=NOON, health=Health(uptime_s=9), player=PlayerState(state="silent", position_ms=7))
        reporter.poke()
        async with asyncio.timeout(5):
            await desk.looked.wait()
        assert desk.sent.empty()
        reporter.again()
        assert (await report(desk)).health.uptime_s == 9


async def test_pokes_that_bring_no_news_do_not_put_off_the_regular_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_agent.state.DEBOUNCE_S", 0)
    desk = Desk()
    async with reporting(desk, every_s=0.05) as reporter:
        await report(desk)
        async with asyncio.timeout(5):
            while desk.sent.empty():
                reporter.poke()
                await asyncio.sleep(0)


texts = st.text(max_size=300) | st.just(LONG[:300]) | st.just("\x00" * 300)


@settings(max_examples=30)
@given(
    missing=st.integers(0, MISSING_MAX),
    problems=st.lists(texts, max_size=PROBLEMS_MAX),
    title=texts,
    codes=st.integers(0, 60),
)
def test_a_report_fits_its_topic_whatever_there_is_to_say(
    missing: int, problems: list[str], title: str, codes: int
) -> None:
    state = state_of(
        SPEAKER,
        "s",
        missing=tuple(f"{number:064x}" for number in range(missing)),
        problems=tuple(Problem(code=f"problem-{number}", text=text) for number, text in enumerate(problems)),
        player=PlayerState(state="playing", title=title),
        rejected={f"code-{number}": 10**12 for number in range(codes)},
    )
    read = DeviceState.decode(fitting(state).encode())
    assert [problem.code for problem in read.problems] == [problem.code for problem in state.problems]
    assert read.missing == state.missing[: len(read.missing)], "the soonest are named"
    assert read.rejected == state.rejected


def test_a_short_report_is_sent_whole() -> None:
    state = state_of(SPEAKER, "s", missing=tuple(f"{n:064x}" for n in range(MISSING_MAX)))
    assert fitting(state) == state


def test_hundreds_of_clips_that_are_missing_are_named_once_each_and_the_soonest_first() -> None:
    day = plan(1, *(occurrence(f"o.{n}", in_s=60 * n, clip=f"{n % 300:064x}") for n in reversed(range(600))))
    ready, planned, missing = readiness(day, lambda clip: clip == CLIP, NOON)
    assert (ready, planned) == (0, 600)
    assert missing == tuple(f"{n:064x}" for n in range(300))


def test_a_problem_is_logged_at_its_coming_and_going_only() -> None:
    seen = ProblemLog()
    blind = Problem(code="blind", text="no pulse")
    with capture_logs() as logs:
        for minute in range(3):
            seen.dated([blind], NOON + timedelta(minutes=minute))
        seen.dated([], NOON)
    assert [entry["event"] for entry in logs] == ["problem", "problem_over"]
