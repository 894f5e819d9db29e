"""The calendar as a browser shows it, and something that airs on it."""

from typing import Any

from playwright.sync_api import Locator, Page

from controller.database import new_id
from tests.support import broadcasts
from tests.support.site import Site

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
    """One day of the calendar."""
    return page.locator(f"[data-day='{of}']")


def clocks(page: Page, of: str) -> list[str]:
    """When something airs on it, as the page says."""
    return day(page, of).locator(".slot time").all_inner_texts()
