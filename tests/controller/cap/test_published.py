"""Alerts that are released here, as others read them: signed CAP messages in a feed, on both databases."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from lxml import etree

from controller.accounts.roles import Role
from controller.alerts.keeping import alerting
from controller.announcements.models import Announcement, Kind
from controller.announcements.models import Status as Made
from controller.areas.models import Area
from controller.broadcasting import planning
from controller.cap.judging import Release
from controller.cap.message import Category, Message, MessageType, Named, Place, Point, Polygon, Severity, Status
from controller.cap.models import CapSender
from controller.cap.publisher import Signet, publish
from controller.cap.publishing import ATOM
from controller.cap.reading import read, schema
from controller.cap.room import room_of
from controller.cap.service import CapService
from controller.cap.signature import signed_part
from controller.content.service import Clips, store_of
from controller.devices.models import Device
from tests.support.cap import cap
from tests.support.controller import NOON, House, open_house
from tests.support.postgres import Cluster

COMMUNE, NEIGHBOUR = "07339", "07340"
POLICY = {"release": "second_person"}


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> AsyncIterator[House]:
    url = await cluster.migrated() if request.param == "postgresql" else ""
    services = (planning, alerting)
    async with open_house(
        tmp_path / "data", database_url=url, services=services, cap_sender="loa.example.vn"
    ) as opened:
        await opened.area("24", name="Bắc Ninh", policy=POLICY)
        await opened.commune(COMMUNE, speakers=2)
        await opened.commune(NEIGHBOUR)
        yield opened


class Desk:
    """Two officers at work, and somebody who reads what is published."""

    def __init__(self, house: House, maker: httpx.AsyncClient, releaser: httpx.AsyncClient) -> None:
        self.house, self.maker, self.releaser = house, maker, releaser

    async def raises(self, **more: Any) -> str:
        wish = {
            "area_code": COMMUNE,
            "headline": "Báo động lũ",
            "text": "Bà con lên chỗ cao.",
            "targets": [{"kind": "area", "key": COMMUNE}],
        }
        drafted = await self.maker.post("/api/v1/alerts", json=wish | more)
        assert drafted.status_code == 201, drafted.text
        alert: str = drafted.json()["id"]
        await self.does(f"{alert}/release", seen=drafted.json()["digest"])
        return alert

    async def does(self, path: str, **body: Any) -> None:
        answer = await self.releaser.post(f"/api/v1/alerts/{path}", json=body)
        assert answer.status_code == 200, answer.text

    async def published(self) -> list[Message]:
        """What stands in the feed, the oldest first; each document valid and signed by the certificate we show."""
        await publish(self.house.runtime)
        pem = await self.maker.get("/api/v1/cap/certificate")
        own = x509.load_pem_x509_certificate(pem.content)
        found = []
        for link in etree.fromstring((await self.feed()).content).iterfind(f"{{{ATOM}}}entry/{{{ATOM}}}link"):
            document = (await self.maker.get(link.get("href", ""))).content
            assert schema().validate(etree.fromstring(document)), schema().error_log
            found.append(read(signed_part(document, [own], now=self.house.clock.now)))
        return found[::-1]

    async def feed(self, **headers: str) -> httpx.Response:
        return await self.maker.get("/api/v1/cap/feed", headers=headers)


@pytest.fixture
async def desk(house: House) -> Desk:
    maker = await house.signed_in(COMMUNE, "nguoi-soan", roles=(Role.DUTY_OFFICER,))
    return Desk(house, maker, await house.signed_in(COMMUNE, "nguoi-phat", roles=(Role.DUTY_OFFICER,)))


def kinds(messages: list[Message]) -> list[tuple[MessageType, list[str]]]:
    return [(each.type, [str(ref.identifier) for ref in each.references]) for each in messages]


async def test_a_released_alert_is_published_signed_and_a_draft_is_not(house: House, desk: Desk) -> None:
    await desk.maker.post(
        "/api/v1/alerts",
        json={"area_code": COMMUNE, "headline": "Nháp", "targets": [{"kind": "area", "key": COMMUNE}]},
    )
    alert = await desk.raises()
    (message,) = await desk.published()
    assert (message.identifier, message.sender) == (f"{alert}.1", "loa.example.vn")
    assert (message.type, message.status, message.sent) == (MessageType.ALERT, Status.ACTUAL, NOON)
    (told,) = message.infos
    assert (told.headline, told.description, told.severity) == ("Báo động lũ", "Bà con lên chỗ cao.", Severity.SEVERE)
    assert told.expires == NOON + timedelta(hours=1)
    assert [place.geocodes[0].value for place in told.places] == [COMMUNE]


async def test_what_began_with_a_standing_message_is_told_by_its_hazard(desk: Desk) -> None:
    await desk.raises(headline="Cảnh báo sóng thần", text="Bà con Trà Cổ lên đồi ngay.")
    await desk.raises(headline="Cháy chợ", hazard="fire")
    await desk.raises(headline="Nguy hiểm")
    told = {(info.event, *info.categories) for (info,) in [each.infos for each in await desk.published()]}
    assert told == {
        ("Sóng thần", Category.GEO),
        ("Cháy", Category.FIRE),
        ("Nguy hiểm", Category.SAFETY),
    }


async def test_words_in_two_languages_are_told_in_both(house: House, desk: Desk) -> None:
    said = await house.signed_in(COMMUNE, "bien-tap", roles=(Role.BROADCASTER,))
    second = {"language": "en", "text": "Go to high ground."}
    words = {"title": "Lũ", "area_code": COMMUNE, "text": "Bà con lên chỗ cao.", "second": second}
    made = await said.post("/api/v1/announcements", json=words)
    assert made.status_code == 202, made.text
    await desk.raises(text="", announcement_id=made.json()["id"])
    (message,) = await desk.published()
    assert [(info.language, info.description) for info in message.infos] == [
        ("vi-VN", "Bà con lên chỗ cao."),
        ("en-US", "Go to high ground."),
    ]


async def test_a_recording_goes_along_for_whoever_reads_the_message(house: House, desk: Desk) -> None:
    data = b"OggS, as a recording begins"
    sha256 = store_of(house.runtime).put(data).sha256
    async with house.database.transaction() as session:
        await Clips(session, store_of(house.runtime)).note(
            sha256=sha256, size_bytes=len(data), duration_ms=5000, media_type="audio/ogg", now=NOON
        )
    async with house.database.transaction() as session:
        recorded = Announcement(
            id="ban-ghi", title="Lũ", area_code=COMMUNE, kind=Kind.FILE, author="bien-tap",
            job="1", status=Made.READY, clip_sha256=sha256, created_at=NOON, updated_at=NOON,
        )  # fmt: skip
        session.add(recorded)
    await desk.raises(text="", announcement_id="ban-ghi")
    (message,) = await desk.published()
    (resource,) = message.infos[0].resources
    assert (resource.mime_type, resource.size_bytes) == ("audio/ogg", len(data))
    stranger = house.browser()
    assert (await stranger.get(resource.uri or "")).content == data
    house.clock.advance(timedelta(days=2))
    assert (await stranger.get(resource.uri or "")).status_code == 403


async def test_what_was_drawn_is_told_as_drawn_and_whole_areas_by_code(house: House, desk: Desk) -> None:
    ring = [[106.0, 21.3], [106.2, 21.3], [106.2, 21.5], [106.0, 21.5], [106.0, 21.3]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    async with house.database.transaction() as session:
        speaker = await session.get_one(Device, f"{COMMUNE}-1")
        speaker.lat, speaker.lon = 21.4, 106.1
    await desk.raises(targets=[], polygon=shape)
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).polygon = json.dumps(shape)
    await desk.raises(targets=[], polygon=shape)
    places = [message.infos[0].places for message in await desk.published()]
    corners = tuple(Point(lat, lon) for lon, lat in ring)
    by_drawing = Place(COMMUNE, polygons=(Polygon(corners),))
    assert places == [(by_drawing,), (Place(COMMUNE, geocodes=(Named("VN.DVHC", COMMUNE),)), by_drawing)]


async def test_what_was_named_besides_a_drawing_is_told_by_its_area(house: House, desk: Desk) -> None:
    ring = [[106.0, 21.3], [106.2, 21.3], [106.2, 21.5], [106.0, 21.5], [106.0, 21.3]]
    async with house.database.transaction() as session:
        for number, lon in ((1, 106.1), (2, 106.9)):
            speaker = await session.get_one(Device, f"{COMMUNE}-{number}")
            speaker.lat, speaker.lon = 21.4, lon
    beyond = [{"kind": "device", "key": f"{COMMUNE}-2"}]
    await desk.raises(targets=beyond, polygon={"type": "Polygon", "coordinates": [ring]})
    (message,) = await desk.published()
    by_code = Place(COMMUNE, geocodes=(Named("VN.DVHC", COMMUNE),))
    by_drawing = Place(COMMUNE, polygons=(Polygon(tuple(Point(lat, lon) for lon, lat in ring)),))
    assert message.infos[0].places == (by_code, by_drawing)


async def test_what_lives_longer_is_an_update_and_what_is_called_off_a_cancel(house: House, desk: Desk) -> None:
    alert = await desk.raises()
    await desk.published()
    house.clock.advance(timedelta(minutes=5))
    prolonged = await desk.maker.post(f"/api/v1/alerts/{alert}/prolong", json={"lifetime_s": 7200})
    assert prolonged.status_code == 200, prolonged.text
    await desk.published()
    house.clock.advance(timedelta(minutes=5))
    await desk.does(f"{alert}/cancel", text="Nước đã rút.")
    messages = await desk.published()
    one, two = f"{alert}.1", f"{alert}.2"
    assert kinds(messages) == [(MessageType.ALERT, []), (MessageType.UPDATE, [one]), (MessageType.CANCEL, [one, two])]
    assert messages[1].infos[0].expires == NOON + timedelta(minutes=125)
    assert messages[2].infos[0].description == "Nước đã rút."
    assert await desk.published() == messages


async def test_what_takes_the_place_of_another_names_it(house: House, desk: Desk) -> None:
    first = await desk.raises()
    second = await desk.raises(headline="Lũ dâng cao", replaces=[first])
    messages = await desk.published()
    assert {str(each.identifier): kind for each, kind in zip(messages, kinds(messages), strict=True)} == {
        f"{first}.1": (MessageType.ALERT, []),
        f"{second}.1": (MessageType.UPDATE, [f"{first}.1"]),
    }


async def test_what_was_called_off_before_anybody_was_told_is_told_as_both(desk: Desk) -> None:
    alert = await desk.raises()
    await desk.does(f"{alert}/cancel", all_clear=False)
    messages = await desk.published()
    assert sorted(kind for kind, _ in kinds(messages)) == [MessageType.ALERT, MessageType.CANCEL]


@pytest.mark.parametrize(("kind", "status"), [("exercise", Status.EXERCISE), ("test", Status.TEST)])
async def test_an_exercise_and_a_test_say_what_they_are(desk: Desk, kind: str, status: Status) -> None:
    await desk.raises(kind=kind)
    assert [each.status for each in await desk.published()] == [status]


async def test_a_speaker_is_told_as_the_area_in_which_it_stands(desk: Desk) -> None:
    await desk.raises(targets=[{"kind": "device", "key": f"{COMMUNE}-1"}])
    (message,) = await desk.published()
    assert [place.geocodes[0].value for place in message.infos[0].places] == [COMMUNE]


async def test_a_warning_of_others_is_left_to_them(house: House, desk: Desk) -> None:
    now = datetime.fromisoformat("2026-11-23T12:00:00+07:00")
    async with house.database.transaction() as session:
        session.add(CapSender(id="s", title="KTTV", area_code="24", release=Release.AT_ONCE))
    async with house.database.transaction() as session:
        service = CapService(session, room_of(house.runtime)(session))
        taken = await service.take(await session.get_one(CapSender, "s"), cap(), now=now)
    assert len(taken.message.alerts) == 1
    assert await desk.published() == []


async def test_the_feed_says_when_there_is_nothing_new(desk: Desk) -> None:
    await desk.raises()
    await desk.published()
    feed = await desk.feed()
    assert feed.headers["Content-Type"] == "application/atom+xml"
    assert (await desk.feed(**{"If-None-Match": feed.headers["ETag"]})).status_code == 304


async def test_only_who_may_see_an_alert_reads_of_it(house: House, desk: Desk) -> None:
    alert = await desk.raises()
    await desk.published()
    stranger, neighbour = house.browser(), await house.signed_in(NEIGHBOUR, "lang-gieng")
    for path in ("feed", "certificate", f"{alert}.1"):
        assert (await stranger.get(f"/api/v1/cap/{path}")).status_code == 401
    assert f"{alert}.1" not in (await neighbour.get("/api/v1/cap/feed")).text
    assert (await neighbour.get(f"/api/v1/cap/{alert}.1")).status_code == 404


async def test_a_public_feed_is_open_to_all(tmp_path: Path) -> None:
    async with open_house(tmp_path / "data", services=(planning, alerting), cap_public=True) as house:
        await house.area("24", policy=POLICY)
        await house.commune(COMMUNE)
        roles = (Role.DUTY_OFFICER,)
        maker, releaser = [await house.signed_in(COMMUNE, name, roles=roles) for name in ("soan", "phat")]
        alert = await Desk(house, maker, releaser).raises()
        await publish(house.runtime)
        stranger = house.browser()
        assert f"{alert}.1" in (await stranger.get("/api/v1/cap/feed")).text
        assert (await stranger.get(f"/api/v1/cap/{alert}.1")).headers["Content-Type"] == "application/cap+xml"


async def test_the_key_outlives_a_restart(house: House) -> None:
    before = Signet.of(house.runtime).certificate
    house.runtime.parts.pop(Signet)
    assert Signet.of(house.runtime).certificate == before
