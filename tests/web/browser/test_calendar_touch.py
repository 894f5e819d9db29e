"""The calendar under a finger: it rests to lift an airing, and drags it; it taps and scrolls as ever."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.browser import PHONE, a_context, fits, sign_in
from tests.support.calendar import SATURDAY, SUNDAY, airs, clocks, day
from tests.support.finger import Finger
from tests.support.site import Site


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    with a_context(chromium, viewport=PHONE, has_touch=True, is_mobile=True) as opened:
        yield opened


def lifts(slot: Locator) -> None:
    """Let the finger rest until the airing lifts."""
    expect(slot).to_have_class(re.compile("is-lifted"))


def shown(phone: BrowserContext, site: Site, area: str, mode: str = "week") -> Page:
    page = sign_in(phone, site, area)
    page.goto(f"{site.url}/calendar?view={mode}&day={SATURDAY}")
    return page


@pytest.mark.parametrize("mode", ["week", "month"])
def test_a_finger_drags_an_airing_to_another_day_and_its_time_stays(
    site: Site, phone: BrowserContext, commune: str, mode: str
):
    airs(site, commune, f"{SATURDAY}T07:00", rrule="FREQ=DAILY")
    page = shown(phone, site, commune, mode)
    finger, slot = Finger(page), day(page, SATURDAY).locator(".slot")
    finger.down(slot)
    lifts(slot)
    finger.over(day(page, SUNDAY))
    expect(day(page, SUNDAY)).to_have_class(re.compile("is-aim"))
    expect(page.locator(".drag-ghost")).to_contain_text("07:00 · Chủ Nhật 22/11")
    assert fits(page)
    finger.up()
    expect(page.locator(".drag-ghost")).to_have_count(0)
    dialog = page.get_by_role("dialog", name="Dời “Bản tin”")
    expect(dialog.get_by_label("Sang", exact=True)).to_have_value(f"{SUNDAY}T07:00")
    dialog.get_by_label("Sang", exact=True).fill(f"{SUNDAY}T08:30")
    with page.expect_response("**/calendar/move"):
        dialog.get_by_role("button", name="Chỉ lượt này").click()
    expect(page.get_by_text("Đã dời sang 08:30 22/11/2026.")).to_be_visible()
    assert (clocks(page, SATURDAY), clocks(page, SUNDAY)) == ([], ["07:00", "08:30"])
    with page.expect_response("**/calendar/undo"):
        page.get_by_role("button", name="Hoàn tác").tap()
    expect(page.get_by_text("Đã trở lại như trước.")).to_be_visible()
    assert (clocks(page, SATURDAY), clocks(page, SUNDAY)) == (["07:00"], ["07:00"])
    assert page.complaints == []


def test_the_page_follows_a_finger_at_its_edge(site: Site, phone: BrowserContext, commune: str):
    for number in range(6):
        airs(site, commune, f"{SATURDAY}T{7 + number:02}:00", title=f"Tin {number}")
    page = shown(phone, site, commune, "month")
    finger, slot = Finger(page), day(page, SATURDAY).locator(".slot").first
    slot.evaluate("slot => scrollTo(0, slot.getBoundingClientRect().top + scrollY - 200)")
    finger.down(slot)
    lifts(slot)
    finger.to(180, PHONE["height"] - 8)
    expect(day(page, "2026-11-28")).to_have_class(re.compile("is-aim"))  # far below the window when it lifted
    page.wait_for_function("() => scrollY + innerHeight >= document.documentElement.scrollHeight")
    finger.to(180, 8)
    page.wait_for_function("() => scrollY === 0")
    finger.up()  # beyond days that are over: nowhere to go
    expect(page.locator(".is-aim, .drag-ghost, dialog:modal")).to_have_count(0)
    assert clocks(page, SATURDAY)[0] == "07:00"


def test_a_finger_that_moves_at_once_scrolls_and_one_that_taps_opens(site: Site, phone: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00", rrule="FREQ=DAILY")
    page = shown(phone, site, commune, "month")
    finger, slot = Finger(page), day(page, SATURDAY).locator(".slot")
    slot.evaluate("slot => scrollTo(0, slot.getBoundingClientRect().top + scrollY - 400)")
    before = page.evaluate("scrollY")
    finger.down(slot)
    finger.to(120, 100)
    finger.up()
    page.wait_for_function("before => Math.abs(scrollY - before) > 100", arg=before)
    expect(page.locator(".is-lifted, .drag-ghost, dialog:modal")).to_have_count(0)
    slot.locator("a").tap()
    expect(page.get_by_role("heading", name="Bản tin", level=1)).to_be_visible()
    assert page.complaints == []


def test_a_finger_draws_the_lower_edge_over_further_days(site: Site, phone: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00")
    page = shown(phone, site, commune)
    finger, slot = Finger(page), day(page, SATURDAY).locator(".slot")
    finger.down(slot.locator("[data-edge]"))
    lifts(slot)
    finger.over(day(page, SUNDAY))
    expect(page.locator(".drag-ghost")).to_contain_text("→ Chủ Nhật 22/11")
    finger.up()
    dialog = page.get_by_role("dialog", name="Phát thêm “Bản tin” những ngày sau")
    expect(dialog.get_by_label("Mỗi ngày, đến hết ngày")).to_have_value(SUNDAY)
    with page.expect_response("**/calendar/stretch"):
        dialog.get_by_role("button", name="Đồng ý").tap()
    expect(day(page, SUNDAY).locator(".slot")).to_have_count(1)
    assert page.complaints == []


def test_a_finger_that_rests_and_leaves_is_offered_what_can_be_done(site: Site, phone: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00")
    page = shown(phone, site, commune)
    finger, slot = Finger(page), day(page, SATURDAY).locator(".slot")
    finger.down(slot)
    lifts(slot)
    finger.up()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Sang", exact=True)).to_have_value(f"{SATURDAY}T07:00")
    expect(dialog.get_by_label("Mỗi ngày, đến hết ngày")).to_have_value(SATURDAY)
    expect(page).to_have_url(re.compile("/calendar"))
