"""A draft is edited until it is released; who edits has written it, and nobody releases what they have not seen."""

from typing import Any

import pytest

from controller.accounts.roles import Role
from controller.alerts.models import AlertRow
from controller.alerts.standing import Repeats
from controller.announcements.models import Announcement
from schedules.types import Priority
from tests.support.alert_desk import COMMUNE, Desk, says, told, written
from tests.support.controller import House


async def edited(desk: Desk, alert: dict[str, Any], status: int = 200, **wish: Any) -> Any:
    answer = await desk.client.patch(f"/api/v1/alerts/{alert['id']}", json=wish)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        ({"headline": "Lũ sông Thương"}, {"headline": "Lũ sông Thương"}),
        ({"text": "Lên đồi."}, {"text": "Lên đồi."}),
        ({"text": ""}, {"text": "", "announcement_id": None}),
        ({"signal": "flood-2"}, {"signal": "flood-2"}),
        ({"signal": None}, {"signal": None, "signal_ms": 0}),
        ({"signal": "attention", "signal_s": 9}, {"signal": "attention", "signal_ms": 9000}),
        ({"repeats": "every_10_min"}, {"repeat": Repeats.EVERY_10_MIN.plan().model_dump(mode="json")}),
        ({"lifetime_s": 7200}, {"lifetime_s": 7200}),
        ({"volume": 40}, {"volume": 40}),
        ({"stagger_s": 5}, {"stagger_s": 5}),
        ({"hazard": "dam"}, {"hazard": "dam"}),
    ],
)
async def test_each_side_of_a_draft_is_edited_by_itself_and_seen_anew(
    maker: Desk, releaser: Desk, wish: dict[str, Any], shown: dict[str, Any]
) -> None:
    draft = await maker.draft(text="Bà con lên chỗ cao.")
    after = await edited(maker, draft, **wish)
    assert {name: after[name] for name in shown} == shown
    own = {"digest", "announcement_id", "signal_ms", "repeat", *wish, *shown}
    assert written(after, *own) == written(draft, *own)
    assert (await releaser.release(draft, 409))["code"] == "changed_since_seen"
    await releaser.release(after)


