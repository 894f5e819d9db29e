"""CAP messages that come by the API and end as signed sets of alerts for speakers, on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from audio.signals import Signal, length_ms
from controller.accounts.roles import Role
from controller.alerts.keeping import alerting
from controller.alerts.states import ACTIVATIONS_MAX
from controller.announcements.models import Announcement
from controller.audit.keeping import auditing
from controller.broadcasting import planning
from controller.broadcasts.models import TargetKind
from controller.cap.keeping import look, reading_feeds
from controller.cap.models import CapFeed, CapRefusal
from controller.cap.polling import Arrival
from controller.cap.room import successors
from controller.cap.service import FeedReader
from controller.link.models import RetainedDocument
from protocol import topics
from protocol.messages import Alert, AlertKind, AlertSet, Outcome, RepeatPlan
from protocol.signing import verify
from schedules.types import AlertId, Priority
from tests.support.alerted import speaker_in
from tests.support.broadcasts import keys_of
from tests.support.cap import NOON, area, cap, certificate, code, info, key, reference, signed
from tests.support.commune_speaker import NOON as SPEAKERS_NOON
from tests.support.controller import House, open_house
from tests.support.feeds import Answer, WebServer
from tests.support.postgres import Cluster
from tests.support.trail import trail

COMMUNE, NEIGHBOUR, PROVINCE = "07339", "07340", "24"
PEM = certificate(key()).public_bytes(Encoding.PEM).decode()
LOCAL = ("127.0.0.1/32",)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> AsyncIterator[House]:
    """A province with two communes, in which two people are needed for a release."""
    url = await cluster.migrated() if request.param == "postgresql" else ""
    services = (auditing, planning, alerting, reading_feeds)
    async with open_house(
        tmp_path / "data", database_url=url, services=services, now=NOON, cap_networks=LOCAL
    ) as opened:
        await opened.area(PROVINCE, name="Bắc Ninh", policy={"release": "second_person"})
        await opened.commune(COMMUNE, speakers=2)
        await opened.commune(NEIGHBOUR, speakers=1)
        yield opened


class Centre:
    """A warning centre that sends, and the officer who answers for what it sends."""

    def __init__(
        self, house: House, admin: httpx.AsyncClient, officer: httpx.AsyncClient, made: dict[str, Any]
    ) -> None:
        self.house, self.admin, self.officer, self.made = house, admin, officer, made
        self._own = house.browser()

    @property
    def path(self) -> str:
        return f"/api/v1/cap/senders/{self.made['id']}"

    @classmethod
    async def of(cls, house: House, **more: Any) -> "Centre":
        admin = await house.in_person(PROVINCE, "quan-tri", roles=(Role.ADMINISTRATOR,))
        officer = await house.signed_in(PROVINCE, "truc-ban", roles=(Role.DUTY_OFFICER,))
        wish = {"title": "Đài KTTV", "area_code": PROVINCE, "release": "at_once"} | more
        answer = await admin.post("/api/v1/cap/senders", json=wish)
        assert answer.status_code == 201, answer.text
        centre = cls(house, admin, officer, answer.json())
        token = (await admin.post(f"{centre.path}/token")).json()["token"]
        centre._own = house.browser(Authorization=f"Bearer {token}")
        return centre

    async def sends(self, data: bytes, status: int = 200) -> dict[str, Any]:
        answer = await self._own.post("/api/v1/cap", content=data, headers={"Content-Type": "application/cap+xml"})
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def alert(self, alert: str) -> dict[str, Any]:
        body: dict[str, Any] = (await self.officer.get(f"/api/v1/alerts/{alert}")).json()
        return body

    async def releases(self, alert: str, status: int = 200) -> dict[str, Any]:
        seen = (await self.alert(alert))["digest"] or "nothing"
        answer = await self.officer.post(f"/api/v1/alerts/{alert}/release", json={"seen": seen})
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
async def centre(house: House) -> Centre:
    return await Centre.of(house)


@pytest.fixture
async def held(house: House) -> Centre:
    return await Centre.of(house, release="officer")


async def told(house: House, target: str = f"area:{COMMUNE}") -> tuple[Alert, ...]:
    """What stands on the broker for a target, its signature checked as a speaker does."""
    async with house.database.reading() as session:
        row = await session.get(RetainedDocument, topics.alerts(target))
    if row is None:
        return ()
    return verify(row.payload, AlertSet, audiences=[target], keys=keys_of(house), now=house.clock.now).body.alerts


def update(identifier: str = "u1", *infos: str) -> bytes:
    return cap(*infos, identifier=identifier, kind="Update", references=reference())


def cancel(*infos: str) -> bytes:
    return cap(*infos, identifier="c1", kind="Cancel", references=reference())


async def test_a_signed_message_becomes_a_signed_order_for_the_speakers_of_its_area(house: House) -> None:
    centre = await Centre.of(house, certificates=[PEM])
    assert (await centre.sends(cap(), 403))["number"] == 208
    taken = await centre.sends(signed(cap()))
    assert (taken["outcome"], taken["held"], [each["number"] for each in taken["notices"]]) == (
        "raise",
        False,
        [200, 202],
    )
    (alert,) = await told(house)
    assert [alert.id] == taken["alerts"]
    assert (alert.kind, alert.headline, alert.issuer) == (AlertKind.ACTUAL, "Cảnh báo lũ quét", PROVINCE)
    assert alert.expires_at == NOON + timedelta(hours=3)
    assert alert.message_follows
    row = await centre.alert(alert.id)
    assert (row["released_by"], row["author"], row["relayed"]) == ("CAP Đài KTTV", "CAP Đài KTTV", True)
    assert row["text"].startswith("Cảnh báo lũ quét. Nước sông Thương")
    assert await told(house, f"area:{NEIGHBOUR}") == ()


async def test_the_trail_names_the_sender(house: House, centre: Centre) -> None:
    (alert,) = (await centre.sends(cap()))["alerts"]
    entries = await trail(house, kind="alert", key=alert)
    assert {entry.actor for entry in entries} == {"CAP Đài KTTV"}


async def test_what_is_held_waits_for_an_officer_even_where_two_are_needed(house: House, held: Centre) -> None:
    taken = await held.sends(cap())
    assert taken["held"]
    (alert,) = taken["alerts"]
    assert await told(house) == ()
    assert (await held.releases(alert))["released_by"] == "truc-ban"
    assert [each.id for each in await told(house)] == [alert]


async def test_what_is_no_emergency_waits_whatever_the_sender_may_do(house: House, centre: Centre) -> None:
    taken = await centre.sends(cap(info(severity="Moderate")))
    assert (taken["held"], (await centre.alert(taken["alerts"][0]))["state"]) == (True, "draft")
    assert await told(house) == ()


@pytest.mark.parametrize(
    ("severity", "certainty", "priority", "page"),
    [
        ("Moderate", "Observed", Priority.PRIORITY, "Ưu tiên, không phải khẩn cấp"),
        ("Extreme", "Possible", Priority.ROUTINE, "Thông thường, không phải khẩn cấp"),
    ],
)
async def test_what_is_no_emergency_does_not_sound_as_one_once_it_is_released(
    *, house: House, centre: Centre, tmp_path: Path, severity: str, certainty: str, priority: Priority, page: str
) -> None:
    told_of = cap(info(event="Sóng thần", severity=severity, certainty=certainty))
    (waiting,) = (await centre.sends(told_of))["alerts"]
    row = await centre.alert(waiting)
    assert (row["priority"], row["hazard"], row["signal"]) == (priority, "tsunami", "attention")
    assert "không hú còi" in (await centre.officer.get(f"/api/v1/alerts/{waiting}/audience")).json()["sentence_vi"]
    browser = await house.in_person(PROVINCE, "tinh", roles=(Role.DUTY_OFFICER,))
    assert page in (await browser.get("/emergency")).text
    await centre.releases(waiting)
    (alert,) = await told(house)
    assert (alert.priority, alert.signal) == (priority, "attention")
    speaker = speaker_in(tmp_path)
    try:
        voices = speaker.go_live("truc-tiep")
        await speaker.run_until(1)
        speaker.tell(alert.model_copy(update={"starts_at": SPEAKERS_NOON, "expires_at": SPEAKERS_NOON + HOUR}))
        await speaker.run_until(9)
        assert (speaker.on_air, speaker.sounded()) == ("truc-tiep", [])
        voices[-1].ended = True
        await speaker.run_until(30)
        assert speaker.sounded() == [(f"{waiting}.1.0.signal", Outcome.COMPLETED)]
    finally:
        await speaker.put_down()


async def test_the_end_of_what_is_no_emergency_has_no_siren_either(house: House, centre: Centre) -> None:
    (mild,) = (await centre.sends(cap(info(severity="Moderate"))))["alerts"]
    await centre.releases(mild)
    await centre.sends(cancel())
    (over,) = await told(house)
    assert (over.ends, over.priority, over.signal) == (True, Priority.PRIORITY, "attention")


async def test_what_waits_is_edited_by_one_officer_and_released_by_another_and_the_trail_tells_both(
    house: House, held: Centre
) -> None:
    (alert,) = (await held.sends(cap()))["alerts"]
    editor = await house.signed_in(PROVINCE, "nguoi-sua", roles=(Role.DUTY_OFFICER,))
    wish = {"headline": "Lũ quét sông Thương", "text": "Bà con lên đồi ngay."}
    answer = await editor.patch(f"/api/v1/alerts/{alert}", json=wish)
    assert answer.status_code == 200, answer.text
    own = await editor.post(f"/api/v1/alerts/{alert}/release", json={"seen": answer.json()["digest"]})
    assert own.json()["code"] == "own_draft"
    assert (await held.releases(alert))["text"] == "Bà con lên đồi ngay."
    assert [each.headline for each in await told(house)] == ["Lũ quét sông Thương"]
    changed = {entry.actor: entry.changes for entry in await trail(house, kind="alert", key=alert, action="changed")}
    assert changed["nguoi-sua"]["headline"] == ["Cảnh báo lũ quét", "Lũ quét sông Thương"]
    assert "state" in changed["truc-ban"]


async def test_a_draft_does_not_outlive_what_its_sender_says(house: House, held: Centre) -> None:
    (alert,) = (await held.sends(cap()))["alerts"]
    house.clock.advance(timedelta(hours=2))
    assert (await held.releases(alert))["expires_at"] == "2026-11-23T08:00:00Z"
    (late,) = (await held.sends(cap(identifier="late")))["alerts"]
    house.clock.advance(timedelta(hours=1))
    assert (await held.releases(late, 409))["code"] == "outlived"


async def test_an_officer_chooses_the_areas_where_the_message_gives_words_only(house: House, centre: Centre) -> None:
    taken = await centre.sends(cap(info(places=area())))
    assert taken["held"]
    (alert,) = taken["alerts"]
    assert (await centre.releases(alert, 422))["code"] == "nobody_addressed"
    targets = {"targets": [{"kind": "area", "key": COMMUNE}]}
    assert (await centre.officer.put(f"/api/v1/alerts/{alert}/targets", json=targets)).status_code == 200
    await centre.releases(alert)
    assert [each.id for each in await told(house)] == [alert]
    answer = await centre.officer.put(f"/api/v1/alerts/{alert}/targets", json=targets)
    assert answer.json()["code"] == "not_a_draft"


async def test_on_the_drafts_page_too_and_before_that_nothing_offers_to_release_it(house: House, held: Centre) -> None:
    (alert,) = (await held.sends(cap(info(places=area()))))["alerts"]
    officer = await house.in_person(COMMUNE, "xa", roles=(Role.DUTY_OFFICER,))
    browser = await house.in_person(PROVINCE, "tinh", roles=(Role.DUTY_OFFICER,))
    page = (await browser.get(f"/emergency/{alert}")).text
    assert "chỉ tả vùng bằng lời" in page
    assert f"/emergency/{alert}/release" not in page
    assert f'value="{NEIGHBOUR}"' in page
    path = f"/emergency/{alert}/targets"
    assert (await browser.post(path, data={})).status_code == 422
    assert (await browser.post(path, data={"area": ["99999"]})).status_code == 422
    assert (await officer.post(path, data={"area": [COMMUNE]})).status_code == 404
    assert (await browser.post(path, data={"area": [COMMUNE]})).status_code == 303
    page = (await browser.get(f"/emergency/{alert}")).text
    assert f'value="{COMMUNE}" checked' in page
    assert f"/emergency/{alert}/release" in page
    await held.releases(alert)
    assert [each.id for each in await told(house)] == [alert]
    assert (await browser.post(path, data={"area": [NEIGHBOUR]})).status_code == 409


async def test_an_update_takes_the_place_of_what_it_names(house: House, centre: Centre) -> None:
    (first,) = (await centre.sends(cap()))["alerts"]
    (second,) = (await centre.sends(update()))["alerts"]
    assert [each.id for each in await told(house)] == [second]
    assert (await centre.alert(first))["state"] == "replaced"


async def test_an_update_that_waits_leaves_the_one_before_it_on_the_air(house: House, centre: Centre) -> None:
    (first,) = (await centre.sends(cap()))["alerts"]
    (waiting,) = (await centre.sends(update("u1", info(severity="Moderate"))))["alerts"]
    assert [each.id for each in await told(house)] == [first]
    await centre.releases(waiting)
    assert [each.id for each in await told(house)] == [waiting]


async def test_a_draft_that_is_out_of_date_is_not_released_any_more(held: Centre) -> None:
    (first,) = (await held.sends(cap()))["alerts"]
    (second,) = (await held.sends(update()))["alerts"]
    assert (await held.alert(first))["state"] == "discarded"
    await held.releases(first, 409)
    await held.releases(second)


async def test_one_message_replaces_all_alerts_of_another(house: House, centre: Centre) -> None:
    places = (info(places=area(code(COMMUNE))), info(headline="Sạt lở", places=area(code(NEIGHBOUR))))
    assert len((await centre.sends(cap(*places)))["alerts"]) == 2
    (only,) = (await centre.sends(update()))["alerts"]
    assert [each.id for each in await told(house)] == [only]
    assert await told(house, f"area:{NEIGHBOUR}") == ()


async def test_a_cancel_ends_what_sounds_and_says_so_in_the_senders_words(house: House, centre: Centre) -> None:
    (alert,) = (await centre.sends(cap()))["alerts"]
    ended = await centre.sends(cancel(info(headline="Hết lũ quét", description=None, instruction=None)))
    assert (ended["outcome"], ended["ended"]) == ("cancel", [alert])
    (ending,) = await told(house)
    assert (ending.id, ending.ends, ending.signal) == (alert, True, "all-clear")
    assert (await centre.alert(alert))["ended_by"] == "CAP Đài KTTV"
    async with house.database.reading() as session:
        texts = set(await session.scalars(select(Announcement.text)))
    assert "Hết lũ quét." in texts


async def test_a_cancel_of_what_waits_throws_it_away(house: House, held: Centre) -> None:
    (alert,) = (await held.sends(cap()))["alerts"]
    await held.sends(cancel())
    assert (await held.alert(alert))["state"] == "discarded"
    assert await told(house) == ()


async def test_an_exercise_says_so(house: House, centre: Centre) -> None:
    (alert,) = (await centre.sends(cap(status="Exercise")))["alerts"]
    (sounding,) = await told(house)
    assert (sounding.kind, sounding.signal) == (AlertKind.EXERCISE, "exercise")
    assert (await centre.alert(alert))["text"].startswith("Đây là diễn tập.")


async def test_two_languages_are_said_one_after_the_other(house: House, centre: Centre) -> None:
    (alert,) = (await centre.sends(cap(info(language="en", headline="Flood"), info())))["alerts"]
    words = (await centre.alert(alert))["announcement_id"]
    said = (await (await house.signed_in(PROVINCE, "xem")).get(f"/api/v1/announcements/{words}")).json()
    assert (said["language"], said["second"]["language"]) == ("vi", "en")


async def test_what_would_begin_later_sounds_later(house: House, centre: Centre) -> None:
    later = info().replace("<expires>", "<effective>2026-11-23T13:00:00+07:00</effective><expires>")
    await centre.sends(cap(later))
    (alert,) = await told(house)
    assert alert.starts_at == NOON + timedelta(hours=1)


async def test_a_flood_of_alerts_is_held_back_and_nothing_of_it_is_lost(house: House, centre: Centre) -> None:
    for number in range(ACTIVATIONS_MAX):
        await centre.sends(cap(identifier=f"n{number}"))
    assert (await centre.sends(cap(identifier="more"), 429))["code"] == "too_many_attempts"
    house.clock.advance(timedelta(hours=1, seconds=1))
    assert len((await centre.sends(cap(identifier="more")))["alerts"]) == 1
    assert len(await told(house)) == ACTIVATIONS_MAX + 1


async def test_what_is_refused_has_the_number_that_others_know(centre: Centre) -> None:
    await centre.sends(cap())
    refusals = [
        (cap(), 409, 201),
        (cap(identifier="o", kind="Cancel"), 422, 207),
        (cap(info(places=area(code("01"))), identifier="p"), 403, 214),
        (cap(info(places=area("<circle>1,2</circle>")), identifier="q"), 422, 213),
        (b"<x/>", 422, None),
        (b"", 400, None),
        (b"\xff\x00", 400, None),
    ]
    for data, status, number in refusals:
        assert (await centre.sends(data, status)).get("number") == number, data


async def test_the_newest_that_was_refused_is_remembered_beside_the_trail(house: House, centre: Centre) -> None:
    await centre.sends(b"<x/>", 422)
    await centre.sends(cap(info(places=area(code("99999")))), 403)
    async with house.database.reading() as session:
        (refusal,) = (await session.scalars(select(CapRefusal))).all()
    assert (refusal.sender_id, refusal.at, refusal.code) == (centre.made["id"], NOON, "cap_outside_area")
    assert [each.key for each in await trail(house, kind="refusal")][-1:] == ["cap_outside_area"]


async def test_only_a_senders_own_token_sends(house: House, centre: Centre) -> None:
    for client in (house.browser(), centre.officer, house.browser(Authorization="Bearer x")):
        assert (await client.post("/api/v1/cap", content=cap())).status_code == 401
    assert (await centre.admin.delete(f"{centre.path}/token")).status_code == 204
    await centre.sends(cap(), 401)


async def test_a_sender_is_made_in_person_by_an_administrator_of_its_area(house: House, centre: Centre) -> None:
    wish = {"title": "X", "area_code": PROVINCE}
    assert (await centre.officer.post("/api/v1/cap/senders", json=wish)).status_code == 403
    program = await house.signed_in(PROVINCE, "may", roles=(Role.ADMINISTRATOR,))
    assert (await program.post("/api/v1/cap/senders", json=wish)).json()["code"] == "not_in_person"
    neighbour = await house.in_person(NEIGHBOUR, "lang-gieng", roles=(Role.ADMINISTRATOR,))
    assert (await neighbour.post("/api/v1/cap/senders", json=wish)).status_code == 422
    assert (await neighbour.get(centre.path)).status_code == 404
    bad = await centre.admin.post("/api/v1/cap/senders", json=wish | {"certificates": ["no certificate"]})
    assert bad.json()["code"] == "cap_certificate"


async def test_a_sender_is_edited_with_its_ladder(house: House, centre: Centre) -> None:
    etag = (await centre.admin.get(centre.path)).headers["ETag"]
    ladder = {"rungs": [{"severity": ["Moderate"], "priority": 3}]}
    answer = await centre.admin.patch(centre.path, json={"ladder": ladder}, headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text
    assert not (await centre.sends(cap(info(severity="Moderate"))))["held"]
    assert len(await told(house)) == 1
    listed = (await centre.admin.get(f"{centre.path}/messages")).json()["items"]
    assert [each["identifier"] for each in listed] == ["VN-2026-0001"]


async def test_what_a_feed_brings_becomes_an_alert(house: House) -> None:
    centre = await Centre.of(house, certificates=[PEM])
    async with WebServer().running() as server:
        entry = "<entry><id>one</id><link href='/one.xml'/></entry>"
        server.answers |= {
            "/feed": Answer(f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'.encode()),
            "/one.xml": Answer(signed(cap())),
        }
        made = await centre.admin.post(f"{centre.path}/feeds", json={"url": server.url("/feed")})
        assert made.status_code == 201, made.text
        await look(house.runtime)
        assert len(await told(house)) == 1
        again = await centre.admin.post(f"{centre.path}/feeds", json={"url": server.url("/feed")})
        assert again.status_code == 409
        (feed,) = (await centre.admin.get(f"{centre.path}/feeds")).json()
        assert feed["failures"] == 0
        assert (await centre.admin.delete(f"{centre.path}/feeds/{feed['id']}")).status_code == 204
        house.clock.advance(timedelta(minutes=2))
        await look(house.runtime)
        assert server.targets.count("/feed") == 1


async def test_a_feed_that_brings_too_much_is_read_again_later(house: House) -> None:
    centre = await Centre.of(house, certificates=[PEM])
    names = [f"n{number}" for number in range(ACTIVATIONS_MAX + 1)]
    async with WebServer().running() as server:
        entries = "".join(f"<entry><id>{name}</id><link href='/{name}.xml'/></entry>" for name in names)
        server.answers["/feed"] = Answer(f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode())
        server.answers |= {f"/{name}.xml": Answer(signed(cap(identifier=name))) for name in names}
        await centre.admin.post(f"{centre.path}/feeds", json={"url": server.url("/feed")})
        await look(house.runtime)
        assert len(await told(house)) == ACTIVATIONS_MAX
        house.clock.advance(timedelta(hours=1, seconds=1))
        await look(house.runtime)
        assert len(await told(house)) == ACTIVATIONS_MAX + 1


async def test_a_sender_that_is_put_away_is_heard_no_more_until_it_is_brought_back(house: House) -> None:
    centre = await Centre.of(house, certificates=[PEM])
    async with WebServer().running() as server:
        entry = "<entry><id>one</id><link href='/one.xml'/></entry>"
        server.answers |= {
            "/feed": Answer(f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'.encode()),
            "/one.xml": Answer(signed(cap())),
        }
        await centre.admin.post(f"{centre.path}/feeds", json={"url": server.url("/feed")})
        away = await centre.admin.patch(centre.path, json={"retired": True}, headers={"If-Match": "*"})
        assert (away.json()["retired"], away.json()["sends"]) == (True, False)
        await centre.sends(signed(cap()), 401)
        await look(house.runtime)
        assert (server.targets, await told(house)) == ([], ())

        assert (await centre.admin.get("/api/v1/cap/senders")).json()["items"] == []
        listed = (await centre.admin.get("/api/v1/cap/senders?retired=true")).json()["items"]
        assert [each["id"] for each in listed] == [centre.made["id"]]
        for refused in (
            await centre.admin.patch(centre.path, json={"title": "Khác"}, headers={"If-Match": "*"}),
            await centre.admin.post(f"{centre.path}/token"),
            await centre.admin.post(f"{centre.path}/feeds", json={"url": "https://kttv.example.vn/feed"}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (409, "conflict")

        back = await centre.admin.patch(centre.path, json={"retired": False}, headers={"If-Match": "*"})
        assert back.json()["sends"]
        await look(house.runtime)
        assert len(await told(house)) == 1
        await centre.sends(signed(cap(identifier="two")))


async def test_what_was_being_fetched_of_a_sender_that_is_put_away_meanwhile_is_not_taken(house: House) -> None:
    centre = await Centre.of(house)
    async with house.database.transaction() as session:
        feed = CapFeed(sender_id=centre.made["id"], url="https://kttv.example.vn/feed")
        session.add(feed)
    await centre.admin.patch(centre.path, json={"retired": True}, headers={"If-Match": "*"})
    await house.runtime.parts[FeedReader].take(feed, Arrival("https://kttv.example.vn/one", cap()), NOON)
    assert await told(house) == ()


async def test_a_feed_says_how_often_it_is_read_and_what_is_wrong_with_it(house: House) -> None:
    centre = await Centre.of(house, certificates=[PEM])
    async with WebServer().running() as server:
        server.answers["/feed"] = Answer(b'<feed xmlns="http://www.w3.org/2005/Atom"/>')
        wish = {"url": server.url("/feed"), "interval_s": 600}
        made = (await centre.admin.post(f"{centre.path}/feeds", json=wish)).json()
        for minutes in (0, 9):
            house.clock.advance(timedelta(minutes=minutes))
            await look(house.runtime)
        assert len(server.targets) == 1
        path = f"{centre.path}/feeds/{made['id']}"
        server.answers.clear()
        edited = await centre.admin.patch(path, json={"interval_s": 60})
        assert (edited.status_code, edited.json()["interval_s"]) == (200, 60)
        await look(house.runtime)
        assert len(server.targets) == 2
        (feed,) = (await centre.admin.get(f"{centre.path}/feeds")).json()
        assert (feed["problem"], feed["failures"]) == ("refused", 1)
        assert (await centre.admin.patch(path, json={"interval_s": 5})).status_code == 422


async def test_an_unsigned_feed_must_be_https(centre: Centre) -> None:
    answer = await centre.admin.post(f"{centre.path}/feeds", json={"url": "http://kttv.example.vn/feed"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "url")


def test_each_alert_that_ends_is_followed_by_what_reaches_the_same_people():
    here, there = frozenset({(TargetKind.AREA, "a")}), frozenset({(TargetKind.AREA, "b")})
    one, two, three = AlertId("1"), AlertId("2"), AlertId("3")
    elsewhere = frozenset({(TargetKind.AREA, "c")})
    assert successors([here, there], {one: there, two: here, three: elsewhere}) == [{two, three}, {one}]


async def test_an_emergency_has_the_siren_and_the_repeats_of_its_hazard_and_an_update_those_of_its_own(
    house: House, centre: Centre
) -> None:
    await centre.sends(cap(info(event="Sóng thần mức 3")))
    (alert,) = await told(house)
    assert (alert.signal, alert.repeat.first_gaps_s, alert.repeat.then_every_s) == ("flood-3", (300, 300), 1200)
    assert alert.signal_ms == length_ms(Signal.FLOOD_3)
    await centre.sends(update("u1", info(event="Động đất")))
    (alert,) = await told(house)
    assert (alert.signal, alert.repeat) == ("attention", RepeatPlan())


async def test_what_is_no_emergency_or_an_exercise_has_no_siren_and_sounds_once(house: House, centre: Centre) -> None:
    (waiting,) = (await centre.sends(cap(info(event="Bão", severity="Moderate"))))["alerts"]
    row = await centre.alert(waiting)
    assert (row["signal"], row["repeat"]) == ("attention", {"first_gaps_s": [], "then_every_s": None})
    await centre.sends(cap(info(event="Bão"), status="Exercise", identifier="e"))
    (alert,) = await told(house)
    assert (alert.signal, alert.repeat) == ("exercise", RepeatPlan())
