"""The technician's list, and the page of one speaker."""

import csv
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.accounts.roles import Role
from controller.commands.repository import CommandTraffic
from controller.commands.service import CommandService
from controller.devices.models import Device, DeviceStatus
from controller.health.sampling import Range, Sample
from controller.monitoring.fleet import Report
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from controller.web.formats import Formats
from controller.web.i18n import Language, translator
from controller.web.pages.speakers import ROWS
from controller.web.present.causes import causes
from controller.web.present.speaker import health_view, machine_facts
from controller.web.present.speaker_list import entry, matching, ordered
from controller.web.present.speakers import SpeakerFacts
from controller.web.present.tone import Tone
from controller.web.present.words import refusal_names
from controller.web.speaker_views import SpeakerWish
from protocol.errors import ProtocolError
from protocol.messages import DeviceState, PlayerState, Problem, Reply
from schedules.types import VIETNAM
from tests.support.controller import PASSWORD, House
from tests.support.site import state_of

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
FORMATS = Formats(translator(Language.VIETNAMESE), ZoneInfo(VIETNAM))
HOSTILE = '<img src=x onerror="alert(1)">'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415478da63f8ffff3f0005fe02fe0def46b8"
    "0000000049454e44ae426082"
)


def facts(**changes: Any) -> SpeakerFacts:
    known = {"id": "loa-1", "name": "Cụm loa 1", "place": "xã Tân Yên", "online": True, "changed_at": NOON}
    said = changes.pop("state", state_of("loa-1", at=NOON))
    return SpeakerFacts(**known | changes, report=said and report_of(said))


def report_of(said: DeviceState) -> Report:
    """What the list keeps of a report."""
    return Report(
        player=said.player.state,
        title=said.player.title,
        volume=said.player.volume,
        clock=said.clock.quality,
        ready=said.ready,
        planned=said.planned,
        plan_version=said.plan_version,
        plan_until=said.plan_until,
        problems=[each.model_dump(mode="json", exclude_none=True) for each in said.problems],
    )


def wrong(**changes: Any) -> list[tuple[str, Tone, str]]:
    return [(each.code, each.tone, each.since) for each in causes(facts(**changes), FORMATS, NOON)]


def test_a_healthy_speaker_has_no_cause():
    assert wrong() == []


def test_the_worst_cause_stands_first_with_since_when_and_what_to_do():
    problems = (
        Problem(code="disk_full", since=NOON - timedelta(days=2)),
        Problem(code="sink_lost", since=NOON - timedelta(hours=2)),
    )
    lost = state_of("loa-1", at=NOON, problems=problems)
    lost = lost.model_copy(update={"player": PlayerState(state="lost")})
    assert wrong(state=lost) == [("sink_lost", Tone.BAD, "10:00"), ("disk_full", Tone.WARN, "12:00 18/11/2026")]
    first, _ = causes(facts(state=lost), FORMATS, NOON)
    assert "cạc âm thanh" in first.advice
    assert first.lasted == "2 tiếng"


def test_what_a_report_only_implies_is_a_cause_too():
    state = state_of("loa-1", at=NOON, trusted=False, ready=1, planned=2)
    assert [code for code, *_ in wrong(state=state)] == ["clock_untrusted", "fetching"]


def test_silence_is_the_cause_while_it_lasts_and_what_it_said_before_stands_behind():
    state = state_of("loa-1", at=NOON, trusted=False, problems=(Problem(code="disk_full"),))
    assert [code for code, *_ in wrong(state=state, online=False)] == ["offline", "disk_full"]
    assert [code for code, *_ in wrong(state=None, online=False)] == ["never_heard"]


def test_words_are_those_of_the_reader_whoever_asked_before():
    state = state_of("loa-1", at=NOON, problems=(Problem(code="disk_full"), Problem(code="relay_dead")))
    said = {
        language: [(each.text, each.advice) for each in causes(facts(state=state), Formats(t, ZoneInfo(VIETNAM)), NOON)]
        for _ in range(2)
        for language, t in ((each, translator(each)) for each in Language)
    }
    assert said[Language.ENGLISH][0][0].startswith("The disk is full")
    assert said[Language.VIETNAMESE][0][0].startswith("Đĩa đầy")
    assert all(one != other for pair in zip(*said.values(), strict=True) for one, other in zip(*pair, strict=True))


def test_a_problem_nobody_knows_is_told_in_its_own_words_and_with_a_next_step():
    state = state_of("loa-1", at=NOON, problems=(Problem(code="volcano", text="lava", since=NOON + timedelta(days=9)),))
    (cause,) = causes(facts(state=state), FORMATS, NOON)
    assert (cause.text, cause.since) == ("lava", "12:00")
    assert cause.advice


