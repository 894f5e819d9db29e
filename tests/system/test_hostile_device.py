"""Somebody holds a speaker's certificate and means harm: others are as quick as before, and that speaker is named."""

import asyncio
import queue
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from controller.accounts.roles import Role
from controller.broadcasting import keeping_the_broker, linked, planning
from controller.broker.keeper import Keeper
from controller.broker.setup import Kind
from controller.enrolment.models import Certificate
from controller.link.backlog import Room
from controller.link.mqtt import Link
from controller.link.ports import Outgoing
from controller.monitoring.models import DeviceStateRow
from loa.process import Child
from protocol import topics
from protocol.messages import (
    ClockQuality,
    ClockRequest,
    ClockState,
    DeviceState,
    Message,
    Outcome,
    PlayerState,
    PlayRecord,
    Records,
    Status,
)
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support import flooder
from tests.support.broadcasts import replan
from tests.support.controller import House, open_house
from tests.support.eventually import becomes, eventually
from tests.support.guarded import HERE, Caller, Guarded, Office, may_come_in, reloading

COMMUNE = "07339"
BAD, GOOD = f"{COMMUNE}-1", f"{COMMUNE}-2"


AS_THE_FIREWALL_LETS_IN = 500
"""Reports a second: some 200 kB, which is what `deploy/loa-broker.nft` leaves of a flood."""


def of(name: str, channel: Channel) -> str:
    return topics.device(DeviceId(name), channel)


@dataclass
class Scene:
    """A controller behind Mosquitto, a speaker that means harm, and one that means none."""

    house: House
    broker: Guarded
    office: Office
    technician: httpx.AsyncClient

    @property
    def link(self) -> Link:
        link: Link = self.house.runtime.parts[Link]
        return link

    @contextmanager
    def caller(self, name: str) -> Iterator[Caller]:
        with Caller(self.broker, self.office.speaker(name), name=name) as caller:
            yield caller

    async def faults(self, name: str) -> dict[str, int]:
        """What the technician reads."""
        seen = (await self.technician.get(f"/api/v1/devices/{name}/state")).json()
        return {fault["code"]: fault["count"] for fault in seen["faults"]}

    async def names(self, name: str, code: str, misdeed: Callable[[], None]) -> None:
        """Do something wrong, and wait until the technician reads of it once more."""
        before = (await self.faults(name)).get(code, 0)
        misdeed()

        async def named() -> bool:
            return (await self.faults(name)).get(code, 0) > before

        await becomes(named)

    async def row(self, name: str) -> DeviceStateRow | None:
        async with self.house.database.reading() as session:
            return await session.get(DeviceStateRow, name)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    office = Office(tmp_path / "data")
    broker = Guarded(Kind.MOSQUITTO, tmp_path / "broker", office)
    with broker, reloading(broker):
        async with open_house(
            tmp_path / "data",
            services=(planning, linked, keeping_the_broker),
            now=datetime.now(UTC),
            broker_host=HERE,
            broker_port=broker.port,
            broker_dir=broker.folder,
        ) as house:
            await house.commune(COMMUNE, speakers=2)
            for name in (BAD, GOOD):
                await replan(house, name)
            keeper: Keeper = house.runtime.parts[Keeper]
            keeper.call()
            await becomes(lambda: _goes_by(keeper, GOOD))
            technician = await house.signed_in(COMMUNE, roles=[Role.TECHNICIAN])
            yield Scene(house, broker, office, technician)


async def _goes_by(keeper: Keeper, name: str) -> bool:
    return keeper.in_force.is_set() and keeper.written is not None and name in keeper.written.names


def state(name: str, at: datetime, **more: object) -> DeviceState:
    facts = {
        "clock": ClockState(quality=ClockQuality.TRUSTED, source="exchange"),
        "player": PlayerState(state="silent"),
        **more,
    }
    return DeviceState(device=name, session="s1", at=at, **facts)


def say(caller: Caller, message: Message, *, as_of: str = "", retain: bool = False) -> None:
    caller.say(of(as_of or caller.name, message.channel), message.encode(), retain=retain)


async def answered_ms(caller: Caller, times: int) -> list[float]:
    """How long the controller takes to tell this speaker the time."""
    found = []
    for turn in range(times):
        began = time.monotonic()
        ask = ClockRequest(nonce=f"n{time.monotonic_ns()}", sent_mono_us=turn)
        caller.say(of(caller.name, Channel.CLOCK), ask.encode(), qos=0)
        topic, _ = await asyncio.to_thread(caller.heard.get, True, 10)
        assert topic == of(caller.name, Channel.CLOCK_REPLY)
        found.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(0.02)
    return found


def heard_again(caller: Caller) -> None:
    """Ask until somebody answers: what was said while the link was down is lost, as on any line."""

    def answered() -> bool:
        caller.say(of(caller.name, Channel.CLOCK), ClockRequest(nonce="again", sent_mono_us=1).encode(), qos=0)
        try:
            caller.heard.get(timeout=1)
        except queue.Empty:
            return False
        return True

    eventually(answered, within_s=20)
    with suppress(queue.Empty):
        while True:
            caller.heard.get(timeout=0.3)


