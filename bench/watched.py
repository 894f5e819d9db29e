"""What officers see while ten thousand speakers answer: real broker, real controller, real pages in Chromium.

Two officers have the alert's page and *Today* open, four pages in all, and four agents sound through PulseAudio, all on
the machine on which everything else runs, too. `lag_p50_s`, `lag_p95_s` and `lag_worst_s` are the age of the news on
the alert's page, over all simulated speakers: from the moment one sends its acknowledgement until the first officer's
page shows as many. `behind_p50_s`, `behind_p95_s` are how much later than the database it shows that: what the page
itself adds. `all_acked_s` and `all_shown_s` are from the press until the last acknowledgement was sent, and
until the page shows them all; `updates` is how often its figure changed; `first_sound_s` until the last of the four is
heard, `skew_ms` between the first and the last of them. The peer is the same press with nobody watching: `unwatched_s`
until the API shows them all. With `LOA_PICTURES` set to a folder, the alert's page is kept there as it is on the way.
"""

import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from bench.fanout import QUIET_S, WITHIN_S, draft, shown, until
from bench.press_to_sound import onset
from loa.fleet.stage import Stage
from loa.nodes import AgentNode
from loa.officer import Json
from tests.support.browser import a_context, opened_browser, sign_in
from tests.support.controller import PASSWORD
from tests.support.days import PICTURES, save_small
from tests.support.fleet import COMMUNE
from tests.support.pulse import PulseServer, ears

AGENTS = int(os.environ.get("WATCHED_AGENTS", "10000"))
AUDIBLE = 4
LISTEN = timedelta(seconds=10)
WATCHERS = ("truc-1", "truc-2")
LOOKS_EVERY_S = 0.1
STORED = "SELECT count(received_at) FROM alert_reach WHERE alert_id = ?"
FIGURE = "[data-count=received] dd"
WATCH = f"""() => {{
  window.seen = [];
  const look = () => {{
    const count = Number(document.querySelector("{FIGURE}")?.textContent.replace(/\\D/g, "") ?? 0);
    if (count !== (window.seen.at(-1)?.[1] ?? 0)) window.seen.push([performance.timeOrigin + performance.now(), count]);
  }};
  const all = {{ subtree: true, childList: true, characterData: true }};
  new MutationObserver(look).observe(document.querySelector("#alert"), all);
}}"""


def signed_in(stack: ExitStack, browser: Browser, stage: Stage, name: str) -> tuple[Page, Page]:
    """Two pages of a new officer, who has just chosen a password; *Today* is open on one of them."""
    context = stack.enter_context(a_context(browser))
    page = context.new_page()
    stage.controller.command("user", "add", name, "--area", "VN", "--all-roles")
    page.goto(stage.controller.command("user", "link", name).split()[0])
    page.get_by_label("Mật khẩu mới").fill(PASSWORD)
    page.get_by_role("button", name="Lưu mật khẩu").click()
    page.get_by_text("Đã lưu mật khẩu").wait_for()
    return sign_in(context, stage.controller, name), page


@contextmanager
def audible(stage: Stage, server: PulseServer) -> Iterator[None]:
    """A real agent at each sink, that knows the time."""
    officer = stage.officers[0]
    with ExitStack() as stack:
        for sink in server.sinks:
            officer.ensure("/devices", {"id": sink, "name": sink, "area_code": COMMUNE}, key="id")
            agent = AgentNode(
                sink,
                stage.folder / sink,
                logs=stage.logs,
                broker=stage.broker,
                key=stage.controller.key,
                content=stage.controller.url,
                env={"PULSE_SERVER": server.address},
                sink="pulse",
                sink_device=sink,
            )
            stack.callback(agent.stop)
            agent.start()
        for sink in server.sinks:
            until(lambda sink=sink: _trusted(officer.get(f"/devices/{sink}/state")), WITHIN_S, sink, every_s=0.5)
        yield


def _trusted(said: Json) -> bool:
    return bool(said["state"]) and said["state"]["clock"]["quality"] == "trusted"


def unwatched_s(stage: Stage) -> float:
    """From a press until the API shows all acknowledgements, and nobody watches."""
    first, second = stage.officers
    alert = draft(first)
    time.sleep(QUIET_S)
    seen = second.get(f"/alerts/{alert}")
    pressed = time.monotonic()
    second.release(seen)
    until(lambda: shown(first, alert) >= AGENTS + AUDIBLE, 120, "all are shown", every_s=0.5)
    took_s = time.monotonic() - pressed
    first.create(f"/alerts/{alert}/cancel", {"all_clear": False})
    time.sleep(QUIET_S)
    return took_s


