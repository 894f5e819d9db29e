"""A mouth before a real microphone: Chromium listens to a sink's monitor, and an ear hears what it is given.

Mouth and speaker are heard by the same kind of ear on the same sound server, so that its own delays cancel out.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from playwright.sync_api import Page, sync_playwright
from scipy.signal import correlate

from tests.support.pulse import PulseServer
from tests.support.sound import RATE_HZ, Recording, Samples

MOUTH, MICROPHONE = "mouth", "microphone"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
)  # fmt: skip
PIECE_S = 1.0
LATEST_S = 1.5
LOUD = 0.005
LIKE = 0.4
"""The browser evens out loudness and noise, and Opus takes its share: more likeness is not to be had."""


def plug_in(server: PulseServer) -> None:
    """Give the server a mouth and a microphone before it, before anybody listens: a new default moves who does."""
    server.plug(MOUTH)
    # Chromium takes no monitor for a microphone.
    server.control("load-module", "module-remap-source", f"master={MOUTH}.monitor", f"source_name={MICROPHONE}")
    server.control("set-default-source", MICROPHONE)


@contextmanager
def officer_at_the_microphone(server: PulseServer, url: str, name: str, password: str) -> Iterator[Page]:
    """A signed-in browser on the page, whose microphone hears the sink `mouth`."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium is not None, "install chromium first"
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        env = {"PULSE_SERVER": server.address, "HOME": home, "PATH": "/usr/bin:/bin"}
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS), env=env)
        context = browser.new_context(locale="vi-VN", permissions=["microphone"])
        page = context.new_page()
        page.goto(f"{url}/sign-in")
        page.locator("input[name=username]").fill(name)
        page.locator("input[name=password]").fill(password)
        page.locator("main button").first.click()
        page.wait_for_url(lambda address: "sign-in" not in address)
        page.goto(f"{url}/live")
        yield page
        browser.close()


def press(page: Page) -> None:
    """Tick everything, press, and wait until it is time to speak."""
    page.locator("[data-areas] input[name=area]").first.check()
    page.locator("#microphone form button.talk").click()
    page.locator("#microphone[data-state=live], #microphone [data-problem]:not([hidden])").first.wait_for(
        timeout=20_000
    )
    assert page.locator("#microphone").get_attribute("data-state") == "live", page.locator("#microphone").inner_text()


def talk(server: PulseServer, samples: Samples) -> subprocess.Popen[bytes]:
    """Have the mouth say this, from now on."""
    command = [
        "pacat", f"--server={server.address}", f"--device={MOUTH}", "--raw", "--format=s16le", f"--rate={RATE_HZ}",
        "--channels=1", "--latency-msec=20",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    process.stdin.write(pcm)
    process.stdin.close()
    return process


def lags_s(mouth: Recording, speaker: Recording) -> Sequence[float]:
    """Return for each second of speech how much later it was heard, where it was heard."""
    apart_s = (speaker.first_sample_at - mouth.first_sample_at).total_seconds()
    found: list[float] = []
    size, reach = round(PIECE_S * RATE_HZ), round(LATEST_S * RATE_HZ)
    for begin in range(0, len(mouth.samples) - size, size):
        piece = mouth.samples[begin : begin + size]
        if float(np.sqrt(np.mean(piece**2))) < LOUD:
            continue
        first = begin - round(apart_s * RATE_HZ)
        heard = speaker.samples[max(0, first) : max(0, first) + size + reach]
        if len(heard) < size + reach or first < 0:
            continue
        likeness = correlate(heard, piece, mode="valid", method="fft")
        energy = np.concatenate(([0.0], np.cumsum(heard.astype(np.float64) ** 2)))
        power = np.sqrt(energy[size:] - energy[:-size]) + 1e-6
        normal = likeness / power / (float(np.linalg.norm(piece)) + 1e-9)
        at = int(np.argmax(np.abs(normal)))
        if abs(float(normal[at])) > LIKE:
            found.append(at / RATE_HZ)
    return found
