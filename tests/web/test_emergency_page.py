"""The duty officer's page in a real browser: choose, hold to release, watch the count, hold to call off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.alerts.keeping import counting_of
from controller.areas.models import Area
from protocol.messages import AlertPhase, AlertReport, AlertStanding
from tests.support.broadcasts import hear
from tests.support.site import Site
from tests.web.test_browser import DESKTOP, PHONE, chromium, fits, leaves_nothing_running, sign_in, site

__all__ = ["chromium", "leaves_nothing_running", "site"]


@pytest.fixture(params=["desktop", "phone"])
def officers(site: Site, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[str, Page, Page]]:
    """A commune where two people are needed, and both of them at their browsers."""
    code = f"d{abs(hash(request.node.name)) % 10**8}"
    size = PHONE if request.param == "phone" else DESKTOP

    async def commune() -> None:
        await site.house.commune(code, speakers=3)
        async with site.house.database.transaction() as session:
            (await session.get_one(Area, code)).policy = {"release": "second_person"}
        for name in (f"{code}-a", f"{code}-b"):
            await site.house.user(name, code)

    site.ask(commune)
    for number in (1, 2):
        site.hears(f"{code}-{number}")
    contexts = [chromium.new_context(viewport=size, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh") for _ in "ab"]
    pages = [sign_in(context, site, f"{code}-{name}") for context, name in zip(contexts, "ab", strict=True)]
    yield code, pages[0], pages[1]
    for context in contexts:
        context.close()


def hold(page: Page, name: str) -> None:
    """Press and keep pressing, as the button asks."""
    button = page.get_by_role("button", name=name)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        expect(page.get_by_role("button", name="Giữ tiếp")).to_be_visible()
    page.mouse.up()


def reports(site: Site, device: str, alert: str, phase: AlertPhase) -> None:
    standing = AlertStanding(alert=alert, revision=1, phase=phase, at=site.house.clock())
    site.ask(lambda: hear(site.house, AlertReport(device=device, standings=(standing,)), device))


def test_from_a_standing_message_to_the_name_of_each_that_is_silent(
    site: Site, officers: tuple[str, Page, Page], tmp_path: Path
):
    code, maker, releaser = officers
    maker.get_by_role("link", name="Khẩn cấp").click()
    maker.get_by_role("link", name="Báo động lũ cấp III").click()
    expect(maker.get_by_label("Tên báo động")).to_have_value("Báo động lũ cấp III")
    assert fits(maker)
    maker.get_by_role("button", name="Tiếp tục").click()
    expect(maker.locator("#alert")).to_have_attribute("data-state", "draft")
    maker.locator("summary", has_text="Phát ở đâu").click()
    expect(maker.locator("details li")).to_have_count(3)
    assert fits(maker)
    expect(maker.locator(".plain")).to_have_text(
        "Phát báo động «Báo động lũ cấp III» tới 3 cụm loa tại 1 địa bàn; 1 cụm đang mất kết nối."
    )
    expect(maker.get_by_text("Cần hai người")).to_be_visible()
    expect(maker.get_by_role("button", name="Nhấn giữ để phát lệnh")).to_have_count(0)

    address = maker.url
    alert = address.rsplit("/", 1)[1]
    releaser.goto(address)
    releaser.get_by_role("button", name="Nhấn giữ để phát lệnh").click()
    expect(releaser.locator("#alert")).to_have_attribute("data-state", "draft")
    hold(releaser, "Nhấn giữ để phát lệnh")
    expect(releaser.locator("#alert")).to_have_attribute("data-state", "active")
    site.ask(counting_of(site.house.runtime).count)

    expect(releaser.locator("[data-count=targeted] dd")).to_have_text("3")
    reports(site, f"{code}-1", alert, AlertPhase.SOUNDING)
    expect(releaser.locator("[data-count=sounding] dd")).to_have_text("1", timeout=3_000)
    expect(releaser.locator("[data-count=unreachable] dd")).to_have_text("1")
    reports(site, f"{code}-1", alert, AlertPhase.FINISHED)
    expect(releaser.locator("[data-count=finished] dd")).to_have_text("1", timeout=3_000)
    expect(releaser.locator(".silent li")).to_have_count(2)
    expect(releaser.locator(".silent")).to_contain_text("Mất kết nối")
    assert fits(releaser)
    releaser.screenshot(path=tmp_path / "reach.png", full_page=True)

    releaser.get_by_role("link", name="Danh sách để in hoặc gọi điện").click()
    expect(releaser.locator("[data-speaker]")).to_have_count(2)
    expect(releaser.get_by_text("chưa ghi người liên hệ")).to_be_visible()
    assert fits(releaser)
    releaser.screenshot(path=tmp_path / "call-list.png", full_page=True)
    releaser.get_by_role("link", name="Về trang báo động").click()

    hold(releaser, "Nhấn giữ để hủy báo động")
    expect(releaser.locator("#alert")).to_have_attribute("data-state", "cancelled")
    for page in (maker, releaser):
        assert page.complaints == []


def test_a_form_that_cannot_be_taken_says_why_and_keeps_what_was_typed(site: Site, officers: tuple[str, Page, Page]):
    code, page, _ = officers
    page.goto(f"{site.url}/emergency")
    page.get_by_label("Tên báo động").fill("Cháy ở chợ")
    page.get_by_label("Lời đọc").fill("Tránh xa khu chợ.")
    page.locator(f"input[name=area][value='{code}']").uncheck()
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Tên báo động")).to_have_value("Cháy ở chợ")
    expect(page.get_by_label("Lời đọc")).to_have_value("Tránh xa khu chợ.")
