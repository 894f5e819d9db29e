"""A playlist from nothing to the air, in a real browser."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser import DESKTOP, PHONE, fits, sign_in
from tests.support.eventually import eventually
from tests.support.site import Site


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_officer_puts_a_playlist_together_hears_it_keeps_it_and_airs_it(
    site: Site, context: BrowserContext, commune: str, size: dict[str, int]
):
    async def announced() -> None:
        client = await site.house.signed_in(commune)
        body = {"title": "Tin lúa", "text": "Bà con chú ý phun thuốc.", "area_code": commune}
        assert (await client.post("/api/v1/announcements", json=body)).status_code == 202

    site.ask(announced)
    page = sign_in(context, site, commune)
    page.set_viewport_size(size)
    page.goto(f"{site.url}/playlists")
    expect(page.get_by_text("Chưa có chương trình nào")).to_be_visible()
    page.get_by_role("link", name="Ghép chương trình").click()

    def press(name: str) -> None:
        with page.expect_response("**/playlists/form"):
            page.get_by_role("button", name=name, exact=True).click()

    page.get_by_label("Tiêu đề").fill("Bản tin sáng")
    page.get_by_role("combobox", name="Bản tin", exact=True).select_option(index=1)
    press("+ Tiếp âm đài khác")
    expect(page.get_by_role("group", name="Tiếp âm đài khác")).to_be_visible()
    press("Xoá: Tiếp âm đài khác, mục 3")
    expect(page.get_by_role("group", name="Tiếp âm đài khác")).to_have_count(0)
    press("Hoàn tác")
    page.get_by_label("Tên đài").fill("Đài huyện")
    with page.expect_response("**/playlists/hear") as refused:
        page.get_by_role("button", name="Ghép lại và nghe thử").click()
    assert refused.value.status == 422
    expect(page.get_by_label("Địa chỉ luồng phát")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Tên đài")).to_have_value("Đài huyện")
    press("Xoá: Tiếp âm đài khác, mục 3")
    page.get_by_role("button", name="Ghép lại và nghe thử").click()
    sound = page.get_by_label("Chương trình như loa sẽ phát")
    expect(sound).to_be_visible(timeout=60_000)
    eventually(lambda: sound.evaluate("each => each.duration > 3"), within_s=20, what="it can be heard")
    assert fits(page)
    page.get_by_role("button", name="Lưu lại").click()
    expect(page.get_by_text("Đã lưu. Âm thanh được tạo tự động.")).to_be_visible()
    page.get_by_role("link", name="Phát …").click()
    expect(page.get_by_role("combobox", name="Chương trình")).to_have_value(re.compile("^[0-9a-z]{26}$"))
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.get_by_text("đã được gửi")).to_be_visible(timeout=60_000)

    async def scheduled() -> list[str]:
        client = await site.house.signed_in(commune, f"reader-{commune}")
        return [each["title"] for each in (await client.get("/api/v1/schedules")).json()["items"]]

    assert site.ask(scheduled) == ["Bản tin sáng"]
    assert page.complaints == []
