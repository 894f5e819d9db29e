"""The technician who also administers: puts speakers together under a name, and takes one out of service."""

from playwright.sync_api import Browser, expect

from controller.accounts.roles import Role
from tests.support.browser import PHONE, a_context, fits, hold, sign_in
from tests.support.site import Site


def test_a_technician_makes_a_group_and_retires_a_speaker(site: Site, chromium: Browser, commune: str):
    name = f"tho-{commune}"
    site.ask(lambda: site.house.user(name, commune, roles=[Role.TECHNICIAN, Role.ADMINISTRATOR]))
    with a_context(chromium, viewport=PHONE, has_touch=True) as context:
        page = sign_in(context, site, name)
        page.get_by_role("button", name="Khác", exact=True).click()
        page.get_by_role("dialog", name="Các trang khác").get_by_role("link", name="Nhóm loa").click()
        expect(page.get_by_text("Chưa có nhóm nào")).to_be_visible()
        page.get_by_role("link", name="Tạo nhóm").click()
        page.get_by_label("Tên", exact=True).fill("Hai chợ")
        for number in (1, 2):
            page.get_by_label(f"{commune}-{number}").check()
        expect(page.locator("[data-reached]")).to_contain_text("2 cụm loa")
        assert fits(page)
        page.get_by_role("button", name="Lưu").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hai chợ")

        page.get_by_role("button", name="Giải tán nhóm").click()
        expect(page.locator("form.done")).to_contain_text("Hai chợ")
        page.get_by_role("button", name="Hoàn tác").click()
        expect(page.get_by_label(f"{commune}-2")).to_be_checked()

        page.goto(f"{site.url}/speakers/{commune}-1")
        service = page.get_by_role("region", name="Ngừng sử dụng")
        service.locator("summary").click()
        service.get_by_role("button").click()
        expect(service).to_contain_text("Chứng thư")
        hold(page, "Nhấn giữ để ngừng sử dụng")
        expect(service.get_by_role("status")).to_be_visible()
        assert fits(page)
        service.get_by_role("button", name="Đưa vào sử dụng lại").click()
        expect(service.locator("summary")).to_be_visible()
        assert page.complaints == []