@contextmanager
def flood(scene: Scene, *, per_s: int = 0) -> Iterator[None]:
    """Somebody's program reports as a speaker, as often or as fast as the line takes it."""
    shown = scene.office.speaker(BAD)
    line = (HERE, str(scene.broker.port), str(scene.office.root), str(shown.cert), str(shown.key))
    said = (BAD, of(BAD, Channel.STATE), state(BAD, datetime.now(UTC)).encode().decode(), str(per_s))
    command = [sys.executable, flooder.__file__, *line, *said]
    with Child("flooder", command, log=scene.broker.log.with_name("flooder.log")):
        yield


async def test_a_speaker_that_floods_is_muted_and_others_are_answered_as_before(
    scene: Scene, figure: Callable[[str], None]
):
    keeper: Keeper = scene.house.runtime.parts[Keeper]
    with scene.caller(GOOD) as good:
        good.listen(of(GOOD, Channel.CLOCK_REPLY))
        before = await answered_ms(good, 20)
        with flood(scene, per_s=AS_THE_FIREWALL_LETS_IN):
            await scene.names(BAD, "flood", lambda: None)
            during = await answered_ms(good, 20)
            assert scene.link.backlog.messages <= Room().messages_of_one
            await becomes(lambda: _goes_by_muted(keeper, BAD))
            scene.link.refusals.by_code.clear()
            after = await answered_ms(good, 20)
            figure(
                f"answered in {statistics.median(before):.1f} ms before, {statistics.median(during):.1f} (at most "
                f"{max(during):.0f}) while it floods, {statistics.median(after):.1f} once it is muted"
            )
        assert scene.link.refusals.by_code["flood"] < 50, "the broker takes nothing more from it"
        assert (await scene.faults(BAD))["flood"] > 0
        assert await scene.faults(GOOD) == {}
    with scene.caller(BAD) as bad:
        bad.listen(of(BAD, Channel.PLAN))
        assert await asyncio.to_thread(bad.heard.get, True, 10), "it is still told everything"


async def test_a_flood_without_any_limit_is_over_in_seconds(scene: Scene, figure: Callable[[str], None]):
    keeper: Keeper = scene.house.runtime.parts[Keeper]
    with scene.caller(GOOD) as good:
        good.listen(of(GOOD, Channel.CLOCK_REPLY))
        began = time.monotonic()
        with flood(scene):
            await becomes(lambda: _goes_by_muted(keeper, BAD), within_s=40)
            muted_s = time.monotonic() - began
            assert scene.link.backlog.size_bytes <= Room().size_of_one_bytes
            await asyncio.to_thread(heard_again, good)
            after = await answered_ms(good, 20)
            figure(f"muted after {muted_s:.1f} s; then answered in {statistics.median(after):.1f} ms though it goes on")
        assert (await scene.faults(BAD))["flood"] > 0


async def _goes_by_muted(keeper: Keeper, name: str) -> bool:
    written = keeper.written
    assert written is not None
    return keeper.in_force.is_set() and any(each.name == name and not each.writes for each in written.access.rights)


async def test_what_cannot_be_believed_is_named_and_touches_nobody_else(scene: Scene):
    now = datetime.now(UTC)
    with scene.caller(BAD) as bad, scene.caller(GOOD) as good:
        good.listen(of(GOOD, Channel.RECORDS_ACK))
        say(good, state(GOOD, now))
        await scene.names(BAD, "malformed", lambda: bad.say(of(BAD, Channel.STATE), b"{"))
        for channel in (Channel.STATE, Channel.RECORDS, Channel.REPLY, Channel.STATUS, Channel.CLOCK):
            for nonsense in (b"", b"\xff" * 300, b"[" * 900, b'{"device": 7}', b"1e999", b'"' + b"\\u0000" * 99 + b'"'):
                bad.say(of(BAD, channel), nonsense)
        await scene.names(BAD, "too_large", lambda: bad.say(of(BAD, Channel.RECORDS), b"x" * 100_000))
        newer = b'{"v": 2, "device": "' + BAD.encode() + b'", "new": true}'
        await scene.names(BAD, "unsupported_version", lambda: bad.say(of(BAD, Channel.STATE), newer))
        await scene.names(BAD, "unsupported_version", lambda: bad.say(of(BAD, Channel.STATE), b'{"v": 0}'))
        await scene.names(BAD, "wrong_audience", lambda: say(bad, state(GOOD, now), as_of=BAD))
        ahead = datetime(2099, 1, 1, tzinfo=UTC)
        await scene.names(BAD, "clock_differs", lambda: say(bad, state(BAD, ahead)))
        record = PlayRecord(seq=1, outcome=Outcome.COMPLETED, started_at=ahead, ended_at=ahead, title="2099")
        for caller in (bad, good):
            say(caller, Records(device=caller.name, boot="c", boot_order=2, records=(record,)))
        assert await asyncio.to_thread(good.heard.get, True, 10)
        assert await scene.faults(GOOD) == {}
        row = await scene.row(GOOD)
        assert row is not None
        assert row.online
        records = (await scene.technician.get("/api/v1/records")).json()["items"]
        assert {each["title"] for each in records} == {"2099"}


