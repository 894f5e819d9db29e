"""One of everything that has a name in an address."""

from datetime import timedelta

import httpx

from controller.accounts.roles import Role
from controller.cap.models import CapFeed, CapSender
from controller.content.service import store_of
from controller.database import new_id
from controller.incidents.models import Incident
from controller.live.models import LiveSessionRow
from controller.photos.models import DevicePhoto
from controller.planning.models import PlannedRow
from schedules.types import Resume
from tests.support import broadcasts
from tests.support.controller import House


async def things(house: House, chief: httpx.AsyncClient, area: str) -> dict[str, str]:
    """One of everything in an area."""
    device = await house.device(f"loa-{area}", area)
    group = await chief.post("/api/v1/groups", json={"name": f"Nhóm {area}", "area_code": area})
    word = await chief.post(
        "/api/v1/pronunciations", json={"written": f"UBND{area}", "spoken": "uỷ ban", "area_code": area}
    )
    said = await chief.post("/api/v1/announcements", json={"title": "Tin", "text": "Xin chào", "area_code": area})
    order = await chief.post(f"/api/v1/devices/{device}/commands", json={"action": {"verb": "stop"}})
    where = {"targets": [{"kind": "area", "key": area}]}
    alert = await chief.post("/api/v1/alerts", json={"area_code": area, "headline": "Lũ", **where})
    for answer in (group, word, said, order, alert):
        assert answer.is_success, answer.text
    async with house.database.transaction() as session:
        speaks = LiveSessionRow(
            id=new_id(), area_code=area, title="Họp dân", author="lan", created_at=house.clock.now,
            starts_at=house.clock.now, ends_at=house.clock.now + timedelta(minutes=10),
        )  # fmt: skip
        session.add(speaks)
    person, _ = await house.user(f"person-{area.lower()}", area, roles=[Role.BROADCASTER])
    programme = await broadcasts.playlist(house, area, title=f"Tin {area}")
    airing = f"s-{area}.20261120T060000Z"
    schedule = await broadcasts.schedule(house, area, programme, areas=(area,))
    incident = Incident(id=new_id(), device_id=device, code="offline", began_at=house.clock.now)
    stored = store_of(house.runtime).put(f"a picture of {area}".encode())
    photo = DevicePhoto(
        id=new_id(),
        device_id=device,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        author="",
        added_at=house.clock.now,
    )
    async with house.database.transaction() as session:
        session.add_all([incident, photo])
        session.add(
            PlannedRow(
                device_id=device, occurrence_id=airing, schedule_id=schedule, title="Tin", priority=0, issuer_depth=2,
                starts_at=house.clock.now + timedelta(hours=1), ends_at=house.clock.now + timedelta(hours=2),
                duration_ms=60_000, commune_rank=0, resume=Resume.REJOIN, volume=50, own_volume=False, stretches=[],
                relays=[], clips=[], plan_version=1,
            )
        )  # fmt: skip
    return {
        "kind": "device",
        "hazard": "storm",
        "key": device,
        "occurrence_id": airing,
        "device_id": device,
        "code": area,
        "area_code": area,
        "group_id": group.json()["id"],
        "announcement_id": said.json()["id"],
        "playlist_id": programme,
        "schedule_id": schedule,
        "user_id": person.user_id,
        "pronunciation_id": word.json()["id"],
        "command_id": order.json()["id"],
        "incident_id": incident.id,
        "photo_id": photo.id,
        "alert_id": alert.json()["id"],
        "live_session_id": speaks.id,
        **await warning_centre(house, area),
    }


async def warning_centre(house: House, area: str) -> dict[str, str]:
    """A sender of CAP for an area, with a feed. It is registered in person only."""
    async with house.database.transaction() as session:
        sender = CapSender(id=new_id(), title=f"KTTV {area}", area_code=area)
        session.add(sender)
        await session.flush()
        feed = CapFeed(id=new_id(), sender_id=sender.id, url="https://kttv.example.vn/feed.xml")
        session.add(feed)
    return {"sender_id": sender.id, "feed_id": feed.id}
