"""The page of one alert."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from audio.signals import ABOUT, Signal
from controller.accounts.roles import Role
from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertRow
from controller.alerts.repository import ReachRepository
from controller.alerts.standing import Repeats
from controller.announcements.models import Announcement, Status
from protocol.messages import AlertPhase
from schedules.types import Priority
from tests.support.alert_desk import COMMUNE, Desk, report, says, written
from tests.support.controller import House


@pytest.mark.parametrize(
    ("more", "often"),
    [
        ({"repeats": "tsunami"}, Repeats.TSUNAMI.words().vi),
        ({"repeat": {"first_gaps_s": [90], "then_every_s": 240}}, "lặp lại theo kế hoạch riêng"),
    ],
)
async def test_a_draft_says_with_which_signal_it_sounds_and_how_often(
    house: House, more: dict[str, object], often: str
):
    await house.commune(COMMUNE, speakers=1)
    desk = await Desk.of(house, "lan")
    draft = await desk.draft(**more)
    page = (await (await house.in_person(COMMUNE, "minh")).get(f"/emergency/{draft['id']}")).text
    assert re.findall(r"data-heard>([^<]+)<", page) == [f"{ABOUT[Signal.FLOOD_3].name_vi} · {often}"]


async def test_two_officers_let_an_alert_live_longer_and_one_alone_is_told_why_not(house: House):
    await house.commune(COMMUNE, speakers=1)
    await says(house, COMMUNE, {"release": "second_person"})
    maker, releaser = await Desk.of(house, "lan"), await Desk.of(house, "minh")
    draft = await maker.draft(lifetime_s=3600)
    await releaser.release(draft)
    here, until = f"/emergency/{draft['id']}", house.clock.now + timedelta(hours=6)
    alone, other = await house.in_person(COMMUNE, "minh-web"), await house.in_person(COMMUNE, "tam")
    assert "lifetime_h" in (await alone.get(here)).text

    assert (await other.post(f"{here}/prolong", data={"lifetime_h": "6"})).status_code == 303
    assert (await maker.get(f"/api/v1/alerts/{draft['id']}"))["expires_at"] == until.isoformat().replace("+00:00", "Z")
    again = await other.post(f"{here}/prolong", data={"lifetime_h": "12"})
    assert again.status_code == 403
    assert 'role="alert"' in again.text
    for nonsense in ("", "x", "0", "9999"):
        assert (await alone.post(f"{here}/prolong", data={"lifetime_h": nonsense})).status_code == 422
    assert (await maker.get(f"/api/v1/alerts/{draft['id']}"))["expires_at"] == until.isoformat().replace("+00:00", "Z")


async def test_what_takes_the_place_of_an_alert_begins_as_that_one_and_silences_it_when_it_is_released(house: House):
    await house.commune(COMMUNE, speakers=2)
    await says(house, COMMUNE, {"release": "second_person"})
    maker, releaser = await Desk.of(house, "lan"), await Desk.of(house, "minh")
    first = await maker.draft(text="Nước đang lên.", repeats="every_10_min", lifetime_s=7200)
    officer = await house.in_person(COMMUNE, "tam")
    assert "/emergency?replaces=" not in (await officer.get(f"/emergency/{first['id']}")).text
    await releaser.release(first)

    assert f"/emergency?replaces={first['id']}" in (await officer.get(f"/emergency/{first['id']}")).text
    page = (await officer.get(f"/emergency?replaces={first['id']}")).text
    fields = dict(re.findall(r'<input[^>]* name="(headline|replaces)" value="([^"]*)"', page))
    chosen = dict(re.findall(r'<select name="(\w+)"[^>]*>.*?<option value="([^"]+)" selected', page))
    assert (fields, chosen) == (
        {"headline": first["headline"], "replaces": first["id"]},
        {"signal": "flood-3", "repeats": "every_10_min", "lifetime_h": "2", "stagger_s": "0"},
    )
    assert re.search(r'name="area" value="07339" checked', page)
    assert "Nước đang lên." in page
    wish = fields | chosen | {"kind": "actual", "text": "Nước đã vượt báo động III.", "area": COMMUNE}
    assert (await officer.post("/emergency", data=wish | {"headline": ""})).text.count('name="replaces"') == 1
    made = (await officer.post("/emergency", data=wish)).headers["location"]
    assert first["headline"] in (await officer.get(made)).text.split('class="plain"')[0].split('class="card decide')[1]

    draft = await maker.get(f"/api/v1/alerts/{made.rsplit('/', 1)[1]}")
    await releaser.release(draft)
    assert (await maker.get(f"/api/v1/alerts/{first['id']}"))["state"] == "replaced"
    assert 'name="replaces"' not in (await officer.get(f"/emergency?replaces={first['id']}")).text, "it is over"


async def test_what_nobody_hears_names_no_signal(house: House):
    await house.commune(COMMUNE, speakers=1)
    desk = await Desk.of(house, "lan")
    draft = await desk.draft(kind="test", silent=True, signal="test-rising")
    page = (await (await house.in_person(COMMUNE, "minh")).get(f"/emergency/{draft['id']}")).text
    assert "data-heard" not in page


async def test_of_many_that_are_silent_a_hundred_are_named_and_the_rest_counted(house: House):
    await house.commune(COMMUNE, speakers=603)
    await says(house, COMMUNE, {"release": "second_person"})
    maker, releaser = await Desk.of(house, "lan"), await Desk.of(house, "minh")
    draft = await maker.draft()
    await releaser.release(draft)
    page = (await (await house.in_person(COMMUNE, "tam")).get(f"/emergency/{draft['id']}")).text
    silent = page.partition('<ul class="silent">')[2].partition("</ul>")
    assert silent[0].count("<li") == 100
    assert "và 503" in silent[2].partition("</section>")[0]


def received(part: str) -> str:
    """How many have it, as the part says that renews itself."""
    found = re.search(r'data-count="received"><dt>[^<]*</dt><dd>([^<]*)</dd>', part)
    assert found is not None
    return found[1]


async def test_all_who_watch_the_same_speakers_are_counted_for_together_and_nobody_sees_anothers(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    other = "07210"
    for code in (COMMUNE, other):
        await house.commune(code, speakers=2)
    await says(house, "24", {"release": "second_person"})
    maker, releaser = await Desk.of(house, "lan", area="24"), await Desk.of(house, "minh", area="24")
    draft = await maker.draft(area_code="24", targets=[{"kind": "area", "key": "24"}])
    await releaser.release(draft)
    await report(house, f"{COMMUNE}-1", draft["id"], AlertPhase.SOUNDING)
    watchers = [await house.in_person(COMMUNE, f"truc-{number}") for number in range(5)]
    watchers.append(await house.in_person(other, "lang-gieng"))
    scopes: list[str] = []
    counts = ReachRepository.counts

    async def counted(self: ReachRepository, viewer: Viewer, alert_id: str) -> Sequence[Mapping[str, Any]]:
        scopes.append(viewer.scope)
        return await counts(self, viewer, alert_id)

    monkeypatch.setattr(ReachRepository, "counts", counted)
    live = f"/parts/alerts/{draft['id']}/live"
    answers = await asyncio.gather(*(each.get(live) for each in watchers))
    assert [received(answer.text) for answer in answers] == ["1"] * 5 + ["0"]
    assert len(scopes) < len(watchers)
    await report(house, f"{COMMUNE}-2", draft["id"], AlertPhase.SOUNDING)
    assert received((await watchers[0].get(live)).text) == "2"


WAVE = {"file": ("lời chủ tịch.wav", b"RIFF....WAVE", "audio/wav")}
FORM = {"kind": "actual", "headline": "Lũ về", "source": "text", "text": "Nước đang lên.", "area": COMMUNE}


def checked(page: str, name: str) -> list[str]:
    """The values of the boxes that a page shows ticked."""
    return re.findall(rf'name="{name}" value="([^"]*)" checked', page)


async def made(officer: httpx.AsyncClient, **more: str) -> dict[str, Any]:
    """Write a draft on the page, and look at it through the API."""
    answer = await officer.post("/emergency", data=FORM | more)
    assert answer.status_code == 303, answer.text
    alert: dict[str, Any] = (await officer.get(f"/api/v1/alerts/{answer.headers['location'].rsplit('/', 1)[1]}")).json()
    return alert


@pytest.fixture
async def officer(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE, speakers=1)
    return await house.in_person(COMMUNE, "lan")


async def test_a_standing_message_brings_its_other_language_which_stays_when_the_words_are_edited(
    officer: httpx.AsyncClient,
):
    words = {"headline": "Lũ", "text": "Nước lên.", "second": {"language": "en", "text": "The water is rising."}}
    put = await officer.put(f"/api/v1/areas/{COMMUNE}/standing/flood", json=words, headers={"If-Match": "*"})
    assert put.is_success, put.text
    page = (await officer.get("/emergency?standing=flood")).text
    assert re.search(r'<option value="en" selected', page)
    assert "The water is rising.</textarea>" in page

    also = {"second_language": "en", "second_text": "The water is rising."}
    edited = await made(officer, text="Nước lên rất nhanh.", **also)
    assert edited["second"] == {"language": "en", "text": "The water is rising.", "voice": None, "source_name": ""}
    draft = (await officer.get(f"/emergency/{edited['id']}")).text
    assert re.search(r'<blockquote lang="en"[^>]*>The water is rising\.<', draft)
    assert (await made(officer, text="Nước lên."))["second"] is None, "the officer took it out"


async def test_words_in_a_language_that_nobody_reads_are_refused_beside_them_and_a_recording_is_taken(
    officer: httpx.AsyncClient,
):
    also = {"second_language": "tyz", "second_text": "Nặm khửn."}
    answer = await officer.post("/emergency", data=FORM | also)
    assert answer.status_code == 422
    assert 'id="error-second"' in answer.text
    assert "Nặm khửn.</textarea>" in answer.text
    recorded = await officer.post("/emergency", data=FORM | also, files={"second_file": WAVE["file"]})
    draft = await officer.get(recorded.headers["location"])
    assert "Tày" in draft.text
    assert "Nước đang lên." in draft.text


async def test_a_recording_that_came_with_a_refused_form_is_chosen_in_the_one_that_comes_back(
    officer: httpx.AsyncClient,
):
    nowhere = {name: value for name, value in FORM.items() if name != "area"}
    refused = await officer.post("/emergency", data=nowhere | {"source": "file"}, files=WAVE)
    assert refused.status_code == 422
    assert checked(refused.text, "source") == ["library"]
    (recording,) = checked(refused.text, "announcement_id")
    alert = await made(officer, source="library", announcement_id=recording, text="")
    assert alert["announcement_id"] == recording
    assert "“Lũ về”" in (await officer.get(f"/emergency/{alert['id']}")).text


async def test_what_takes_the_place_of_a_recorded_alert_begins_with_its_recording(house: House):
    await house.commune(COMMUNE, speakers=1)
    await says(house, COMMUNE, {"release": "second_person"})
    maker, releaser, officer = await Desk.of(house, "lan"), await Desk.of(house, "minh"), await house.in_person(COMMUNE)
    sent = await officer.post("/emergency", data=FORM | {"source": "file"}, files=WAVE)
    alert = await maker.get(f"/api/v1/alerts/{sent.headers['location'].rsplit('/', 1)[1]}")
    await releaser.release(alert)
    page = (await officer.get(f"/emergency?replaces={alert['id']}")).text
    assert checked(page, "source") == ["library"]
    assert checked(page, "announcement_id") == [alert["announcement_id"]]


async def test_a_form_without_a_recording_says_so(officer: httpx.AsyncClient):
    for source in ("file", "library"):
        answer = await officer.post("/emergency", data=FORM | {"source": source})
        assert answer.status_code == 422, source
        assert 'role="alert"' in answer.text


@pytest.mark.parametrize("kind", ["exercise", "actual"])
async def test_an_alert_is_as_loud_as_was_chosen_or_else_as_places_say(officer: httpx.AsyncClient, kind: str):
    chosen, unsaid = await made(officer, kind=kind, volume="30"), await made(officer, kind=kind)
    assert (chosen["volume"], unsaid["volume"]) == (30, None)
    assert "Âm lượng 30 %, không vượt mức trần" in (await officer.get(f"/emergency/{chosen['id']}")).text
    assert "không vượt mức trần" not in (await officer.get(f"/emergency/{unsaid['id']}")).text


async def test_ready_recordings_are_found_by_their_words_and_the_chosen_one_stays(
    house: House, officer: httpx.AsyncClient
):
    body = {"text": "Kính thưa bà con.", "area_code": COMMUNE}
    flood, fire, unready = [
        (await officer.post("/api/v1/announcements", json=body | {"title": title})).json()["id"]
        for title in ("Nước lũ", "Cháy chợ", "Nước máy")
    ]
    async with house.database.transaction() as session:
        for row in await session.scalars(select(Announcement)):
            row.status = Status.PROCESSING if row.id == unready else Status.READY
    found = (await officer.get("/parts/alerts/recordings", params={"q": "nuoc", "announcement_id": fire})).text
    assert re.findall(r'name="announcement_id" value="([^"]*)"', found) == [fire, flood]
    assert checked(found, "announcement_id") == [fire]
    await house.commune("07444")
    elsewhere = await house.in_person("07444", "xa-khac")
    assert flood not in (await elsewhere.get("/parts/alerts/recordings", params={"announcement_id": flood})).text


def form_of(page: str) -> dict[str, str]:
    """What the form of a draft's words holds, as a browser would send it."""
    form = page.partition('/words" enctype="multipart/form-data"')[2].partition("</form>")[0]
    form = re.sub(r'<input type="radio"(?![^>]* checked)[^>]*>', "", form)
    fields = dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', form))
    fields |= dict(re.findall(r'<textarea name="(\w+)"[^>]*>([^<]*)<', form))
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        begun = re.findall(r'<option value="([^"]*)" selected', options)
        fields[name] = begun[0] if begun else re.findall(r'<option value="([^"]*)"', options)[0]
    return fields


