"""The map of speakers in a real browser."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.devices.models import Device, DeviceStatus
from protocol.messages import Problem
from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, sign_in
from tests.support.site import Site

MANY = 2000


def stand(site: Site, area: str, *places: tuple[str, str, float, float]) -> None:
    """Speakers of an area: id, name, latitude and longitude."""

    async def add() -> None:
        async with site.house.database.transaction() as session:
            session.add_all(
                Device(
                    id=id_,
                    name=name,
                    area_code=area,
                    status=DeviceStatus.ACTIVE,
                    registered_at=site.now,
                    lat=lat,
                    lon=lon,
                )
                for id_, name, lat, lon in places
            )

    site.ask(add)


@pytest.fixture(scope="module")
def mapped(site: Site) -> Site:
    site.ask(lambda: site.house.commune("00005"))
    site.ask(lambda: site.house.user("hoa", "00005"))
    stand(
        site,
        "00005",
        ("dinh-1", "Đình làng Đông", 21.200, 106.100),
        ("dinh-2", "Chợ Tây", 21.202, 106.104),
        ("dinh-3", "Trường học", 21.2021, 106.1041),
        ("dinh-4", "Nhà văn hoá", 21.209, 106.115),
    )
    for device in ("dinh-1", "dinh-2", "dinh-4"):
        site.hears(device)
    site.hears("dinh-3", problems=(Problem(code="sink_lost", since=site.now - timedelta(hours=2)),))
    return site


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_map_to_a_speaker(chromium: Browser, mapped: Site, viewport: dict[str, int], scheme: str):
    context = chromium.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        locale="vi-VN",
    )
    page = sign_in(context, mapped, "hoa")
    broken: list[str] = []
    page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(f"{mapped.url}/speakers")
    page.get_by_role("link", name="Bản đồ", exact=True).click()
    box = page.locator("[data-map]")
    expect(box).to_have_attribute("data-marks", "good 1, good 1, warn 2")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("button", name="Cần xem").click()
    expect(box).to_have_attribute("data-marks", "warn 1")
    page.get_by_role("searchbox", name="Tìm").fill("truong")
    page.get_by_role("button", name="Trường học").click()
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("Cần xem")
    expect(popup).to_contain_text("10:00")
    popup.get_by_role("link").click(trial=True)  # stands still
    tip = page.locator(".leaflet-popup-tip-container").bounding_box()
    assert tip is not None
    page.get_by_role("button", name="Đóng").click()
    expect(popup).to_have_count(0)
    page.mouse.click(tip["x"] + tip["width"] / 2, tip["y"] + tip["height"])
    expect(popup).to_contain_text("Trường học")
    assert violations(page) == []
    popup.get_by_role("link").click()
    expect(page).to_have_url(f"{mapped.url}/speakers/dinh-3")
    assert broken == []
    context.close()


@pytest.fixture
def crowded(chromium: Browser, site: Site) -> Iterator[Page]:
    """The map of somebody with two thousand speakers."""
    site.ask(lambda: site.house.commune("00006"))
    site.ask(lambda: site.house.user("tung", "00006"))
    stand(
        site, "00006", *((f"many-{n}", f"Cụm loa {n}", 20.9 + n % 50 / 100, 105.9 + n // 50 / 100) for n in range(MANY))
    )
    context = chromium.new_context(viewport=DESKTOP, locale="vi-VN")
    yield sign_in(context, site, "tung")
    context.close()


def test_two_thousand_are_gathered_and_what_changes_is_seen(site: Site, crowded: Page):
    crowded.goto(f"{site.url}/speakers/map")
    expect(crowded.locator("[data-speaker-map]")).to_have_attribute("data-drawn", "yes")
    marks = crowded.locator("[data-map]").get_attribute("data-marks") or ""
    groups = [each.split() for each in marks.split(", ")]
    assert sum(int(count) for _, count in groups) == MANY
    assert len(groups) < MANY / 4
    assert {tone for tone, _ in groups} == {"away"}
    site.hears("many-7")
    expect(crowded.get_by_role("button", name="Sẵn sàng").locator("b")).to_have_text(
        "1", timeout=30_000
    )  # a feed of thousands is asked for every 15 s
