"""The technician's way from a red sign to its cause, in a real browser."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.commands.repository import CommandTraffic
from controller.commands.service import CommandService
from controller.devices.models import Device, DeviceStatus
from controller.health.models import HealthSample
from controller.monitoring.hub import hub_of
from protocol.messages import Problem, Reply
from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, built_site, sign_in
from tests.support.site import Site

MANY = 2000
DAY_S = 86_400
FIGURES = (
    "Nhiệt độ (°C)",
    "Sóng di động (%)",
    "Âm lượng (%)",
    "Đồng hồ máy lệch (ms)",
    "Đã chạy được (h)",
    "Dung lượng đã dùng (MB)",
)
LINE = """canvas => {
    const brush = new OffscreenCanvas(1, 1).getContext("2d");
    brush.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--brand");
    brush.fillRect(0, 0, 1, 1);
    const brand = brush.getImageData(0, 0, 1, 1).data;
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const line = [];
    for (let x = 0; x < width; x++)
        for (let y = 0; y < height; y++)
            if (brand.every((shade, n) => Math.abs(shade - data[4 * (y * width + x) + n]) < 30)) line.push([x, y]);
    const [[left, bottom], [right, top]] = [line[0], line.at(-1)];
    return [(right - left) / width, (bottom - top) / height];
}"""
"""How far a line goes across its chart, and how far up."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with built_site(tmp_path_factory.mktemp("site")) as running:
        running.ask(lambda: running.house.commune("00001", speakers=3))
        running.ask(lambda: running.house.user("lan", "00001"))
        yield running


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP, locale="vi-VN")
    yield sign_in(context, site, "lan")
    context.close()


def break_down(site: Site, device: str) -> None:
    site.hears(device, problems=(Problem(code="sink_lost", since=site.now - timedelta(hours=2)),))


def test_from_a_sign_to_its_cause_in_two_clicks(site: Site, page: Page):
    break_down(site, "00001-2")
    clicks = 0
    page.goto(site.url)
    page.locator("#speaker-00001-2").get_by_role("link", name="00001-2").click()
    clicks += 1
    cause = page.locator("#causes [data-cause=sink_lost]")
    expect(cause).to_contain_text("Không ra tiếng")
    expect(cause).to_contain_text("từ 10:00")
    expect(cause).to_contain_text("loa agent doctor")
    assert clicks <= 3


def test_the_list_leads_there_too_and_shows_what_changes_while_one_looks(site: Site, page: Page):
    site.hears("00001-1")
    page.goto(f"{site.url}/speakers?sort=name")
    row = page.locator("[data-speaker='00001-1']")
    expect(row).to_have_attribute("data-tone", "good")
    row.get_by_role("link").focus()
    break_down(site, "00001-1")
    expect(row).to_have_attribute("data-tone", "warn")
    expect(row.get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-cause=sink_lost]")).to_be_visible()


