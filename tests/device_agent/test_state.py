from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.clock_exchange import ClockExchange, gap_s
from device_agent.errors import AlreadyRunning
from device_agent.health import data_bytes, read_health, temperature_c
from device_agent.lock import only_instance
from device_agent.pulse import PulseWatch
from device_agent.state import ProblemLog, readiness
from protocol.errors import Malformed
from protocol.messages import ClockReply, ClockRequest, Problem
from tests.support.agent_rooms import NOON, occurrence, plan

HERE, ABSENT = "aa" * 32, "bb" * 32


@given(st.permutations([("past", -120, HERE), ("on-air", -30, HERE), ("soon", 60, ABSENT), ("late", 900, HERE)]))
def test_ready_counts_what_is_still_to_sound(day: list[tuple[str, int, str]]) -> None:
    week = plan(1, *(occurrence(name, in_s=in_s, clip=clip) for name, in_s, clip in day))
    assert readiness(week, lambda clip: clip == HERE, NOON) == (2, 3, (ABSENT,))


def test_without_a_plan_nothing_is_ready_of_nothing() -> None:
    assert readiness(None, lambda _: True, NOON) == (0, 0, ())


def test_a_problem_keeps_its_beginning_until_it_is_over() -> None:
    log, later = ProblemLog(), NOON + timedelta(minutes=5)
    full = Problem(code="disk_full", text="1 MB")
    assert log.dated([full], NOON)[0].since == NOON
    [still] = log.dated([full.model_copy(update={"text": "2 MB"})], later)
    assert (still.since, still.text) == (NOON, "2 MB")
    assert log.dated([], later) == ()
    assert log.dated([full], later)[0].since == later


def test_a_speaker_without_a_pulse_knows_that_it_is_blind() -> None:
    now = [0.0]
    watch = PulseWatch(lambda: now[0])
    now[0] = 99
    assert watch.problems() == ()
    watch.beat()
    now[0] = 198
    assert watch.problems() == ()
    now[0] = 199
    assert [problem.code for problem in watch.problems()] == ["blind"]


def test_one_agent_a_state_directory(tmp_path: Path) -> None:
    with only_instance(tmp_path), pytest.raises(AlreadyRunning, match="another agent"), only_instance(tmp_path):
        pass
    with only_instance(tmp_path):
        pass


def test_health_is_what_the_machine_says(tmp_path: Path) -> None:
    health = read_health(tmp_path, uptime_s=12.34)
    assert health.uptime_s == 12.3
    assert health.memory_mb > 1
    assert health.disk_free_mb


def test_the_hottest_sensor_counts_and_a_broken_one_does_not(tmp_path: Path) -> None:
    for zone, words in enumerate(["45000", "51500", "nonsense"]):
        (tmp_path / f"thermal_zone{zone}").mkdir()
        (tmp_path / f"thermal_zone{zone}" / "temp").write_text(words)
    assert temperature_c(tmp_path) == 51.5
    assert temperature_c(tmp_path / "none") is None


def test_data_used_is_what_left_and_entered_the_machine(tmp_path: Path) -> None:
    counters = tmp_path / "dev"
    counters.write_text(
        "Inter-|   Receive                            |  Transmit\n"
        " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo frame\n"
        "    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n"
        "  wg0: 500 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n"
        " wwan0: 1000 9 0 0 0 0 0 0 234 8 0 0 0 0 0 0\n"
        "  eth0:6 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n"
    )
    assert data_bytes(counters) == 1247
    counters.write_text("wwan0: nonsense")
    assert data_bytes(counters) is None
    assert data_bytes(tmp_path / "none") is None


class Asked:
    """An exchange whose questions are kept."""

    def __init__(self) -> None:
        self.questions: list[ClockRequest] = []
        self.now_s = 100.0
        self.exchange = ClockExchange(mono=lambda: self.now_s, send=self._send)

    async def _send(self, request: ClockRequest) -> bool:
        self.questions.append(request)
        return True

    async def question(self) -> ClockRequest:
        await self.exchange._ask()
        return self.questions[-1]


def reply(request: ClockRequest, **changes: object) -> ClockReply:
    times = {"received_at_us": 1_000_000, "replied_at_us": 1_000_500}
    return ClockReply.model_validate({**request.model_dump(), **times, **changes})


async def test_an_answer_completes_its_question_once() -> None:
    asked = Asked()
    request = await asked.question()
    exchange = asked.exchange.judge(reply(request), 100.02)
    assert (exchange.sent_mono_s, exchange.back_mono_s) == (100.0, 100.02)
    with pytest.raises(Malformed):
        asked.exchange.judge(reply(request), 100.03)


@pytest.mark.parametrize(
    "changes", [{"nonce": "another"}, {"sent_mono_us": 5}, {"replied_at_us": 999_999}], ids=lambda one: next(iter(one))
)
async def test_an_answer_to_no_question_is_refused(changes: dict[str, object]) -> None:
    asked = Asked()
    request = await asked.question()
    with pytest.raises(Malformed):
        asked.exchange.judge(reply(request, **changes), 100.02)


async def test_an_answer_that_took_too_long_is_refused() -> None:
    asked = Asked()
    request = await asked.question()
    with pytest.raises(Malformed):
        asked.exchange.judge(reply(request), 111)


def test_questions_come_quickly_first_and_rarely_later() -> None:
    gaps = [gap_s(asked) for asked in range(1, 40)]
    assert gaps[0] < 1
    assert gaps[-1] == 60
    assert gaps == sorted(gaps)