@contextmanager
def stored(stage: Stage, alert: str) -> Iterator[list[float]]:
    """The moments at which the database was seen to hold one acknowledgement more; it is looked at all the time."""
    moments: list[float] = []
    ended = threading.Event()

    def look() -> None:
        path = stage.controller.data_dir / "loa.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            while not ended.wait(LOOKS_EVERY_S):
                (count,) = database.execute(STORED, [alert]).fetchone()
                moments.extend([time.monotonic()] * (count - len(moments)))

    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(look)
        try:
            yield moments
        finally:
            ended.set()
            looking.result()


def spent_s(process: psutil.Process) -> float:
    """Processor time of a process so far."""
    times = process.cpu_times()
    return times.user + times.system


def seconds(since: datetime, until: datetime) -> float:
    """How long it took."""
    return round((until - since).total_seconds(), 4)


def lags(sent: Sequence[float], seen: Sequence[tuple[float, int]]) -> list[float]:
    """How old the news was when it was shown: of the n-th acknowledgement, when the page first said n or more."""
    counts = [count for _, count in seen]
    return [seen[bisect_left(counts, n)][0] - at for n, at in enumerate(sorted(sent), start=1)]


def p95(values: Sequence[float]) -> float:
    """What 95 of a hundred do not exceed."""
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, ExitStack() as stack:
        server = stack.enter_context(PulseServer(Path(name) / "pulse", AUDIBLE))
        listeners = stack.enter_context(ears(server.address, server.sinks))
        stage = stack.enter_context(Stage(Path(name), AGENTS).running())
        until(lambda: not stage.coming(), WITHIN_S, "all agents are there")
        stack.enter_context(audible(stage, server))
        controller = psutil.Process(stage.controller.child.pid)
        alone_s = unwatched_s(stage)

        first, second = stage.officers
        alert = draft(first)
        browser = stack.enter_context(opened_browser())
        watching = [signed_in(stack, browser, stage, each) for each in WATCHERS]
        for _, page in watching:
            page.goto(f"{stage.controller.url}/emergency/{alert}")
            page.locator("[data-link=live]").wait_for()
        page = watching[0][1]
        page.evaluate(WATCH)
        time.sleep(QUIET_S)
        stage.marks.forget("verified", "acknowledged")
        seen_draft = second.get(f"/alerts/{alert}")
        before_s = spent_s(controller)
        to_monotonic_s = time.monotonic() - time.time()
        pressed, pressed_at = time.monotonic(), datetime.now(UTC)
        with stored(stage, alert) as kept:
            second.release(seen_draft)
            if PICTURES is not None:
                page.wait_for_function(f"() => window.seen.at(-1)?.[1] >= {AGENTS // 2}", timeout=300_000)
                save_small(page.screenshot(animations="disabled"), Path(PICTURES) / "reach-vi.png")
            page.wait_for_function(f"() => window.seen.at(-1)?.[1] >= {AGENTS + AUDIBLE}", timeout=300_000)
        controller_cpu_s = spent_s(controller) - before_s
        seen = [(at_ms / 1000 + to_monotonic_s, count) for at_ms, count in page.evaluate("window.seen")]
        sent = list(stage.marks.times("acknowledged"))
        starts = [at for at in (onset(ear, pressed_at, LISTEN) for ear in listeners) if at is not None]
        first.create(f"/alerts/{alert}/cancel", {"all_clear": False})

    late, behind = lags(sent, seen), lags(kept, seen)
    print(
        json.dumps(
            {
                "bench": "watched",
                "agents": AGENTS,
                "pages": 2 * len(watching),
                "lag_p50_s": round(statistics.median(late), 2),
                "lag_p95_s": round(p95(late), 2),
                "lag_worst_s": round(max(late), 2),
                "behind_p50_s": round(statistics.median(behind), 2),
                "behind_p95_s": round(p95(behind), 2),
                "all_acked_s": round(max(sent) - pressed, 2),
                "all_shown_s": round(seen[-1][0] - pressed, 2),
                "updates": len(seen),
                "heard": len(starts),
                "first_sound_s": seconds(pressed_at, max(starts)) if starts else None,
                "skew_ms": round(seconds(min(starts), max(starts)) * 1000, 1) if starts else None,
                "unwatched_s": round(alone_s, 2),
                "controller_cpu_s": round(controller_cpu_s, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