async def shown_form(officer: httpx.AsyncClient, alert: dict[str, Any]) -> dict[str, str]:
    return form_of((await officer.get(f"/emergency/{alert['id']}")).text)


async def saved(officer: httpx.AsyncClient, alert: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
    """Save a draft's form, and look at the draft through the API."""
    answer = await officer.post(f"/emergency/{alert['id']}/words", data=fields)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"/emergency/{alert['id']}"
    return await shown(officer, alert)


async def shown(officer: httpx.AsyncClient, alert: dict[str, Any]) -> dict[str, Any]:
    """The draft as it is by now."""
    after: dict[str, Any] = (await officer.get(f"/api/v1/alerts/{alert['id']}")).json()
    return after


OWN_WAY: dict[str, Any] = {
    "text": "Nước lên.",
    "second": {"language": "en", "text": "The water is rising."},
    "signal": "attention",
    "signal_s": 9,
    "repeat": {"first_gaps_s": [90], "then_every_s": 240},
    "lifetime_s": 5400,
    "volume": 45,
    "stagger_s": 7,
}
"""What no choice of the form names, and a form that is saved must not round."""


@pytest.mark.parametrize(
    ("typed", "after"),
    [
        ({"headline": "Lũ sông Thương"}, {"headline": "Lũ sông Thương"}),
        ({"text": "Lên đồi.\r\nNgay."}, {"text": "Lên đồi.\nNgay."}),
        ({"text": "", "second_language": ""}, {"text": "", "second": None}),
        ({"second_language": ""}, {"second": None}),
        (
            {"second_text": "Go up."},
            {"second": {**OWN_WAY["second"], "text": "Go up.", "voice": None, "source_name": ""}},
        ),
        ({"signal": ""}, {"signal": None, "signal_ms": 0}),
        ({"repeats": "twice"}, {"repeat": Repeats.TWICE.plan().model_dump(mode="json")}),
        ({"lifetime_h": "6"}, {"lifetime_s": 21600}),
        ({"volume": ""}, {"volume": None}),
        ({"stagger_s": "0"}, {"stagger_s": 0}),
    ],
)
async def test_a_draft_is_edited_on_its_page_and_what_was_left_stays_to_the_second(
    house: House, officer: httpx.AsyncClient, typed: dict[str, str], after: dict[str, Any]
):
    draft = await (await Desk.of(house, "minh")).draft(**OWN_WAY)
    edited = await saved(officer, draft, await shown_form(officer, draft) | typed)
    assert {name: edited[name] for name in after} == after
    follows = {"author", "digest", "announcement_id", *after}
    assert written(edited, *follows) == written(draft, *follows)
    assert edited["author"] == "lan"


async def test_who_saves_a_draft_as_it_is_has_not_written_it(house: House, officer: httpx.AsyncClient):
    draft = await (await Desk.of(house, "minh")).draft(**OWN_WAY)
    assert written(await saved(officer, draft, await shown_form(officer, draft))) == written(draft)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"headline": " "}, "headline"),
        ({"text": "Nước lên {bao nhiêu} mét"}, "text"),
        ({"second_language": "tyz", "second_text": "Nặm khửn."}, "second"),
        ({"lifetime_h": "x"}, "lifetime_h"),
        ({"volume": "101"}, "volume"),
        ({"signal": "opening"}, "signal"),
    ],
)
async def test_what_is_refused_of_a_draft_stays_typed_and_says_why_beside_it(
    officer: httpx.AsyncClient, typed: dict[str, str], field: str
):
    draft = await made(officer)
    given = await shown_form(officer, draft) | {"headline": "Lũ dâng cao"} | typed
    answer = await officer.post(f"/emergency/{draft['id']}/words", data=given)
    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    again = form_of(answer.text)
    assert {name: again[name] for name in ("headline", "text", "second_text")} == {
        "headline": given["headline"].strip(),
        "text": given["text"],
        "second_text": given["second_text"],
    }
    assert written(await shown(officer, draft)) == written(draft)


