"""Standing messages: whose words hold where, who keeps their sound, and what a release has ready because of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from controller.accounts.roles import Role
from controller.alerts.keeping import alerting
from controller.alerts.standing import STANDING, Hazard
from controller.announcements.models import Announcement, Status
from controller.announcements.repository import RenderingQueue
from controller.areas.models import Area
from controller.audit.models import AuditEntry
from controller.broadcasting import planning
from controller.content.models import Clip
from controller.content.repository import ClipRepository
from controller.content.service import store_of
from controller.events import AnnouncementSettled, DeviceChanged, record_event
from controller.link.models import RetainedDocument
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from controller.standing.keeping import begin, telling
from controller.standing.sets import AREAS_DEEP, Worded, kept
from protocol import topics
from protocol.messages import AlertSet, standing_digest
from protocol.signing import verify
from tests.support.broadcasts import config_of, keys_of
from tests.support.controller import House, open_house
from tests.support.postgres import Cluster
from tests.support.site import state_of

COMMUNE, NEIGHBOUR = "07339", "07444"
TARGET = f"area:{COMMUNE}"
OWN = {"headline": "Bão vào Tân Yên", "text": "Bão sắp đổ bộ vào Tân Yên. Bà con ở trong nhà kiên cố."}


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> AsyncIterator[House]:
    """A province of two communes, whose messages have begun; their sound is made by the tests."""
    url = await cluster.migrated() if request.param == "postgresql" else ""
    services = (planning, alerting, telling)
    async with open_house(tmp_path / "data", database_url=url, services=services, standing_sounds=True) as opened:
        await opened.commune(COMMUNE, speakers=2)
        await opened.commune(NEIGHBOUR, speakers=1)
        assert await begin(opened.runtime) == len(STANDING)
        yield opened


@pytest.fixture
async def officer(house: House) -> httpx.AsyncClient:
    return await house.signed_in(COMMUNE, "truc-ban", roles=(Role.DUTY_OFFICER,))


async def make_sounds(house: House, *, failing: str = "") -> dict[str, str]:
    """Have the workshop's work done: each sound by the text that it says."""
    async with house.database.reading() as session:
        waiting = await session.scalars(select(Announcement.id).where(Announcement.status == Status.PROCESSING))
        ids = list(waiting)
    for id_ in ids:
        async with house.database.transaction() as session:
            row = await session.get_one(Announcement, id_)
            if row.retired_at is not None:
                continue
            record_event(session, AnnouncementSettled(id_))
            if failing and failing in row.text:
                row.status, row.error_code, row.error_vi, row.error_en = Status.FAILED, "voice", "Hỏng", "Broken"
                continue
            stored = store_of(house.runtime).put(f"sound of {row.text} {row.second_text}".encode())
            await session.merge(
                Clip(
                    sha256=stored.sha256, size_bytes=stored.size_bytes, duration_ms=9000,
                    media_type="audio/ogg; codecs=opus", created_at=house.clock.now,
                )
            )  # fmt: skip
            await session.flush()
            row.status, row.clip_sha256, row.duration_ms = Status.READY, stored.sha256, 9000
    async with house.database.reading() as session:
        made = await session.scalars(select(Announcement).where(Announcement.clip_sha256.is_not(None)))
        return {row.text: str(row.clip_sha256) for row in made}


async def holds(client: httpx.AsyncClient, hazard: Hazard = Hazard.STORM, area: str = COMMUNE) -> dict[str, Any]:
    """What holds in an area for a hazard."""
    answer = await client.get(f"/api/v1/areas/{area}/standing")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = next(each for each in answer.json() if each["hazard"] == hazard)
    return found


async def word(
    client: httpx.AsyncClient, area: str = COMMUNE, hazard: str = "storm", *, tag: str = "", **wish: Any
) -> httpx.Response:
    return await client.put(
        f"/api/v1/areas/{area}/standing/{hazard}", json=OWN | wish, headers={"If-Match": tag or "*"}
    )