async def test_who_edits_a_draft_leaves_its_release_to_the_other_who_must_have_seen_it(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft()
    after = await edited(releaser, draft, headline="Lũ dâng cao")
    assert after["author"] == "nguoi-phat"
    assert (await releaser.release(after, 403))["code"] == "own_draft"
    assert (await maker.release(draft, 409))["code"] == "changed_since_seen"
    await maker.release(after)
    said = await told(house)
    assert said is not None
    assert [alert.headline for alert in said.alerts] == ["Lũ dâng cao"]


async def test_what_was_edited_since_it_was_seen_is_not_overwritten(maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    after = await edited(releaser, draft, headline="Lũ dâng cao", seen=draft["digest"])
    refusal = await edited(maker, draft, 412, headline="Lũ rút", seen=draft["digest"])
    assert refusal["code"] == "precondition_failed"
    assert (await edited(maker, draft, headline="Lũ rút", seen=after["digest"]))["author"] == "nguoi-soan"


async def test_what_others_may_say_too_is_not_changed_by_an_edit(house: House, maker: Desk) -> None:
    draft = await maker.draft(text="Bà con lên chỗ cao.")
    second = {"language": "en", "text": "Go to high ground."}
    after = await edited(maker, draft, second=second)
    again = await edited(maker, after, text="Bà con lên đồi.")
    without = await edited(maker, again, second=None)
    async with house.database.reading() as session:
        said = [await session.get_one(Announcement, each["announcement_id"]) for each in (draft, after, again, without)]
    assert [(each.text, each.second_text) for each in said] == [
        ("Bà con lên chỗ cao.", ""),
        ("Bà con lên chỗ cao.", "Go to high ground."),
        ("Bà con lên đồi.", "Go to high ground."),
        ("Bà con lên đồi.", ""),
    ]


async def test_an_announcement_takes_the_place_of_what_a_draft_said_and_says_that_it_is_an_exercise(
    maker: Desk,
) -> None:
    first, other = await maker.draft(text="Lên đồi."), await maker.draft(text="Lên đê.")
    exercise = await maker.draft(kind="exercise", text="Lên đồi.")
    after = await edited(maker, first, announcement_id=other["announcement_id"])
    assert (after["text"], after["announcement_id"]) == ("Lên đê.", other["announcement_id"])
    assert after["digest"] != first["digest"]
    refusal = await edited(maker, exercise, 422, announcement_id=other["announcement_id"])
    assert [each["field"] for each in refusal["errors"]] == ["announcement_id"]
    marked = await edited(maker, other, announcement_id=exercise["announcement_id"])
    assert marked["text"] == "Đây là diễn tập. Lên đồi."


async def test_an_edited_exercise_still_says_that_it_is_one(maker: Desk) -> None:
    draft = await maker.draft(kind="exercise", text="Sơ tán.")
    after = await edited(maker, draft, text="Sơ tán ngay.", signal="flood-3")
    assert (after["text"], after["signal"]) == ("Đây là diễn tập. Sơ tán ngay.", "exercise")


@pytest.mark.parametrize(
    ("draft", "wish", "field"),
    [
        ({}, {"announcement_id": "nothing"}, "announcement_id"),
        ({}, {"announcement_id": "x", "text": "Lên đồi."}, ""),
        ({}, {}, None),
        ({}, {"signal": None}, "signal"),
        ({}, {"text": "Nước lên {bao nhiêu} mét"}, "text"),
        ({}, {"text": "…"}, "text"),
        ({}, {"second": {"language": "en", "text": "Go."}}, "second"),
        ({}, {"signal": "opening"}, "signal"),
        ({"kind": "test", "silent": True, "text": "Thử."}, {"volume": 50}, "volume"),
        ({}, {"targets": []}, "targets"),
    ],
)
async def test_an_edit_that_leaves_no_alert_is_refused_and_changes_nothing(
    maker: Desk, draft: dict[str, Any], wish: dict[str, Any], field: str | None
) -> None:
    before = await maker.draft(**draft)
    refusal = await edited(maker, before, 422, headline="Khác", **wish) if wish else await edited(maker, before, 422)
    assert field is None or field in str(refusal["errors"])
    assert written(await maker.get(f"/api/v1/alerts/{before['id']}")) == written(before)


async def test_a_siren_is_not_put_on_what_is_no_emergency(house: House, maker: Desk) -> None:
    draft = await maker.draft(signal="attention")
    async with house.database.transaction() as session:
        (await session.get_one(AlertRow, draft["id"])).priority = int(Priority.PRIORITY)
    refusal = await edited(maker, draft, 422, signal="flood-3")
    assert refusal["errors"][0]["field"] == "signal"
    assert (await edited(maker, draft, signal=None, text="Mưa to."))["signal"] is None


async def test_who_edits_a_warning_of_others_has_written_it(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft(text="Nước lên.")
    async with house.database.transaction() as session:
        row = await session.get_one(AlertRow, draft["id"])
        row.relayed, row.author = True, "CAP KTTV"
    after = await edited(maker, draft, text="Nước lên nhanh.")
    assert (after["author"], after["relayed"]) == ("nguoi-soan", True)
    assert (await maker.release(after, 403))["code"] == "own_draft"
    await releaser.release(after)


async def test_only_a_draft_of_ones_own_area_is_edited(house: House, maker: Desk, releaser: Desk) -> None:
    await house.commune("07340")
    draft = await maker.draft()
    neighbour = await Desk.of(house, "lang-gieng", "07340")
    await edited(neighbour, draft, 404, headline="Khác")
    editor = Desk(house, await house.signed_in(COMMUNE, "bien-tap", roles=(Role.BROADCASTER,)))
    await edited(editor, draft, 403, headline="Khác")
    await releaser.release(draft)
    assert (await edited(maker, draft, 409, headline="Khác"))["code"] == "not_a_draft"


async def test_one_person_alone_edits_and_releases_where_no_two_are_needed(house: House, maker: Desk) -> None:
    await says(house, COMMUNE, {"release": "own_code"})
    draft = await maker.draft()
    after = await edited(maker, draft, headline="Khác")
    assert (await maker.get(f"/api/v1/alerts/{draft['id']}/audience"))["needs_second_person"] is False
    assert after["author"] == "nguoi-soan"
