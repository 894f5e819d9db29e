"""What is released is what its releaser saw."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pyotp
import pytest

from controller.accounts.roles import Role
from controller.alerts.content import Part, changed_since, digest
from controller.alerts.models import AlertRow, AlertTarget
from controller.alerts.states import AlertState
from controller.announcements.models import Announcement, Kind, Status
from controller.broadcasts.models import TargetKind
from controller.content.models import Clip
from controller.content.service import store_of
from protocol.messages import AlertKind
from tests.support.alert_desk import COMMUNE, OFFICER, ONE, Desk, addressed, says, told
from tests.support.controller import House


async def sounds(house: House, announcement: str, sound: bytes) -> None:
    """Give an announcement its sound."""
    stored = store_of(house.runtime).put(sound)
    async with house.database.transaction() as session:
        await session.merge(
            Clip(
                sha256=stored.sha256, size_bytes=stored.size_bytes, duration_ms=9000,
                media_type="audio/ogg; codecs=opus", created_at=house.clock.now,
            )
        )  # fmt: skip
        await session.flush()
        row = await session.get_one(Announcement, announcement)
        row.status, row.clip_sha256, row.duration_ms = Status.READY, stored.sha256, 9000


def a_draft() -> AlertRow:
    said = Announcement(id="w", kind=Kind.TEXT, text="Bà con sơ tán.", language="vi", clip_sha256="c0ffee")
    return AlertRow(
        kind=AlertKind.ACTUAL,
        area_code=COMMUNE,
        headline="Lũ",
        announcement=said,
        signal="flood-3",
        signal_ms=30_000,
        targets=[AlertTarget(kind=TargetKind.GROUP, key="g")],
        polygon=None,
        repeat={"first_gaps_s": [], "then_every_s": None},
        lifetime_s=3600,
        expires_at=None,
        volume=None,
        stagger_ms=0,
        replaces=[],
    )


CHANGES: dict[str, tuple[Part, Callable[[AlertRow], None]]] = {
    "kind": (Part.HEADLINE, lambda row: setattr(row, "kind", AlertKind.EXERCISE)),
    "headline": (Part.HEADLINE, lambda row: setattr(row, "headline", "Bão")),
    "text": (Part.WORDS, lambda row: setattr(row.announcement, "text", "Bà con ở yên.")),
    "voice": (Part.WORDS, lambda row: setattr(row.announcement, "voice", "khác")),
    "second": (Part.WORDS, lambda row: setattr(row.announcement, "second_text", "Stay.")),
    "trim": (Part.WORDS, lambda row: setattr(row.announcement, "trim_to_ms", 500)),
    "clip": (Part.SOUND, lambda row: setattr(row.announcement, "clip_sha256", "decaf")),
    "signal": (Part.SIGNAL, lambda row: setattr(row, "signal", "attention")),
    "signal_ms": (Part.SIGNAL, lambda row: setattr(row, "signal_ms", 4000)),
    "targets": (Part.WHERE, lambda row: row.targets.append(AlertTarget(kind=TargetKind.AREA, key="24"))),
    "polygon": (Part.WHERE, lambda row: setattr(row, "polygon", "{}")),
    "repeat": (Part.PLAN, lambda row: setattr(row, "repeat", {"first_gaps_s": [300], "then_every_s": None})),
    "lifetime": (Part.PLAN, lambda row: setattr(row, "lifetime_s", 60)),
    "expires": (Part.PLAN, lambda row: setattr(row, "expires_at", datetime(2026, 11, 20, tzinfo=UTC))),
    "volume": (Part.PLAN, lambda row: setattr(row, "volume", 1)),
    "stagger": (Part.PLAN, lambda row: setattr(row, "stagger_ms", 5000)),
    "replaces": (Part.PLAN, lambda row: row.replaces.append("a")),
}


@pytest.mark.parametrize(("part", "change"), CHANGES.values(), ids=CHANGES)
def test_each_change_of_what_is_heard_or_where_is_told_by_its_part(
    part: Part, change: Callable[[AlertRow], None]
) -> None:
    row = a_draft()
    seen = digest(row, {"g": ["x", "y"]})
    assert changed_since(seen, row, {"g": ["y", "x"]}) == ()
    change(row)
    assert changed_since(seen, row, {"g": ["x", "y"]}) == (part,)


def test_who_is_in_a_group_is_where_it_is_heard() -> None:
    row = a_draft()
    assert changed_since(digest(row, {"g": ["x"]}), row, {"g": ["x", "y"]}) == (Part.WHERE,)


def test_a_sound_that_is_made_meanwhile_holds_nothing_up_and_another_one_does() -> None:
    row = a_draft()
    assert row.announcement is not None
    row.announcement.clip_sha256 = None
    before = digest(row, {})
    row.announcement.clip_sha256 = "c0ffee"
    assert changed_since(before, row, {}) == ()
    heard = digest(row, {})
    row.announcement.clip_sha256 = None
    assert changed_since(heard, row, {}) == (Part.SOUND,)


@pytest.mark.parametrize("seen", ["", "nothing", "....."])
def test_what_is_no_digest_is_nothing_that_was_seen(seen: str) -> None:
    assert changed_since(seen, a_draft(), {}) == tuple(Part)


async def test_what_was_changed_between_the_look_and_the_press_is_not_released(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft()
    seen = await releaser.get(f"/api/v1/alerts/{draft['id']}")
    assert seen["digest"] == draft["digest"]
    changed = await addressed(maker, draft, ONE)
    assert changed["digest"] != seen["digest"]
    refusal = await releaser.release(seen, 409)
    assert (refusal["code"], "where it is heard" in refusal["detail"]) == ("changed_since_seen", True)
    said = await releaser.client.post(
        f"/api/v1/alerts/{draft['id']}/release", json={"seen": seen["digest"]}, headers={"Accept-Language": "vi"}
    )
    assert "nơi phát" in said.json()["detail"]
    assert (await releaser.get(f"/api/v1/alerts/{draft['id']}"))["state"] == AlertState.DRAFT
    assert await told(house) is None
    released = await releaser.release(changed)
    assert (released["state"], released["digest"]) == ("active", None)
    assert await told(house) is None
    assert await told(house, f"device:{COMMUNE}-1") is not None


async def test_a_release_says_what_it_saw(maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    refusal = await releaser.post(f"/api/v1/alerts/{draft['id']}/release", 422)
    assert [each["field"] for each in refusal["errors"]] == ["seen"]


async def test_a_group_that_grew_is_not_what_was_seen(house: House, maker: Desk, releaser: Desk) -> None:
    chief = await house.signed_in(COMMUNE, "quan-tri", roles=(Role.ADMINISTRATOR,))
    made = await chief.post(
        "/api/v1/groups", json={"name": "Ven sông", "area_code": COMMUNE, "device_ids": [f"{COMMUNE}-1"]}
    )
    assert made.status_code == 201, made.text
    group = f"/api/v1/groups/{made.json()['id']}"
    draft = await maker.draft(targets=[{"kind": "group", "key": made.json()["id"]}])
    grown = await chief.patch(
        group, json={"device_ids": [f"{COMMUNE}-1", f"{COMMUNE}-2"]}, headers={"If-Match": made.headers["ETag"]}
    )
    assert grown.status_code == 200, grown.text
    assert (await releaser.release(draft, 409))["code"] == "changed_since_seen"
    await releaser.release(await releaser.get(f"/api/v1/alerts/{draft['id']}"))


async def test_the_words_need_not_be_ready_and_what_was_heard_of_them_is_what_goes_out(
    house: House, maker: Desk, releaser: Desk
) -> None:
    early, late = await maker.draft(text="Bà con lên đồi."), await maker.draft(text="Bà con ra đình.")
    await sounds(house, early["announcement_id"], b"len doi")
    assert (await releaser.release(early))["state"] == "active"
    await sounds(house, late["announcement_id"], b"ra dinh")
    heard = await releaser.get(f"/api/v1/alerts/{late['id']}")
    await sounds(house, late["announcement_id"], b"o yen")
    refusal = await releaser.release(heard, 409)
    assert "the sound of the words" in refusal["detail"]


async def test_a_code_is_not_spent_on_what_is_not_released(house: House) -> None:
    await says(house, COMMUNE, {})
    desk = Desk(house, await house.in_person(COMMUNE, "truc-ban", roles=OFFICER))
    draft = await desk.draft()
    code = pyotp.TOTP((await desk.post("/api/v1/me/second-factor", 201))["secret"])
    await desk.post("/api/v1/me/second-factor/confirmation", code=code.at(house.clock.now))
    house.clock.advance(timedelta(seconds=30))
    changed = await addressed(desk, draft, ONE)
    assert (await desk.release(draft, 409, code=code.at(house.clock.now)))["code"] == "changed_since_seen"
    assert (await desk.release(changed, code=code.at(house.clock.now)))["state"] == "active"


async def test_the_page_shows_the_new_state_and_says_what_changed(house: House, maker: Desk) -> None:
    draft = await maker.draft()
    officer = await house.in_person(COMMUNE, "truc", roles=OFFICER)
    here = f"/emergency/{draft['id']}"
    first = shown(await officer.get(here))
    await addressed(maker, draft, ONE)
    refused = await officer.post(f"{here}/release", data={"seen": first})
    assert refused.status_code == 409
    assert "đã được sửa sau khi bạn xem (nơi phát)" in refused.text
    assert "tới 1 cụm loa" in refused.text
    assert 'data-state="draft"' in refused.text
    assert (await officer.post(f"{here}/release")).status_code == 409
    assert shown(refused) != first
    assert (await officer.post(f"{here}/release", data={"seen": shown(refused)})).status_code == 303
    assert 'data-state="active"' in (await officer.get(here)).text


def shown(page: httpx.Response, name: str = "seen") -> str:
    """What a page has its form say that it showed."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def test_the_all_clear_is_said_in_the_words_that_the_page_showed(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft()
    await releaser.release(draft)
    officer = await house.in_person(COMMUNE, "truc", roles=OFFICER)
    here = f"/emergency/{draft['id']}"
    words = shown(await officer.get(here), "shown")
    reworded = await officer.put(
        f"/api/v1/areas/{COMMUNE}/standing/all_clear",
        json={"headline": "Báo yên", "text": "Chưa yên đâu."},
        headers={"If-Match": "*"},
    )
    assert reworded.status_code == 200, reworded.text
    assert (await officer.post(f"{here}/cancel", data={"all_clear": "1", "shown": words})).status_code == 303
    async with house.database.reading() as session:
        said = (await session.get_one(AlertRow, draft["id"])).all_clear
    assert said is not None
    assert said.text == words
