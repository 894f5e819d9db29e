"""What the database counts for pages is what the pure functions say of each speaker."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from controller.accounts.viewer import SYSTEM, Viewer
from controller.broadcasts.progress import counted, occurrences
from controller.broadcasts.repository import OccurrenceRepository
from controller.devices.models import Device
from controller.link.refusals import Refusals
from controller.monitoring.fleet import FleetRepository
from controller.monitoring.models import DeviceStateRow
from controller.planning.models import PlannedRow
from controller.records.models import PlayRecordRow
from controller.web.formats import Formats
from controller.web.gather import Fleet, place_of, speakers
from controller.web.i18n import Language, translator
from controller.web.present.causes import causes
from controller.web.present.speaker_list import entry, fine_entry
from controller.web.present.speakers import tone_of, tone_rank
from controller.web.present.tone import Tone
from protocol.messages import ClockQuality, ClockState, DeviceState, Outcome, PlayerState, Problem
from schedules.types import VIETNAM, Resume
from tests.support.controller import House

COMMUNE = "07339"
AIRING = "s.20261120T050000Z"
FORMATS = Formats(translator(Language.VIETNAMESE), ZoneInfo(VIETNAM))


def said(house: House, device: str, **more: Any) -> DeviceState:
    return DeviceState(
        device=device, session="s", at=house.clock.now,
        player=PlayerState(state=more.get("player", "silent")),
        clock=ClockState(quality=more.get("clock", ClockQuality.TRUSTED), source="exchange"),
        problems=more.get("problems", ()), missing=more.get("missing", ()),
    )  # fmt: skip


async def put(house: House, row: DeviceStateRow) -> None:
    async with house.database.transaction() as session:
        session.add(row)


def planned(device: str, occurrence: str, starts: datetime) -> PlannedRow:
    return PlannedRow(
        device_id=device, occurrence_id=occurrence, schedule_id="s", title="Tin", starts_at=starts,
        ends_at=starts + timedelta(seconds=60), duration_ms=60_000, priority=0, issuer_depth=2, commune_rank=0,
        resume=Resume.REJOIN, volume=50, own_volume=False, stretches=[], relays=[], clips=["a" * 64], plan_version=2,
    )  # fmt: skip


async def test_speakers_are_counted_and_sorted_as_each_would_be_shown(either_house: House) -> None:
    house = either_house
    states = list(
        product((True, False), ("silent", "playing", "lost"), ClockQuality, ((), (Problem(code="disk_full"),)), (7, 8))
    )
    await house.commune(COMMUNE, speakers=len(states) + 2)
    await house.commune("07340", speakers=1)
    for number, (online, player, clock, problems, ready) in enumerate(states, 1):
        device = f"{COMMUNE}-{number}"
        state = said(house, device, player=player, clock=clock, problems=problems).model_dump(mode="json")
        await put(
            house,
            DeviceStateRow(
                device_id=device, online=online, clock=clock.value, player=player, ready=ready, planned=8, state=state,
                agent_version="1", complains=bool(problems),
            ),
        )  # fmt: skip
    born = f"{COMMUNE}-{len(states) + 1}"
    await put(house, DeviceStateRow(device_id=born, online=True, agent_version="1", ready=0, planned=0))
    async with house.database.transaction() as session:
        row = await session.get_one(Device, born)
        row.lat, row.lon = 21.2, 106.1
    refusals = Refusals(house.clock)
    for device in (f"{COMMUNE}-{number}" for number in (4, 40, len(states) + 2)):
        refusals.add(device, "flood")
    viewer = Viewer("u", "lan", f"/24/{COMMUNE}/", COMMUNE)

    async with house.database.reading() as session:
        fleet = FleetRepository(session)
        now = await fleet.now(viewer)
        facts = speakers(Fleet(now), refusals)
        tally = await fleet.tally(viewer, refusals.faulty())
        worst = [each.id for each in await fleet.worst(viewer, refusals.faulty(), len(facts))]
        few = [each.id for each in await fleet.worst(viewer, refusals.faulty(), 5)]
        standing = await fleet.standing(viewer)
        fine, others = await fleet.fine(viewer, refusals.faulty()), await fleet.not_fine(viewer, refusals.faulty())
        by_path = await fleet.by_path(viewer)

    wrong = [
        each
        for each in facts
        if tone_of(each) in {Tone.BAD, Tone.AWAY, Tone.WARN} or each.faults or (each.report and each.report.problems)
    ]
    assert (tally.speakers, tally.online, tally.troubled) == (
        len(states) + 2,
        sum(tone_of(each) is not Tone.AWAY for each in facts),
        len(wrong),
    )
    assert tally.worst == min(tone_rank(tone_of(each)) for each in facts)
    assert worst == [each.id for each in sorted(facts, key=lambda each: tone_rank(tone_of(each)))]
    assert few == worst[:5]
    assert [(each.id, place_of(each.place), each.online) for each in standing] == [
        (each.id, each.place, each.online) for each in facts
    ]
    assert [(each.lat, each.lon) for each in standing] == [(each.lat, each.lon) for each in now]
    assert (21.2, 106.1) in {(each.lat, each.lon) for each in standing}
    assert by_path == {viewer.scope: len(states) + 2}
    at, troubled = house.clock.now, {each.id for each in others}
    assert [each for each in now if each.id in troubled] == list(others)
    assert {fine_entry(each, place_of(each.place)) for each in fine} == {
        entry(each, at) for each in facts if not causes(each, FORMATS, at)
    }
    assert {each.id for each in fine} | troubled == {each.id for each in facts}
    assert {tone_of(each) for each in facts} == set(Tone) - {Tone.OFF}, "who is out of service is not counted"


async def test_an_airing_is_counted_as_its_speakers_tell_it_one_by_one(either_house: House) -> None:
    house = either_house
    cases = list(
        product(
            (True, False, None),
            (1, 2),
            (True, False),
            ((), ("a" * 64,), ("b" * 64,)),
            ((), ((Outcome.COMPLETED, 5),), ((Outcome.FAILED, 0), (Outcome.STOPPED, 3)), ((Outcome.FAILED, 0),)),
        )
    )
    cases += [(True, 1, False, (), ((Outcome.SKIPPED, 0),)), (True, 1, False, (), ((Outcome.MISSED, 0),))]
    await house.commune(COMMUNE, speakers=len(cases))
    now = house.clock.now
    async with house.database.transaction() as session:
        for number, (online, version, sounds, missing, records) in enumerate(cases, 1):
            device = f"{COMMUNE}-{number}"
            starts = now + timedelta(seconds=number % 3)
            session.add(planned(device, AIRING, starts))
            if online is not None:
                state = said(house, device, missing=missing).model_dump(mode="json", exclude_none=True)
                session.add(
                    DeviceStateRow(
                        device_id=device, online=online, plan_version=version, on_air=AIRING if sounds else None,
                        state=state, agent_version="1", ready=0, planned=0,
                    )
                )  # fmt: skip
            for seq, (outcome, played_ms) in enumerate(records):
                session.add(
                    PlayRecordRow(
                        device_id=device, boot="b", seq=seq, boot_order=1, at=now, received_at=now, kind="item",
                        occurrence_id=AIRING, title="Tin", from_ms=0, played_ms=played_ms, volume=50, outcome=outcome,
                        reason="", clock="trusted",
                    )
                )  # fmt: skip

    for moment in (now, now + timedelta(minutes=1), now + timedelta(minutes=3)):
        async with house.database.reading() as session:
            repository = OccurrenceRepository(session)
            [one_by_one] = occurrences(await repository.one(SYSTEM, AIRING), moment)
            [together] = counted(await repository.alike(SYSTEM, [AIRING]), await repository.cancelled([AIRING]), moment)
            reach = (await repository.reach(SYSTEM, [AIRING]))[AIRING]
            heard = await repository.heard_now(SYSTEM)
        assert together.targets == one_by_one.targeted == len(cases)
        assert (together.starts_at, together.ends_at) == (one_by_one.starts_at, one_by_one.ends_at)
        assert together.ready == one_by_one.ready
        assert dict(together.on) == dict(Counter(each.state for each in one_by_one.speakers))
    assert (reach.places, reach.away) == ([COMMUNE], sum(not online for online, *_ in cases))
    assert heard == 1


async def test_the_first_and_the_nearest_airings_are_met_though_their_hamlets_begin_one_after_another(
    either_house: House,
) -> None:
    house, now, dice = either_house, either_house.clock.now, Random(7)
    await house.commune(COMMUNE, speakers=4)
    viewer = Viewer("u", "lan", f"/24/{COMMUNE}/", COMMUNE)
    begins = dict[str, datetime]()
    async with house.database.transaction() as session:
        for number in range(24):
            at, apart = now + timedelta(minutes=10 * (number - 12) + 5), dice.random() < 0.5
            begins[f"s.{number:02}"] = at
            for place in range(4):
                starts = at + timedelta(minutes=place if apart else 0)
                session.add(planned(f"{COMMUNE}-{place + 1}", f"s.{number:02}", starts))
    before, after = now - timedelta(hours=3), now + timedelta(hours=3)
    was = sorted((id_ for id_ in begins if begins[id_] < now), key=begins.__getitem__)
    comes = sorted((id_ for id_ in begins if begins[id_] >= now), key=begins.__getitem__)
    async with house.database.reading() as session:
        airings = OccurrenceRepository(session)
        for limit in (1, 2, 3, 5, 12, 40):
            first = await airings.first(viewer, viewer.scope, [(before, now), (now, after)], limit)
            nearest = await airings.nearest(viewer, before, now, after, limit)
            assert [each.occurrence_id for each in first] == was[:limit] + comes[:limit]
            assert [each.starts_at for each in first] == [begins[each.occurrence_id] for each in first]
            assert nearest == was[::-1][:limit] + comes[:limit]
