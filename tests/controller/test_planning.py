from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.accounts.viewer import SYSTEM
from controller.areas.models import Area
from controller.broadcasting import clockwork, planner_of, planning
from controller.broadcasts.models import Schedule
from controller.content.service import store_of
from controller.devices.models import Device, DeviceStatus
from controller.events import AreaPolicyChanged, record_event
from controller.planning import service
from controller.planning.compile import Speaker
from controller.planning.repository import PlanningRepository
from protocol.messages import Config, Plan, PlanManifest
from protocol.signing import verify
from protocol.topics import Channel
from tests.support.broadcasts import config_of, document, keys_of, plan_of, playlist, replan, schedule
from tests.support.controller import House, open_house
from tests.support.eventually import becomes

COMMUNE = "07339"
EVERY_HOUR = "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A controller that plans."""
    async with open_house(tmp_path / "data", services=(planning,)) as opened:
        yield opened


@pytest.fixture
async def commune(house: House) -> str:
    """A commune with three speakers, planned."""
    code = await house.commune(COMMUNE, speakers=3)
    for number in (1, 2, 3):
        await replan(house, f"{code}-{number}")
    return code


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three speakers are many, and each is planned by itself."""
    monkeypatch.setattr(service, "WITH_THE_EDIT", 2)
    monkeypatch.setattr(service, "AT_ONCE", 1)


async def limit_volume(house: House, percent: int) -> None:
    """Change the rules of the province above the commune."""
    async with house.database.transaction() as session:
        province = await session.get_one(Area, "24")
        province.policy = {"max_volume": percent}
        record_event(session, AreaPolicyChanged(province.path))


async def all_are_limited(house: House, commune: str, percent: int) -> bool:
    """Whether each of the commune's three speakers is told so."""
    documents = [await document(house, f"{commune}-{number}", Channel.CONFIG) for number in (1, 2, 3)]
    told = [(await config_of(house, each.device_id)).max_volume for each in documents if each is not None]
    return told == [percent] * 3


async def test_a_schedule_for_an_area_is_in_the_plan_of_each_of_its_speakers(house: House, commune: str) -> None:
    scheduled = await schedule(house, commune, await playlist(house, commune), areas=(commune,), title="Chào")

    for number in (1, 2, 3):
        plan = await plan_of(house, f"{commune}-{number}")
        assert [(each.title, each.schedule_id) for each in plan.occurrences] == [("Chào", scheduled)]
        assert plan.occurrences[0].starts_at == house.clock.now + timedelta(hours=1)
        assert {clip.sha256 for clip in plan.clips} == {s.clip for s in plan.occurrences[0].stretches}


async def test_a_daily_schedule_fills_the_days_of_the_window(house: House, commune: str) -> None:
    await schedule(house, commune, await playlist(house, commune), areas=(commune,), rrule="FREQ=DAILY")

    plan = await plan_of(house, f"{commune}-1")

    assert len(plan.occurrences) == 8
    assert plan.window_end - plan.window_start == timedelta(days=8)


async def test_only_the_speakers_that_a_schedule_addresses_are_told(house: House, commune: str) -> None:
    before = {number: await document(house, f"{commune}-{number}", Channel.PLAN) for number in (1, 2, 3)}
    house.clock.advance(timedelta(seconds=5))

    await schedule(house, commune, await playlist(house, commune), devices=(f"{commune}-2",))

    after = {number: await document(house, f"{commune}-{number}", Channel.PLAN) for number in (1, 2, 3)}
    changed = {number for number in (1, 2, 3) if before[number].version != after[number].version}
    assert changed == {2}
    assert after[2].version > before[2].version


async def test_planning_again_without_a_change_publishes_nothing(house: House, commune: str) -> None:
    await schedule(house, commune, await playlist(house, commune), areas=(commune,), rrule="FREQ=DAILY")
    before = await document(house, f"{commune}-1", Channel.PLAN)

    house.clock.advance(timedelta(hours=6))
    await replan(house, f"{commune}-1")

    after = await document(house, f"{commune}-1", Channel.PLAN)
    assert (after.version, after.payload) == (before.version, before.payload)


