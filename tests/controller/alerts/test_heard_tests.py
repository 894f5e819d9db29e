"""A test that people hear: nobody takes it for the real thing, and it is released as the real thing is."""

import re

import pytest

from audio.signals import ABOUT, EXERCISE_WORDS, TEST_WORDS, Signal, Use
from controller.accounts.roles import Role
from controller.alerts.models import AlertRow
from controller.alerts.wording import TEST_OVER
from tests.support.alert_desk import COMMUNE, OFFICER, Desk, says, told
from tests.support.controller import House

FLOOD = "Nước lên, bà con chạy ngay."


async def test_its_words_begin_by_saying_that_it_is_a_test(maker: Desk) -> None:
    test = await maker.draft(kind="test", text=FLOOD, signal="flood-3")
    assert test["text"] == f"{TEST_WORDS} {FLOOD}"
    assert ABOUT[Signal(test["signal"])].use is Use.TEST
    assert (await maker.draft(kind="test"))["text"] == TEST_WORDS
    assert (await maker.draft(kind="test", text=f"{TEST_WORDS} Một, hai."))["text"] == f"{TEST_WORDS} Một, hai."


async def test_an_announcement_that_does_not_say_so_is_no_test(house: House, maker: Desk) -> None:
    broadcaster = await house.signed_in(COMMUNE, "phat-thanh", roles=(Role.BROADCASTER,))

    async def kept(text: str) -> str:
        made = await broadcaster.post(
            "/api/v1/announcements", json={"title": "Thử", "area_code": COMMUNE, "text": text}
        )
        name: str = made.json()["id"]
        return name

    wish = {"area_code": COMMUNE, "headline": "x", "kind": "test", "targets": [{"kind": "area", "key": COMMUNE}]}
    refusal = await maker.post("/api/v1/alerts", 422, announcement_id=await kept(FLOOD), **wish)
    assert [each["field"] for each in refusal["errors"]] == ["announcement_id"]
    await maker.post("/api/v1/alerts", 201, announcement_id=await kept(f"{TEST_WORDS} {FLOOD}"), **wish)
    await maker.post("/api/v1/alerts", 201, announcement_id=await kept(FLOOD), silent=True, **wish)


@pytest.mark.parametrize(
    ("kind", "language", "text", "said"),
    [
        ("exercise", "en", "Go up.", "This is an exercise. Go up."),
        ("test", "en-GB", "One, two.", "This is a test of the loudspeakers. One, two."),
        ("exercise", "en", "this is an exercise. Go up.", "this is an exercise. Go up."),
        ("exercise", "en", "Đây là diễn tập. This is an exercise. Go up.", None),
        ("exercise", "tyz", "Khửn pù.", "Khửn pù."),
        ("actual", "en", "Go up.", "Go up."),
    ],
)
async def test_the_other_language_says_so_too_where_we_have_the_words(
    maker: Desk, kind: str, language: str, text: str, said: str | None
) -> None:
    draft = await maker.draft(kind=kind, text="Lên đồi.", second={"language": language, "text": text})
    assert draft["second"]["text"] == (said or text)
    edit = await maker.client.patch(f"/api/v1/alerts/{draft['id']}", json={"text": "Lên đê."})
    assert edit.json()["second"]["text"] == (said or text)


async def test_an_announcement_whose_other_language_does_not_say_so_is_no_exercise(maker: Desk) -> None:
    wish = {"area_code": COMMUNE, "headline": "x", "kind": "exercise", "targets": [{"kind": "area", "key": COMMUNE}]}
    second = {"language": "en", "text": "Go up."}
    real = await maker.draft(text="Đây là diễn tập. Lên đồi.", second=second)
    refusal = await maker.post("/api/v1/alerts", 422, announcement_id=real["announcement_id"], **wish)
    assert "This is an exercise." in str(refusal["errors"])
    exercise = await maker.draft(kind="exercise", text="Lên đồi.", second=second)
    await maker.post("/api/v1/alerts", 201, announcement_id=exercise["announcement_id"], **wish)


async def test_it_is_released_as_an_alert_is_and_a_silent_one_by_anybody(
    house: House, maker: Desk, releaser: Desk
) -> None:
    heard, silent = await maker.draft(kind="test", text="Một."), await maker.draft(kind="test", silent=True)
    for test, two in ((heard, True), (silent, False)):
        assert (await maker.get(f"/api/v1/alerts/{test['id']}/audience"))["needs_second_person"] is two
    assert (await maker.release(heard, 403))["code"] == "own_draft"
    await releaser.release(heard)
    await maker.release(silent)

    await says(house, COMMUNE, {})
    heard, silent = await maker.draft(kind="test", text="Một."), await maker.draft(kind="test", silent=True)
    for test, coded in ((heard, True), (silent, False)):
        assert (await maker.get(f"/api/v1/alerts/{test['id']}/audience"))["needs_code"] is coded
    assert (await maker.release(heard, 403))["code"] == "no_second_factor"
    await maker.release(silent)


async def test_the_rate_of_alerts_holds_for_tests_and_tests_never_stand_in_the_way_of_the_real_thing(
    maker: Desk, releaser: Desk
) -> None:
    for _ in range(12):
        await releaser.release(await maker.draft(kind="test"))
    one_more = await maker.draft(kind="test")
    assert (await releaser.release(one_more, 429))["code"] == "too_many_attempts"
    await releaser.release(await maker.draft(kind="test", silent=True))
    await releaser.release(await maker.draft())


@pytest.mark.parametrize(("asked", "said"), [("", TEST_OVER), (FLOOD, f"{TEST_WORDS} {FLOOD}")])
async def test_its_end_is_no_all_clear(house: House, maker: Desk, releaser: Desk, asked: str, said: str) -> None:
    test = await maker.draft(kind="test", text="Một.")
    await releaser.release(test)
    await maker.cancel(test, text=asked)
    active = await told(house)
    assert active is not None
    assert [(each.ends, each.signal, each.signal_ms) for each in active.alerts] == [(True, "test-falling", 2200)]
    assert await words_of_the_end(house, test["id"]) == said


async def test_the_end_of_an_exercise_has_its_chime_and_no_siren(house: House, maker: Desk, releaser: Desk) -> None:
    exercise = await maker.draft(kind="exercise", text="Một.")
    await releaser.release(exercise)
    await maker.cancel(exercise)
    active = await told(house)
    assert active is not None
    assert [(each.ends, each.signal) for each in active.alerts] == [(True, "exercise")]
    assert (await words_of_the_end(house, exercise["id"])).startswith(EXERCISE_WORDS)


async def test_the_page_shows_what_is_said_at_its_end(house: House, maker: Desk, releaser: Desk) -> None:
    test = await maker.draft(kind="test", text="Một.")
    await releaser.release(test)
    officer = await house.in_person(COMMUNE, "truc", roles=OFFICER)
    here = f"/emergency/{test['id']}"
    found = re.search(r'name="shown" value="([^"]+)"', (await officer.get(here)).text)
    assert found is not None
    await officer.post(f"{here}/cancel", data={"all_clear": "1", "shown": found[1]})
    assert await words_of_the_end(house, test["id"]) == found[1] == TEST_OVER


async def words_of_the_end(house: House, alert: str) -> str:
    async with house.database.reading() as session:
        said = (await session.get_one(AlertRow, alert)).all_clear
    assert said is not None
    return said.text