async def test_what_another_changed_meanwhile_is_overwritten_by_who_has_seen_it_only(
    house: House, officer: httpx.AsyncClient
):
    draft, other = await made(officer), await Desk.of(house, "minh")
    given = await shown_form(officer, draft) | {"text": "Lên đồi."}
    await other.client.patch(f"/api/v1/alerts/{draft['id']}", json={"text": "Lên đê."})
    answer = await officer.post(f"/emergency/{draft['id']}/words", data=given)
    assert answer.status_code == 412
    assert re.search(r"<blockquote[^>]*>Lên đê\.<", answer.text)
    again = form_of(answer.text)
    assert again["text"] == "Lên đồi."
    assert (await saved(officer, draft, again))["text"] == "Lên đồi."


async def test_a_recorded_draft_stays_recorded_until_words_are_typed(officer: httpx.AsyncClient):
    sent = await officer.post("/emergency", data=FORM | {"source": "file"}, files=WAVE)
    draft = (await officer.get(f"/api/v1/alerts/{sent.headers['location'].rsplit('/', 1)[1]}")).json()
    renamed = await saved(officer, draft, await shown_form(officer, draft) | {"headline": "Lũ lớn"})
    assert (renamed["headline"], renamed["announcement_id"]) == ("Lũ lớn", draft["announcement_id"])
    typed = await saved(officer, draft, await shown_form(officer, draft) | {"source": "text", "text": "Lên đồi."})
    assert typed["text"] == "Lên đồi."
    assert typed["announcement_id"] != draft["announcement_id"]