async def test_a_plan_is_renewed_when_the_day_changes_and_its_version_grows(house: House, commune: str) -> None:
    await schedule(house, commune, await playlist(house, commune), areas=(commune,), rrule="FREQ=DAILY")
    before = await plan_of(house, f"{commune}-1")

    house.clock.advance(timedelta(hours=13))
    await replan(house, f"{commune}-1")

    after = await plan_of(house, f"{commune}-1")
    assert after.window_start == before.window_start + timedelta(days=1)
    assert after.version > before.version


async def test_what_is_about_to_air_does_not_change_any_more(house: House, commune: str) -> None:
    start = house.clock.now + timedelta(seconds=30)
    await schedule(house, commune, await playlist(house, commune), areas=(commune,), at=start)
    house.clock.advance(timedelta(seconds=25))

    late = await playlist(house, commune, title="Muộn")
    await schedule(house, commune, late, areas=(commune,), at=start, title="Muộn")

    plan = await plan_of(house, f"{commune}-1")
    assert [each.title for each in plan.occurrences] == ["Lịch"]


async def test_speakers_planned_together_are_alike_only_where_they_take_turns_alike(house: House) -> None:
    commune = await house.commune("07340")
    for hamlet in ("h1", "h2"):
        await house.area(hamlet, parent=commune)
        for number in (1, 2):
            await house.device(f"{hamlet}-{number}", hamlet)

    await schedule(house, commune, await playlist(house, commune), areas=(commune,), rrule="FREQ=DAILY")

    starts = {
        speaker: [each.starts_at for each in (await plan_of(house, speaker)).occurrences]
        for speaker in ("h1-1", "h1-2", "h2-1", "h2-2")
    }
    assert starts["h1-1"] == starts["h1-2"]
    assert starts["h2-1"] == starts["h2-2"]
    assert len(starts["h1-1"]) == 8
    assert all(first < second for first, second in zip(starts["h1-1"], starts["h2-1"], strict=True))


async def test_an_areas_quiet_hours_reach_configuration_and_plan(house: House) -> None:
    commune = await house.commune("07340")
    hamlet = await house.area("h1", parent=commune, policy={"quiet_hours": [{"start": "12:30", "end": "14:00"}]})
    await house.device("loa-1", hamlet)
    await replan(house, "loa-1")

    await schedule(house, commune, await playlist(house, commune), areas=(commune,))

    config = await config_of(house, "loa-1")
    assert config.areas == ("VN", "24", commune, hamlet)
    assert [(w.start, w.end) for w in config.quiet_hours] == [("12:30", "14:00")]
    assert (await plan_of(house, "loa-1")).occurrences == ()


async def test_a_changed_policy_above_reaches_every_speaker_below(house: House, commune: str) -> None:

    await limit_volume(house, 55)

    assert await all_are_limited(house, commune, 55)


async def test_many_speakers_are_planned_behind_the_edit_and_others_write_in_between(
    house: House, commune: str, few_at_once: None
) -> None:
    await limit_volume(house, 55)

    async with house.database.transaction() as session:
        assert await PlanningRepository(session).owed(10)
    await becomes(lambda: all_are_limited(house, commune, 55))
    async with house.database.reading() as session:
        assert await PlanningRepository(session).owed(10) == []


