"""The technician's way from a red sign to its cause, in a real browser."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from controller.commands.repository import CommandTraffic
from controller.commands.service import CommandService
from controller.devices.models import Device, DeviceStatus
from controller.monitoring.hub import hub_of
from controller.web import assets, build
from protocol.messages import Problem, Reply
from tests.support.axe import violations
from tests.support.controller import PASSWORD
from tests.support.site import Site, running_site
from tests.web.test_browser import CHROMIUM, DESKTOP, FLAGS, PHONE

MANY = 2000


@pytest.fixture(autouse=True)
def leaves_nothing_running() -> None:
    """The site and the browser outlive each test; both are waited for when the module ends."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    build.build()
    assets.manifest.cache_clear()
    with running_site(tmp_path_factory.mktemp("site")) as running:
        running.ask(lambda: running.house.commune("00001", speakers=3))
        running.ask(lambda: running.house.user("lan", "00001"))
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM is not None, "install chromium first"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def sign_in(context: BrowserContext, site: Site, name: str = "lan") -> Page:
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(f"{site.url}/sign-in")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.locator(".link[data-link=live]")).to_be_attached()
    return page


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP, locale="vi-VN")
    yield sign_in(context, site)
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


def test_how_the_machine_was_is_drawn_and_written(site: Site, page: Page):
    site.hears("00001-3")
    page.goto(f"{site.url}/speakers/00001-3?range=week")
    expect(page.locator("[data-health]")).to_have_attribute("data-drawn", "yes")
    assert page.locator(".charts canvas").count() == page.locator(".charts [data-chart]").count() > 0
    page.get_by_text("Xem dạng bảng").click()
    expect(page.get_by_role("rowheader", name="Âm lượng (%)")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_for_everybody(chromium: Browser, site: Site, viewport: dict[str, int], scheme: str):
    break_down(site, "00001-2")
    context = chromium.new_context(viewport=viewport, color_scheme=scheme, locale="vi-VN")  # type: ignore[arg-type]
    page = sign_in(context, site)
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
