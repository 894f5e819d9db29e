"""Messages through the database: what is remembered from one to the next, on SQLite and on PostgreSQL."""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.secrets import new_token, token_hash
from controller.areas.models import Area
from controller.cap.errors import BadSignature, Duplicate, OutsideArea, ReferenceExpired, Superseded
from controller.cap.fetching import Fetcher
from controller.cap.judging import Intake, Outcome, Release
from controller.cap.models import CapFeed, CapFeedState, CapMessage, CapSender
from controller.cap.service import CapService, FeedReader, Taken
from controller.devices.models import Device
from controller.errors import Unauthenticated
from schedules.types import AlertId, AreaCode, DeviceId
from tests.support.cap import NOON, TAN_YEN, area, cap, certificate, code, info, key, reference, signed
from tests.support.controller import House
from tests.support.feeds import Answer, WebServer


@dataclass
class Room:
    """An alert room that keeps alerts in a dictionary, and does what it is told."""

    alerts: dict[AlertId, str] = field(default_factory=dict)
    intakes: list[Intake] = field(default_factory=list)

    async def carry_out(self, intake: Intake, sender: CapSender, *, now: datetime) -> Sequence[AlertId]:  # noqa: ARG002
        self.intakes.append(intake)
        raised = [AlertId(f"a{len(self.alerts) + place}") for place, _ in enumerate(intake.raises, start=1)]
        self.alerts |= dict.fromkeys(raised, "held" if intake.held else "on")
        if not intake.held:
            self.alerts |= dict.fromkeys(intake.ends, "over")
        return raised


@dataclass
class Station:
    """A sender of a province with two communes, and what comes of its messages."""

    house: House
    sender_id: str
    room: Room

    async def sends(self, data: bytes, *, now: datetime = NOON) -> Taken:
        async with self.house.database.transaction() as session:
            sender = await session.get_one(CapSender, self.sender_id)
            return await CapService(session, self.room).take(sender, data, now=now)


async def registered(house: House, **more: object) -> Station:
    sender = CapSender(**{"title": "KTTV", "area_code": "24", "release": Release.AT_ONCE} | more)
    async with house.database.transaction() as session:
        session.add(sender)
    return Station(house, sender.id, Room())


@pytest.fixture
async def places(either_house: House) -> House:
    await either_house.area("24")
    await either_house.area("07339", parent="24")
    await either_house.area("07340", parent="24")
    return either_house


@pytest.fixture
async def station(places: House) -> Station:
    return await registered(places)


def update(identifier: str = "u1", of: str | None = None) -> bytes:
    return cap(identifier=identifier, kind="Update", references=of or reference())


def cancel(identifier: str = "c1", of: str | None = None) -> bytes:
    return cap(identifier=identifier, kind="Cancel", references=of or reference())


async def test_a_message_is_taken_once(station: Station):
    taken = await station.sends(cap())
    assert (taken.message.alerts, taken.message.notices) == (["a1"], ["cap_valid"])
    with pytest.raises(Duplicate):
        await station.sends(cap())
    assert station.room.alerts == {"a1": "on"}


async def test_it_is_kept_as_it_came(station: Station):
    await station.sends(cap())
    async with station.house.database.reading() as session:
        document = await session.scalar(select(CapMessage.document))
    assert document == cap()


async def test_two_senders_may_use_the_same_identifier_and_cannot_touch_each_others(station: Station):
    other = await registered(station.house, title="Khác")
    await station.sends(cap())
    assert (await other.sends(cancel())).intake.ends == ()
    assert (await other.sends(cap(identifier="VN-2026-0002"))).intake.outcome is Outcome.RAISE
    assert station.room.alerts == {"a1": "on"}


async def test_an_update_then_a_cancel_of_the_first_ends_both(station: Station):
    await station.sends(cap())
    await station.sends(update())
    assert station.room.alerts == {"a1": "over", "a2": "on"}
    await station.sends(cancel())
    assert station.room.alerts == {"a1": "over", "a2": "over"}


async def test_what_was_cancelled_cannot_be_cancelled_again(station: Station):
    await station.sends(cap())
    await station.sends(cancel())
    with pytest.raises(ReferenceExpired):
        await station.sends(cancel("c2"), now=NOON + timedelta(minutes=1))


