import re
from datetime import timedelta

import httpx
import pytest

from controller.devices.models import Device, DeviceStatus
from controller.monitoring.hub import hub_of
from controller.monitoring.models import DeviceStateRow
from controller.monitoring.service import MonitoringService
from protocol.messages import Problem
from tests.support.controller import PASSWORD, House
from tests.support.site import state_of

HOSTILE = '<img src=x onerror="alert(1)">'
PART = {"HX-Request": "true"}


async def officer(house: House, area: str) -> httpx.AsyncClient:
    await house.user("lan", area)
    browser = house.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    return browser


async def hear(house: House, device: str, **said: object) -> None:
    async with house.database.transaction() as session:
        report = state_of(device, at=house.clock.now, **said)
        await MonitoringService(session, hub_of(house.runtime)).take_state(report, now=house.clock.now, retained=False)


async def test_an_empty_house_teaches_what_to_do(house: House):
    browser = await officer(house, "VN")
    page = (await browser.get("/")).text
    assert "Chưa có cụm loa nào" in page
    assert "Hôm nay chưa có lịch phát" in page
    assert "Chưa có nhật ký nào" in (await browser.get("/records")).text


async def test_one_sees_the_speakers_of_ones_own_commune_only(house: House):
    await house.commune("00001", speakers=2)
    await house.commune("00002", speakers=1)
    page = (await (await officer(house, "00001")).get("/")).text
    assert 'data-speaker="00001-1"' in page
    assert "00002" not in page


async def test_a_speaker_is_shown_as_it_is_in_words(house: House):
    await house.commune("00001", speakers=3)
    await hear(house, "00001-1")
    await hear(house, "00001-2", trusted=False, problems=(Problem(code="disk_full", since=house.clock.now),))
    browser = await officer(house, "00001")
    part = (await browser.get("/parts/speakers", headers=PART)).text
    assert "Sẵn sàng, chưa có lịch" in part
    assert "Chưa chắc giờ đúng" in part
    assert "Đĩa đầy" in part
    assert "từ 12:00" in part
    assert "Chưa có tín hiệu lần nào" in part
    assert "<html" not in part


async def test_a_silent_speaker_is_offline_since_then(house: House):
    await house.commune("00001", speakers=1)
    await hear(house, "00001-1")
    house.clock.advance(timedelta(minutes=5))
    async with house.database.transaction() as session:
        await MonitoringService(session, hub_of(house.runtime)).notice_silence(now=house.clock.now)
    part = (await (await officer(house, "00001")).get("/parts/speakers", headers=PART)).text
    assert "Mất kết nối từ 12:05" in part


async def test_the_line_at_the_top_says_what_is_worst(house: House):
    await house.commune("00001", speakers=2)
    browser = await officer(house, "00001")

    async def line() -> tuple[str, str]:
        part = (await browser.get("/parts/summary", headers=PART)).text
        return re.findall(r"sign tone-(\w+)", part)[0], re.sub(r"<[^>]+>|\s+", " ", part)

    assert (await line())[0] == "away"
    assert "2 cụm cần xem" in (await line())[1], "who was never heard is silent, too"
    await hear(house, "00001-1")
    await hear(house, "00001-2", trusted=False)
    assert (await line())[0] == "warn"
    await hear(house, "00001-2")
    assert (await line())[0] == "good"
    async with house.database.transaction() as session:
        (await session.get_one(Device, "00001-2")).status = DeviceStatus.RETIRED
        (await session.get_one(DeviceStateRow, "00001-2")).online = False
    assert (await line())[0] == "good", "who was put out of service is missed by nobody"


async def test_hostile_names_are_text(house: House):
    await house.area("00001", name=HOSTILE)
    await house.device("00001-1", "00001", HOSTILE)
    await hear(house, "00001-1", playing="x.1", title=HOSTILE)
    page = (await (await officer(house, "00001")).get("/")).text
    assert "<img" not in page
    assert "&lt;img src=x" in page


async def test_everything_wrong_is_said_at_once_and_kept(house: House):
    await house.commune("00001", speakers=1)
    browser = await officer(house, "00001")
    answer = await browser.post(
        "/announce",
        data={"token": "t", "title": HOSTILE, "text": "", "when": "at", "day": "2026-11-19", "time": "06:30"},
        headers=PART,
    )
    assert answer.status_code == 422
    for sentence in ("Xin viết nội dung cần đọc.", "Xin chọn ít nhất một cụm loa.", "Giờ này đã qua."):
        assert sentence in answer.text
    assert 'value="06:30"' in answer.text
    assert "<img" not in answer.text
    assert "<html" not in answer.text
    assert "<html" in (await browser.post("/announce", data={"text": ""})).text, "a whole page without scripts"


async def test_a_place_that_one_does_not_see_cannot_be_chosen(house: House):
    await house.commune("00001", speakers=1)
    await house.commune("00002", speakers=1)
    browser = await officer(house, "00001")
    data = {"text": "Xin chào", "area": "00002", "device": "00002-1"}
    answer = await browser.post("/announce", data=data, headers=PART)
    assert answer.status_code == 422
    assert "Không có 00002 trong" in answer.text
    assert 'name="announcement" value=""' in answer.text, "nothing was made of its words"
    answer = await browser.post("/announce", data=data | {"area": ""}, headers=PART)
    assert answer.status_code == 422
    assert "Xin chọn ít nhất một cụm loa." in answer.text


@pytest.mark.parametrize("path", ["/announce", "/announce/listen", "/announce/length", "/occurrences/x.1/stop"])
async def test_another_site_cannot_send_for_an_officer(house: House, path: str):
    browser = await officer(house, "VN")
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await browser.post(path, data={"text": "Xin chào"}, headers=foreign)).status_code == 403
    del browser.headers["origin"]
    assert (await browser.post(path, data={"text": "Xin chào"})).status_code == 403


async def test_what_is_unknown_is_refused_in_words(house: House):
    browser = await officer(house, "VN")
    answer = await browser.post("/occurrences/nothing.20261120T050000Z/stop")
    assert answer.status_code == 404
    assert "<h1>Không tìm thấy</h1>" in answer.text


@pytest.mark.parametrize(
    "query", ["device=x", "outcome=nonsense", "since=2026-99-99", "outcome=missed&until=2026-11-20"]
)
async def test_any_filter_is_answered(house: House, query: str):
    browser = await officer(house, "VN")
    assert (await browser.get(f"/records?{query}")).status_code == 200


async def test_the_length_of_a_text_is_estimated_in_words(house: House):
    browser = await officer(house, "VN")
    answer = await browser.post("/announce/length", data={"text": "Kính thưa bà con. " * 30})
    assert "Đọc lên mất khoảng" in answer.text


async def test_a_page_says_what_it_cost_and_how_long_to_rest(house: House) -> None:
    await house.commune("07339")
    answer = await (await house.in_person("07339", "lan")).get("/parts/summary")
    assert re.fullmatch(r"page;dur=\d+, rest;dur=\d+", answer.headers["server-timing"])
