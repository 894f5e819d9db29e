"""A warning centre from its entry to the alert that an officer lets go, in a real browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, fits, sign_in
from tests.support.cap import area, cap, certificate, info, key, signed
from tests.support.site import Site


@pytest.fixture(params=["desktop", "phone-dark"])
def page(site: Site, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A commune with two hamlets, and somebody who does everything there, at a browser."""
    code = f"k{crc32(request.node.name.encode()) % 10**8}"

    async def commune() -> None:
        await site.house.commune(code, speakers=2)
        await site.house.area(f"{code}-a", parent=code, name="Thôn Đông")
        await site.house.area(f"{code}-b", parent=code, name="Thôn Tây")
        await site.house.user(code, code)

    site.ask(commune)
    phone = request.param != "desktop"
    context = chromium.new_context(
        viewport=PHONE if phone else DESKTOP,
        color_scheme="dark" if phone else "light",
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
    )
    yield sign_in(context, site, code)
    context.close()


def looks_well(page: Page, picture: Path) -> None:
    page.screenshot(path=picture, full_page=True)
    assert fits(page)
    assert violations(page) == []
    assert page.complaints == []


def press(page: Page, name: str) -> None:
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def test_an_administrator_lets_a_centre_in_and_an_officer_chooses_where_its_warning_is_heard(
    site: Site, page: Page, tmp_path: Path
):
    page.goto(f"{site.url}/cap")
    expect(page.get_by_text("Chưa có đơn vị nào gửi cảnh báo")).to_be_visible()
    page.get_by_label("Tên đơn vị").fill("Đài Khí tượng")
    looks_well(page, tmp_path / "none.png")
    press(page, "Thêm")
    expect(page.get_by_role("heading", level=1)).to_have_text("Đài Khí tượng")

    since = site.now - timedelta(days=1)
    pem = certificate(key(), name="Đài Khí tượng Bắc Ninh", since=since).public_bytes(Encoding.PEM)
    page.get_by_label("Thêm chứng thư").set_input_files([{"name": "kttv.pem", "mimeType": "", "buffer": pem}])
    page.locator("#about").get_by_role("button", name="Lưu").click()
    expect(page.locator("[data-certificate]")).to_contain_text("Đài Khí tượng Bắc Ninh")
    page.get_by_label("Địa chỉ (Atom hoặc RSS)").fill("https://kttv.example.vn/cap.atom")
    page.locator("#feeds").get_by_role("button", name="Thêm").click()
    expect(page.locator("[data-feed]")).to_contain_text("kttv.example.vn")
    page.locator("[data-rung='1'] summary").click()
    page.locator("[data-rung='1']").get_by_label("nhẹ", exact=True).check()
    page.locator("#ladder").get_by_role("button", name="Lưu").click()
    expect(page.locator("[data-rung='1'] summary")).to_contain_text("vừa, nhẹ")
    press(page, "Tạo mã")
    secret = page.locator("#new-token .secret").input_value()
    looks_well(page, tmp_path / "sender.png")

    sent, expires = (at.isoformat(timespec="seconds") for at in (site.now, site.now + timedelta(hours=1)))
    browser = site.house.browser(Authorization=f"Bearer {secret}")

    async def send(message: bytes) -> int:
        answer = await browser.post("/api/v1/cap", content=message, headers={"Content-Type": "application/cap+xml"})
        return answer.status_code

    warning = cap(info(expires=expires, places=area(description="Ven sông Thương")), sent=sent)
    assert site.ask(lambda: send(signed(warning))) == 200
    assert site.ask(lambda: send(warning)) == 403
    page.goto(f"{site.url}/cap")
    expect(page.locator("[data-sender]")).to_contain_text("Chữ ký XML thiếu hoặc không đúng")
    looks_well(page, tmp_path / "senders.png")
    page.get_by_role("link", name="Đài Khí tượng").click()
    expect(page.locator("[data-message]")).to_contain_text("Vùng chỉ được tả bằng lời")
    page.get_by_role("link", name="Xem báo động").click()

    expect(page.get_by_text("Bản tin chỉ tả vùng bằng lời")).to_be_visible()
    expect(page.get_by_role("button", name="Nhấn giữ để phát lệnh")).to_have_count(0)
    hamlet = page.get_by_role("checkbox", name="Thôn Đông")
    hamlet.check()
    looks_well(page, tmp_path / "draft.png")
    press(page, "Chọn những nơi này")
    page.get_by_text("Chọn nơi phát khác").click()
    expect(hamlet).to_be_checked()
    expect(page.get_by_role("button", name="Nhấn giữ để phát lệnh")).to_be_visible()

    page.goto(f"{site.url}/cap")
    page.get_by_role("link", name="Đài Khí tượng").click()
    page.get_by_role("button", name="Cất đi").click()
    expect(page.get_by_role("button", name="Khôi phục")).to_be_visible()
    looks_well(page, tmp_path / "away.png")
    page.get_by_role("button", name="Khôi phục").click()
    expect(page.get_by_role("button", name="Cất đi")).to_be_visible()


def test_the_rules_of_a_place_are_set_on_one_page(site: Site, page: Page, tmp_path: Path):
    page.goto(f"{site.url}/rules")
    page.get_by_role("region", name="Ai được phát lệnh báo động").get_by_label("Hai người").check()
    page.get_by_role("region", name="Báo động tại chỗ").get_by_label("Được phép kích hoạt").check()
    page.get_by_role("region", name="Thử loa không tiếng").get_by_label("Hằng tuần").check()
    page.get_by_label("Tên và số điện thoại").fill("Ông Ba, 0912 345 678")
    page.get_by_role("button", name="Lưu").click()
    expect(page.locator("#release strong")).to_contain_text("Hai người")
    expect(page.locator("#local_alarm strong")).to_have_text("Được phép kích hoạt.")
    expect(page.locator("#silent_test strong")).to_have_text("Hằng tuần")
    expect(page.get_by_label("Tên và số điện thoại")).to_have_value("Ông Ba, 0912 345 678")
    looks_well(page, tmp_path / "rules.png")
