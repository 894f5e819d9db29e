"""Somebody new, from the invitation to the last sign-out, in the browsers of both."""

import httpx
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.browser import PHONE, fits, sign_in
from tests.support.site import Site


def test_somebody_is_invited_comes_gets_other_roles_and_is_signed_out(
    site: Site, context: BrowserContext, chromium: Browser, commune: str
):
    site.ask(lambda: site.house.area(f"{commune}-1", parent=commune, name="Thôn Ngọc Lâm"))
    admin = sign_in(context, site, commune)
    admin.get_by_role("button", name="Khác", exact=True).click()
    admin.get_by_role("link", name="Người dùng").click()
    new = admin.get_by_role("region", name="Thêm người")
    new.get_by_label("Tên đăng nhập").fill(f"lan-{commune}")
    new.get_by_label("Họ và tên").fill("Lê Thị Lan")
    with admin.expect_response("**/parts/places?q=Ng%E1%BB%8Dc"):
        new.get_by_label("Tìm địa bàn khác").fill("Ngọc")
    expect(new.locator("select[name=area_code]")).to_have_value(f"{commune}-1")
    expect(new.locator("select[name=area_code]").locator("option")).to_have_text([f"Thôn Ngọc Lâm · {commune}"])
    new.get_by_label("Phát thanh viên").check()
    new.get_by_role("button", name="Thêm và tạo liên kết").click()
    link = httpx.URL(admin.locator("input.secret").input_value()).path

    theirs = chromium.new_context(viewport=PHONE, locale="vi-VN")
    theirs.set_default_timeout(20_000)
    lan = theirs.new_page()
    lan.goto(site.url + link)
    lan.get_by_label("Mật khẩu mới").fill("một câu dài của riêng tôi")
    lan.get_by_role("main").get_by_role("button").click()
    expect(lan.get_by_label("Tên đăng nhập")).to_have_value(f"lan-{commune}")
    lan.get_by_label("Mật khẩu").fill("một câu dài của riêng tôi")
    lan.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    expect(lan.locator("#compose")).to_be_visible()
    assert fits(lan)

    admin.goto(f"{site.url}/people")
    person = admin.locator(f"[data-person='lan-{commune}']")
    person.locator("summary").click()
    person.get_by_label("Phát thanh viên").uncheck()
    person.get_by_label("Người duyệt").check()
    person.get_by_role("button", name="Lưu").click()
    expect(person.locator("summary")).to_contain_text("Người duyệt")
    expect(person.locator("summary")).to_contain_text("Thôn Ngọc Lâm")
    lan.goto(f"{site.url}/account")
    expect(lan.get_by_label("duyệt cho phát")).to_be_visible()
    expect(lan.get_by_label("soạn và xếp lịch bản tin")).to_have_count(0)

    person.locator("summary").click()
    person.get_by_role("button", name="Đăng xuất mọi nơi").click()
    expect(person).to_be_visible()
    lan.goto(site.url)
    expect(lan).to_have_url(f"{site.url}/sign-in")
    theirs.close()
    assert admin.complaints == []
