"""Approval as programs see it, on both databases, down to the plans of the speakers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from controller.accounts.roles import Role
from controller.approval.models import ApprovedVersion
from controller.areas.models import Area
from controller.broadcasting import planning
from controller.content.repository import ClipRepository
from controller.events import AreaPolicyChanged, record_event
from controller.migrations import downgrade, migrate
from controller.playlists.models import Assembly, Playlist
from controller.playlists.sound import Sounds
from tests.support.broadcasts import plan_of, playlist, replan
from tests.support.controller import House, open_house
from tests.support.postgres import Cluster

COMMUNE = "07339"
MAKER, APPROVER = (Role.BROADCASTER,), (Role.APPROVER,)
BOTH = (Role.BROADCASTER, Role.APPROVER)


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> AsyncIterator[House]:
    """A controller that plans, on SQLite, then on PostgreSQL; its one commune asks for a second person."""
    url = await cluster.migrated() if request.param == "postgresql" else ""
    async with open_house(tmp_path / "data", database_url=url, services=(planning,)) as opened:
        await opened.commune(COMMUNE, speakers=2)
        await asks(opened, COMMUNE, "second_person")
        for number in (1, 2):
            await replan(opened, f"{COMMUNE}-{number}")
        yield opened


async def asks(house: House, area: str, whom: str) -> None:
    async with house.database.transaction() as session:
        row = await session.get_one(Area, area)
        row.policy = {"approval": whom}
        record_event(session, AreaPolicyChanged(row.path))


class Desk:
    """One person at work on schedules."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    @classmethod
    async def of(cls, house: House, name: str, roles: tuple[Role, ...], area: str = COMMUNE) -> "Desk":
        return cls(await house.signed_in(area, name, roles=roles))

    async def makes(self, playlist_id: str, at: datetime, **more: Any) -> str:
        local = (at + timedelta(hours=7)).replace(tzinfo=None)
        wish = {
            "title": "Thông báo",
            "playlist_id": playlist_id,
            "area_code": COMMUNE,
            "targets": [{"kind": "area", "key": COMMUNE}],
            "first_local": local.isoformat(),
        }
        answer = await self.client.post("/api/v1/schedules", json=wish | more)
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["id"]
        return made

    async def edits(self, schedule: str, **wish: Any) -> httpx.Response:
        path = f"/api/v1/schedules/{schedule}"
        tag = (await self.client.get(path)).headers["ETag"]
        return await self.client.patch(path, json=wish, headers={"If-Match": tag})

    async def sees(self, schedule: str) -> dict[str, Any]:
        answer = await self.client.get(f"/api/v1/schedules/{schedule}/approval")
        assert answer.status_code == 200, answer.text
        assert answer.headers["ETag"] == f'"{answer.json()["digest"]}"'
        seen: dict[str, Any] = answer.json()
        return seen

    async def does(self, verb: str, schedule: str, *, seen: str | None = None, reason: str = "") -> httpx.Response:
        digest = (await self.sees(schedule))["digest"] if seen is None else seen
        return await self.client.post(
            f"/api/v1/schedules/{schedule}/approval/{verb}",
            json={"reason": reason} if verb == "reject" else None,
            headers={"If-Match": f'"{digest}"'},
        )


async def aired(house: House, speaker: str = f"{COMMUNE}-1") -> list[str]:
    return [each.title for each in (await plan_of(house, speaker)).occurrences]