@pytest.mark.parametrize("q", ["dong hung", "ĐÔNG  Hưng", "loa-1", "tan yen hung", "ong tu", ""])
def test_search_knows_no_marks_and_no_capitals(q: str):
    all_of_them = [facts(name="Cụm loa Đông Hưng", note="Chìa khoá ở nhà ông Tư"), facts(id="x", name="Khác", place="")]
    found = matching((entry(each, NOON) for each in all_of_them), SpeakerWish(q=q))
    assert [each.id for each in found] == (["loa-1", "x"] if not q else ["loa-1"])


@given(st.permutations(["Loa 12", "Loa 3", "loa 3 b", "Đình", "2", "²", ""]))
def test_names_are_sorted_as_people_count_whatever_came_first(names: list[str]):
    some = [entry(facts(id=f"id-{name}", name=name), NOON) for name in names]
    shown = [each.name for each in ordered(some, "name")]
    assert shown.index("Loa 3") < shown.index("loa 3 b") < shown.index("Loa 12")
    assert shown == [each.name for each in ordered(reversed(some), "name")]


def test_figures_over_time_are_told_in_words_and_restarts_counted():
    samples = [
        Sample(n, temperature_c=c, uptime_s=up, data_bytes=data)
        for n, (c, up, data) in enumerate([(40, 9000, 10**6), (None, None, None), (50, 60, 3 * 10**6)])
    ]
    shown = health_view(Range.DAY, samples, FORMATS)
    temperature = next(each for each in shown.figures if each.key == "temperature_c")
    assert (temperature.latest, temperature.lowest, temperature.middle, temperature.highest) == ("50", "40", "45", "50")
    assert "signal_percent" not in [each.key for each in shown.figures], "what was never told is no chart"
    assert (shown.restarts, shown.heard_percent, shown.used) == (1, "67", "2 MB")


async def technician(house: House, *roles: Role) -> httpx.AsyncClient:
    await house.user("lan", "00001", roles=roles or tuple(Role))
    browser = house.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    return browser


async def hear(house: House, device: str, **said: Any) -> None:
    async with house.database.transaction() as session:
        report = state_of(device, at=house.clock.now, **said)
        await MonitoringService(session, hub_of(house.runtime)).take_state(report, now=house.clock.now, retained=False)


def listed(page: str) -> list[str]:
    return re.findall(r'data-speaker="([^"]+)"', page)


@pytest.fixture
async def commune(quiet_house: House) -> House:
    await quiet_house.commune("00001", speakers=3)
    await quiet_house.commune("00002", speakers=1)
    await hear(quiet_house, "00001-1")
    await hear(quiet_house, "00001-2", problems=(Problem(code="disk_full", since=NOON),))
    return quiet_house


async def test_the_list_shows_ones_own_speakers_the_worst_first(commune: House):
    page = (await (await technician(commune)).get("/speakers")).text
    assert listed(page) == ["00001-3", "00001-2", "00001-1"]
    assert "Đĩa đầy" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=warn", ["00001-2"]),
        ("problem=disk_full", ["00001-2"]),
        ("problem=never_heard", ["00001-3"]),
        ("q=00001-1", ["00001-1"]),
        ("area=00001&sort=name", ["00001-1", "00001-2", "00001-3"]),
        ("area=00002", []),
        ("group=nothing", []),
        ("state=nonsense&sort=nonsense", ["00001-3", "00001-2", "00001-1"]),
        ("after=2", ["00001-1"]),
        ("after=500", []),
    ],
)
async def test_any_filter_is_answered_with_what_fits(commune: House, query: str, found: list[str]):
    answer = await (await technician(commune)).get(f"/speakers?{query}")
    assert answer.status_code == 200
    assert listed(answer.text) == found


async def test_a_group_is_a_filter(commune: House):
    chief = await commune.signed_in("00001", "chief")
    group = {"name": "Trường học", "area_code": "00001", "device_ids": ["00001-2"]}
    made = await chief.post("/api/v1/groups", json=group)
    assert made.status_code == 201, made.text
    page = (await (await technician(commune)).get(f"/speakers?group={made.json()['id']}")).text
    assert listed(page) == ["00001-2"]


