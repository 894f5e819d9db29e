"""Choosing whom an alert addresses on the map and by name, with a mouse and with a finger, in a real browser."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import asinh, degrees, radians, tan
from typing import Any
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.alerts.keeping import counting_of
from controller.areas.models import Area
from controller.devices.models import Device, DeviceStatus
from protocol.messages import AlertPhase, AlertReport, AlertStanding
from tests.support.axe import violations
from tests.support.broadcasts import hear
from tests.support.browser import DESKTOP, PHONE, a_context, fits, sign_in
from tests.support.site import Site

WEST, SOUTH, EAST, NORTH = 106.10, 21.20, 106.20, 21.30
"""What the map shows at first."""
PADDING_PX = 24
TILE_PX = 256
FINGER_PX = 44


def box(west: float, south: float, east: float, north: float) -> str:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


@dataclass
class Chart:
    """The map on a page, as whoever looks at it finds places on it."""

    page: Page
    touch: bool

    def tap(self, lat: float, lon: float) -> None:
        """Tap a place, by finger or by mouse."""
        map_ = self.page.locator("[data-map]")
        map_.scroll_into_view_if_needed()
        where = map_.bounding_box()
        assert where is not None
        zoom = next(zoom for zoom in range(17, 0, -1) if self._fits(zoom, where["width"], where["height"]))
        (left, bottom), (right, top), (x, y) = (
            _pixel(each, zoom) for each in ((SOUTH, WEST), (NORTH, EAST), (lat, lon))
        )
        at = (
            where["x"] + where["width"] / 2 + x - (left + right) / 2,
            where["y"] + where["height"] / 2 + y - (top + bottom) / 2,
        )
        if self.touch:
            self.page.touchscreen.tap(*at)
        else:
            self.page.mouse.click(*at)

    @staticmethod
    def _fits(zoom: int, width: float, height: float) -> bool:
        (left, bottom), (right, top) = _pixel((SOUTH, WEST), zoom), _pixel((NORTH, EAST), zoom)
        return right - left <= width - 2 * PADDING_PX and bottom - top <= height - 2 * PADDING_PX

    def draw(self, *corners: tuple[float, float]) -> None:
        """Tap corners, and close the shape."""
        self.page.get_by_role("button", name="Vẽ vùng", exact=True).click()
        for count, corner in enumerate(corners, 1):
            self.tap(*corner)
            expect(self.page.locator("[data-map]")).to_have_attribute("data-corners", str(count))


def _pixel(at: tuple[float, float], zoom: int) -> tuple[float, float]:
    """Web Mercator, as Leaflet has it."""
    lat, lon = at
    size = TILE_PX * 2**zoom
    return size * (lon + 180) / 360, size * (0.5 - degrees(asinh(tan(radians(lat)))) / 360)


@pytest.fixture(params=["desktop", "phone"])
def officer(site: Site, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[str, Chart]]:
    """A commune of two hamlets with an officer at the form of alerts."""
    code = f"t{crc32(request.node.name.encode()) % 10**8}"
    phone = request.param == "phone"

    async def commune() -> None:
        await site.house.commune(code)
        async with site.house.database.transaction() as session:
            (await session.get_one(Area, code)).policy = {"release": "second_person"}
        for hamlet, name, outline in (
            (f"{code}-t", "Thôn Tây", box(WEST, SOUTH, 106.14, NORTH)),
            (f"{code}-d", "Thôn Đông", box(106.16, SOUTH, EAST, NORTH)),
        ):
            await site.house.area(hamlet, parent=code, name=name)
            async with site.house.database.transaction() as session:
                (await session.get_one(Area, hamlet)).polygon = outline
        async with site.house.database.transaction() as session:
            session.add_all(
                Device(
                    id=f"{code}-{name}", name=f"Loa {name}", area_code=f"{code}-{name[0]}",
                    status=DeviceStatus.ACTIVE, registered_at=site.now, lat=lat, lon=lon,
                )
                for name, lat, lon in (
                    ("t1", 21.225, 106.12), ("t2", 21.28, 106.12), ("d1", 21.225, 106.18), ("d2", 21.28, 106.18),
                )
            )  # fmt: skip
        officer = await site.house.signed_in(code, f"{code}-b")
        group = {"name": "Nhóm ven đê", "area_code": code, "device_ids": [f"{code}-t2"]}
        assert (await officer.post("/api/v1/groups", json=group)).is_success
        await site.house.user(f"{code}-a", code)

    site.ask(commune)
    for name in ("t1", "t2", "d1", "d2"):
        site.hears(f"{code}-{name}")
    size = PHONE if phone else DESKTOP
    with a_context(chromium, viewport=size, has_touch=phone, is_mobile=phone, reduced_motion="reduce") as context:
        page = sign_in(context, site, f"{code}-a")
        page.goto(f"{site.url}/emergency")
        yield code, Chart(page, touch=phone)


def open_map(page: Page) -> None:
    page.locator("summary", has_text="Chọn trên bản đồ").click()
    expect(page.locator("[data-map]")).to_have_attribute("data-drawn", "yes")


def chips(page: Page) -> Any:
    return expect(page.locator("[data-chips] li > :first-child"))


def test_a_shape_that_crosses_itself_is_told_at_once_and_kept_until_it_is_mended(officer: tuple[str, Chart]):
    code, chart = officer
    page = chart.page
    requests: list[str] = []
    page.on("request", lambda asked: requests.append(asked.url))
    reached = expect(page.locator("[data-reached]"))
    reached.to_contain_text("4 cụm loa tại 2 địa bàn")
    page.get_by_role("button", name=f"Bỏ {code}", exact=True).click()
    expect(page.locator(f"input[name=area][value='{code}']")).not_to_be_checked()
    reached.to_contain_text("Chưa chọn nơi nào")
    assert not [each for each in requests if "target_map" in each]
    open_map(page)
    assert [each for each in requests if "target_map" in each]

    chart.draw((21.205, 106.105), (21.25, 106.135), (21.25, 106.12))
    page.get_by_role("button", name="Bỏ góc cuối").click()
    for corner in ((21.205, 106.135), (21.25, 106.105)):
        chart.tap(*corner)
    page.get_by_role("button", name="Khép vùng").click()
    reached.to_contain_text("cắt nhau")
    page.get_by_label("Tên báo động").fill("Vỡ đê")
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.get_by_role("alert")).to_contain_text("cắt nhau")
    expect(page.get_by_label("Tên báo động")).to_have_value("Vỡ đê")
    chips(page).to_have_text(["Vùng vẽ trên bản đồ"])
    open_map(page)
    expect(page.locator("[data-map]")).to_have_attribute("data-corners", "4")
    page.get_by_role("button", name="Vẽ vùng", exact=True).click()
    for left in ("3", "2", "1"):
        page.get_by_role("button", name="Bỏ góc cuối").click()
        expect(page.locator("[data-map]")).to_have_attribute("data-corners", left)
    for corner in ((21.25, 106.105), (21.25, 106.135), (21.205, 106.135)):
        chart.tap(*corner)
    page.get_by_role("button", name="Khép vùng").click()
    reached.to_contain_text("1 cụm loa tại 1 địa bàn")
    page.get_by_role("button", name="Xóa vùng vẽ").click()
    chips(page).to_have_count(0)
    assert page.complaints == []


def test_places_are_drawn_tapped_and_found_and_a_refusal_keeps_them_all(officer: tuple[str, Chart]):
    code, chart = officer
    page = chart.page
    reached = expect(page.locator("[data-reached]"))
    page.get_by_role("button", name=f"Bỏ {code}", exact=True).click()
    open_map(page)
    chart.draw((21.205, 106.105), (21.205, 106.135), (21.25, 106.135), (21.25, 106.105))
    chart.tap(21.205, 106.105)  # the first corner closes it
    reached.to_contain_text("1 cụm loa tại 1 địa bàn")
    chart.tap(21.25, 106.165)
    expect(page.locator(f"input[name=area][value='{code}-d']")).to_be_checked()
    reached.to_contain_text("3 cụm loa tại 2 địa bàn")
    chart.tap(21.28, 106.12)
    reached.to_contain_text("4 cụm loa tại 2 địa bàn")
    page.get_by_role("searchbox", name="Tìm địa bàn").fill("ven de")
    expect(page.locator("[data-found] button")).to_have_count(1)
    page.get_by_role("searchbox", name="Tìm địa bàn").press("Enter")
    chips(page).to_have_text(["Thôn Đông", "Nhóm ven đê", "Vùng vẽ trên bản đồ", "Loa t2"])
    reached.to_contain_text("4 cụm loa tại 2 địa bàn")  # each once, though one is chosen twice
    assert fits(page)
    assert violations(page) == []

    page.get_by_label("Tên báo động").fill("Vỡ đê")
    page.get_by_label("Lời đọc").fill("Bà con đến {nơi tránh}.")
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.get_by_role("alert")).to_contain_text("nơi tránh")
    chips(page).to_have_count(4)
    reached.to_contain_text("4 cụm loa tại 2 địa bàn")
    page.get_by_label("Lời đọc").fill("Bà con lên chỗ cao.")
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.locator("#alert")).to_have_attribute("data-state", "draft")
    expect(page.locator(".plain")).to_contain_text("tới 4 cụm loa tại 2 địa bàn")
    marks = page.locator("[data-alert-map] [data-map]")
    expect(marks).to_have_attribute("data-marks", "wait 1, wait 1, wait 1, wait 1")
    expect(page.locator(".legend li:visible")).to_have_count(1)
    page.locator("summary", has_text="Chọn nơi phát khác").click()
    chips(page).to_have_count(4)
    assert fits(page)
    assert violations(page) == []
    assert page.complaints == []


@pytest.mark.parametrize("officer", ["phone"], indirect=True)
def test_on_a_phone_the_map_is_whole_its_controls_fit_a_finger_and_a_mark_is_tapped(officer: tuple[str, Chart]):
    code, chart = officer
    page = chart.page
    page.get_by_role("button", name=f"Bỏ {code}", exact=True).click()
    open_map(page)
    map_ = page.locator("[data-targets] [data-map]")
    map_.scroll_into_view_if_needed()
    where = map_.bounding_box()
    assert where is not None
    assert where["x"] >= 0
    assert where["x"] + where["width"] <= PHONE["width"]
    assert where["height"] <= PHONE["height"]
    assert fits(page)
    chart.draw((21.205, 106.105), (21.205, 106.135), (21.25, 106.135))  # so that all of its buttons are there
    controls = page.locator("[data-targets] :is(button, summary, input[type=search], label, .leaflet-bar a)")
    sizes = {
        each.inner_text() or each.get_attribute("name"): each.bounding_box()
        for each in controls.all()
        if each.is_visible()
    }
    assert {"+", "−", "Vẽ vùng", "Bỏ góc cuối", "Khép vùng", "Xóa vùng vẽ"} <= set(sizes)
    assert {name: box for name, box in sizes.items() if not box or min(box["width"], box["height"]) < FINGER_PX} == {}
    page.get_by_role("button", name="Xóa vùng vẽ").click()
    chips(page).to_have_count(0)
    page.get_by_role("button", name="Vẽ vùng", exact=True).click()

    chart.tap(21.28, 106.12)
    chips(page).to_have_text(["Loa t2"])
    chart.tap(21.28, 106.12)
    chips(page).to_have_count(0)
    assert page.complaints == []


def test_the_map_of_an_alert_follows_what_its_speakers_say(site: Site, officer: tuple[str, Chart]):
    code, chart = officer
    page = chart.page

    async def drafted() -> str:
        maker = await site.house.signed_in(code, f"{code}-m")
        targets = [{"kind": "area", "key": code}]
        answer = await maker.post("/api/v1/alerts", json={"area_code": code, "headline": "Lũ", "targets": targets})
        return str(answer.json()["id"])

    async def released() -> None:
        releaser = await site.house.signed_in(code, f"{code}-r")
        seen = (await releaser.get(f"/api/v1/alerts/{alert}")).json()["digest"]
        assert (await releaser.post(f"/api/v1/alerts/{alert}/release", json={"seen": seen})).is_success
        await counting_of(site.house.runtime).count()

    def says(speaker: str, phase: AlertPhase) -> None:
        device = f"{code}-{speaker}"
        standing = AlertStanding(alert=alert, revision=1, phase=phase, at=site.house.clock())
        site.ask(lambda: hear(site.house, AlertReport(device=device, standings=(standing,)), device))

    alert = site.ask(drafted)
    page.goto(f"{site.url}/emergency/{alert}")
    marks = expect(page.locator("[data-map]").first)
    marks.to_have_attribute("data-marks", "wait 1, wait 1, wait 1, wait 1")
    site.ask(released)
    marks.to_have_attribute("data-marks", "warn 1, warn 1, warn 1, warn 1")
    says("t1", AlertPhase.SOUNDING)
    says("t2", AlertPhase.FINISHED)
    says("d1", AlertPhase.FAILED)
    marks.to_have_attribute("data-marks", "good 1, air 1, warn 1, bad 1")
    expect(page.locator(".legend li:visible")).to_have_count(4)
    expect(page.locator(".legend li[data-tone=bad]:visible")).to_have_text("phát lỗi 1")
    assert fits(page)
    assert violations(page) == []
    assert page.complaints == []


@pytest.mark.parametrize(
    ("form", "sends", "refusal"),
    [("/schedules/new", "Lưu lại", "#schedule > .error"), ("/", "Gửi đi", "#compose > .error")],
    ids=["schedule", "announcement"],
)
def test_what_is_planned_takes_its_places_from_the_map_too_and_a_refusal_keeps_them(
    *, site: Site, officer: tuple[str, Chart], form: str, sends: str, refusal: str
):
    code, chart = officer
    page = chart.page
    page.goto(f"{site.url}{form}")
    reached = expect(page.locator("[data-reached]"))
    reached.to_contain_text("Chưa chọn nơi nào")
    open_map(page)
    expect(page.locator("[data-draw]")).to_have_count(0)
    chart.tap(21.25, 106.165)
    chips(page).to_have_text(["Thôn Đông"])
    reached.to_contain_text("2 cụm loa tại 1 địa bàn")
    chart.tap(21.225, 106.18)  # all of the hamlet but this one
    chips(page).to_have_text(["Loa d2"])
    expect(page.locator(f"input[name=device][value='{code}-d1']")).not_to_be_checked()
    page.get_by_role("searchbox", name="Tìm địa bàn").fill("loa t1")
    page.locator("[data-found] button").click()
    chips(page).to_have_text(["Loa t1", "Loa d2"])
    page.get_by_role("checkbox", name="Nhóm ven đê").check()
    reached.to_contain_text("3 cụm loa tại 2 địa bàn")
    assert fits(page)
    page.get_by_role("button", name=sends, exact=True).click()
    expect(page.locator(refusal)).to_be_visible()
    chips(page).to_have_count(3)
    reached.to_contain_text("3 cụm loa tại 2 địa bàn")
    open_map(page)
    page.get_by_role("button", name="Bỏ Loa d2").click()
    reached.to_contain_text("2 cụm loa tại 1 địa bàn")
    assert violations(page) == []
    assert page.complaints == []