async def test_a_draft_is_recorded_anew_uploaded_or_taken_from_the_library_on_its_page(officer: httpx.AsyncClient):
    draft = await made(officer, text="Lên đồi.")
    here, given = f"/emergency/{draft['id']}/words", await shown_form(officer, draft)
    assert (await officer.post(here, data=given | {"source": "file"}, files=WAVE)).status_code == 303
    recorded = await shown(officer, draft)
    assert (recorded["text"], recorded["announcement_id"] is None) == ("", False)
    await officer.post(here, data=await shown_form(officer, draft) | {"source": "file"}, files=WAVE)
    again = await shown(officer, draft)
    assert again["announcement_id"] not in {None, recorded["announcement_id"]}
    chosen = {"source": "library", "announcement_id": recorded["announcement_id"]}
    back = await saved(officer, draft, await shown_form(officer, draft) | chosen)
    assert back["announcement_id"] == recorded["announcement_id"]


async def test_the_other_language_of_a_draft_may_be_recorded_on_its_page(house: House, officer: httpx.AsyncClient):
    draft = await made(officer, kind="exercise", text="Lên đồi.")
    given = await shown_form(officer, draft) | {"second_language": "tyz"}
    sent = await officer.post(f"/emergency/{draft['id']}/words", data=given, files={"second_file": WAVE["file"]})
    assert sent.status_code == 303, sent.text
    after = await shown(officer, draft)
    assert after["text"] == "Đây là diễn tập. Lên đồi."
    assert (after["second"]["language"], after["second"]["text"]) == ("tyz", "")


