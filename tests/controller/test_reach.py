"""Nobody speaks to more people than their area holds, by whatever detour."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.broadcasting import planning
from controller.devices.models import Device
from controller.events import DeviceChanged, record_event
from tests.support.broadcasts import plan_of, playlist, replan, schedule
from tests.support.controller import House, open_house

HERE, THERE, PROVINCE = "07339", "07444", "24"
ANY = {"If-Match": "*"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A controller that plans for two communes of one province, with a speaker each."""
    async with open_house(tmp_path / "data", services=(planning,)) as opened:
        for code in (HERE, THERE):
            await opened.commune(code, speakers=1)
            await replan(opened, f"{code}-1")
        yield opened


@pytest.fixture
async def officer(house: House) -> httpx.AsyncClient:
    return await house.signed_in(HERE)


@pytest.fixture
async def province(house: House) -> httpx.AsyncClient:
    return await house.signed_in(PROVINCE)


async def wish(house: House, **more: Any) -> dict[str, Any]:
    return {
        "title": "Chào",
        "playlist_id": await playlist(house, HERE),
        "area_code": HERE,
        "targets": [{"kind": "area", "key": HERE}],
        "first_local": "2026-11-21T06:00:00",
        **more,
    }


async def announced(client: httpx.AsyncClient, area: str) -> str:
    made = await client.post("/api/v1/announcements", json={"title": "Tin", "text": "Chào bà con", "area_code": area})
    assert made.status_code == 202, made.text
    found: str = made.json()["id"]
    return found


async def listed(client: httpx.AsyncClient, area: str, announcement: str) -> str:
    items = [{"kind": "announcement", "announcement_id": announcement}]
    made = await client.post("/api/v1/playlists", json={"title": "Tin", "area_code": area, "items": items})
    assert made.status_code == 201, made.text
    found: str = made.json()["id"]
    return found


@pytest.mark.parametrize("kind", ["area", "group", "device"])
async def test_an_area_does_not_speak_for_another(house: House, province: httpx.AsyncClient, kind: str) -> None:
    group = await province.post("/api/v1/groups", json={"name": "Xa", "area_code": THERE, "device_ids": ["07444-1"]})
    target = {"kind": kind, "key": {"area": THERE, "group": group.json()["id"], "device": "07444-1"}[kind]}

    refused = await province.post("/api/v1/schedules", json=await wish(house, targets=[target]))
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["field"] == "targets.0.key"

    whole = await province.post("/api/v1/schedules", json=await wish(house, targets=[target], area_code=PROVINCE))
    assert whole.status_code == 201, whole.text


async def test_a_speaker_that_moved_away_no_longer_listens(house: House) -> None:
    await schedule(house, HERE, await playlist(house, HERE), devices=("07339-1",))
    assert (await plan_of(house, "07339-1")).occurrences

    async with house.database.transaction() as session:
        (await session.get_one(Device, "07339-1")).area_code = THERE
        record_event(session, DeviceChanged("07339-1"))

    assert (await plan_of(house, "07339-1")).occurrences == ()


async def test_words_that_a_wider_area_airs_are_not_changed_from_below(
    officer: httpx.AsyncClient, province: httpx.AsyncClient
) -> None:
    announcement = await announced(officer, HERE)
    where = f"/api/v1/announcements/{announcement}"
    own = await listed(officer, HERE, announcement)
    assert (await officer.patch(where, json={"text": "Mới"}, headers=ANY)).status_code == 200

    wide = await listed(province, PROVINCE, announcement)

    refused = await officer.patch(where, json={"text": "Lời khác"}, headers=ANY)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await officer.patch(where, json={"title": "Tên khác"}, headers=ANY)).status_code == 200
    assert (await province.patch(where, json={"text": "Lời tỉnh"}, headers=ANY)).status_code == 200

    assert (await province.patch(f"/api/v1/playlists/{wide}", json={"retired": True}, headers=ANY)).status_code == 200
    assert (await officer.patch(where, json={"text": "Lời xã"}, headers=ANY)).status_code == 200
    assert own


async def test_a_playlist_that_a_wider_area_airs_is_not_changed_from_below(
    house: House, officer: httpx.AsyncClient, province: httpx.AsyncClient
) -> None:
    announcement = await announced(officer, HERE)
    own = await listed(officer, HERE, announcement)
    chime = {"items": [{"kind": "chime"}]}
    assert (await officer.patch(f"/api/v1/playlists/{own}", json=chime, headers=ANY)).status_code == 200
    again = {"items": [{"kind": "announcement", "announcement_id": announcement}]}
    assert (await officer.patch(f"/api/v1/playlists/{own}", json=again, headers=ANY)).status_code == 200

    wide = await wish(house, playlist_id=own, area_code=PROVINCE, targets=[{"kind": "area", "key": PROVINCE}])
    aired = await province.post("/api/v1/schedules", json=wide)
    assert aired.status_code == 201, aired.text

    assert (await officer.patch(f"/api/v1/playlists/{own}", json=chime, headers=ANY)).status_code == 403
    words = await officer.patch(f"/api/v1/announcements/{announcement}", json={"text": "Khác"}, headers=ANY)
    assert words.status_code == 403

    await province.delete(aired.headers["Location"], headers=ANY)
    assert (await officer.patch(f"/api/v1/playlists/{own}", json=chime, headers=ANY)).status_code == 200


async def test_a_schedule_is_not_taken_up_again_with_a_playlist_that_was_put_away(
    house: House, officer: httpx.AsyncClient
) -> None:
    asked = await wish(house)
    made = await officer.post("/api/v1/schedules", json=asked)
    where = made.headers["Location"]
    assert (await officer.patch(where, json={"active": False}, headers=ANY)).status_code == 200
    put_away = await officer.patch(f"/api/v1/playlists/{asked['playlist_id']}", json={"retired": True}, headers=ANY)
    assert put_away.status_code == 200

    assert (await officer.patch(where, json={"active": True}, headers=ANY)).status_code == 409