async def test_a_message_of_a_megabyte_costs_whoever_sends_it_the_line(scene: Scene):
    with scene.caller(BAD) as bad, scene.caller(GOOD) as good:
        good.listen(of(GOOD, Channel.CLOCK_REPLY))
        await asyncio.to_thread(bad.say, of(BAD, Channel.STATE), b"x" * 1024 * 1024)
        assert await asyncio.to_thread(bad.gone.wait, 10)
        await answered_ms(good, 3)
        assert not good.gone.is_set()


async def test_nothing_about_another_speaker_is_believed(scene: Scene):
    now = datetime.now(UTC)
    with scene.caller(BAD) as bad, scene.caller(GOOD) as good:
        good.listen(of(GOOD, Channel.RECORDS_ACK), of(GOOD, Channel.PLAN))
        say(good, state(GOOD, now))
        death = Status(device=GOOD, session="s1", online=False)
        say(bad, death, as_of=GOOD, retain=True)
        say(bad, state(GOOD, now, ready=99), as_of=GOOD, retain=True)
        record = PlayRecord(seq=1, outcome=Outcome.COMPLETED, title="never")
        for channel in Channel:
            bad.say(of(GOOD, channel), b"{}", retain=True)
        say(bad, Records(device=GOOD, boot="forged", boot_order=9, records=(record,)), as_of=GOOD)
        say(bad, Records(device=BAD, boot="own", boot_order=1, records=(record,)))

        async def stored() -> bool:
            return bool((await scene.technician.get("/api/v1/records")).json()["items"])

        await becomes(stored)
        found = (await scene.technician.get("/api/v1/records")).json()["items"]
        assert [each["device"] for each in found] == [BAD]
        row = await scene.row(GOOD)
        assert row is not None
        assert (row.online, row.ready) == (True, 0)


async def test_the_session_of_a_retired_speaker_ends_and_it_does_not_come_back(scene: Scene):
    with scene.caller(BAD) as bad, scene.caller(GOOD) as good:
        good.listen(of(GOOD, Channel.CLOCK_REPLY))
        admin = await scene.house.signed_in("VN", "admin")
        seen = await admin.get(f"/api/v1/devices/{BAD}")
        gone = await admin.patch(
            f"/api/v1/devices/{BAD}", json={"status": "retired"}, headers={"If-Match": seen.headers["ETag"]}
        )
        assert gone.status_code == 200
        assert await asyncio.to_thread(bad.gone.wait, 20)
        assert not good.gone.is_set()
        await answered_ms(good, 2)


async def test_a_revoked_certificate_ends_its_session_and_does_not_come_in_again(scene: Scene):
    stolen = scene.office.speaker(BAD)
    async with scene.house.database.transaction() as session:
        session.add(
            Certificate(
                serial=f"{stolen.serial:x}",
                device_id=BAD,
                fingerprint="0" * 64,
                pem=stolen.cert.read_text(),
                issued_at=scene.house.clock.now,
                not_after=scene.house.clock.now + timedelta(days=90),
            )
        )
    with Caller(scene.broker, stolen, name=BAD) as thief, scene.caller(GOOD) as good:
        good.listen(of(GOOD, Channel.CLOCK_REPLY))
        gone = await scene.technician.post(f"/api/v1/devices/{BAD}/certificates/revocation")
        assert gone.status_code == 204, gone.text
        assert await asyncio.to_thread(thief.gone.wait, 20)
        assert await asyncio.to_thread(may_come_in, [Caller(scene.broker, stolen, name=BAD)]) == [False]
        await answered_ms(good, 2)
        assert not good.gone.is_set()


async def test_a_group_opens_its_topics_to_its_members_at_once(scene: Scene):
    admin = await scene.house.signed_in("VN", "admin")
    with scene.caller(GOOD) as good:
        made = await admin.post("/api/v1/groups", json={"name": "nhóm", "area_code": COMMUNE, "device_ids": [GOOD]})
        assert made.status_code == 201, made.text
        topic = f"loa/1/groups/{made.json()['id']}/alerts"
        keeper: Keeper = scene.house.runtime.parts[Keeper]
        good.listen(topic)

        async def reads() -> bool:
            written = keeper.written
            assert written is not None
            rights = next(each for each in written.access.rights if each.name == GOOD)
            return keeper.in_force.is_set() and topics.of_group(made.json()["id"]) in rights.reads

        await becomes(reads)
        scene.link._answer_with(Outgoing(topic, b"alarm"))
        assert await asyncio.to_thread(good.hears, topic, b"alarm")
