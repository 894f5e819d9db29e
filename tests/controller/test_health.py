"""How machines were: sampled sparingly, coarser with age, and shown without gaps."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from controller.health.models import HealthSample
from controller.health.sampling import FINE_S, STEPS, Range, Sample, gapless, sampled, used_bytes, window
from controller.health.service import condense
from controller.monitoring.hub import Hub
from controller.monitoring.service import MonitoringService
from protocol.messages import ClockQuality, ClockState, Health, PlayerState
from tests.support.controller import NOON, House
from tests.support.speaker import state_of

SPEAKER = "07339-1"
EVERY = timedelta(seconds=30)


async def hear(house: House, *, at: datetime | None = None, retained: bool = False, **health: Any) -> None:
    async with house.database.transaction() as session:
        state = state_of(SPEAKER, "s", at=at, health=Health(**health))
        await MonitoringService(session, Hub()).take_state(state, now=house.clock.now, retained=retained)


async def spans(house: House) -> dict[int, int]:
    counted = select(HealthSample.span_s, func.count()).group_by(HealthSample.span_s)
    async with house.database.reading() as session:
        return {row[0]: row[1] for row in await session.execute(counted)}


async def told(house: House, wanted: str) -> list[dict[str, Any]]:
    answer = await (await house.signed_in("07339", f"asks-{wanted}")).get(
        f"/api/v1/devices/{SPEAKER}/health", params={"range": wanted}
    )
    assert answer.status_code == 200, answer.text
    points: list[dict[str, Any]] = answer.json()["points"]
    return points


async def test_one_report_of_each_five_minutes_is_kept(either_house: House):
    house = either_house
    await house.commune("07339", speakers=1)
    for _ in range(20):  # ten minutes
        await hear(house, temperature_c=41.5)
        house.clock.advance(EVERY)
    assert await spans(house) == {FINE_S: 2}


async def test_a_report_of_long_ago_that_the_broker_kept_is_no_sample(quiet_house: House):
    await quiet_house.commune("07339", speakers=1)
    await hear(quiet_house, at=NOON - timedelta(days=1), retained=True)
    assert await spans(quiet_house) == {}


async def test_a_day_is_told_slot_by_slot_with_gaps_where_it_was_silent(either_house: House):
    house = either_house
    await house.commune("07339", speakers=1)
    await hear(house, temperature_c=40, signal_percent=70, data_bytes=1000)
    house.clock.advance(timedelta(minutes=10))
    await hear(house, temperature_c=44, signal_percent=60, data_bytes=1700)
    points = await told(house, "day")
    assert len(points) == 288
    first, silent, last = points[-3:]
    assert (first["temperature_c"], silent["temperature_c"], last["temperature_c"]) == (40, None, 44)
    assert (first["used_bytes"], silent["used_bytes"], last["used_bytes"]) == (None, None, 700)


async def test_what_is_older_becomes_coarser_and_in_the_end_is_gone(either_house: House):
    house = either_house
    await house.commune("07339", speakers=1)
    for number in range(12):  # an hour
        await hear(house, temperature_c=30 + number, data_bytes=number * 100)
        house.clock.advance(timedelta(minutes=5))
    day, week, year = (step.kept for step in STEPS)

    house.clock.advance(day)
    await condense(house.database, house.clock.now)
    assert await spans(house) == {900: 4}
    assert [point["temperature_c"] for point in await told(house, "week") if point["temperature_c"]] == [31, 34, 37, 40]

    house.clock.advance(week)
    await condense(house.database, house.clock.now)
    assert await spans(house) == {3600: 1}
    assert [point["temperature_c"] for point in await told(house, "month") if point["temperature_c"]] == [35.5]

    await condense(house.database, house.clock.now)
    assert await spans(house) == {3600: 1}, "twice does no harm"
    house.clock.advance(year)
    await condense(house.database, house.clock.now)
    assert await spans(house) == {}


async def test_a_week_knows_what_was_just_said(quiet_house: House):
    await quiet_house.commune("07339", speakers=1)
    await hear(quiet_house, temperature_c=40)
    assert (await told(quiet_house, "week"))[-1]["temperature_c"] == 40
    assert (await told(quiet_house, "month"))[-1]["temperature_c"] == 40


async def test_only_ranges_that_there_are_are_told(quiet_house: House):
    await quiet_house.commune("07339", speakers=1)
    client = await quiet_house.signed_in("07339")
    assert (await client.get(f"/api/v1/devices/{SPEAKER}/health?range=century")).status_code == 422


@pytest.mark.parametrize("wild", [float("nan"), float("inf"), -1e300, 1e300])
async def test_figures_that_no_machine_has_are_left_out(either_house: House, wild: float):
    house = either_house
    await house.commune("07339", speakers=1)
    async with house.database.transaction() as session:
        state = state_of(
            SPEAKER,
            "s",
            health=Health(temperature_c=wild, uptime_s=wild, data_bytes=2**62),
            clock=ClockState(quality=ClockQuality.TRUSTED, source="system", wall_offset_ms=wild),
        )
        kept = sampled(state, house.clock.now)
        await MonitoringService(session, Hub()).take_state(
            state.model_copy(update={"health": Health(), "clock": state_of(SPEAKER, "s").clock}),
            now=house.clock.now,
            retained=False,
        )
    assert (kept.temperature_c, kept.uptime_s, kept.data_bytes, kept.clock_offset_ms) == (None, None, None, None)


def test_a_volume_of_nothing_is_not_known():
    assert sampled(state_of(SPEAKER, "s", player=PlayerState(state="silent")), NOON).volume is None


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**12)), max_size=20))
def test_used_data_is_never_negative_whatever_restarts(counters: list[int | None]):
    used = used_bytes([Sample(number, data_bytes=counter) for number, counter in enumerate(counters)])
    assert len(used) == len(counters)
    assert all(each is None or each >= 0 for each in used)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(NOON.tzinfo)))  # noqa: DTZ001 hypothesis adds the zone
def test_a_window_holds_the_present_moment_and_only_whole_slots(now: datetime):
    for wanted in Range:
        looked = window(wanted, now)
        assert looked.from_s % looked.span_s == looked.until_s % looked.span_s == 0
        assert looked.until_s - looked.span_s <= now.timestamp() < looked.until_s
        assert len(gapless([], looked)) == (looked.until_s - looked.from_s) // looked.span_s
