"""The main job through the controller's own door: an announcement becomes a plan on the broker."""

import asyncio
from pathlib import Path
from typing import Any

import aiomqtt

from loa.brokers import Broker
from protocol import topics
from protocol.messages import Config, Plan
from protocol.signing import KeyRing, verify
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.broadcasts import settled
from tests.support.controller import open_house


async def test_an_announcement_becomes_a_plan_on_the_broker(tmp_path: Path, broker: Broker) -> None:
    async with open_house(tmp_path / "data", broker_host="127.0.0.1", broker_port=broker.port) as house:
        commune = await house.commune("07339", speakers=1)
        officer = await house.signed_in(commune)
        made = await officer.post(
            "/api/v1/announcements",
            json={"title": "Chào", "text": "Xin chào bà con xã Tân Yên.", "area_code": commune},
        )
        assert made.status_code == 202, made.text
        announcement = await settled(officer, f"/api/v1/announcements/{made.json()['id']}")
        assert announcement["status"] == "ready", announcement
        made = await officer.post(
            "/api/v1/playlists",
            json={
                "title": "Chào",
                "area_code": commune,
                "items": [{"kind": "chime"}, {"kind": "announcement", "announcement_id": announcement["id"]}],
            },
        )
        assert made.status_code == 201, made.text
        playlist = await settled(officer, f"/api/v1/playlists/{made.json()['id']}")
        assert playlist["status"] == "ready", playlist
        made = await officer.post(
            "/api/v1/schedules",
            json={
                "title": "Chào",
                "playlist_id": playlist["id"],
                "area_code": commune,
                "targets": [{"kind": "area", "key": commune}],
            },
        )
        assert made.status_code == 201, made.text
        keys, device = KeyRing([house.runtime.keys.signing.public]), f"{commune}-1"
        async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe("loa/1/#", 1)
            seen: dict[str, Any] = {}
            async with asyncio.timeout(10):
                async for message in client.messages:
                    seen[str(message.topic)] = message.payload
                    raw = seen.get(topics.device(DeviceId(device), Channel.PLAN))
                    if raw:
                        plan = verify(raw, Plan, audiences=[device], keys=keys, now=house.clock.now).body
                        if plan.occurrences and topics.device(DeviceId(device), Channel.CONFIG) in seen:
                            break
                raw = seen[topics.device(DeviceId(device), Channel.CONFIG)]
        config = verify(raw, Config, audiences=[device], keys=keys, now=house.clock.now).body
        assert config.areas[-1] == commune
        assert plan.clips[0].sha256 == playlist["stretches"][0]["clip"]
        fetched = await house.browser().get(plan.clips[0].url, headers={"Range": "bytes=0-99"})
        assert fetched.status_code == 206
        assert len(fetched.content) == 100
