"""The link against real brokers, embedded and Mosquitto."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from controller.broadcasting import linked, planning
from controller.link.mqtt import Link
from controller.monitoring.models import DeviceStateRow
from controller.records.models import PlayRecordRow
from loa.brokers import Broker
from protocol import topics
from protocol.messages import ClockReply, ClockRequest, Command, PlayerState, RecordsAck, Reply, SetVolume
from protocol.signing import verify
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.broadcasts import document, keys_of, playlist, read_plan, replan, schedule
from tests.support.controller import House, open_house
from tests.support.eventually import becomes
from tests.support.slow_broker import SlowBroker
from tests.support.speaker import BareSpeaker, bare_speaker

COMMUNE = "07339"
SPEAKER = "07339-1"


@pytest.fixture
async def house(tmp_path: Path, broker: Broker) -> AsyncIterator[House]:
    """A controller that plans and speaks, with one speaker in its commune."""
    async with open_house(tmp_path / "data", services=(planning, linked), broker_port=broker.port) as opened:
        await opened.commune(COMMUNE, speakers=1)
        await replan(opened, SPEAKER)
        yield opened


@pytest.fixture
async def speaker(house: House, broker: Broker) -> AsyncIterator[BareSpeaker]:
    async with bare_speaker(broker.port, SPEAKER) as connected:
        await connected.hears(Channel.CONFIG)
        yield connected


async def stored(house: House) -> int:
    async with house.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(PlayRecordRow)) or 0


async def state_row(house: House) -> DeviceStateRow | None:
    async with house.database.reading() as session:
        return await session.get(DeviceStateRow, SPEAKER)


def acked(house: House, payload: bytes) -> dict[str, int]:
    body = verify(payload, RecordsAck, audiences=[SPEAKER], keys=keys_of(house), now=house.clock.now).body
    return dict(body.stored)


async def test_records_are_stored_once_and_acknowledged_as_far_as_none_is_missing(
    house: House, speaker: BareSpeaker
) -> None:
    await speaker.records(2, 3)
    assert acked(house, await speaker.hears(Channel.RECORDS_ACK)) == {"boot-1": 0}

    await speaker.records(1, 2)
    assert acked(house, await speaker.hears(Channel.RECORDS_ACK)) == {"boot-1": 3}

    await speaker.records(1, 2, 3)
    assert acked(house, await speaker.hears(Channel.RECORDS_ACK)) == {"boot-1": 3}
    assert await stored(house) == 3


async def test_the_clock_is_answered_with_two_signed_timestamps(house: House, speaker: BareSpeaker) -> None:
    asked_at_us = time.time_ns() // 1000
    await speaker.say(ClockRequest(nonce="n1", sent_mono_us=42))
    raw = await speaker.hears(Channel.CLOCK_REPLY)

    reply = verify(raw, ClockReply, audiences=[SPEAKER], keys=keys_of(house), now=None).body
    assert (reply.nonce, reply.sent_mono_us) == ("n1", 42)
    assert asked_at_us <= reply.received_at_us <= reply.replied_at_us <= time.time_ns() // 1000


async def test_an_edit_reaches_the_speaker_as_a_newer_plan(house: House, speaker: BareSpeaker) -> None:
    first = read_plan(house, SPEAKER, await speaker.hears(Channel.PLAN))

    await schedule(house, COMMUNE, await playlist(house, COMMUNE), areas=(COMMUNE,), title="Mới")

    raw = await speaker.hears(Channel.PLAN)
    plan = read_plan(house, SPEAKER, raw)
    assert [each.title for each in plan.occurrences] == ["Mới"]
    assert plan.version > first.version


async def test_a_broker_that_lost_everything_gets_it_all_back(
    house: House, broker: Broker, speaker: BareSpeaker
) -> None:
    before = {channel: await document(house, SPEAKER, channel) for channel in (Channel.PLAN, Channel.CONFIG)}

    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(broker.forget)
    await asyncio.to_thread(broker.start)

    async with bare_speaker(broker.port, SPEAKER) as returned:
        for channel, row in before.items():
            assert row is not None
            assert await returned.hears(channel) == row.payload


async def test_what_was_committed_but_not_published_is_published_at_the_next_start(
    tmp_path: Path, broker: Broker
) -> None:
    async with open_house(tmp_path / "data", services=(planning,), broker_port=broker.port) as before_the_crash:
        await before_the_crash.commune(COMMUNE, speakers=1)
        await replan(before_the_crash, SPEAKER)
        row = await document(before_the_crash, SPEAKER, Channel.PLAN)
        assert row is not None
        assert row.published_at is None

    async with (
        bare_speaker(broker.port, SPEAKER) as speaker,
        open_house(tmp_path / "data", services=(planning, linked), broker_port=broker.port),
    ):
        assert await speaker.hears(Channel.PLAN) == row.payload


async def test_what_cannot_be_believed_changes_nothing_and_the_link_lives_on(
    house: House, broker: Broker, speaker: BareSpeaker
) -> None:
    await speaker.say_raw(Channel.STATE, b"{")
    await speaker.say_raw(Channel.RECORDS, b"x" * 70_000)
    await speaker.say_raw(Channel.STATE, b'{"v": 2}')
    await speaker.records(10**30)
    await speaker.say_raw(Channel.RECORDS, b"\xff\xfe" * 100)
    async with bare_speaker(broker.port, "nobody") as stranger:
        await stranger.records(1)
        stranger.device = SPEAKER
        await stranger.say_raw(
            Channel.RECORDS,
            b'{"device": "nobody", "boot": "b", "boot_order": 1, "records": [{"seq": 1, "outcome": "completed"}]}',
        )
    await speaker.records(1)

    assert acked(house, await speaker.hears(Channel.RECORDS_ACK)) == {"boot-1": 1}
    assert await stored(house) == 1
    refused = house.runtime.parts[Link].refusals.by_code
    assert refused["malformed"] == 3
    assert refused["too_large"] == 1
    assert refused["unsupported_version"] == 1
    assert refused["unknown_device"] == 1
    assert refused["wrong_audience"] == 1


async def test_a_late_will_of_an_older_session_is_no_news(house: House, speaker: BareSpeaker) -> None:
    await speaker.birth(session="old")
    await speaker.birth(session="new")
    await speaker.birth(session="old", online=False)
    await speaker.records(1)
    await speaker.hears(Channel.RECORDS_ACK)

    row = await state_row(house)
    assert row is not None
    assert (row.online, row.session) == (True, "new")

    await speaker.birth(session="new", online=False)
    await speaker.records(2)
    await speaker.hears(Channel.RECORDS_ACK)
    assert (await state_row(house)).online is False


async def test_a_report_shows_what_the_speaker_does(house: House, speaker: BareSpeaker) -> None:
    officer = await house.signed_in(COMMUNE)
    await speaker.state(plan_version=7, player=PlayerState(state="playing", occurrence="s.1", volume=60))
    await speaker.records(1)
    await speaker.hears(Channel.RECORDS_ACK)

    seen = (await officer.get(f"/api/v1/devices/{SPEAKER}/state")).json()
    assert (seen["online"], seen["plan_version"], seen["on_air"]) == (True, 7, "s.1")
    assert seen["state"]["player"]["volume"] == 60


async def test_a_command_is_obeyed_once_and_its_answer_is_kept(house: House, speaker: BareSpeaker) -> None:
    officer = await house.signed_in(COMMUNE)
    until = house.clock.now + timedelta(hours=1)
    action = SetVolume(volume=30, until=until).model_dump(mode="json")
    made = await officer.post(f"/api/v1/devices/{SPEAKER}/commands", json={"action": action})
    assert made.status_code == 202, made.text

    raw = await speaker.hears(Channel.COMMAND)
    order = verify(raw, Command, audiences=[SPEAKER], keys=keys_of(house), now=house.clock.now)
    assert order.jti == order.body.id == made.json()["id"]
    assert order.body.action == SetVolume(volume=30, until=until)
    await speaker.say(Reply(device=SPEAKER, command_id=order.body.id, outcome="done"))

    async def answered() -> bool:
        seen = (await officer.get(made.headers["Location"])).json()
        return bool(seen["outcome"] == "done")

    await becomes(answered)


async def test_a_retired_speakers_topics_are_cleared(house: House, broker: Broker, speaker: BareSpeaker) -> None:
    officer = await house.signed_in(COMMUNE)
    await speaker.state()
    current = await officer.get(f"/api/v1/devices/{SPEAKER}")
    retired = await officer.patch(
        f"/api/v1/devices/{SPEAKER}", json={"status": "retired"}, headers={"If-Match": current.headers["ETag"]}
    )
    assert retired.status_code == 200, retired.text
    await speaker.hears(Channel.PLAN, lambda payload: payload == b"")
    await speaker.hears(Channel.STATE, lambda payload: payload == b"")

    async with bare_speaker(broker.port, SPEAKER) as late:
        await late.say_raw(Channel.REPLY, b"end")
        await late.hears(Channel.REPLY)
        kept = set(late.heard) - {topics.device(DeviceId(SPEAKER), Channel.REPLY)}
    assert kept == set()


async def test_a_broker_that_acknowledges_late_is_not_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.link.mqtt.CONNECTS_WITHIN_S", 0.3)
    async with (
        SlowBroker(late_s=0.9).running() as slow,
        open_house(
            tmp_path / "data", services=(planning, linked), broker_port=slow.port, mqtt_version="3.1.1"
        ) as opened,
    ):
        await opened.commune(COMMUNE, speakers=1)
        await replan(opened, SPEAKER)

        async def plan_is_published() -> bool:
            row = await document(opened, SPEAKER, Channel.PLAN)
            return row is not None and row.published_at is not None

        assert await becomes(plan_is_published)
        assert slow.connections == 1
