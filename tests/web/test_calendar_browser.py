"""The calendar under a real pointer: airings are dragged, drawn out and put back; on a phone the days are a list."""

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from controller.database import new_id
from tests.support import broadcasts
from tests.support.axe import violations
from tests.support.site import Site
from tests.web.test_browser import (
    DESKTOP,
    PHONE,
    chromium,
    commune,
    context,
    fits,
    leaves_nothing_running,
    sign_in,
    site,
)

__all__ = ["chromium", "commune", "context", "leaves_nothing_running", "site"]

SATURDAY, SUNDAY = "2026-11-21", "2026-11-22"


def airs(site: Site, area: str, first: str, **more: Any) -> str:
    """Schedule a minute of sound in a commune; its id."""

    async def made() -> str:
        client = await site.house.signed_in(area, f"maker-{new_id()}")
        playlist = await broadcasts.playlist(site.house, area)
        target = {"kind": "area", "key": area}
        body = {"title": "Bản tin", "playlist_id": playlist, "area_code": area, "targets": [target]}
        answer = await client.post("/api/v1/schedules", json=body | {"first_local": first} | more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    return site.ask(made)


def day(page: Page, of: str) -> Locator:
    return page.locator(f"[data-day='{of}']")


def clocks(page: Page, of: str) -> list[str]:
    return day(page, of).locator(".slot time").all_inner_texts()


def drag(page: Page, what: Locator, to: Locator, *, down_px: float = 0) -> None:
    """Take the middle of something to the same height of another day, or lower."""
    taken, aimed = what.bounding_box(), to.bounding_box()
    assert taken
    assert aimed
    y = taken["y"] + taken["height"] / 2
    page.mouse.move(taken["x"] + taken["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(aimed["x"] + aimed["width"] / 2, y + down_px, steps=6)
    page.mouse.up()


def opened(context: BrowserContext, site: Site, area: str, size: dict[str, int]) -> Page:
    page = sign_in(context, site, area)
    page.set_viewport_size(size)
    page.goto(f"{site.url}/calendar?day={SATURDAY}")
    return page


def test_an_airing_is_dragged_to_another_day_and_hour_and_put_back(site: Site, context: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00", rrule="FREQ=DAILY")
    page = opened(context, site, commune, DESKTOP)
    slot = day(page, SATURDAY).locator(".slot")
    an_hour = (page.locator(".hours li[data-minute='480']").bounding_box() or {})["y"] - (
        page.locator(".hours li[data-minute='420']").bounding_box() or {}
    )["y"]
    drag(page, slot, day(page, SUNDAY), down_px=an_hour)
    dialog = page.get_by_role("dialog", name=re.compile("Dời"))
    expect(dialog).to_contain_text("08:00 22/11/2026")
    with page.expect_response("**/calendar/move"):
        dialog.get_by_role("button", name="Chỉ lượt này").click()
    expect(page.get_by_text("Đã dời sang 08:00 22/11/2026.")).to_be_visible()
    assert (clocks(page, SATURDAY), clocks(page, SUNDAY)) == ([], ["07:00", "08:00"])
    with page.expect_response("**/calendar/undo"):
        page.get_by_role("button", name="Hoàn tác").click()
    expect(page.get_by_text("Đã trở lại như trước.")).to_be_visible()
    assert (clocks(page, SATURDAY), clocks(page, SUNDAY)) == (["07:00"], ["07:00"])
    assert page.complaints == []


def test_a_drag_that_is_left_off_changes_nothing_and_a_click_opens_the_form(
    site: Site, context: BrowserContext, commune: str
):
    airs(site, commune, f"{SATURDAY}T07:00", rrule="FREQ=DAILY")
    page = opened(context, site, commune, DESKTOP)
    slot = day(page, SATURDAY).locator(".slot")
    drag(page, slot, day(page, SUNDAY), down_px=40)
    page.get_by_role("dialog").get_by_role("button", name="Thôi").click()
    assert clocks(page, SATURDAY) == ["07:00"]
    slot.locator("a").click()
    expect(page.get_by_role("heading", name="Bản tin", level=1)).to_be_visible()
    expect(page.get_by_text("Mỗi ngày lúc 07:00")).to_be_visible()
    expect(page.get_by_role("button", name="Chỉ dời lượt này")).to_be_visible()
    assert page.complaints == []


def test_an_airing_is_drawn_out_over_the_next_days(site: Site, context: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00")
    page = opened(context, site, commune, DESKTOP)
    drag(page, day(page, SATURDAY).locator("[data-edge]"), day(page, SUNDAY))
    with page.expect_response("**/calendar/stretch"):
        page.get_by_role("dialog").get_by_role("button", name="Đồng ý").click()
    expect(day(page, SUNDAY).locator(".slot")).to_have_count(1)
    assert clocks(page, SUNDAY) == ["07:00"]
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_calendar_and_form_fit_and_have_nothing_in_anybodys_way(
    *, site: Site, context: BrowserContext, commune: str, size: dict[str, int], scheme: Any
):
    for clock, more in (("07:00", {"rrule": "FREQ=DAILY"}), ("07:00", {"title": "Tin xã"}), ("17:00", {"priority": 1})):
        airs(site, commune, f"{SATURDAY}T{clock}", **more)
    page = opened(context, site, commune, size)
    page.emulate_media(color_scheme=scheme)
    for address, shot in (
        (f"/calendar?day={SATURDAY}", "week"),
        (f"/calendar?view=month&day={SATURDAY}", "month"),
        (f"/schedules/new?day={SATURDAY}", "form"),
        (f"/calendar/speaker/{commune}-1", "speaker"),
        ("/calendar/subscriptions", "subscriptions"),
    ):
        page.goto(f"{site.url}{address}")
        assert fits(page), shot
        assert violations(page) == []
    assert page.complaints == []


def test_on_paper_the_week_is_seven_lists_and_nothing_to_press(site: Site, context: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00")
    airs(site, commune, f"{SATURDAY}T17:00")
    page = opened(context, site, commune, DESKTOP)
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(page.get_by_role("button")).to_have_count(0)
    first, second = (day(page, SATURDAY).locator(".slot").nth(number).bounding_box() for number in (0, 1))
    assert first
    assert second
    assert 0 < second["y"] - first["y"] < 2 * first["height"], "one below the other, without the hours between"


def test_the_form_says_the_calendar_in_words_while_it_is_put_together(
    site: Site, context: BrowserContext, commune: str
):
    airs(site, commune, f"{SATURDAY}T07:00")
    page = sign_in(context, site, commune)
    page.set_viewport_size(PHONE)
    page.goto(f"{site.url}/schedules/new?day={SATURDAY}")
    page.get_by_label("Chương trình hoặc bản tin").select_option(index=1)
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Giờ", exact=True).fill("17:00")
    page.get_by_label("Lặp lại").select_option("moon")
    page.get_by_label("Rằm (15)").check()
    expect(page.get_by_text("Rằm âm lịch hằng tháng lúc 17:00")).to_be_visible()
    page.get_by_role("button", name="Lưu lại").click()
    expect(page.get_by_text("Đã lưu.")).to_be_visible()
    assert fits(page)
    assert page.complaints == []
