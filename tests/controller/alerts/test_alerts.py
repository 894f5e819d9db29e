"""Alerts as programs see them, on both databases, down to the signed sets and back from the speakers."""

from datetime import timedelta
from typing import Any

import pyotp

from controller.accounts.roles import Role
from controller.alerts.keeping import keep
from controller.alerts.models import AlertRow
from controller.alerts.states import ALL_CLEAR_LASTS
from controller.announcements.models import Announcement, Status
from controller.content.models import Clip
from controller.content.service import store_of
from controller.events import AnnouncementSettled, record_event
from controller.link.outbox import DatabaseOutbox
from protocol import topics
from tests.support.alert_desk import COMMUNE, OFFICER, TARGET, Desk, counts, says, told
from tests.support.controller import House


async def test_a_draft_is_told_to_nobody_and_a_release_to_all(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft(repeats="tsunami", lifetime_s=7200)
    assert (draft["state"], draft["sent"]) == ("draft", None)
    assert await told(house) is None
    released = await releaser.release(draft)
    assert (released["state"], released["released_by"], released["sent"]) == ("active", "nguoi-phat", False)
    said = await told(house)
    assert said is not None
    (alert,) = said.alerts
    assert (alert.id, alert.headline, alert.signal) == (draft["id"], "Báo động lũ cấp III", "flood-3")
    assert alert.starts_at == house.clock.now + timedelta(milliseconds=800)
    assert alert.expires_at == house.clock.now + timedelta(seconds=7200)
    assert (alert.repeat.first_gaps_s, alert.repeat.then_every_s) == ((300, 300), 1800)
    assert await counts(releaser, draft) == {"targeted": 3, "unreachable": 3, "unheard": 3}


async def test_a_stagger_is_said_before_the_release_and_told_to_the_speakers(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft(stagger_s=5)
    said = await maker.get(f"/api/v1/alerts/{draft['id']}/audience")
    assert "Các thôn kề nhau phát lần lượt, cách nhau 5 giây." in said["sentence_vi"]
    assert "Neighbouring hamlets begin 5 s after one another." in said["sentence_en"]
    assert (await releaser.release(draft))["stagger_s"] == 5
    active = await told(house)
    assert active is not None
    assert [each.stagger_ms for each in active.alerts] == [5000]
    wish = {"area_code": COMMUNE, "headline": "x", "targets": [{"kind": "area", "key": COMMUNE}], "stagger_s": 21}
    await maker.post("/api/v1/alerts", 422, **wish)


async def test_nobody_releases_their_own_draft_where_two_are_needed(maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    refusal = await maker.release(draft, 403)
    assert refusal["code"] == "own_draft"
    await releaser.release(draft)
    assert (await releaser.release(draft, 409))["code"] == "not_a_draft"


async def test_one_person_releases_with_a_one_time_code_where_the_area_says_so(house: House) -> None:
    await says(house, COMMUNE, {})
    browser = await house.in_person(COMMUNE, "truc-ban", roles=OFFICER)
    desk = Desk(house, browser)
    draft = await desk.draft()
    audience = await desk.get(f"/api/v1/alerts/{draft['id']}/audience")
    assert (audience["needs_code"], audience["needs_second_person"]) == (True, False)
    assert audience["sentence_vi"] == (
        "Phát báo động «Báo động lũ cấp III» tới 3 cụm loa tại 1 địa bàn. 3 cụm đang mất kết nối."
    )
    assert (await desk.release(draft, 403))["code"] == "no_second_factor"
    secret = (await desk.post("/api/v1/me/second-factor", 201))["secret"]
    code = pyotp.TOTP(secret)
    await desk.post("/api/v1/me/second-factor/confirmation", code=code.at(house.clock.now))
    house.clock.advance(timedelta(seconds=30))
    assert (await desk.release(draft, 403, code="000000"))["code"] == "wrong_code"
    assert (await desk.release(draft, code=code.at(house.clock.now)))["state"] == "active"


async def test_calling_off_silences_at_once_and_says_that_it_is_over(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    await releaser.release(draft)
    await maker.cancel(draft)
    said = await told(house)
    assert said is not None
    (ending,) = said.alerts
    assert (ending.ends, ending.signal, ending.revision, ending.sound_revision) == (True, "all-clear", 2, 2)
    assert ending.message_follows
    house.clock.advance(timedelta(minutes=16))
    assert (await maker.cancel(draft, 409))["code"] == "not_active"


async def test_without_an_all_clear_nothing_is_left(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    await releaser.release(draft)
    await maker.cancel(draft, all_clear=False)
    said = await told(house)
    assert said is not None
    assert said.alerts == ()


async def test_a_newer_alert_takes_the_place_of_the_one_it_replaces(house: House, maker: Desk, releaser: Desk) -> None:
    first = await maker.draft()
    await releaser.release(first)
    second = await maker.draft(headline="Lũ vượt báo động III", replaces=[first["id"]])
    await releaser.release(second)
    said = await told(house)
    assert said is not None
    assert [alert.id for alert in said.alerts] == [second["id"]]
    assert (await maker.get(f"/api/v1/alerts/{first['id']}"))["state"] == "replaced"


async def test_to_live_longer_is_nothing_new_to_hear(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft(lifetime_s=600)
    await releaser.release(draft)
    house.clock.advance(timedelta(minutes=5))
    await maker.post(f"/api/v1/alerts/{draft['id']}/prolong", lifetime_s=3600)
    said = await told(house)
    assert said is not None
    assert (said.alerts[0].revision, said.alerts[0].sound_revision) == (2, 1)
    assert said.alerts[0].expires_at == house.clock.now + timedelta(hours=1)


async def test_where_two_are_needed_nobody_prolongs_on_their_own_word(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft(lifetime_s=600)
    await releaser.release(draft)
    here = f"/api/v1/alerts/{draft['id']}/prolong"
    assert (await releaser.post(here, 403, lifetime_s=3600))["code"] == "own_last_word"
    assert (await maker.post(here, lifetime_s=3600))["prolonged_by"] == "nguoi-soan"
    assert (await maker.post(here, 403, lifetime_s=7200))["code"] == "own_last_word"
    assert (await maker.post(here, lifetime_s=1800))["prolonged_by"] == "nguoi-soan"
    assert (await releaser.post(here, lifetime_s=300))["prolonged_by"] == "nguoi-soan", "to end it sooner is no word"
    assert (await releaser.post(here, lifetime_s=7200))["prolonged_by"] == "nguoi-phat"

    await says(house, COMMUNE, {})
    assert (await releaser.post(here, 403, lifetime_s=9000))["code"] == "no_second_factor"


async def test_a_silent_test_is_prolonged_by_anybody(maker: Desk) -> None:
    test = await maker.draft(kind="test", silent=True)
    await maker.release(test)
    await maker.post(f"/api/v1/alerts/{test['id']}/prolong", lifetime_s=7200)


async def test_what_has_lived_long_enough_leaves_the_set(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft(lifetime_s=60)
    await releaser.release(draft)
    house.clock.advance(timedelta(seconds=61))
    await keep(house.runtime)
    said = await told(house)
    assert said is not None
    assert said.alerts == ()
    assert (await maker.get(f"/api/v1/alerts/{draft['id']}"))["state"] == "expired"


async def test_the_words_follow_when_they_are_made(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft(text="Nước sông Thương đã vượt báo động III.")
    assert not draft["words_ready"]
    await releaser.release(draft)
    said = await told(house)
    assert said is not None
    assert (said.alerts[0].message, said.alerts[0].message_follows) == ((), True)
    stored = store_of(house.runtime).put(b"loi noi")
    async with house.database.transaction() as session:
        session.add(
            Clip(
                sha256=stored.sha256,
                size_bytes=stored.size_bytes,
                duration_ms=5000,
                media_type="audio/ogg; codecs=opus",
                created_at=house.clock.now,
            )
        )
        words = await session.get_one(Announcement, draft["announcement_id"])
        await session.flush()
        words.status, words.clip_sha256 = Status.READY, stored.sha256
        record_event(session, AnnouncementSettled(words.id))
    said = await told(house)
    assert said is not None
    (alert,) = said.alerts
    assert (alert.revision, alert.sound_revision, alert.message_follows) == (2, 1, False)
    assert alert.message[0].sha256 == stored.sha256
    fetched = await house.browser().get(alert.message[0].url)
    assert fetched.content == b"loi noi"
    outbox = DatabaseOutbox(
        house.database, key=house.runtime.keys.signing, now=house.clock, content=store_of(house.runtime).content
    )
    (urgent,) = await outbox.urgent(10)
    assert urgent.topic == topics.alerts(TARGET)
    (sound,) = await outbox.sequel([urgent])
    assert (sound.topic, sound.payload, sound.retain) == (topics.alert_audio(TARGET), b"loi noi", False)
    await outbox.published([urgent])
    assert (await maker.get(f"/api/v1/alerts/{draft['id']}"))["sent"] is True


async def test_words_that_cannot_be_made_are_waited_for_no_longer(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft(text="Nước sông Thương đã vượt báo động III.")
    await releaser.release(draft)
    async with house.database.transaction() as session:
        words = await session.get_one(Announcement, draft["announcement_id"])
        words.status, words.error_code = Status.FAILED, "engine_failed"
        record_event(session, AnnouncementSettled(words.id))
    said = await told(house)
    assert said is not None
    (alert,) = said.alerts
    assert (alert.revision, alert.message, alert.message_follows) == (2, (), False)


async def test_who_chooses_anew_whom_a_draft_addresses_leaves_its_release_to_the_other(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft()
    targets = {"targets": [{"kind": "device", "key": f"{COMMUNE}-1"}]}
    answer = await releaser.client.put(f"/api/v1/alerts/{draft['id']}/targets", json=targets)
    assert answer.status_code == 200, answer.text
    assert (await releaser.release(draft, 403))["code"] == "own_draft"
    await maker.release(answer.json())
    said = await told(house, f"device:{COMMUNE}-1")
    assert said is not None
    assert [alert.id for alert in said.alerts] == [draft["id"]]


async def test_an_exercise_says_that_it_is_one_and_a_test_is_no_alarm(
    house: House, maker: Desk, releaser: Desk
) -> None:
    exercise = await maker.draft(kind="exercise", text="Lũ về.", signal="flood-3")
    assert (exercise["signal"], exercise["text"]) == ("exercise", "Đây là diễn tập. Lũ về.")
    test = await maker.draft(kind="test", silent=True)
    assert (test["signal"], test["volume"]) == ("test-rising", 0)
    await maker.release(test)
    said = await told(house)
    assert said is not None
    assert [alert.kind for alert in said.alerts] == ["test"]
    answer = await maker.client.post(
        "/api/v1/alerts",
        json={
            "area_code": COMMUNE,
            "headline": "x",
            "signal": "exercise",
            "targets": [{"kind": "area", "key": COMMUNE}],
        },
    )
    assert answer.status_code == 422
    assert "signal" in answer.text


async def test_too_many_alerts_in_an_hour_are_refused_and_ending_them_never_is(
    house: House, maker: Desk, releaser: Desk
) -> None:
    for _ in range(12):
        last = await maker.draft()
        await releaser.release(last)
    one_more = await maker.draft()
    assert (await releaser.release(one_more, 429))["code"] == "too_many_attempts"
    await releaser.cancel(last, all_clear=False)
    house.clock.advance(timedelta(hours=1, seconds=1))
    await releaser.release(one_more)


async def test_stopping_everything_ends_what_the_area_issued_and_not_what_came_from_above(
    house: House, maker: Desk, releaser: Desk
) -> None:
    await says(house, "24", {"release": "second_person"})
    above, other = await Desk.of(house, "tinh-1", "24"), await Desk.of(house, "tinh-2", "24")
    high = await above.draft(area_code="24", targets=[{"kind": "area", "key": "24"}])
    await other.release(high)
    low = await maker.draft()
    await releaser.release(low)
    stopped = await maker.post(f"/api/v1/areas/{COMMUNE}/stop-alerts")
    assert [each["id"] for each in stopped] == [low["id"]]
    said, higher = await told(house), await told(house, "area:24")
    assert said is not None
    assert higher is not None
    assert (said.alerts, len(higher.alerts)) == ((), 1)
    # What is heard here is seen here, and only who issued it may end it.
    assert (await maker.get(f"/api/v1/alerts/{high['id']}"))["state"] == "active"
    assert (await maker.cancel(high, 404))["code"] == "not_found"


async def test_the_page_holds_the_rate_of_alerts_and_stops_what_its_own_area_issued(house: House, maker: Desk) -> None:
    above = await Desk.of(house, "tinh", "24")
    high = await above.draft(area_code="24", kind="test", silent=True, targets=[{"kind": "area", "key": "24"}])
    await above.release(high)
    officer = await house.in_person(COMMUNE, "truc", roles=OFFICER)
    for _ in range(12):
        alert = await maker.draft()
        seen = {"seen": alert["digest"]}
        assert (await officer.post(f"/emergency/{alert['id']}/release", data=seen)).status_code == 303
    last = await maker.draft()
    refused = await officer.post(f"/emergency/{last['id']}/release", data={"seen": last["digest"]})
    assert refused.status_code == 429
    assert 'data-state="draft"' in refused.text

    assert "/emergency/stop-all" in (await officer.get("/emergency")).text
    assert (await officer.post("/emergency/stop-all")).status_code == 303
    standing = await maker.get("/api/v1/alerts?state=active")
    assert [each["id"] for each in standing["items"]] == [high["id"]]
    assert "/emergency/stop-all" not in (await officer.get("/emergency")).text


async def test_what_an_alert_says_is_not_edited_from_its_draft_to_the_end_of_its_all_clear(
    house: House, maker: Desk, releaser: Desk
) -> None:
    broadcaster = await house.signed_in(COMMUNE, "phat-thanh", roles=(Role.BROADCASTER,))

    async def edited(announcement: str, **wish: Any) -> tuple[int, str]:
        answer = await broadcaster.patch(f"/api/v1/announcements/{announcement}", json=wish, headers={"If-Match": "*"})
        return answer.status_code, answer.json().get("code", "")

    refused = (409, "spoken_by_alert")
    kept = await broadcaster.post(
        "/api/v1/announcements", json={"title": "Sơ tán", "area_code": COMMUNE, "text": "Bà con sơ tán ngay."}
    )
    words = kept.json()["id"]
    assert (await edited(words, text="Bà con sơ tán lên đồi."))[0] == 200

    alert = await maker.draft(announcement_id=words)
    for wish in ({"text": "Bà con ở yên."}, {"title": "Khác"}, {"retired": True}, {"second": None}):
        assert await edited(words, **wish) == refused
    recording = await broadcaster.put(
        f"/api/v1/announcements/{words}/second", data={"language": "en"}, files={"file": ("a.wav", b"RIFF")}
    )
    assert (recording.status_code, recording.json()["code"]) == refused
    in_person = await house.in_person(COMMUNE, "phat-thanh-2", roles=(Role.BROADCASTER,))
    page = await in_person.post(f"/library/{words}/shelf", data={"do": "put-away"})
    assert page.status_code == 409

    await releaser.release(alert)
    assert await edited(words, text="Bà con ở yên.") == refused
    await releaser.cancel(alert, all_clear=True)
    assert (await edited(words, text="Bà con ở yên."))[0] == 200
    async with house.database.reading() as session:
        all_clear = (await session.get_one(AlertRow, alert["id"])).all_clear_id
    assert all_clear is not None
    assert await edited(all_clear, text="Chưa yên đâu.") == refused
    house.clock.now += ALL_CLEAR_LASTS
    assert (await edited(all_clear, text="Chưa yên đâu."))[0] == 200


async def test_a_draft_that_is_thrown_away_lets_go_of_its_words(house: House, maker: Desk) -> None:
    alert = await maker.draft(text="Bà con sơ tán ngay.")
    words = f"/api/v1/announcements/{alert['announcement_id']}"
    broadcaster = await house.signed_in(COMMUNE, "phat-thanh", roles=(Role.BROADCASTER,))
    edit = {"json": {"text": "Bà con ở yên."}, "headers": {"If-Match": "*"}}
    assert (await broadcaster.patch(words, **edit)).status_code == 409
    await maker.post(f"/api/v1/alerts/{alert['id']}/discard")
    assert (await broadcaster.patch(words, **edit)).status_code == 200


async def test_who_may_not_alert_may_look(house: House, maker: Desk) -> None:
    draft = await maker.draft()
    looker = Desk(house, await house.signed_in(COMMUNE, "khach", roles=(Role.BROADCASTER,)))
    await looker.get(f"/api/v1/alerts/{draft['id']}")
    await looker.release(draft, 403)
    await house.commune("07342")
    stranger = await house.signed_in("07342", "la", roles=OFFICER)
    assert (await stranger.get(f"/api/v1/alerts/{draft['id']}")).status_code == 404
