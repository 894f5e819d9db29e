"""What somebody does on the microphone's page."""

from pathlib import Path

import numpy as np
from playwright.sync_api import BrowserContext, Page, expect
from scipy.io import wavfile

from tests.support.browser import sign_in
from tests.support.site import Site


def hum(folder: Path) -> Path:
    """Write a tone for the browser's microphone to hear, over and over."""
    tone = folder / "tone.wav"
    wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    wavfile.write(tone, 48_000, wave.astype(np.int16))
    return tone


def at_the_microphone(site: Site, context: BrowserContext, commune: str) -> Page:
    page = sign_in(context, site, commune)
    page.goto(f"{site.url}/live")
    return page


def on_air(page: Page) -> str:
    """Tick the commune, press, and wait for the count; returns the session."""
    page.locator("[data-areas] input[name=area]").first.check()
    return pressed(page)


def pressed(page: Page) -> str:
    """Press, and wait for the count; returns the session."""
    with page.expect_response("**/api/v1/live-sessions") as begun:
        page.get_by_role("button", name="Bấm để nói").click()
    expect(page.get_by_text("Loa đang phát nhạc hiệu")).to_be_visible()
    expect(page.get_by_text("Bạn đang phát trực tiếp")).to_be_visible(timeout=15_000)
    session: str = begun.value.json()["id"]
    return session