async def test_hostile_names_and_searches_are_text(quiet_house: House):
    await quiet_house.area("00001", name=HOSTILE)
    await quiet_house.device("x", "00001", HOSTILE)
    browser = await technician(quiet_house)
    for path in (f"/speakers?q={HOSTILE}", "/speakers", "/speakers/x", "/speakers/x/label"):
        assert "<img src=x" not in (await browser.get(path)).text


async def test_the_list_as_a_spreadsheet_is_whole_and_harmless(commune: House):
    await commune.device("00001-9", "00001", "=1+1")
    answer = await (await technician(commune)).get("/speakers.csv?sort=name")
    rows = list(csv.reader(StringIO(answer.text.removeprefix("\ufeff"))))
    assert answer.headers["content-type"].startswith("text/csv")
    assert [row[0] for row in rows[1:]] == ["00001-1", "00001-2", "00001-3", "00001-9"]
    assert rows[4][1] == "'=1+1"
    assert rows[2][5] == "2026-11-20T05:00:00Z"


async def test_rows_in_view_are_only_ones_own(commune: House):
    browser = await technician(commune)
    part = (await browser.get("/parts/speakers/rows?ids=00001-1,00002-1,nothing")).text
    assert listed(part) == ["00001-1"]
    assert "<html" not in part
    assert listed((await browser.get("/parts/speakers/rows")).text) == []


async def test_a_long_list_comes_in_pieces_of_modest_size(quiet_house: House):
    await quiet_house.commune("00001")
    async with quiet_house.database.transaction() as session:
        session.add_all(
            Device(id=f"loa-{n}", name=f"Cụm loa {n}", area_code="00001", registered_at=NOON) for n in range(2000)
        )
    browser = await technician(quiet_house)
    seen, after = [], 0
    while after < 2000:
        page = await browser.get(f"/speakers?after={after}&sort=name")
        assert len(page.content) < 110_000
        seen += listed(page.text)
        after += ROWS
        assert (f"after={after}" in page.text) is (after < 2000)
    assert seen == [f"loa-{n}" for n in range(2000)]


async def test_a_piece_is_only_lines_for_who_scrolls_and_a_page_for_who_follows_the_link(commune: House):
    browser = await technician(commune)
    piece = (await browser.get("/speakers?after=1", headers={"HX-Request": "true"})).text
    whole = (await browser.get("/speakers?after=1")).text
    assert listed(piece) == listed(whole) == ["00001-2", "00001-1"]
    assert ("<html" in piece, "<html" in whole) == (False, True)


async def test_a_speakers_page_says_why_since_when_and_what_to_do(commune: House):
    page = (await (await technician(commune)).get("/speakers/00001-2")).text
    assert 'data-cause="disk_full"' in page
    assert "Đĩa đầy" in page
    assert "thay thẻ nhớ lớn hơn" in page
    assert "từ 12:00" in page


async def test_silence_is_told_apart_from_what_is_out_of_service(commune: House):
    browser = await technician(commune)
    assert 'data-speaker="00001-3" data-tone="away"' in (await browser.get("/speakers")).text
    rows = list(csv.DictReader(StringIO((await browser.get("/speakers.csv")).text.removeprefix("\ufeff"))))
    assert "Mất kết nối" in next(row for row in rows if "00001-3" in row.values()).values()
    async with commune.database.transaction() as session:
        (await session.get_one(Device, "00001-3")).status = DeviceStatus.RETIRED
    page = (await browser.get("/speakers/00001-3")).text
    assert 'speaker-head tone-off"' in page
    assert "Ngừng sử dụng" in page
    assert "data-cause" not in page, "nobody is sent there"
    assert listed((await browser.get("/speakers")).text) == ["00001-2", "00001-1"]


async def test_a_speakers_page_leads_to_all_that_it_will_play_and_back(commune: House):
    browser = await technician(commune)
    assert 'href="/calendar/speaker/00001-2"' in (await browser.get("/speakers/00001-2")).text
    plan = (await browser.get("/calendar/speaker/00001-2")).text
    assert "00001-2 sẽ phát gì?" in plan
    assert 'href="/speakers/00001-2"' in plan


@pytest.mark.parametrize("path", ["/speakers/00002-1", "/speakers/nothing", "/speakers/00002-1/label"])
async def test_a_neighbours_speaker_is_not_there(commune: House, path: str):
    assert (await (await technician(commune)).get(path)).status_code == 404


async def test_who_only_looks_is_offered_nothing_to_do(commune: House):
    page = (await (await technician(commune, Role.AUDITOR)).get("/speakers/00001-2")).text
    assert "<form" not in page.partition("<main")[2]


