from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import select

from controller.broadcasting import planning
from controller.commands.models import CommandRow
from protocol.messages import Outcome, PlayerState, PlayRecord, Records
from schedules.types import VIETNAM
from tests.support.broadcasts import hear, plan_of, playlist, replan
from tests.support.controller import House, open_house
from tests.support.speaker import state_of

COMMUNE = "07339"
SILENT = [{"kind": "chime"}]
FIRST, SECOND = f"{COMMUNE}-1", f"{COMMUNE}-2"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A controller that plans, with a commune of two speakers."""
    async with open_house(tmp_path / "data", services=(planning,)) as opened:
        await opened.commune(COMMUNE, speakers=2)
        await replan(opened, FIRST)
        await replan(opened, SECOND)
        yield opened


@pytest.fixture
async def officer(house: House) -> httpx.AsyncClient:
    return await house.signed_in(COMMUNE)


async def wish(house: House, **more: Any) -> dict[str, Any]:
    return {
        "title": "Chào",
        "playlist_id": await playlist(house, COMMUNE),
        "area_code": COMMUNE,
        "targets": [{"kind": "area", "key": COMMUNE}],
        **more,
    }


async def commands(house: House) -> list[tuple[str, str]]:
    async with house.database.reading() as session:
        rows = (await session.scalars(select(CommandRow).order_by(CommandRow.device_id))).all()
        return [(row.device_id, row.action["verb"]) for row in rows]


async def test_without_a_time_it_airs_as_soon_as_speakers_can_be_ready(
    house: House, officer: httpx.AsyncClient
) -> None:
    made = await officer.post("/api/v1/schedules", json=await wish(house))

    assert made.status_code == 201, made.text
    (occurrence,) = (await plan_of(house, FIRST)).occurrences
    assert occurrence.starts_at == house.clock.now + timedelta(seconds=15)


async def test_what_has_no_sound_yet_cannot_air_now(house: House, officer: httpx.AsyncClient) -> None:
    silent = await officer.post("/api/v1/playlists", json={"title": "Chưa xong", "area_code": COMMUNE, "items": SILENT})
    assert silent.status_code in {201, 202}, silent.text

    made = await officer.post("/api/v1/schedules", json=await wish(house, playlist_id=silent.json()["id"]))

    assert made.status_code == 409
    assert "no sound yet" in made.json()["detail"]
    assert (await plan_of(house, FIRST)).occurrences == ()


@pytest.mark.parametrize(
    ("mistake", "field"),
    [
        ({"rrule": "FREQ=WHENEVER", "first_local": "2026-11-21T06:00:00"}, "rrule"),
        ({"first_local": "2026-11-21T06:00:00+07:00"}, "first_local"),
        ({"zone": "Asia/Tân_Yên", "first_local": "2026-11-21T06:00:00"}, "zone"),
        ({"zone": "../../etc"}, "zone"),
        ({"playlist_id": "none"}, "playlist_id"),
        ({"area_code": "nowhere"}, "area_code"),
        ({"targets": [{"kind": "area", "key": COMMUNE}, {"kind": "device", "key": "none"}]}, "targets.1.key"),
        ({"targets": [{"kind": "area", "key": "24"}]}, "targets.0.key"),
        ({"targets": []}, "targets"),
        ({"priority": 3}, "priority"),
        ({"volume": 101}, "volume"),
        ({"late_join_s": -1}, "late_join_s"),
    ],
)
async def test_a_wrong_schedule_is_refused_by_its_field(
    house: House, officer: httpx.AsyncClient, mistake: dict[str, Any], field: str
) -> None:
    refused = await officer.post("/api/v1/schedules", json=await wish(house, **mistake))

    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["field"] == field


async def test_an_edit_needs_the_version_that_was_read(house: House, officer: httpx.AsyncClient) -> None:
    made = await officer.post("/api/v1/schedules", json=await wish(house, first_local="2026-11-21T06:00:00"))
    path, tag = made.headers["Location"], made.headers["ETag"]

    assert (await officer.patch(path, json={"volume": 40})).status_code == 428
    edited = await officer.patch(path, json={"volume": 40}, headers={"If-Match": tag})
    assert edited.status_code == 200, edited.text
    assert (await officer.patch(path, json={"volume": 50}, headers={"If-Match": tag})).status_code == 412
    assert [each.volume for each in (await plan_of(house, FIRST)).occurrences] == [40]


async def test_a_withdrawn_schedule_leaves_the_plans(house: House, officer: httpx.AsyncClient) -> None:
    made = await officer.post("/api/v1/schedules", json=await wish(house, first_local="2026-11-21T06:00:00"))

    gone = await officer.delete(made.headers["Location"], headers={"If-Match": made.headers["ETag"]})

    assert gone.status_code == 204, gone.text
    assert (await plan_of(house, FIRST)).occurrences == ()
    assert (await officer.get(made.headers["Location"])).json()["active"] is False


async def test_fewer_targets_free_the_speakers_that_were_left_out(house: House, officer: httpx.AsyncClient) -> None:
    made = await officer.post("/api/v1/schedules", json=await wish(house, first_local="2026-11-21T06:00:00"))

    await officer.patch(
        made.headers["Location"],
        json={"targets": [{"kind": "device", "key": SECOND}]},
        headers={"If-Match": made.headers["ETag"]},
    )

    assert (await plan_of(house, FIRST)).occurrences == ()
    assert len((await plan_of(house, SECOND)).occurrences) == 1


async def test_the_same_key_creates_once(house: House, officer: httpx.AsyncClient) -> None:
    body = await wish(house, first_local="2026-11-21T06:00:00")
    first = await officer.post("/api/v1/schedules", json=body, headers={"Idempotency-Key": "k"})
    again = await officer.post("/api/v1/schedules", json=body, headers={"Idempotency-Key": "k"})

    assert first.json() == again.json()
    assert len((await officer.get("/api/v1/schedules")).json()["items"]) == 1


async def test_a_called_off_occurrence_leaves_the_plan_and_stays_on_the_list(
    house: House, officer: httpx.AsyncClient
) -> None:
    await officer.post(
        "/api/v1/schedules", json=await wish(house, first_local="2026-11-20T18:00:00", rrule="FREQ=DAILY")
    )
    today = (await officer.get("/api/v1/occurrences")).json()["items"][0]

    assert (await officer.post(f"/api/v1/occurrences/{today['id']}/cancel")).status_code == 204

    assert len((await plan_of(house, FIRST)).occurrences) == 7
    seen = (await officer.get("/api/v1/occurrences")).json()["items"]
    assert [(each["id"], each["cancelled"]) for each in seen] == [(today["id"], True)]
    assert await commands(house) == []


async def test_what_was_called_off_airs_after_all_while_it_has_not_begun(
    house: House, officer: httpx.AsyncClient
) -> None:
    await officer.post(
        "/api/v1/schedules", json=await wish(house, first_local="2026-11-20T18:00:00", rrule="FREQ=DAILY")
    )
    (today,) = (await officer.get("/api/v1/occurrences")).json()["items"]
    back = f"/occurrences/{today['id']}/take-back"
    assert (await officer.post(back)).status_code == 404, "nobody called it off"
    await officer.post(f"/api/v1/occurrences/{today['id']}/cancel")
    assert back in (await officer.get("/")).text
    await house.commune("07340")
    assert (await (await house.signed_in("07340")).post(back)).status_code == 404

    assert (await officer.post(back)).status_code == 303

    assert back not in (await officer.get("/")).text
    assert (await officer.get("/api/v1/occurrences")).json()["items"] == [today]
    assert len((await plan_of(house, FIRST)).occurrences) == 8
    trail = (await officer.get("/api/v1/audit", params={"kind": "schedule"})).json()["items"]
    assert (trail[0]["action"], trail[0]["changes"]) == ("taken_back", {"occurrence_id": [today["id"], None]})


async def test_what_was_called_off_and_is_about_to_begin_stays_so(house: House, officer: httpx.AsyncClient) -> None:
    await officer.post("/api/v1/schedules", json=await wish(house))
    (occurrence,) = (await officer.get("/api/v1/occurrences")).json()["items"]
    await officer.post(f"/api/v1/occurrences/{occurrence['id']}/cancel")

    answer = await officer.post(f"/occurrences/{occurrence['id']}/take-back")

    assert answer.status_code == 409
    assert "sát giờ phát" in answer.text
    assert (await plan_of(house, FIRST)).occurrences == ()


async def test_stopping_what_is_on_air_orders_its_speakers_to_stop(house: House, officer: httpx.AsyncClient) -> None:
    await officer.post("/api/v1/schedules", json=await wish(house))
    (occurrence,) = (await officer.get("/api/v1/occurrences")).json()["items"]
    house.clock.advance(timedelta(seconds=30))

    await officer.post(f"/api/v1/occurrences/{occurrence['id']}/cancel")

    assert await commands(house) == [(FIRST, "stop"), (SECOND, "stop")]
    assert (await plan_of(house, FIRST)).occurrences == ()


async def test_stopping_all_silences_what_is_on_air_here_and_leaves_what_comes_later(
    house: House, officer: httpx.AsyncClient
) -> None:
    await officer.post("/api/v1/schedules", json=await wish(house))
    await officer.post("/api/v1/schedules", json=await wish(house, first_local="2026-11-20T18:00:00"))
    house.clock.advance(timedelta(seconds=15.5))
    await house.commune("07340")
    neighbour = await house.signed_in("07340")
    assert "<button" not in (await neighbour.get("/parts/stop-all")).text
    assert (await neighbour.post("/stop-all")).status_code == 303
    assert await commands(house) == []

    assert "<button" in (await officer.get("/parts/stop-all")).text
    assert (await officer.post("/stop-all")).status_code == 303
    assert await commands(house) == [(FIRST, "stop"), (SECOND, "stop")]
    assert "<button" not in (await officer.get("/parts/stop-all")).text
    seen = (await officer.get("/api/v1/occurrences")).json()["items"]
    assert sorted(each["cancelled"] for each in seen) == [False, True]


async def test_what_is_about_to_air_is_skipped_when_called_off(house: House, officer: httpx.AsyncClient) -> None:
    await officer.post("/api/v1/schedules", json=await wish(house))
    (occurrence,) = (await officer.get("/api/v1/occurrences")).json()["items"]
    house.clock.advance(timedelta(seconds=10))

    await officer.post(f"/api/v1/occurrences/{occurrence['id']}/cancel")

    assert await commands(house) == [(FIRST, "skip"), (SECOND, "skip")]


async def test_an_occurrence_tells_how_it_is_going_on_each_speaker(house: House, officer: httpx.AsyncClient) -> None:
    await officer.post("/api/v1/schedules", json=await wish(house))
    (occurrence,) = (await plan_of(house, FIRST)).occurrences
    version = (await plan_of(house, FIRST)).version

    async def seen() -> dict[str, Any]:
        found: dict[str, Any] = (await officer.get(f"/api/v1/occurrences/{occurrence.id}")).json()
        return found

    assert ((await seen())["targeted"], (await seen())["ready"]) == (2, 0)

    clip = occurrence.stretches[0].clip
    await hear(house, state_of(FIRST, "s", plan_version=version), FIRST)
    await hear(house, state_of(SECOND, "s", plan_version=version + 1000, missing=(clip,)), SECOND)
    assert (await seen())["ready"] == 1

    house.clock.advance(timedelta(seconds=16))
    playing = PlayerState(state="playing", occurrence=occurrence.id)
    await hear(house, state_of(FIRST, "s", plan_version=version, player=playing), FIRST)
    assert (await seen())["on_air"] == 1

    house.clock.advance(timedelta(seconds=61))
    record = PlayRecord(
        seq=1,
        occurrence=occurrence.id,
        outcome=Outcome.COMPLETED,
        started_at=occurrence.starts_at,
        played_ms=60_000,
        start_error_ms=1.5,
    )
    await hear(house, Records(device=FIRST, boot="b", boot_order=1, records=(record,)), FIRST)
    await hear(house, state_of(FIRST, "s", plan_version=version), FIRST)
    await hear(house, state_of(SECOND, "s", plan_version=version), SECOND)
    assert ((await seen())["played"], (await seen())["unreported"]) == (1, 1)

    house.clock.advance(timedelta(seconds=120))
    await hear(house, state_of(SECOND, "s", plan_version=version), SECOND)
    assert ((await seen())["played"], (await seen())["missed"]) == (1, 1)
    assert (await seen())["speakers"][0]["start_error_ms"] == 1.5


async def test_a_preview_says_who_would_yield_and_why_and_saves_nothing(
    house: House, officer: httpx.AsyncClient
) -> None:
    body = await wish(house, first_local="2026-11-21T06:00:00", staggered=False)
    await officer.post("/api/v1/schedules", json=body)

    seen = await officer.post("/api/v1/schedules/preview", json={**body, "title": "Ưu tiên", "priority": 1})

    assert seen.status_code == 200, seen.text
    (collision,) = seen.json()["collisions"]
    assert (collision["winner_title"], collision["loser_title"]) == ("Ưu tiên", "Chào")
    assert collision["because"] == "priority"
    assert collision["speakers"] == [FIRST, SECOND]
    assert "Ưu tiên" in collision["explanation"]["vi"]
    assert len((await officer.get("/api/v1/schedules")).json()["items"]) == 1


async def test_a_preview_says_when_the_air_is_free_however_hamlets_take_turns(
    house: House, officer: httpx.AsyncClient
) -> None:
    for hamlet in "abc":
        await house.area(f"{COMMUNE}-{hamlet}", parent=COMMUNE)
        await house.device(f"{COMMUNE}-{hamlet}-1", f"{COMMUNE}-{hamlet}")
    body = await wish(house, first_local="2026-11-21T06:00:00")
    await officer.post("/api/v1/schedules", json=body)
    seen = await officer.post("/api/v1/schedules/preview", json={**body, "title": "Tin xã"})
    (collision,) = seen.json()["collisions"]
    assert len(collision["speakers"]) == 5
    free = datetime.fromisoformat(collision["free_at"]).astimezone(ZoneInfo(VIETNAM))

    later = await officer.post("/api/v1/schedules/preview", json={**body, "first_local": f"{free:%Y-%m-%dT%H:%M:%S}"})

    assert free.date() == date(2026, 11, 21)
    assert later.json()["collisions"] == []


async def test_two_communes_never_see_each_other(house: House, officer: httpx.AsyncClient) -> None:
    await house.commune("07340", speakers=1)
    stranger = await house.signed_in("07340")
    body = await wish(house)
    made = await officer.post("/api/v1/schedules", json=body)
    (occurrence,) = (await officer.get("/api/v1/occurrences")).json()["items"]
    ordered = await officer.post(f"/api/v1/devices/{FIRST}/commands", json={"action": {"verb": "test_tone"}})
    await hear(house, state_of(FIRST, "s"), FIRST)
    record = PlayRecord(seq=1, outcome=Outcome.COMPLETED)
    await hear(house, Records(device=FIRST, boot="b", boot_order=1, records=(record,)), FIRST)
    clip = (await plan_of(house, FIRST)).clips[0].sha256

    for path in ("schedules", "occurrences", "playlists", "announcements", "records", "states"):
        assert (await stranger.get(f"/api/v1/{path}")).json()["items"] == [], path
    for path in (
        made.headers["Location"],
        f"/api/v1/playlists/{body['playlist_id']}",
        f"/api/v1/occurrences/{occurrence['id']}",
        f"/api/v1/devices/{FIRST}/state",
        ordered.headers["Location"],
        f"/content/{clip}",
    ):
        assert (await officer.get(path)).status_code == 200, path
        assert (await stranger.get(path)).status_code == 404, path
    assert (await stranger.get(f"/api/v1/devices/{FIRST}/commands")).json()["items"] == []
    assert (await stranger.post(f"/api/v1/occurrences/{occurrence['id']}/cancel")).status_code == 404
    assert (
        await stranger.post(f"/api/v1/devices/{FIRST}/commands", json={"action": {"verb": "stop"}})
    ).status_code == 404
    assert (
        await stranger.post(
            "/api/v1/schedules", json={**body, "area_code": "07340", "targets": [{"kind": "area", "key": "07340"}]}
        )
    ).json()["errors"][0]["field"] == "playlist_id"
