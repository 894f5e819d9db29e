"""The calendar under a real pointer: airings are dragged, drawn out and put back; on a phone the days are a list."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, fits, sign_in
from tests.support.calendar import SATURDAY, SUNDAY, airs, clocks, day
from tests.support.site import Site


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


def opened(context: BrowserContext, site: Site, area: str, size: dict[str, int], mode: str = "week") -> Page:
    page = sign_in(context, site, area)
    page.set_viewport_size(size)
    page.goto(f"{site.url}/calendar?view={mode}&day={SATURDAY}")
    return page


def test_an_airing_is_dragged_to_another_day_and_hour_and_put_back(site: Site, context: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00", rrule="FREQ=DAILY")
    page = opened(context, site, commune, DESKTOP)
    slot = day(page, SATURDAY).locator(".slot")
    an_hour = (page.locator(".hours li[data-minute='480']").bounding_box() or {})["y"] - (
        page.locator(".hours li[data-minute='420']").bounding_box() or {}
    )["y"]
    drag(page, slot, day(page, SUNDAY), down_px=an_hour)
    dialog = page.get_by_role("dialog", name="Dời “Bản tin”")
    expect(dialog.get_by_label("Sang", exact=True)).to_have_value(f"{SUNDAY}T08:00")
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


def test_in_a_month_an_airing_is_dragged_to_another_day_and_its_time_stays(
    site: Site, context: BrowserContext, commune: str
):
    airs(site, commune, f"{SATURDAY}T07:00:30")
    page = opened(context, site, commune, DESKTOP, "month")
    drag(page, day(page, SATURDAY).locator(".slot"), day(page, "2026-11-26"), down_px=150)
    dialog = page.get_by_role("dialog", name="Dời “Bản tin”")
    expect(dialog.get_by_label("Sang", exact=True)).to_have_value("2026-11-26T07:00:30")
    with page.expect_response("**/calendar/move"):
        dialog.get_by_role("button", name="Dời", exact=True).click()
    expect(page.get_by_text("Đã dời sang 07:00 26/11/2026.")).to_be_visible()
    expect(page.locator("#calendar [role=status]")).to_be_focused()
    assert (clocks(page, SATURDAY), clocks(page, "2026-11-26")) == ([], ["07:00"])
    with page.expect_response("**/calendar/undo"):
        page.get_by_role("button", name="Hoàn tác").click()
    expect(day(page, SATURDAY).locator(".slot")).to_have_count(1)
    assert page.complaints == []


@pytest.mark.parametrize(
    ("mode", "before", "after", "name"),
    [("week", "Tuần trước", "Tuần sau", "16/11 – 22/11/2026"), ("month", "Tháng trước", "Tháng sau", "Tháng 11/2026")],
)
def test_arrows_say_where_they_lead(
    *, site: Site, context: BrowserContext, commune: str, mode: str, before: str, after: str, name: str
):
    page = opened(context, site, commune, PHONE, mode)
    heading = expect(page.locator("#calendar-title"))
    heading.to_have_text(name)
    page.get_by_role("link", name=after).click()
    heading.not_to_have_text(name)
    page.get_by_role("link", name=before).click()
    heading.to_have_text(name)


def test_in_a_month_an_airing_is_drawn_out_into_the_next_week(site: Site, context: BrowserContext, commune: str):
    airs(site, commune, f"{SATURDAY}T07:00")
    page = opened(context, site, commune, DESKTOP, "month")
    drag(page, day(page, SATURDAY).locator("[data-edge]"), day(page, "2026-11-24"), down_px=150)
    with page.expect_response("**/calendar/stretch"):
        page.get_by_role("dialog").get_by_role("button", name="Đồng ý").click()
    expect(day(page, "2026-11-24").locator(".slot")).to_have_count(1)
    days = [SATURDAY, SUNDAY, *(f"2026-11-{number}" for number in (23, 24, 25))]
    assert [clocks(page, each) for each in days] == [["07:00"]] * 4 + [[]]
    assert page.complaints == []


@pytest.mark.parametrize("mode", ["week", "month"])
def test_by_keyboard_an_airing_is_moved_and_drawn_out(site: Site, context: BrowserContext, commune: str, mode: str):
    airs(site, commune, f"{SATURDAY}T07:00")
    page = opened(context, site, commune, DESKTOP, mode)
    day(page, SATURDAY).locator(".slot a").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Dời “Bản tin”")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(day(page, SATURDAY).get_by_role("button", name="Dời… 07:00 Bản tin")).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_label("Sang", exact=True).fill(f"{SUNDAY}T09:00")
    with page.expect_response("**/calendar/move"):
        page.keyboard.press("Enter")
    expect(day(page, SUNDAY).locator(".slot")).to_have_count(1)
    day(page, SUNDAY).get_by_role("button", name="Dời… 09:00 Bản tin").press("Enter")
    dialog.get_by_label("Mỗi ngày, đến hết ngày").fill("2026-11-29")
    with page.expect_response("**/calendar/stretch"):
        page.keyboard.press("Enter")
    expect(page.get_by_text("Sẽ phát mọi ngày đến hết 29/11/2026.")).to_be_visible()
    assert page.complaints == []


@pytest.mark.parametrize("mode", ["week", "month"])
def test_what_it_would_collide_with_is_said_before_it_is_kept_and_something_else_can_be_chosen(
    site: Site, context: BrowserContext, commune: str, mode: str
):
    airs(site, commune, f"{SATURDAY}T07:00")
    airs(site, commune, f"{SUNDAY}T07:00", title="Tin xã")
    page = opened(context, site, commune, DESKTOP, mode)
    slot = day(page, SATURDAY).get_by_role("button", name="Dời… 07:00 Bản tin")
    question = page.get_by_role("dialog", name="Trước khi lưu")

    def moved() -> None:
        slot.press("Enter")
        page.get_by_role("dialog").get_by_label("Sang", exact=True).fill(f"{SUNDAY}T07:00")
        with page.expect_response("**/calendar/move"):
            page.keyboard.press("Enter")
        expect(question).to_contain_text("Tin xã")

    moved()
    assert fits(page)
    assert violations(page) == []
    question.get_by_role("button", name="Thôi").click()
    assert (clocks(page, SATURDAY), clocks(page, SUNDAY)) == (["07:00"], ["07:00"])
    moved()
    with page.expect_response("**/calendar/move"):
        question.get_by_role("button", name="Dời sang 07:01").click()
    expect(page.get_by_text("Đã dời sang 07:01 22/11/2026.")).to_be_visible()
    assert clocks(page, SUNDAY) == ["07:00", "07:01"]
    assert page.complaints == []


def test_copies_that_would_collide_are_said_before_they_are_kept_and_their_days_can_be_left_out(
    site: Site, context: BrowserContext, commune: str
):
    airs(site, commune, f"{SATURDAY}T07:00")
    airs(site, commune, f"{SUNDAY}T07:00", title="Tin xã")
    page = opened(context, site, commune, DESKTOP)
    question = page.get_by_role("dialog", name="Trước khi lưu")
    sheet = page.get_by_role("dialog", name="Chép ngày này")

    def copied() -> None:
        day(page, SATURDAY).get_by_role("button", name="Chép Thứ Bảy 21/11").click()
        sheet.get_by_label("Chủ Nhật 22/11").check()
        sheet.get_by_label("Ngày khác").fill("2026-11-24")
        with page.expect_response("**/calendar/copy"):
            sheet.get_by_role("button", name="Chép", exact=True).click()
        expect(question).to_contain_text("22/11 · Từ 07:0")

    copied()
    expect(question).to_contain_text("Tin xã")
    assert fits(page)
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert clocks(page, SUNDAY) == ["07:00"]
    copied()
    with page.expect_response("**/calendar/copy"):
        question.get_by_role("button", name="Chỉ chép sang 24/11").click()
    expect(page.get_by_text("Đã chép ngày 21/11/2026.")).to_be_visible()
    assert clocks(page, SUNDAY) == ["07:00"]
    page.goto(f"{site.url}/calendar?day=2026-11-24")
    assert clocks(page, "2026-11-24") == ["07:00"]
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
