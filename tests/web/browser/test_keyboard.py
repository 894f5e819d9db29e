"""Pages under a keyboard alone, and for who does not bear motion."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from schedules.types import VIETNAM
from tests.support.browser import PHONE, a_context, sign_in
from tests.support.calendar import SATURDAY, airs, day
from tests.support.site import Site


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def test_the_first_stop_leads_past_the_menu(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    skip = page.get_by_role("link", name="Đến nội dung chính")
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert focused(page).evaluate("each => document.querySelector('main').contains(each)")
    expect(skip).not_to_be_in_viewport(ratio=1)


def opens(page: Page, opener: Locator, opened: Locator) -> None:
    """Open something with Enter, and close it with Escape: the focus is where it was."""
    opener.focus()
    page.keyboard.press("Enter")
    expect(opened).to_be_visible()
    page.keyboard.press("Escape")
    expect(opened).to_be_hidden()
    expect(opener).to_be_focused()


def test_escape_closes_whatever_opens_and_the_focus_goes_back(site: Site, context: BrowserContext, commune: str):
    airs(site, commune, f"{site.now.astimezone(ZoneInfo(VIETNAM)) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}")
    airs(site, commune, f"{SATURDAY}T07:00")
    page = sign_in(context, site, commune)
    page.set_viewport_size(PHONE)
    opens(page, page.get_by_role("button", name="Khác", exact=True), page.get_by_role("dialog", name="Các trang khác"))
    opens(page, page.get_by_text("Trợ giúp về trang này").locator(".."), page.locator(".help-words"))
    airing = page.locator("[data-occurrence]").first
    opens(page, airing.get_by_role("button", name="Huỷ lượt"), page.get_by_role("dialog", name="Huỷ lượt"))
    page.goto(f"{site.url}/calendar?day={SATURDAY}")
    saturday = day(page, SATURDAY)
    opens(page, saturday.get_by_role("button", name="Chép"), page.get_by_role("dialog", name="Chép ngày này"))
    opens(page, saturday.get_by_role("button", name="Dời…"), page.get_by_role("dialog", name="Dời “Bản tin”"))
    assert page.complaints == []


def breathes(site: Site, page: Page, commune: str) -> str:
    site.hears(f"{commune}-1", playing="s.20261120T050000Z", title="Bản tin")
    sign = page.locator(f"[data-speaker={commune}-1] .sign.tone-air .icon")
    expect(sign).to_be_visible()
    name: str = sign.evaluate("each => getComputedStyle(each).animationName")
    return name


def test_nothing_moves_for_who_asked_for_stillness(
    site: Site, chromium: Browser, context: BrowserContext, commune: str
):
    assert breathes(site, sign_in(context, site, commune), commune) == "breathe"
    with a_context(chromium, reduced_motion="reduce") as still:
        assert breathes(site, sign_in(still, site, commune), commune) == "none"