async def draft(client: httpx.AsyncClient, text: str, status: int = 201, **more: Any) -> dict[str, Any]:
    wish = {"area_code": COMMUNE, "headline": "Bão", "text": text, "targets": [{"kind": "area", "key": COMMUNE}]}
    answer = await client.post("/api/v1/alerts", json=wish | more)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def two_release(house: House) -> None:
    """Have the commune's alerts released by a second person."""
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"release": "second_person"}


def default(hazard: Hazard) -> str:
    return next(each.text for each in STANDING if each.code is hazard)


async def test_an_area_has_the_words_from_above_until_it_has_its_own_and_again_after_a_reset(house: House) -> None:
    province = await house.signed_in("24", "tinh", roles=(Role.DUTY_OFFICER,))
    commune = await house.signed_in(COMMUNE, "xa", roles=(Role.ADMINISTRATOR,))
    assert (await holds(commune))["text"] == default(Hazard.STORM)
    assert (await holds(commune))["area_code"] is None
    assert (await word(province, "24", headline="Bão vào Bắc Ninh")).status_code == 200
    inherited = await holds(commune)
    assert (inherited["headline"], inherited["area_code"], inherited["own"]) == ("Bão vào Bắc Ninh", "24", False)
    own = (await word(commune)).json()
    assert (own["headline"], own["own"], own["author"], own["status"]) == (OWN["headline"], True, "xa", "processing")
    assert (await holds(province, area=NEIGHBOUR))["headline"] == "Bão vào Bắc Ninh"
    again = await commune.delete(f"/api/v1/areas/{COMMUNE}/standing/storm", headers={"If-Match": "*"})
    assert (again.json()["headline"], again.json()["own"]) == ("Bão vào Bắc Ninh", False)
    gone = await commune.delete(f"/api/v1/areas/{COMMUNE}/standing/storm", headers={"If-Match": "*"})
    assert gone.status_code == 404


async def tag_of(client: httpx.AsyncClient, hazard: Hazard = Hazard.STORM, area: str = COMMUNE) -> str:
    answer = await client.get(f"/api/v1/areas/{area}/standing/{hazard}")
    assert answer.status_code == 200, answer.text
    tag = answer.headers["ETag"]
    assert tag == f'"{answer.json()["version"]}"' == f'"{(await holds(client, hazard, area))["version"]}"'
    return tag


async def test_an_edit_says_which_words_it_edits_and_a_lost_race_is_told(house: House) -> None:
    lan = await house.signed_in(COMMUNE, "lan", roles=(Role.DUTY_OFFICER,))
    minh = await house.signed_in(COMMUNE, "minh", roles=(Role.DUTY_OFFICER,))
    path = f"/api/v1/areas/{COMMUNE}/standing/storm"
    for unsaid in (await lan.put(path, json=OWN), await lan.delete(path)):
        assert (unsaid.status_code, unsaid.json()["code"]) == (428, "precondition_required")
    read = await tag_of(lan)
    first = await word(minh, tag=read, headline="Bão của Minh")
    assert first.headers["ETag"] == await tag_of(lan) != read
    assert (await word(lan, tag=read, headline="Bão của Lan")).status_code == 412
    assert (await lan.delete(path, headers={"If-Match": read})).status_code == 412
    assert (await holds(lan))["headline"] == "Bão của Minh"
    assert (await word(lan, tag=await tag_of(lan), headline="Bão của Lan")).status_code == 200
    back = await lan.delete(path, headers={"If-Match": await tag_of(lan)})
    assert (back.status_code, back.headers["ETag"]) == (200, read)


async def test_words_that_came_anew_are_not_those_that_were_read(house: House) -> None:
    province = await house.signed_in("24", "tinh", roles=(Role.DUTY_OFFICER,))
    commune = await house.signed_in(COMMUNE, "xa", roles=(Role.DUTY_OFFICER,))
    inherited = await tag_of(commune)
    await word(province, "24", headline="Bão vào Bắc Ninh")
    assert (await word(commune, tag=inherited)).status_code == 412
    await word(commune)
    own = await tag_of(commune)
    await commune.delete(f"/api/v1/areas/{COMMUNE}/standing/storm", headers={"If-Match": own})
    await word(commune, text="Bão rất mạnh vào đêm nay.")
    assert (await word(commune, tag=own)).status_code == 412