async def test_from_a_draft_to_the_air(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    assert (await maker.sees(made))["state"] == "draft"
    assert await aired(house) == []

    assert (await maker.does("submit", made)).json()["state"] == "submitted"
    assert await aired(house) == []
    waiting = (await approver.client.get("/api/v1/approvals/waiting")).json()["items"]
    assert [each["schedule_id"] for each in waiting] == [made]

    answer = await approver.does("approve", made)
    assert answer.status_code == 200, answer.text
    assert answer.json()["approved_by"] == "bình"
    assert await aired(house) == ["Thông báo"]
    assert (await approver.client.get("/api/v1/approvals/waiting")).json()["items"] == []


async def test_a_group_stays_while_the_approved_version_addresses_it(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    admin = await house.signed_in(COMMUNE, "lan", roles=[Role.ADMINISTRATOR])
    wish = {"name": "Chợ", "device_ids": [f"{COMMUNE}-1"]}
    group = (await admin.post("/api/v1/groups", json=wish)).json()["id"]
    at = house.clock.now + timedelta(hours=2)
    made = await maker.makes(await playlist(house, COMMUNE), at, targets=[{"kind": "group", "key": group}])
    await maker.does("submit", made)
    await approver.does("approve", made)

    async def dissolve() -> httpx.Response:
        return await admin.delete(f"/api/v1/groups/{group}", headers={"If-Match": "*"})

    assert (await maker.edits(made, targets=[{"kind": "area", "key": COMMUNE}])).status_code == 200
    assert (await dissolve()).json()["code"] == "group_in_use"
    assert "Thông báo" in (await dissolve()).text

    await maker.does("submit", made)
    await approver.does("approve", made)
    assert (await dissolve()).status_code == 204


async def test_where_nobody_is_asked_the_maker_approves_at_once_and_that_is_recorded(house: House):
    await asks(house, COMMUNE, "none")
    maker = await Desk.of(house, "an", MAKER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    seen = await maker.sees(made)
    assert (seen["state"], seen["approved_by"]) == ("approved", "an")
    assert await aired(house) == ["Thông báo"]
    await maker.edits(made, title="Thông báo sửa")
    assert await aired(house) == ["Thông báo sửa"]


async def test_a_schedule_says_where_it_stands(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)

    async def stands() -> list[str]:
        one = (await maker.client.get(f"/api/v1/schedules/{made}")).json()["approval"]
        many = [each["approval"] for each in (await maker.client.get("/api/v1/schedules")).json()["items"]]
        return [one, *many]

    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    assert await stands() == ["draft", "draft"]
    await maker.does("submit", made)
    assert await stands() == ["submitted", "submitted"]
    await approver.does("approve", made)
    assert await stands() == ["approved", "approved"]
    edited = await maker.edits(made, title="Sửa")
    assert edited.json()["approval"] == "draft"
    assert await stands() == ["draft", "draft"]
    await asks(house, COMMUNE, "none")
    assert (await maker.edits(made, title="Sửa nữa")).json()["approval"] == "approved"


async def test_a_rejection_needs_a_reason_and_the_maker_reads_it_and_tries_again(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    await maker.does("submit", made)
    assert (await approver.does("reject", made, reason="  ")).status_code == 422
    assert (await approver.does("reject", made, reason="Sai tên xã")).json()["state"] == "rejected"
    assert (await approver.does("reject", made, reason="Sai tên xã")).status_code == 200
    assert (await maker.sees(made))["reason"] == "Sai tên xã"
    assert (await approver.does("approve", made)).status_code == 409

    await maker.edits(made, title="Đúng tên xã")
    await maker.does("submit", made)
    assert (await approver.does("approve", made)).status_code == 200
    assert await aired(house) == ["Đúng tên xã"]


async def test_an_edit_waits_while_the_approved_version_airs_on(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2), rrule="FREQ=DAILY")
    await maker.does("submit", made)
    await approver.does("approve", made)
    assert set(await aired(house)) == {"Thông báo"}

    target = {"kind": "device", "key": f"{COMMUNE}-2"}
    assert (await maker.edits(made, title="Bản mới", targets=[target])).status_code == 200
    assert set(await aired(house)) == {"Thông báo"}
    seen = await maker.sees(made)
    assert seen["state"] == "draft"
    assert seen["airing_digest"] not in {None, seen["digest"]}
    await replan(house, f"{COMMUNE}-1")
    assert set(await aired(house)) == {"Thông báo"}

    await maker.does("submit", made)
    await approver.does("approve", made)
    assert await aired(house) == []
    assert set(await aired(house, f"{COMMUNE}-2")) == {"Bản mới"}


async def test_new_sound_under_an_approved_schedule_needs_approval(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    first = await playlist(house, COMMUNE, title="Cũ")
    await playlist(house, COMMUNE, title="Mới")
    made = await maker.makes(first, house.clock.now + timedelta(hours=2))
    await maker.does("submit", made)
    await approver.does("approve", made)
    (old,) = {clip.sha256 for clip in (await plan_of(house, f"{COMMUNE}-1")).clips}

    async with house.database.transaction() as session:
        row, others = await session.get_one(Playlist, first), await session.scalars(select(Assembly))
        (new,) = [each for each in others if each.key != row.sound_key]
        row.wanted, row.wanted_key = new, new.key
        await session.flush()
        await Sounds(session, wake_workshop=lambda: None).assembled(new)

    assert (await maker.sees(made))["state"] == "draft"
    assert {clip.sha256 for clip in (await plan_of(house, f"{COMMUNE}-1")).clips} == {old}
    async with house.database.reading() as session:
        assert old in await ClipRepository(session).needed(house.clock.now)


async def test_nobody_approves_their_own_where_two_people_are_asked_for(house: House):
    both, other = await Desk.of(house, "an", BOTH), await Desk.of(house, "bình", BOTH)
    made = await both.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    await both.does("submit", made)
    refused = await both.does("approve", made)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_work")
    assert (await both.client.get("/api/v1/approvals/waiting")).json()["items"] == []
    await other.edits(made, title="Sửa")
    await both.does("submit", made)
    assert (await other.does("approve", made)).status_code == 403
    await asks(house, COMMUNE, "anyone_with_the_role")
    assert (await both.does("approve", made)).status_code == 200


async def test_only_an_approver_of_the_place_or_above_decides(house: House):
    maker = await Desk.of(house, "an", MAKER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    await maker.does("submit", made)
    seen = (await maker.sees(made))["digest"]
    assert (await maker.does("approve", made)).status_code == 403
    await house.commune("07342")
    neighbour = await Desk.of(house, "láng giềng", APPROVER, area="07342")
    assert (await neighbour.does("approve", made, seen=seen)).status_code == 404
    looker = await Desk.of(house, "kiểm tra", (Role.AUDITOR,))
    assert (await looker.does("submit", made)).status_code == 403
    province = await Desk.of(house, "tỉnh", APPROVER, area="24")
    assert (await province.does("approve", made)).status_code == 200


async def test_a_hamlet_cannot_be_laxer_than_its_commune(house: House):
    await house.area("thon", parent=COMMUNE, policy={"approval": "none"})
    maker = await Desk.of(house, "an", MAKER, area="thon")
    targets = [{"kind": "area", "key": "thon"}]
    sound = await playlist(house, "thon")
    made = await maker.makes(sound, house.clock.now + timedelta(hours=2), area_code="thon", targets=targets)
    assert (await maker.sees(made))["state"] == "draft"


async def test_what_was_edited_since_it_was_seen_is_not_approved(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    await maker.does("submit", made)
    seen = (await approver.sees(made))["digest"]
    await maker.edits(made, title="Lén sửa")
    await maker.does("submit", made)
    for tag in (seen, "*", ""):
        assert (await approver.does("approve", made, seen=tag)).status_code == 412
    path = f"/api/v1/schedules/{made}/approval/approve"
    assert (await approver.client.post(path, headers={"If-Match": "*"})).status_code == 412
    assert (await approver.client.post(path)).status_code == 428
    assert await aired(house) == []


async def test_an_edit_that_races_an_approval_never_airs_unapproved(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    sound = await playlist(house, COMMUNE)
    for turn in range(6):
        made = await maker.makes(sound, house.clock.now + timedelta(hours=2 + turn), title=f"Cũ {turn}")
        await maker.does("submit", made)
        seen = (await approver.sees(made))["digest"]
        edit = maker.edits(made, title=f"Mới {turn}")
        approval = approver.does("approve", made, seen=seen)
        answers = await asyncio.gather(*((edit, approval) if turn % 2 else (approval, edit)))
        assert {answer.status_code for answer in answers} <= {200, 412}, [answer.text for answer in answers]
        assert f"Mới {turn}" not in await aired(house)
        after = await maker.sees(made)
        if any(answer.status_code == 412 for answer in answers):
            assert after["state"] in {"draft", "approved"}
        assert (f"Cũ {turn}" in await aired(house)) == (after["airing_digest"] == seen)


async def test_repeating_an_approval_is_harmless(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    await asyncio.gather(*(maker.does("submit", made) for _ in range(3)))
    answers = await asyncio.gather(*(approver.does("approve", made) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    async with house.database.reading() as session:
        assert len((await session.scalars(select(ApprovedVersion))).all()) == 1


async def test_what_is_withdrawn_waits_no_more(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    await maker.does("submit", made)
    assert (await maker.does("withdraw", made)).json()["state"] == "draft"
    assert (await approver.does("approve", made)).status_code == 409
    listed = (await maker.client.get("/api/v1/approvals?state=draft")).json()["items"]
    assert [each["schedule_id"] for each in listed] == [made]


async def test_a_late_approval_airs_nothing_late(house: House):
    maker, approver = await Desk.of(house, "an", MAKER), await Desk.of(house, "bình", APPROVER)
    sound = await playlist(house, COMMUNE, duration_ms=3_600_000)
    once = await maker.makes(sound, house.clock.now + timedelta(hours=1), title="Một lần")
    series = await maker.makes(sound, house.clock.now + timedelta(hours=1), title="Hằng ngày", rrule="FREQ=DAILY")
    for made in (once, series):
        await maker.does("submit", made)
    house.clock.advance(timedelta(hours=1, minutes=5))

    refused = await approver.does("approve", once)
    assert (refused.status_code, refused.json()["code"]) == (409, "time_passed")
    assert (await approver.sees(once))["next_at"] is None
    assert (await approver.does("approve", series)).status_code == 200
    await house.device(f"{COMMUNE}-9", COMMUNE)  # one that comes while the first airing would be under way
    await replan(house, f"{COMMUNE}-9")
    for speaker in (f"{COMMUNE}-1", f"{COMMUNE}-9"):
        plan = await plan_of(house, speaker)
        assert {each.title for each in plan.occurrences} == {"Hằng ngày"}
        assert min(each.starts_at for each in plan.occurrences) > house.clock.now


async def test_at_once_is_refused_where_somebody_has_to_approve(house: House):
    maker = await Desk.of(house, "an", MAKER)
    wish = {
        "title": "Ngay",
        "playlist_id": await playlist(house, COMMUNE),
        "area_code": COMMUNE,
        "targets": [{"kind": "area", "key": COMMUNE}],
    }
    answer = await maker.client.post("/api/v1/schedules", json=wish)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "first_local"


async def test_sound_that_is_not_made_yet_cannot_be_submitted(house: House):
    maker = await Desk.of(house, "an", MAKER)
    words = {"title": "Chữ", "text": "Kính thưa bà con", "area_code": COMMUNE}
    announcement = (await maker.client.post("/api/v1/announcements", json=words)).json()["id"]
    items = [{"kind": "announcement", "announcement_id": announcement}]
    wish = {"title": "Chương trình", "area_code": COMMUNE, "items": items}
    sound = (await maker.client.post("/api/v1/playlists", json=wish)).json()["id"]
    made = await maker.makes(sound, house.clock.now + timedelta(hours=2))
    assert (await maker.does("submit", made)).json()["code"] == "sound_not_settled"

    before = (await maker.sees(made))["digest"]
    path = f"/api/v1/announcements/{announcement}"
    tag = (await maker.client.get(path)).headers["ETag"]
    assert (await maker.client.patch(path, json={"text": "Chữ khác"}, headers={"If-Match": tag})).status_code == 200
    assert (await maker.sees(made))["digest"] != before


async def test_asking_for_approval_leaves_on_air_what_was_there_before(house: House):
    await asks(house, COMMUNE, "none")
    maker = await Desk.of(house, "an", MAKER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    await asks(house, COMMUNE, "second_person")
    assert await aired(house) == ["Thông báo"]
    await maker.edits(made, title="Sửa")
    assert (await maker.sees(made))["state"] == "draft"
    await asks(house, COMMUNE, "none")
    assert await aired(house) == ["Thông báo"]
    assert (await maker.does("submit", made)).json()["state"] == "approved"
    assert await aired(house) == ["Sửa"]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_the_order_of_events_no_plan_holds_what_was_not_approved(house: House, seed: int):
    dice = Random(seed)
    people = [await Desk.of(house, name, BOTH) for name in ("an", "bình", "chi")]
    sound = await playlist(house, COMMUNE)
    made = [await people[0].makes(sound, house.clock.now + timedelta(hours=2 + n), title=f"{n}.0") for n in range(3)]
    approved: set[str] = set()
    for turn in range(25):
        place = dice.randrange(len(made))
        who = dice.choice(people)
        before = await who.sees(made[place])
        match dice.choice(["edit", "submit", "approve", "approve", "reject", "withdraw", "replan"]):
            case "edit":
                await who.edits(made[place], title=f"{place}.{turn + 1}")
            case "replan":
                await replan(house, f"{COMMUNE}-1")
            case "approve":
                if (await who.does("approve", made[place])).status_code == 200:
                    assert before["state"] == "approved" or before["may_decide"]
                    approved.add((await who.client.get(f"/api/v1/schedules/{made[place]}")).json()["title"])
            case verb:
                await who.does(verb, made[place], reason="không")
        assert set(await aired(house)) <= approved


async def test_schedules_of_before_count_as_approved_just_as_they_are(house: House):
    await asks(house, COMMUNE, "none")
    maker = await Desk.of(house, "an", MAKER)
    made = await maker.makes(await playlist(house, COMMUNE), house.clock.now + timedelta(hours=2))
    digest = (await maker.sees(made))["digest"]
    url = house.runtime.settings.database
    await downgrade(url, "0006")
    await house.database.engine.dispose()  # it remembers the tables that were
    await migrate(url)
    await asks(house, COMMUNE, "second_person")
    async with planning(house.runtime):
        pass
    seen = await maker.sees(made)
    assert (seen["state"], seen["approved_by"], seen["airing_digest"]) == ("approved", "an", digest)
    await replan(house, f"{COMMUNE}-1")
    assert await aired(house) == ["Thông báo"]
