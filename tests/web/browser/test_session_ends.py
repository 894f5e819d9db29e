"""Whose session ends in the middle of a form comes back to it, and finds what was typed and chosen."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support import broadcasts
from tests.support.browser import sign_in
from tests.support.controller import PASSWORD
from tests.support.site import Site

FLOOD = "Nước sông đang lên nhanh, bà con lên chỗ cao."


def back_as(page: Page, name: str) -> None:
    """Sign in on the form that the page has come to."""
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label("Tên đăng nhập").fill(name)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("[data-drafts]")).to_have_attribute("data-drafts", name)


def write_alert(page: Page, commune: str) -> None:
    """Fill in the form; one village is addressed, not all that the form begins with."""
    page.get_by_label("DIỄN TẬP").check()
    page.get_by_label("Tên báo động").fill("Lũ quét")
    page.get_by_label("Lời đọc").fill(FLOOD)
    page.get_by_label("Hiệu lực").select_option("6")
    page.locator(f"input[name=area][value={commune}]").uncheck()
    page.locator(f"input[name=area][value={commune}-x]").check()


def test_a_draft_of_an_alert_comes_back_once_to_who_wrote_it(site: Site, context: BrowserContext, commune: str):
    site.ask(lambda: site.house.area(f"{commune}-x", parent=commune, name="Thôn Ven Đê"))
    site.ask(lambda: site.house.user(f"{commune}-b", commune))
    page = sign_in(context, site, commune)
    here = f"{site.url}/emergency?standing=test"
    page.goto(here)
    write_alert(page, commune)
    context.clear_cookies()
    page.get_by_role("button", name="Tiếp tục").click()

    back_as(page, f"{commune}-b")
    expect(page).to_have_url(here)
    expect(page.get_by_label("Tên báo động")).to_have_value("Thử loa có tiếng")
    expect(page.locator("[data-brought-back]")).to_be_hidden()
    context.clear_cookies()
    page.reload()

    back_as(page, commune)
    expect(page).to_have_url(here)
    expect(page.locator("[data-brought-back]")).to_contain_text("Bản nháp của bạn đã được mở lại")
    expect(page.get_by_label("DIỄN TẬP")).to_be_checked()
    expect(page.get_by_label("Tên báo động")).to_have_value("Lũ quét")
    expect(page.get_by_label("Lời đọc")).to_have_value(FLOOD)
    expect(page.get_by_label("Hiệu lực")).to_have_value("6")
    expect(page.locator(f"input[name=area][value={commune}]")).not_to_be_checked()
    expect(page.locator(f"input[name=area][value={commune}-x]")).to_be_checked()
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.locator("#alert")).to_have_attribute("data-state", "draft")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Lũ quét")
    expect(page.locator("[data-link=live]")).to_be_visible()

    context.clear_cookies()
    page.goto(here)
    back_as(page, commune)
    expect(page.get_by_label("Tên báo động")).to_have_value("Thử loa có tiếng")
    expect(page.locator("[data-brought-back]")).to_be_hidden()
    assert page.complaints == []


def test_a_schedule_comes_back_and_is_kept(site: Site, context: BrowserContext, commune: str):
    site.ask(lambda: broadcasts.playlist(site.house, commune, title="Tin xã"))
    page = sign_in(context, site, commune)
    here = f"{site.url}/schedules/new?day={(site.now + timedelta(days=3)).date()}"
    page.goto(here)
    page.get_by_label("Chương trình hoặc bản tin").select_option(index=1)
    page.get_by_label("Tiêu đề").fill("Tin trưa")
    page.locator("[name=time]").fill("11:30")
    page.locator("[name=repeat]").select_option("weekly")
    page.locator("[name=weekday]").nth(2).check()
    page.locator(f"input[name=area][value={commune}]").check()
    context.clear_cookies()
    page.get_by_role("button", name="Lưu lại").click()

    back_as(page, commune)
    expect(page).to_have_url(here)
    expect(page.locator("[data-brought-back]")).to_be_visible()
    expect(page.get_by_label("Tiêu đề")).to_have_value("Tin trưa")
    expect(page.locator("[name=time]")).to_have_value("11:30")
    expect(page.locator("[name=weekday]").nth(2)).to_be_checked()
    expect(page.locator(f"input[name=area][value={commune}]")).to_be_checked()
    page.get_by_role("button", name="Lưu lại").click()
    expect(page.locator("#schedule .done")).to_contain_text("Đã lưu")
    expect(page.locator("[data-link=live]")).to_be_visible()

    context.clear_cookies()
    page.goto(here)
    back_as(page, commune)
    expect(page.get_by_label("Tiêu đề")).to_have_value("")
    assert page.complaints == []


def test_a_playlist_comes_back_with_the_parts_that_were_added(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.goto(f"{site.url}/playlists/new")
    page.get_by_label("Tiêu đề").fill("Bản tin sáng")
    with page.expect_response("**/playlists/form"):
        page.get_by_role("button", name="+ Tiếp âm đài khác", exact=True).click()
    page.get_by_label("Tên đài").fill("Đài huyện")
    count = page.locator(".items > .item").count()
    context.clear_cookies()
    page.get_by_role("button", name="+ Tiếp âm đài khác", exact=True).click()

    back_as(page, commune)
    expect(page.get_by_label("Tên đài")).to_have_value("Đài huyện")
    expect(page.get_by_label("Tiêu đề")).to_have_value("Bản tin sáng")
    expect(page.locator(".items > .item")).to_have_count(count)
    expect(page.locator("[data-brought-back]")).to_be_visible()
    assert page.complaints == []


@pytest.mark.parametrize(
    ("path", "form", "typed", "ticked", "kept"),
    [
        ("/speakers/{}-1", "#note form", {"note": "Chìa khoá ở nhà ông Tư"}, (), "textarea:has-text('ông Tư')"),
        (
            "/rules",
            "form[action^='/rules/']",
            {"contact": "Ông Tư, 0912 345 678"},
            ("[name=approval][value=second_person]",),
            "form:has([name=approval][value=second_person][checked]) [name=contact][value^='Ông Tư']",
        ),
        (
            "/people",
            "form[action='/people']",
            {"name": "{}-new", "full_name": "Trần Thị Mai", "email": "mai@xa.example.vn", "area_code": "{}-y"},
            ("[name=roles][value=technician]",),
            "[data-person='{}-new']",
        ),
    ],
    ids=["note", "rules", "invitation"],
)
def test_a_form_comes_back_and_is_kept(
    *, site: Site, context: BrowserContext, commune: str,
    path: str, form: str, typed: dict[str, str], ticked: tuple[str, ...], kept: str,
):  # fmt: skip
    site.ask(lambda: site.house.area(f"{commune}-x", parent=commune, name="Thôn Đông"))
    site.ask(lambda: site.house.area(f"{commune}-y", parent=f"{commune}-x", name="Xóm Ven Đê"))
    page = sign_in(context, site, commune)
    here = site.url + path.format(commune)
    written = page.locator(form)
    values = {name: value.format(commune) for name, value in typed.items()}
    page.goto(here)
    for name, value in values.items():
        field = written.locator(f"[name={name}]")
        if name == "area_code":
            written.get_by_label("Tìm địa bàn khác").fill("Ven Đê")
            field.select_option(value)
        else:
            field.fill(value)
    for each in ticked:
        written.locator(each).check()
    context.clear_cookies()
    written.get_by_role("button").click()

    back_as(page, commune)
    expect(page).to_have_url(here)
    expect(page.locator("[data-brought-back]")).to_be_visible()
    for name, value in values.items():
        expect(written.locator(f"[name={name}]")).to_have_value(value)
    for each in ticked:
        expect(written.locator(each)).to_be_checked()
    expect(page.locator(kept.format(commune))).to_have_count(0)
    written.get_by_role("button").click()
    expect(page.locator(kept.format(commune))).to_be_visible()
    page.goto(here)
    expect(page.locator("[data-link=live]")).to_be_visible()
    expect(page.locator("[data-brought-back]")).to_be_hidden()
    assert page.complaints == []


@pytest.mark.parametrize("path", ["/emergency", "/emergency?standing=test"])
def test_a_page_that_renews_itself_leaves_whoever_is_typing_there(
    site: Site, context: BrowserContext, commune: str, path: str
):
    page = sign_in(context, site, commune)
    page.goto(site.url + path)
    expect(page.locator("[data-link=live]")).to_be_visible()
    page.get_by_label("Tên báo động").fill("Lũ quét")
    context.clear_cookies()
    with page.expect_response(lambda answer: answer.url.endswith("/emergency") and answer.status == 401):
        page.evaluate("document.body.dispatchEvent(new CustomEvent('loa:alerts'))")
    expect(page.locator(".link-out")).to_contain_text("Bạn đã bị đăng xuất")
    expect(page.get_by_label("Tên báo động")).to_have_value("Lũ quét")

    page.get_by_role("link", name="Đăng nhập lại").click()
    back_as(page, commune)
    expect(page).to_have_url(site.url + path)
    expect(page.get_by_label("Tên báo động")).to_have_value("Lũ quét")
    page.get_by_role("button", name="Soạn lại từ đầu").click()
    expect(page.get_by_label("Tên báo động")).not_to_have_value("Lũ quét")


def test_passwords_and_codes_are_kept_nowhere(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.goto(f"{site.url}/account")
    page.locator("input[type=password]").first.fill("mật khẩu cũ")
    page.get_by_role("main").locator("form:has(input[type=password])").evaluate("form => form.requestSubmit()")
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    assert "mật khẩu" not in page.evaluate("JSON.stringify({ ...sessionStorage })")