async def test_of_two_edits_at_once_one_is_told_that_it_lost(house: House) -> None:
    lan = await house.signed_in(COMMUNE, "lan", roles=(Role.DUTY_OFFICER,))
    minh = await house.signed_in(COMMUNE, "minh", roles=(Role.DUTY_OFFICER,))
    for _ in range(3):
        tag = await tag_of(lan)
        both = await asyncio.gather(word(lan, tag=tag, headline=f"Lan {tag}"), word(minh, tag=tag, headline=f"M {tag}"))
        assert sorted(each.status_code for each in both) == [200, 412]


async def test_an_all_clear_has_no_blank_that_nobody_would_fill_in(officer: httpx.AsyncClient) -> None:
    refusal = await word(officer, hazard="all_clear", text="{nơi} đã an toàn.")
    assert refusal.status_code == 422
    assert [each["field"] for each in refusal.json()["errors"]] == ["text"]


async def test_the_country_goes_back_to_what_came_with_the_system(house: House) -> None:
    country = await house.signed_in("VN", "trung-uong")
    await word(country, "VN")
    await make_sounds(house)
    back = await country.delete("/api/v1/areas/VN/standing/storm", headers={"If-Match": "*"})
    assert (back.json()["text"], back.json()["area_code"]) == (default(Hazard.STORM), None)
    assert await begin(house.runtime) == 0


async def test_only_who_alerts_or_administers_words_them_and_only_in_their_own_area(house: House) -> None:
    maker = await house.signed_in(COMMUNE, "bien-tap", roles=(Role.BROADCASTER, Role.APPROVER, Role.TECHNICIAN))
    assert (await word(maker)).status_code == 403
    officer = await house.signed_in(COMMUNE, "truc", roles=(Role.DUTY_OFFICER,))
    for elsewhere in ("24", NEIGHBOUR, "99999"):
        assert (await word(officer, elsewhere)).status_code == 404
    assert (await word(officer, hazard="locusts")).status_code == 422
    found = (await officer.get("/api/v1/announcements")).json()["items"]
    assert found == []  # a standing message is edited here, with the right to it, and nowhere else


async def test_an_edit_is_in_the_trail_and_says_what_was_said_before(house: House, officer: httpx.AsyncClient) -> None:
    await word(officer)
    await word(officer, text="Bão rất mạnh.")
    async with house.database.reading() as session:
        entries = await session.scalars(select(AuditEntry).where(AuditEntry.kind == "standing_message"))
        mine = [entry for entry in entries if entry.actor == "truc-ban"]
    assert [entry.action for entry in mine] == ["created", "changed"]
    assert json.loads(mine[1].changes)["text"] == [OWN["text"], "Bão rất mạnh."]


async def test_a_speaker_keeps_the_sound_of_its_own_area_and_of_all_above(
    house: House, officer: httpx.AsyncClient
) -> None:
    shipped = await make_sounds(house)
    assert len(shipped) == len(STANDING)
    kept_here = await config_of(house, f"{COMMUNE}-1")
    assert {clip.sha256 for clip in kept_here.standing} == set(shipped.values())
    version = kept_here.version
    await word(officer)
    assert (await config_of(house, f"{COMMUNE}-1")).version == version  # nothing to keep yet: nobody is told
    sounds = await make_sounds(house)
    assert {clip.sha256 for clip in (await config_of(house, f"{COMMUNE}-1")).standing} == set(sounds.values())
    assert sounds[OWN["text"]] in sounds.values()
    assert len((await config_of(house, f"{NEIGHBOUR}-1")).standing) == len(STANDING)


async def test_speakers_are_told_once_of_all_that_an_area_worded(house: House) -> None:
    async with house.database.reading() as session:
        before = await session.get(RetainedDocument, topics.device(f"{COMMUNE}-1", topics.Channel.CONFIG))
    assert before is None  # eight sounds are on their way, and none of them is worth an order of its own
    await make_sounds(house)
    assert len((await config_of(house, f"{COMMUNE}-1")).standing) == len(STANDING)


