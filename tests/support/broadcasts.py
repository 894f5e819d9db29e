"""A small language for broadcasts: playlists that have their sound already, and schedules for them."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from controller.announcements.models import Status
from controller.areas.models import Area
from controller.broadcasts.models import Schedule, ScheduleTarget, TargetKind
from controller.content.models import Clip
from controller.content.service import store_of
from controller.database import new_id
from controller.events import DeviceChanged, ScheduleChanged, record_event
from controller.link.inbox import DatabaseInbox
from controller.link.models import RetainedDocument
from controller.link.ports import Incoming
from controller.link.refusals import Refusals
from controller.monitoring.hub import hub_of
from controller.playlists.models import Assembly, Playlist
from protocol import topics
from protocol.messages import Config, Message, Plan
from protocol.signing import KeyRing, verify
from protocol.topics import Channel, DeviceTopic
from schedules.types import VIETNAM, DeviceId, Priority
from tests.support.controller import House
from tests.support.eventually import becomes


async def settled(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Wait until a sound is made or refused, and return what the API says of it."""

    async def seen() -> dict[str, Any] | None:
        answer: dict[str, Any] = (await client.get(path)).json()
        return answer if answer["status"] != "processing" else None

    found = await becomes(seen)
    assert found is not None
    return found


async def playlist(house: House, area: str, *, title: str = "Bản tin", duration_ms: int = 60_000) -> str:
    """Make a playlist that is ready; its sound is a few bytes in the store. Return its id."""
    stored = store_of(house.runtime).put(f"{title} {duration_ms}".encode())
    stretch: dict[str, Any] = {"clip": stored.sha256, "at_ms": 0, "duration_ms": duration_ms, "marks": []}
    now, key = house.clock.now, hashlib.sha256(f"recipe of {title} {duration_ms}".encode()).hexdigest()
    async with house.database.transaction() as session:
        await session.merge(
            Clip(
                sha256=stored.sha256,
                size_bytes=stored.size_bytes,
                duration_ms=duration_ms,
                media_type="audio/ogg; codecs=opus",
                created_at=now,
            )
        )
        await session.merge(
            Assembly(
                key=key, recipe=[], status=Status.READY, stretches=[stretch], duration_ms=duration_ms, created_at=now
            )
        )
        await session.flush()
        row = Playlist(
            id=new_id(),
            area=await session.get_one(Area, area),
            title=title,
            author="test",
            created_at=now,
            wanted_key=key,
            sound_key=key,
        )
        session.add(row)
        return row.id


async def schedule(
    house: House,
    area: str,
    playlist_id: str,
    *,
    at: datetime | None = None,
    areas: tuple[str, ...] = (),
    devices: tuple[str, ...] = (),
    rrule: str | None = None,
    title: str = "Lịch",
    priority: Priority = Priority.ROUTINE,
) -> str:
    """Schedule a playlist (an hour from now) without the API; return the schedule's id."""
    local = (at or house.clock.now + timedelta(hours=1)).astimezone(ZoneInfo(VIETNAM)).replace(tzinfo=None)
    async with house.database.transaction() as session:
        row = Schedule(
            id=new_id(),
            area=await session.get_one(Area, area),
            playlist=await session.get_one(Playlist, playlist_id),
            title=title,
            author="test",
            created_at=house.clock.now,
            first_local=local.isoformat(timespec="seconds"),
            rrule=rrule,
            priority=int(priority),
            targets=[
                *(ScheduleTarget(kind=TargetKind.AREA, key=key) for key in areas),
                *(ScheduleTarget(kind=TargetKind.DEVICE, key=key) for key in devices),
            ],
        )
        session.add(row)
        await session.flush()
        record_event(session, ScheduleChanged(row.id))
        return row.id


async def document(house: House, device: str, channel: Channel) -> RetainedDocument | None:
    """What must stand on one of a speaker's topics."""
    async with house.database.reading() as session:
        return await session.get(RetainedDocument, topics.device(DeviceId(device), channel))


async def plan_of(house: House, device: str) -> Plan:
    """The plan that a speaker must have, its signature checked."""
    row = await document(house, device, Channel.PLAN)
    assert row is not None, f"{device} was never planned"
    return read_plan(house, device, row.payload)


async def config_of(house: House, device: str) -> Config:
    """The configuration that a speaker must have, its signature checked."""
    row = await document(house, device, Channel.CONFIG)
    assert row is not None, f"{device} was never configured"
    return verify(row.payload, Config, audiences=[device], keys=keys_of(house), now=house.clock.now).body


def read_plan(house: House, device: str, payload: bytes) -> Plan:
    """A plan as the speaker reads it."""
    return verify(payload, Plan, audiences=[device], keys=keys_of(house), now=house.clock.now).body


def keys_of(house: House) -> KeyRing:
    """What a speaker of this house trusts."""
    return KeyRing([house.runtime.keys.signing.public])


async def replan(house: House, device: str) -> None:
    """Tell the house that a speaker changed, as its API would."""
    async with house.database.transaction() as session:
        record_event(session, DeviceChanged(device))


def inbox_of(house: House) -> DatabaseInbox:
    """Where the link brings what speakers say."""
    return DatabaseInbox(
        house.database,
        key=house.runtime.keys.signing,
        hub=hub_of(house.runtime),
        wake_link=lambda: None,
        now=house.clock,
        refusals=Refusals(),
    )


async def hear(house: House, said: Message, device: str) -> None:
    """Let the controller hear a speaker, without a broker between."""
    await inbox_of(house).receive(Incoming(DeviceTopic(DeviceId(device), said.channel), said.encode(), retained=False))