@pytest.mark.parametrize("wish", [{"source": "file"}, {"source": "library"}])
async def test_a_draft_keeps_its_words_where_no_recording_was_chosen(officer: httpx.AsyncClient, wish: dict[str, str]):
    draft = await made(officer)
    answer = await officer.post(f"/emergency/{draft['id']}/words", data=await shown_form(officer, draft) | wish)
    assert answer.status_code == 422
    assert f'id="error-{"file" if wish["source"] == "file" else "announcement_id"}"' in answer.text
    assert written(await shown(officer, draft)) == written(draft)


async def test_words_in_another_language_are_dropped_by_who_chooses_none(house: House, officer: httpx.AsyncClient):
    left = {"second_language": "", "second_text": "Go up."}
    assert (await made(officer, **left))["second"] is None
    draft = await (await Desk.of(house, "minh")).draft(text="Lên đồi.")
    assert written(await saved(officer, draft, await shown_form(officer, draft) | left)) == written(draft)
    edited = await saved(officer, draft, await shown_form(officer, draft) | left | {"text": "Lên đê."})
    assert (edited["text"], edited["second"]) == ("Lên đê.", None)


async def test_a_draft_is_offered_no_choice_that_it_cannot_have(house: House, officer: httpx.AsyncClient):
    desk = await Desk.of(house, "minh")
    exercise = await desk.draft(kind="exercise", text="Sơ tán.")
    unheard = await desk.draft(kind="test", silent=True, text="Thử.")
    milder = await desk.draft(signal="attention")
    async with house.database.transaction() as session:
        (await session.get_one(AlertRow, milder["id"])).priority = int(Priority.PRIORITY)
    assert "signal" not in await shown_form(officer, exercise)
    assert not {"signal", "volume"} & set(await shown_form(officer, unheard))
    page = (await officer.get(f"/emergency/{milder['id']}")).text
    assert re.findall(r'<option value="([^"]*)"', page.partition('name="signal"')[2].partition("</select>")[0]) == [
        "attention",
        "",
    ]


async def test_who_may_not_write_alerts_and_what_is_released_have_no_form(house: House, officer: httpx.AsyncClient):
    await says(house, COMMUNE, {"release": "second_person"})
    draft, releaser = await made(officer), await Desk.of(house, "minh")
    reader = await house.in_person(COMMUNE, "tam", roles=(Role.AUDITOR,))
    assert await shown_form(officer, draft)
    assert not await shown_form(reader, draft)
    given = await shown_form(officer, draft) | {"headline": "Lũ lớn"}
    await releaser.release(draft)
    assert not await shown_form(officer, draft)
    assert (await officer.post(f"/emergency/{draft['id']}/words", data=given)).status_code == 409


async def test_an_alert_knows_the_danger_of_its_standing_message_whatever_is_typed_over_it(officer: httpx.AsyncClient):
    page = (await officer.get("/emergency?standing=dam")).text
    begun = dict(re.findall(r'name="(hazard)" value="([^"]*)"', page))
    own = {"headline": "Xả lũ", "text": "Thủy điện xả nước."}
    assert (await made(officer, **begun, **own))["hazard"] == "dam"
    assert (await made(officer, **own))["hazard"] is None
    assert 'name="hazard"' not in (await officer.get("/emergency?standing=exercise")).text