async def test_planning_again_says_nothing_new_of_what_is_kept(house: House) -> None:
    await make_sounds(house)
    version = (await config_of(house, f"{COMMUNE}-1")).version
    house.clock.advance(timedelta(days=3))
    async with house.database.transaction() as session:
        record_event(session, DeviceChanged(f"{COMMUNE}-1"))
    assert (await config_of(house, f"{COMMUNE}-1")).version == version


async def test_an_alert_in_standing_words_has_its_sound_at_once_and_sends_none(
    house: House, officer: httpx.AsyncClient
) -> None:
    await make_sounds(house)
    await word(officer, second={"language": "en", "text": "A storm is coming."})
    sounds = await make_sounds(house)
    assert not (await draft(officer, OWN["text"] + " Đêm nay."))["words_ready"]
    alert = await draft(officer, OWN["text"])
    assert alert["words_ready"]
    second = await house.signed_in(COMMUNE, "nguoi-hai", roles=(Role.DUTY_OFFICER,))
    await two_release(house)
    released = await second.post(f"/api/v1/alerts/{alert['id']}/release", json={"seen": alert["digest"]})
    assert released.status_code == 200, released.text
    async with house.database.reading() as session:
        row = await session.get_one(RetainedDocument, topics.alerts(TARGET))
    told = verify(row.payload, AlertSet, audiences=[TARGET], keys=keys_of(house), now=house.clock.now).body
    assert [clip.sha256 for clip in told.alerts[0].message] == [sounds[OWN["text"]]]
    assert sounds[OWN["text"]] in {clip.sha256 for clip in (await config_of(house, f"{COMMUNE}-1")).standing}
    assert row.content_sha256 is None


async def test_only_the_very_words_in_both_languages_have_their_sound_at_once(
    house: House, officer: httpx.AsyncClient
) -> None:
    await make_sounds(house)
    second = {"language": "en", "text": "A storm is coming."}
    await word(officer, second=second)
    await make_sounds(house)
    assert (await draft(officer, OWN["text"], second=second))["words_ready"]
    for other in (None, second | {"text": "A storm."}, second | {"language": "cmn"}):
        alert = await draft(officer, OWN["text"], second=other)
        assert not alert["words_ready"], other
        assert (alert["second"] or {}).get("text") == (other or {}).get("text")
    await draft(officer, OWN["text"], 422, second=second | {"text": "Go to {place}."})
    await draft(officer, "", 422, second=second)


async def test_an_active_alert_keeps_the_sound_of_words_that_were_changed_since(
    house: House, officer: httpx.AsyncClient
) -> None:
    sounds = await make_sounds(house)
    await word(officer)
    sounds = await make_sounds(house)
    await draft(officer, OWN["text"])
    await word(officer, text="Bão đã đổi hướng.")
    async with house.database.reading() as session:
        assert sounds[OWN["text"]] in await ClipRepository(session).needed(house.clock.now)


async def test_what_somebody_waits_for_is_made_before_what_is_made_beforehand(house: House) -> None:
    maker = await house.signed_in(COMMUNE, "bien-tap", roles=(Role.BROADCASTER,))
    wish = {"title": "Tin", "text": "Họp thôn tối nay.", "area_code": COMMUNE}
    typed = (await maker.post("/api/v1/announcements", json=wish)).json()["id"]
    async with house.database.reading() as session:
        first, second = await RenderingQueue(session).waiting((), 2)
    assert first.id == typed
    assert second.text == default(Hazard.STORM)


async def test_a_blank_is_filled_in_before_it_can_be_raised(house: House, officer: httpx.AsyncClient) -> None:
    await make_sounds(house)
    text = "Đập {tên đập} xả lũ. Bà con rời bờ sông."
    worded = (await word(officer, hazard="dam", text=text)).json()
    assert (worded["blanks"], worded["status"], worded["clip"]) == (["tên đập"], None, None)
    refusal = await draft(officer, text, 422)
    assert refusal["errors"][0]["message"] == "Fill in the blank “tên đập”"
    await draft(officer, text.replace("{tên đập}", "Cấm Sơn"))
    both = await word(officer, text=text, second={"language": "en", "text": "The dam opens."})
    assert both.status_code == 422