async def test_a_cancel_that_overtakes_its_alert_silences_it(station: Station):
    await station.sends(cancel())
    with pytest.raises(Superseded):
        await station.sends(cap())
    assert station.room.alerts == {}


async def test_an_update_that_waits_leaves_the_alert_before_it_on_the_air(places: House):
    station = await registered(places)
    await station.sends(cap())
    async with places.database.transaction() as session:
        (await session.get_one(CapSender, station.sender_id)).release = Release.OFFICER
    await station.sends(update())
    assert station.room.alerts == {"a1": "on", "a2": "held"}
    assert (await station.sends(cancel())).intake.ends == ("a1", "a2")


async def test_a_test_message_is_remembered_and_not_handed_over(station: Station):
    taken = await station.sends(cap(status="Test"))
    assert (taken.intake.outcome, station.room.intakes) == (Outcome.SILENT, [])


async def test_nothing_is_remembered_of_what_was_refused(station: Station):
    with pytest.raises(OutsideArea):
        await station.sends(cap(info(places=area(code("01")))))
    assert (await station.sends(cap())).message.alerts == ["a1"]


async def test_with_a_certificate_only_what_it_signed_is_taken(places: House):
    pem = certificate(key()).public_bytes(Encoding.PEM).decode()
    station = await registered(places, certificates=[pem])
    with pytest.raises(BadSignature):
        await station.sends(cap())
    taken = await station.sends(signed(cap()))
    assert taken.message.notices == ["cap_valid", "cap_signed"]


async def test_outlines_and_positions_of_the_senders_own_area_count(places: House):
    ring = [[106.0, 21.3], [106.2, 21.3], [106.2, 21.5], [106.0, 21.5], [106.0, 21.3]]
    await places.area("25")
    async with places.database.transaction() as session:
        commune = await session.get_one(Area, "07339")
        commune.polygon = json.dumps({"type": "Polygon", "coordinates": [ring]})
        session.add_all(
            Device(id=name, name=name, area_code=where, lat=21.4, lon=106.1, registered_at=NOON)
            for name, where in (("in-24", "07340"), ("in-25", "25"))
        )
    station = await registered(places)
    (wanted,) = (await station.sends(cap(info(places=area(TAN_YEN))))).intake.raises
    assert wanted.targets.areas == {AreaCode("07339")}
    assert wanted.targets.speakers == {DeviceId("in-24")}


async def test_a_sender_is_known_by_its_token(station: Station):
    token = new_token()
    async with station.house.database.transaction() as session:
        (await session.get_one(CapSender, station.sender_id)).token_hash = token_hash(token)
    async with station.house.database.reading() as session:
        service = CapService(session, station.room)
        assert (await service.sender_of(token)).id == station.sender_id
        for wrong in (new_token(), ""):
            with pytest.raises(Unauthenticated):
                await service.sender_of(wrong)


async def test_an_alert_and_its_cancel_at_the_same_moment_leave_nothing_on_the_air(station: Station):
    await asyncio.gather(station.sends(cap()), station.sends(cancel()), return_exceptions=True)
    assert "on" not in station.room.alerts.values()


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(own_networks=[ipaddress.ip_network("127.0.0.1/32")])
    yield fetcher
    await fetcher.aclose()


async def test_what_a_feed_brings_is_taken_and_looked_at_no_more(station: Station, fetcher: Fetcher):
    def room(_session: AsyncSession) -> Room:
        return station.room

    entry = "<entry><id>{0}</id><link href='/{0}.xml'/></entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{entry.format("bad")}{entry.format("good")}</feed>'
    async with WebServer().running() as server:
        server.answers |= {"/feed": Answer(feed.encode()), "/bad.xml": Answer(b"<x/>"), "/good.xml": Answer(cap())}
        async with station.house.database.transaction() as session:
            session.add(CapFeed(sender_id=station.sender_id, url=server.url("/feed")))
        reader = FeedReader(station.house.database, fetcher, room)
        await reader.look_at_due(NOON)
        assert station.room.alerts == {"a1": "on"}
        await reader.look_at_due(NOON)
        assert server.targets.count("/feed") == 1
        await reader.look_at_due(NOON + timedelta(minutes=2))
        assert (server.targets.count("/feed"), server.targets.count("/good.xml")) == (2, 1)
    async with station.house.database.reading() as session:
        state = await session.scalar(select(CapFeedState))
    assert state is not None
    assert (len(state.handled), state.failures) == (2, 0)
