"""When a phone can be used after a page was asked for: every whole page, nothing in the cache, on a slow phone over 4G.

The phone is the one that Lighthouse takes for its mobile audits: a processor four times slower than this machine's,
1.6 Mbit/s, 150 ms there and back. A page is interactive (Lighthouse's "time to interactive") when it is painted, its
scripts have run, and the last task longer than 50 ms is over, with nothing of the kind for the next two seconds. Each
page is visited once; one that comes near the limit four times more, and its median counts. The peer beside it is the
plainest page there is; `whole_s` is the time that all bytes of the first page need on that line, with one trip for the
page and one for what it asks for: it can be used before its last icon has come.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page

from bench.pages import first_load_kb
from tests.support.browser import PHONE, a_context, built_site, opened_browser, seeded, sign_in
from tests.support.pages import WHOLE_PAGES, address

DOWN_BIT_S, UP_BIT_S, TRIP_MS = 1_600_000, 750_000, 150
SLOWER = 4
COMMUNE, SPEAKERS = "07339", 50
TARGET_S = 2.0
NEAR = 0.8
QUIET_MS = 2_000
PEER: Final = "/forgotten"
BUSY = """
window.busyUntil = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.busyUntil = Math.max(window.busyUntil, task.startTime + task.duration);
}).observe({ type: "longtask", buffered: true });
"""
QUIET = f"() => document.readyState === 'complete' && performance.now() - window.busyUntil > {QUIET_MS}"
INTERACTIVE = """() => Math.max(
  window.busyUntil,
  performance.getEntriesByName("first-contentful-paint")[0].startTime,
  performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
)"""


def slowed(context: BrowserContext) -> Page:
    """Open a window of the slow phone."""
    page = context.new_page()
    page.add_init_script(BUSY)
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": TRIP_MS, "downloadThroughput": DOWN_BIT_S / 8, "uploadThroughput": UP_BIT_S / 8},
    )
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return page


def visited(browser: Browser, known: str, url: str) -> float:
    """Return after how many seconds a page can be used; `known`: the file of what keeps somebody signed in."""
    with a_context(browser, viewport=PHONE, device_scale_factor=2, has_touch=True, storage_state=known) as context:
        page = slowed(context)
        page.goto(url)
        page.wait_for_function(QUIET)
        after_ms: float = page.evaluate(INTERACTIVE)
        return after_ms / 1000


def measured(folder: Path) -> tuple[dict[str, float], float]:
    """Every page, and how much the first one weighs in kB."""
    known = folder / "signed-in.json"
    with built_site(folder) as site, opened_browser() as browser:
        site.ask(lambda: site.house.commune(COMMUNE, speakers=SPEAKERS))
        made = site.ask(lambda: seeded(site, COMMUNE))
        site.ask(lambda: site.house.user("lan", COMMUNE))
        with a_context(browser) as context:
            page = sign_in(context, site, "lan")
            context.storage_state(path=known)
            weighs_kb = first_load_kb(page.content())
        took = dict[str, float]()
        for path in WHOLE_PAGES:
            url = site.url + address(path, made)
            times = [visited(browser, str(known), url)]
            if times[0] > NEAR * TARGET_S:
                times += [visited(browser, str(known), url) for _ in range(4)]
            took[path] = statistics.median(times)
            sys.stderr.write(f"{took[path]:6.2f} s {path}\n")
    return took, weighs_kb


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        took, weighs_kb = measured(Path(name))
    worst = max(took, key=lambda path: took[path])
    result = {
        "bench": "interactive",
        "pages": len(took),
        "interactive_s": round(took[worst], 2),
        "worst_page": worst,
        "first_page_s": round(took["/"], 2),
        "plain_page_s": round(took[PEER], 2),
        "whole_s": round(weighs_kb * 8_000 / DOWN_BIT_S + 2 * TRIP_MS / 1000, 2),
        "slower": SLOWER,
        "mbit_s": DOWN_BIT_S / 1_000_000,
        "target_s": TARGET_S,
    }
    print(json.dumps(result))
    sys.exit(took[worst] > TARGET_S)


if __name__ == "__main__":
    main()