async def test_a_message_whose_sound_cannot_be_made_says_so_and_is_typed_anew_when_raised(
    house: House, officer: httpx.AsyncClient
) -> None:
    await word(officer)
    await make_sounds(house, failing=OWN["text"])
    failed = await holds(officer)
    assert (failed["status"], failed["error"]["en"]) == ("failed", "Broken")
    alert = await draft(officer, OWN["text"])
    assert not alert["words_ready"]
    assert (await word(officer)).json()["status"] == "processing"  # saying it again tries it again


async def test_who_holds_an_old_set_is_named(house: House, officer: httpx.AsyncClient) -> None:
    sounds = await make_sounds(house)
    digest = standing_digest(sounds.values())
    for device, held in ((f"{COMMUNE}-1", digest), (f"{COMMUNE}-2", "0" * 16)):
        async with house.database.transaction() as session:
            report = state_of(device, at=house.clock.now, standing=held)
            await MonitoringService(session, hub_of(house.runtime)).take_state(
                report, now=house.clock.now, retained=False
            )
    here = f"/api/v1/areas/{COMMUNE}/standing/speakers"
    assert [each["current"] for each in (await officer.get(here)).json()] == [True, False]
    assert [each["device"] for each in (await officer.get(here, params={"old": "true"})).json()] == [f"{COMMUNE}-2"]
    await word(officer)
    await make_sounds(house)
    assert len((await officer.get(here, params={"old": "true"})).json()) == 2
    assert (await officer.get(f"/api/v1/areas/{NEIGHBOUR}/standing/speakers")).status_code == 404


async def test_a_kept_clip_may_be_fetched_anew_and_listened_to_below(house: House, officer: httpx.AsyncClient) -> None:
    await make_sounds(house)
    clip = (await holds(officer))["clip"]
    assert (await officer.get(f"/content/{clip}")).status_code == 200
    async with house.database.reading() as session:
        assert await ClipRepository(session).needed_by(f"{COMMUNE}-1", clip, house.clock.now)


async def test_the_all_clear_is_said_in_the_areas_own_words(house: House, officer: httpx.AsyncClient) -> None:
    listed = (await officer.get("/api/v1/alerts/standing")).json()
    assert [each["code"] for each in listed] == [each for each in Hazard if each is not Hazard.ALL_CLEAR]
    await word(officer, hazard="all_clear", text="Tân Yên đã an toàn.")
    await make_sounds(house)
    await two_release(house)
    alert = await draft(officer, "Cháy ở chợ.")
    second = await house.signed_in(COMMUNE, "nguoi-hai", roles=(Role.DUTY_OFFICER,))
    await second.post(f"/api/v1/alerts/{alert['id']}/release", json={"seen": alert["digest"]})
    await officer.post(f"/api/v1/alerts/{alert['id']}/cancel", json={})
    async with house.database.reading() as session:
        row = await session.get_one(RetainedDocument, topics.alerts(TARGET))
    (told,) = verify(row.payload, AlertSet, audiences=[TARGET], keys=keys_of(house), now=house.clock.now).body.alerts
    kept_clips = {clip.sha256 for clip in (await config_of(house, f"{COMMUNE}-1")).standing}
    assert told.ends
    assert {clip.sha256 for clip in told.message} <= kept_clips
    assert told.message