async def test_an_order_is_given_and_its_answer_shown(commune: House):
    browser = await technician(commune)
    given = await browser.post("/speakers/00001-1/orders", data={"do": "send_logs"})
    assert given.headers["location"] == "/speakers/00001-1#orders"
    page = (await browser.get("/speakers/00001-1")).text
    assert "chờ kết nối" in page
    (order,) = re.findall(r'data-order="([^"]+)"', page)
    log = f"/speakers/00001-1/orders/{order}/log.txt"
    assert (await browser.get(log)).status_code == 409, "not before it came"
    async with commune.database.transaction() as session:
        await CommandTraffic(session).sent([order], NOON)
        commands = CommandService(session, wake_link=lambda: None, hub=hub_of(commune.runtime))
        said = Reply(device="00001-1", command_id=order, outcome="done", detail=f"đã phát {HOSTILE}")
        await commands.take_reply(said, now=NOON)
    page = (await browser.get("/speakers/00001-1")).text
    assert "đã phát &lt;img" in page
    kept = await browser.get(log)
    assert kept.text == f"đã phát {HOSTILE}"
    assert kept.headers["content-type"].startswith("text/plain")
    assert (await browser.get(log.replace("00001-1", "00001-2"))).status_code == 404


@pytest.mark.parametrize(
    "wish",
    [
        {"do": "explode"},
        {"do": "volume", "volume": "101", "minutes": "15"},
        {"do": "volume", "volume": "50", "minutes": ""},
        {"do": "volume", "volume": "50", "minutes": "99999999999999"},
        {"do": "volume", "volume": "lots", "minutes": "15"},
        {},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(commune: House, wish: dict[str, str]):
    browser = await technician(commune)
    assert (await browser.post("/speakers/00001-1/orders", data=wish)).status_code == 422
    assert "data-order" not in (await browser.get("/speakers/00001-1")).text


async def test_a_restart_is_the_technicians(commune: House):
    browser = await technician(commune, Role.BROADCASTER)
    assert (await browser.post("/speakers/00001-1/orders", data={"do": "restart"})).status_code == 403
    volume = {"do": "volume", "volume": "40", "minutes": "15"}
    assert (await browser.post("/speakers/00001-1/orders", data=volume)).status_code == 303


async def test_somebody_says_that_they_see_to_an_incident(commune: House):
    browser = await technician(commune)
    page = (await browser.get("/speakers/00001-2")).text
    (where,) = re.findall(r'action="(/speakers/00001-2/incidents/[^"]+)"', page)
    assert (await browser.post(where)).status_code == 303
    page = (await browser.get("/speakers/00001-2")).text
    assert "lan đang lo việc này từ 12:00" in page
    assert where not in page


async def test_a_note_is_kept_and_nobody_elses_is_lost(commune: House):
    browser = await technician(commune)
    version = re.findall(r'name="version" value="([^"]+)"', (await browser.get("/speakers/00001-1")).text)[0]
    first = {"note": "Chìa khoá ở nhà ông Tư", "version": version}
    assert (await browser.post("/speakers/00001-1/note", data=first)).status_code == 303
    late = await browser.post("/speakers/00001-1/note", data={"note": "Đã thay cầu chì", "version": version})
    assert late.status_code == 409
    assert "Chìa khoá ở nhà ông Tư" in late.text
    assert "Đã thay cầu chì</textarea>" in late.text, "what was typed is still there"
    long = await browser.post("/speakers/00001-1/note", data={"note": "x" * 4001, "version": "2"})
    assert long.status_code == 422
    assert "x" * 4001 in long.text


async def about(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    version = re.findall(r'name="version" value="([^"]+)"', (await browser.get("/speakers/00001-1")).text)[0]
    wish = {"name": "00001-1", "area_code": "00001", "lat": "", "lon": "", "version": version}
    return await browser.post("/speakers/00001-1/about", data=wish | fields)


async def device(browser: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await browser.get("/api/v1/devices/00001-1")).json()
    return found


async def test_a_speaker_gets_another_name_and_place(commune: House):
    browser = await technician(commune)
    await commune.area("00001-dong", parent="00001")
    group = await (await commune.signed_in("00001", "chief")).post(
        "/api/v1/groups", json={"name": "Chợ", "device_ids": ["00001-1"]}
    )
    moved = await about(browser, name="Nhà văn hoá", area_code="00001-dong", lat="21.35", lon="106.1")
    assert moved.headers["location"] == "/speakers/00001-1#about"
    told = await device(browser)
    assert (told["name"], told["area_code"], told["lat"], told["lon"]) == ("Nhà văn hoá", "00001-dong", 21.35, 106.1)
    assert (await browser.get(f"/api/v1/groups/{group.json()['id']}")).json()["device_ids"] == ["00001-1"]
    await about(browser, name="Nhà văn hoá")
    told = await device(browser)
    assert (told["area_code"], told["lat"]) == ("00001", None)


@pytest.mark.parametrize("wrong", [{"name": " "}, {"lat": "21"}, {"lat": "91", "lon": "0"}, {"area_code": "nowhere"}])
async def test_what_cannot_be_kept_of_a_speaker_stays_as_it_was_typed(commune: House, wrong: dict[str, str]):
    browser = await technician(commune)
    answer = await about(browser, **{"name": "Tên mới", **wrong})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert f'value="{wrong.get("name", "Tên mới")}"' in answer.text
    assert (await device(browser))["name"] == "00001-1"


async def test_who_writes_last_learns_what_the_speaker_is_called_by_now(commune: House):
    browser = await technician(commune)
    assert (await about(browser, name="Chợ")).status_code == 303
    late = await about(browser, name="Đình", version="1")
    assert late.status_code == 409
    assert "“Chợ”" in late.text
    assert 'value="Đình"' in late.text
    assert (await device(browser))["name"] == "Chợ"


async def test_a_speaker_is_retired_and_taken_back_into_service(commune: House):
    browser = await technician(commune)
    assert "data-hold" in (await browser.get("/speakers/00001-1")).text.partition('id="service"')[2]
    await browser.post("/speakers/00001-1/service", data={"do": "retire"})
    page = (await browser.get("/speakers/00001-1")).text
    assert "/orders" not in page
    assert (await device(browser))["status"] == "retired"
    assert 'value="00001-1"' not in (await browser.get("/speakers")).text
    assert 'value="take-back"' in page
    await browser.post("/speakers/00001-1/service", data={"do": "take-back"})
    assert (await device(browser))["status"] == "active"


async def test_only_who_maintains_speakers_changes_or_retires_them(commune: House):
    browser = await technician(commune, Role.BROADCASTER)
    page = (await browser.get("/speakers/00001-1")).text
    for part in ("about", "service"):
        assert f"/speakers/00001-1/{part}" not in page
        assert (await browser.post(f"/speakers/00001-1/{part}", data={"do": "retire"})).status_code == 403
    assert (await device(browser))["status"] == "active"


async def test_a_photo_is_added_removed_and_brought_back(commune: House):
    browser = await technician(commune)
    sent = await browser.post("/speakers/00001-1/photos", files={"file": ("p.png", PNG, "image/png")})
    assert sent.headers["location"] == "/speakers/00001-1#photos"
    (where,) = re.findall(r'action="(/speakers/00001-1/photos/[^"]+)"', (await browser.get("/speakers/00001-1")).text)
    gone = await browser.post(where, data={"do": "remove"})
    page = (await browser.get(gone.headers["location"])).text
    assert "Đã xoá ảnh." in page
    assert "<img" not in page
    await browser.post(where, data={"do": "restore"})
    assert "<img" in (await browser.get("/speakers/00001-1")).text


@pytest.mark.parametrize("sent", [("file", b"nonsense"), ("other", PNG)])
async def test_what_is_no_picture_is_refused_in_words(commune: House, sent: tuple[str, bytes]):
    field, data = sent
    files = {field: ("x.png", data, "image/png")}
    answer = await (await technician(commune)).post("/speakers/00001-1/photos", files=files)
    assert answer.status_code == 422
    assert "JPEG, PNG hay WebP" in answer.text


async def test_the_label_leads_to_the_page(commune: House):
    page = (await (await technician(commune)).get("/speakers/00001-1/label")).text
    assert "http://testserver/speakers/00001-1" in page
    assert "<svg" in page


def test_orders_that_a_speaker_refused_are_told_most_first_and_unknown_reasons_by_their_code():
    said = state_of("loa-1", at=NOON).model_copy(
        update={"rejected": {"expired": 3, "bad_signature": 1250, "new_reason": 1}}
    )
    told = dict(machine_facts(said, FORMATS, NOON))
    assert told["Lệnh đã từ chối"] == "1.250 sai chữ ký, 3 quá hạn, 1 new_reason"
    assert "Lệnh đã từ chối" not in dict(machine_facts(state_of("loa-1", at=NOON), FORMATS, NOON))


def test_every_refusal_of_the_wire_has_words():
    codes = {each.code for each in ProtocolError.__subclasses__()}
    assert codes <= refusal_names(translator(Language.VIETNAMESE)).keys()