def test_typing_finds_without_marks_and_the_address_remembers(site: Site, page: Page):
    site.ask(lambda: site.house.device("tan-yen-7", "00001", "Nhà văn hoá Tân Yên"))
    page.goto(f"{site.url}/speakers")
    page.get_by_label("Tìm").fill("van hoa tan")
    expect(page.locator("[data-speaker]")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=van"))
    page.get_by_label("Tìm").fill("khong co loa nay")
    expect(page.get_by_text("Không có cụm loa nào như vậy")).to_be_visible()


def test_an_order_is_answered_while_one_looks(site: Site, page: Page):
    site.hears("00001-3")
    page.goto(f"{site.url}/speakers/00001-3")
    page.get_by_role("button", name="Phát tiếng thử").click()
    order = page.locator("[data-order]").first
    expect(order).to_contain_text("chờ kết nối")
    command = order.get_attribute("data-order") or ""

    async def answer() -> None:
        async with site.house.database.transaction() as session:
            await CommandTraffic(session).sent([command], site.now)
            commands = CommandService(session, wake_link=lambda: None, hub=hub_of(site.house.runtime))
            said = Reply(device="00001-3", command_id=command, outcome="failed", detail="no sound card")
            await commands.take_reply(said, now=site.now)

    page.get_by_label("Chìa khoá ở đâu").fill("đang viết dở")
    site.ask(answer)
    expect(order).to_contain_text("no sound card")
    expect(page.get_by_label("Chìa khoá ở đâu")).to_have_value("đang viết dở")


def live_through_a_month(site: Site, device: str) -> None:
    """All its figures rise, from a month ago until the end of this hour."""
    now_s = int(site.now.timestamp())
    begin_s, end_s = now_s - 31 * DAY_S, now_s + 3600
    cuts = (begin_s, now_s - 7 * DAY_S, now_s - DAY_S, end_s)
    slots = [
        (slot_s, span_s)
        for (from_s, until_s), span_s in zip(pairwise(cuts), (3600, 900, 300), strict=True)
        for slot_s in range(from_s, until_s, span_s)
    ]

    def sample(slot_s: int, span_s: int) -> HealthSample:
        days = (slot_s + span_s - begin_s) / DAY_S
        return HealthSample(
            device_id=device, slot_s=slot_s, span_s=span_s, temperature_c=20 + days, signal_percent=40 + days,
            volume=int(30 + 2 * days), clock_offset_ms=10 * days, uptime_s=days * DAY_S, data_bytes=int(1e8 * days**2),
        )  # fmt: skip

    async def keep() -> None:
        async with site.house.database.transaction() as session:
            session.add_all(sample(*slot) for slot in slots)

    site.ask(keep)


@pytest.mark.parametrize(
    ("days", "coldest"), [("Ngày", "50"), ("Tuần", "44"), ("Tháng", "20,1")], ids=["day", "week", "month"]
)
def test_how_the_machine_was_is_drawn_for_the_eye_and_written_for_everybody(
    site: Site, page: Page, days: str, coldest: str
):
    device = f"old-{coldest}"
    site.ask(lambda: site.house.device(device, "00001"))
    live_through_a_month(site, device)
    page.goto(f"{site.url}/speakers/{device}")
    health = page.locator("#health")
    health.get_by_role("link", name=days).click()
    expect(health.locator(".ranges [aria-current]")).to_have_text(days)
    expect(health).to_have_attribute("data-drawn", "yes")
    charts = health.locator("[data-chart]")
    expect(charts).to_have_count(len(FIGURES))
    for chart in charts.all():
        across, up = chart.locator("canvas").evaluate(LINE)
        assert across > 0.7, chart.text_content()
        assert up > 0.25, chart.text_content()

    expect(health.get_by_role("figure")).to_have_count(0)
    health.get_by_text("Xem dạng bảng").focus()
    page.keyboard.press("Enter")
    assert health.get_by_role("rowheader").all_text_contents() == list(FIGURES)
    for figure in FIGURES:
        cells = health.get_by_role("row", name=figure).get_by_role("cell").all_text_contents()
        last, lowest, middle, highest = (float(cell.replace(",", ".")) for cell in cells)
        assert lowest <= middle <= highest == last, figure
        assert lowest < highest, figure
    temperatures = health.get_by_role("row", name=FIGURES[0]).get_by_role("cell")
    assert temperatures.all_text_contents()[:2] == ["51", coldest]
    assert page.complaints == []


def test_what_was_heard_but_once_is_seen_too(site: Site, page: Page):
    site.ask(lambda: site.house.device("new-1", "00001"))
    site.hears("new-1")
    page.goto(f"{site.url}/speakers/new-1")
    expect(page.locator("#health")).to_have_attribute("data-drawn", "yes")
    across, up = page.locator("[data-chart=volume] canvas").evaluate(LINE)
    assert 0 < across < 0.1
    assert abs(up) < 0.1


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_for_everybody(chromium: Browser, site: Site, viewport: dict[str, int], scheme: str):
    break_down(site, "00001-2")
    context = chromium.new_context(viewport=viewport, color_scheme=scheme, locale="vi-VN")  # type: ignore[arg-type]
    page = sign_in(context, site, "lan")
    broken: list[str] = []
    page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: broken.append(str(error)))
    for path in ("/speakers", "/speakers/00001-2", "/speakers/00001-2/label"):
        page.goto(f"{site.url}{path}")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert broken == []
    context.close()


def test_two_thousand_are_scrolled_through_and_only_what_is_in_view_is_asked_for(chromium: Browser, site: Site):
    async def many() -> None:
        async with site.house.database.transaction() as session:
            session.add_all(
                Device(
                    id=f"loa-{n}",
                    name=f"Cụm loa {n}",
                    area_code="00002",
                    status=DeviceStatus.ACTIVE,
                    registered_at=site.now,
                )
                for n in range(MANY)
            )

    site.ask(lambda: site.house.commune("00002"))
    site.ask(lambda: site.house.user("nam", "00002"))
    site.ask(many)
    context = chromium.new_context(viewport=DESKTOP, locale="vi-VN")
    page = sign_in(context, site, "nam")
    page.goto(f"{site.url}/speakers?sort=name")
    rows = page.locator("[data-speaker]")
    expect(rows).to_have_count(100)
    for number in range(2, MANY // 100 + 1):
        page.locator("#speaker-rows > li").last.scroll_into_view_if_needed()
        expect(rows).to_have_count(number * 100)
    expect(page.locator("#speaker-rows > .more")).to_have_count(0)
    ids = page.evaluate("[...document.querySelectorAll('[data-speaker]')].map((row) => row.dataset.speaker)")
    assert ids == [f"loa-{n}" for n in range(MANY)]

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("[data-speaker='loa-1999']").scroll_into_view_if_needed()
    site.hears("loa-1999")
    expect(page.locator("[data-speaker='loa-1999']")).to_have_attribute("data-tone", "good")
    assert asked
    assert all("/parts/speakers/rows" in url and url.count("loa-") <= 40 for url in asked)
    context.close()