async def test_a_speaker_that_may_raise_an_alarm_is_told_the_words_in_force_of_each_danger(
    house: House, officer: httpx.AsyncClient
) -> None:
    shipped = await make_sounds(house)
    assert (await config_of(house, f"{COMMUNE}-1")).alarm_words == ()
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"local_alarm": True}
        record_event(session, DeviceChanged(f"{COMMUNE}-1"))

    async def said() -> dict[str, tuple[str, str, str]]:
        config = await config_of(house, f"{COMMUNE}-1")
        assert {each.clip for each in config.alarm_words} <= {clip.sha256 for clip in config.standing}
        return {each.hazard: (each.headline, each.signal, each.clip) for each in config.alarm_words}

    dangers = [each for each in STANDING if each.code not in {Hazard.ALL_CLEAR, Hazard.EXERCISE}]
    assert await said() == {each.code: (each.headline, each.signal, shipped[each.text]) for each in dangers}
    await word(officer)
    sounds = await make_sounds(house)
    assert (await said())["storm"] == (OWN["headline"], "storm", sounds[OWN["text"]])
    await word(officer, text="Bão số {số} vào xã ta.")
    assert "storm" not in await said()  # not the country's words either: somebody here has others


async def test_while_new_words_have_no_sound_speakers_keep_the_last_that_had_one(
    house: House, officer: httpx.AsyncClient
) -> None:
    await make_sounds(house)
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"local_alarm": True}

    async def planned_anew() -> dict[str, str]:
        async with house.database.transaction() as session:
            record_event(session, DeviceChanged(f"{COMMUNE}-1"))
        config = await config_of(house, f"{COMMUNE}-1")
        assert {each.clip for each in config.alarm_words} <= {clip.sha256 for clip in config.standing}
        return {each.headline: each.clip for each in config.alarm_words if each.hazard == "storm"}

    await word(officer)
    first = {OWN["headline"]: (await make_sounds(house))[OWN["text"]]}
    await word(officer, headline="Bão lớn", text="Bão rất mạnh.")
    assert await planned_anew() == first
    await word(officer, headline="Bão lớn", text="Bão mạnh cấp 12.")
    await make_sounds(house, failing="cấp 12")
    assert await planned_anew() == first
    async with house.database.reading() as session:
        clips, (clip,) = ClipRepository(session), first.values()
        assert await clips.needed_by(f"{COMMUNE}-1", clip, house.clock.now)
        assert clip in await clips.needed(house.clock.now + timedelta(days=400))
    maker = await house.signed_in(COMMUNE, "bien-tap", roles=(Role.BROADCASTER,))
    shelf = (await maker.get("/api/v1/announcements", params={"retired": "true"})).json()["items"]
    assert OWN["text"] not in {each["text"] for each in shelf}  # nobody words it otherwise there
    await word(officer, headline="Bão lớn", text="Bão mạnh cấp 13.")
    sounds = await make_sounds(house)
    assert await planned_anew() == {"Bão lớn": sounds["Bão mạnh cấp 13."]}


@pytest.mark.parametrize("wish", [{"text": "Bão số {số} vào xã ta."}, None])
async def test_words_that_are_taken_back_are_named_no_more_at_once(
    house: House, officer: httpx.AsyncClient, wish: dict[str, str] | None
) -> None:
    await make_sounds(house)
    await word(officer)
    old = (await make_sounds(house))[OWN["text"]]
    await word(officer, text="Bão rất mạnh.")  # its sound is being made
    if wish is None:
        await officer.delete(f"/api/v1/areas/{COMMUNE}/standing/storm", headers={"If-Match": "*"})
    else:
        await word(officer, **wish)
    assert old not in {clip.sha256 for clip in (await config_of(house, f"{COMMUNE}-1")).standing}


def test_a_speaker_deep_in_the_tree_keeps_the_nearest_areas_messages() -> None:
    chain = tuple(f"a{depth}" for depth in range(AREAS_DEEP + 2))
    worded = {code: [Worded(Hazard.FIRE, code.ljust(64, "0"))] for code in chain}
    clips = kept(chain, worded).clips
    assert [clip[:2] for clip in clips] == list(reversed(chain))[:AREAS_DEEP]


def test_a_set_has_one_name_whatever_its_order() -> None:
    assert standing_digest(["b" * 64, "a" * 64, "a" * 64]) == standing_digest(["a" * 64, "b" * 64])
    assert standing_digest([]) == ""
    assert standing_digest(["a" * 64]) != standing_digest(["b" * 64])