async def test_a_speaker_that_cannot_be_planned_keeps_no_other_waiting_and_is_tried_again(
    house: House, commune: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = (f"{commune}-{number}" for number in (1, 2, 3))
    planned, broken = service.config, {first}

    def config(speaker: Speaker, *rest: Any) -> Config:
        if speaker.device_id in broken:
            raise ZeroDivisionError(first)
        return planned(speaker, *rest)

    async def are_limited(ids: Collection[str]) -> bool:
        return [(await config_of(house, each)).max_volume for each in ids] == [55] * len(ids)

    async def awaiting() -> int:
        async with house.database.reading() as session:
            return await PlanningRepository(session).awaiting(SYSTEM)

    monkeypatch.setattr(service, "WITH_THE_EDIT", 2)
    monkeypatch.setattr(service, "TRIES_AGAIN_S", 0.05)
    monkeypatch.setattr(service, "config", config)
    await limit_volume(house, 55)
    await becomes(lambda: are_limited(others))
    assert await awaiting() == 1
    broken.clear()
    await becomes(lambda: are_limited([first]))
    assert await awaiting() == 0


async def test_who_was_still_owed_a_plan_has_it_in_the_next_life(tmp_path: Path, few_at_once: None) -> None:
    async with open_house(tmp_path / "data", services=()) as killed:
        await killed.commune(COMMUNE, speakers=3)
        killed.database.before_commit.append(planner_of(killed.runtime).process)
        await limit_volume(killed, 55)

    async with open_house(tmp_path / "data", services=(planning,)) as house:
        await becomes(lambda: all_are_limited(house, COMMUNE, 55))


@pytest.mark.parametrize(("waited_s", "heard"), [(8, []), (13, ["Lịch"])])
async def test_what_was_called_off_in_time_stays_so_however_the_speaker_waited_but_what_has_begun_goes_on(
    house: House, commune: str, waited_s: int, heard: list[str]
) -> None:
    device = f"{commune}-1"
    start = house.clock.now + timedelta(seconds=12)
    withdrawn = await schedule(house, commune, await playlist(house, commune), areas=(commune,), at=start)
    async with house.database.transaction() as session:
        (await session.get_one(Schedule, withdrawn)).active = False
        await PlanningRepository(session).owe([device], house.clock.now)

    house.clock.advance(timedelta(seconds=waited_s))
    await replan(house, device)

    assert [each.title for each in (await plan_of(house, device)).occurrences] == heard


async def test_a_retired_speaker_leaves_nothing_on_the_broker(house: House, commune: str) -> None:
    async with house.database.transaction() as session:
        device = await session.get_one(Device, f"{commune}-1")
        device.status = DeviceStatus.RETIRED
    await replan(house, f"{commune}-1")

    for channel in (Channel.PLAN, Channel.CONFIG, Channel.STATE, Channel.STATUS):
        row = await document(house, f"{commune}-1", channel)
        assert row is not None
        assert row.payload == b""
        assert row.published_at is None


async def test_a_long_plan_travels_as_a_manifest(house: House, commune: str) -> None:

    short = await playlist(house, commune, duration_ms=5_000)
    device = f"{commune}-1"
    await schedule(house, commune, short, devices=(device,), rrule=EVERY_HOUR, title="Rất dài " * 30)

    row = await document(house, device, Channel.PLAN)
    keys = keys_of(house)
    manifest = verify(row.payload, PlanManifest, audiences=[device], keys=keys, now=house.clock.now).body
    fetched = await house.browser().get(manifest.url)
    assert len(fetched.content) == manifest.size_bytes
    plan = verify(fetched.content, Plan, audiences=[device], keys=keys, now=house.clock.now, max_bytes=8 << 20).body
    assert plan.version == manifest.version
    assert len(plan.occurrences) > 100
    assert store_of(house.runtime).has(manifest.sha256)


async def test_a_controller_that_starts_plans_for_everybody(house: House) -> None:
    await house.commune(COMMUNE, speakers=2)

    async with clockwork(house.runtime):
        await becomes(lambda: document(house, f"{COMMUNE}-2", Channel.CONFIG))

    assert (await plan_of(house, f"{COMMUNE}-1")).occurrences == ()


async def test_a_calendar_that_cannot_be_read_any_more_silences_nobody_else(house: House, commune: str) -> None:
    sound = await playlist(house, commune)
    await schedule(house, commune, sound, areas=(commune,), rrule="FREQ=SECONDLY", title="Hỏng")
    await schedule(house, commune, sound, areas=(commune,), title="Lành")

    assert [each.title for each in (await plan_of(house, f"{commune}-1")).occurrences] == ["Lành"]
