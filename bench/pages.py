"""How long the server works for each page, with five thousand speakers and twenty thousand airings.

Each part that a page fetches by itself counts like a page. The application answers within this process, so nothing but
its own work is measured; the peer beside it is the plainest page there is, the one for signing in. `worst_page` has the
largest p95 of those whom a province's officer may open; `commune` is the same for an officer of one commune.
`queries_grow` names pages that ask the database more often when there is ten times as much. `first_load_kb` is what a
phone fetches to see the first page: HTML, styles, scripts, icons, as they are sent.
"""

import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import event

from controller.garbage import settle
from controller.web.assets import manifest
from controller.web.build import DIST
from tests.support.controller import House, open_house
from tests.support.crowded import province
from tests.support.pages import PARTS, WHOLE_PAGES, address
from tests.support.things import things

SPEAKERS, AIRINGS, LESS = 5_000, 20_000, 10
ROUNDS = 20
IN_VIEW = 40
"""Lines of a list that a page keeps up to date: as many as it may ask for."""
TARGET_MS, TARGET_KB = 150.0, 200.0


@dataclass(frozen=True, slots=True)
class Took:
    """What one page cost."""

    p95_ms: float
    queries: int
    status: int


async def took(house: House, browser: httpx.AsyncClient, path: str) -> Took:
    queries = 0

    def count(*_: object) -> None:
        nonlocal queries
        queries += 1

    times = list[float]()
    for turn in range(ROUNDS + 1):
        if turn == 1:  # the first warms what a service that has run for a while has warm
            event.listen(house.database.engine.sync_engine, "before_cursor_execute", count)
        began = time.perf_counter()
        answer = await browser.get(path)
        times.append((time.perf_counter() - began) * 1000)
        if turn == 1:
            event.remove(house.database.engine.sync_engine, "before_cursor_execute", count)
    return Took(statistics.quantiles(times[1:], n=20)[-1], queries, answer.status_code)


async def measured(folder: Path, *, speakers: int, airings: int) -> Mapping[str, Mapping[str, Took]]:
    """Every page, for an officer of the province and for one of a commune."""
    found = dict[str, dict[str, Took]]()
    async with open_house(folder, services=()) as house:
        codes = await province(house, speakers=speakers, airings=airings)
        made = await things(house, await house.signed_in("VN", "chief"), codes[0])
    # Started anew: a million rows written at once leave a journal behind that no service ever has.
    async with open_house(folder, services=()) as house:
        settle()
        for who, area in (("province", "24"), ("commune", codes[0])):
            browser = await house.in_person(area, f"officer-{who}")
            asked = {"/parts/speakers/rows": "?ids=" + ",".join(f"{codes[0]}-{number:03}" for number in range(IN_VIEW))}
            found[who] = {
                path: await took(house, browser, address(path, made) + asked.get(path, ""))
                for path in (*PARTS, *WHOLE_PAGES)
            }
            sys.stderr.write(f"{who}, {speakers} speakers\n")
    return found


def first_load_kb(html: str) -> float:
    """The size of a page with everything that it asks for at once."""
    asked = {name.split("#")[0] for name in re.findall(r'(?:href|src)="/static/([^"]+)"', html)}
    return (len(html.encode()) + sum((DIST / name).stat().st_size for name in asked)) / 1000


async def first_page(folder: Path) -> str:
    async with open_house(folder, services=()) as house:
        await house.commune("07339", speakers=10)
        return (await (await house.in_person("07339", "lan")).get("/")).text


def worst(pages: Mapping[str, Took]) -> tuple[str, float]:
    name = max(pages, key=lambda path: pages[path].p95_ms)
    return name, round(pages[name].p95_ms, 1)


def main() -> None:
    assert manifest(), "build the pages' assets first"
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folders = [Path(name) / part for part in ("few", "many", "first")]
        for folder in folders:
            folder.mkdir()
        few = asyncio.run(measured(folders[0], speakers=SPEAKERS // LESS, airings=AIRINGS // LESS))
        many = asyncio.run(measured(folders[1], speakers=SPEAKERS, airings=AIRINGS))
        load_kb = first_load_kb(asyncio.run(first_page(folders[2])))
    for who, pages in many.items():
        for path, each in sorted(pages.items(), key=lambda item: -item[1].p95_ms):
            sys.stderr.write(
                f"{who:9} {each.p95_ms:8.1f} ms {each.queries:4} queries (few: {few[who][path].queries:4}) "
                f"{each.status} {path}\n"
            )
    refused = sorted({path for pages in many.values() for path, each in pages.items() if each.status >= 500})
    grow = sorted(
        {path for who, pages in many.items() for path, each in pages.items() if each.queries > few[who][path].queries}
    )
    worst_page, p95_ms = worst(many["province"])
    result = {
        "bench": "pages",
        "speakers": SPEAKERS,
        "airings": AIRINGS,
        "pages": len(WHOLE_PAGES),
        "parts": len(PARTS),
        "p95_ms": p95_ms,
        "worst_page": worst_page,
        "commune": dict(zip(("worst_page", "p95_ms"), worst(many["commune"]), strict=True)),
        "plain_page_ms": round(many["province"]["/forgotten"].p95_ms, 1),
        "queries_grow": grow,
        "failed": refused,
        "first_load_kb": round(load_kb, 1),
        "target_ms": TARGET_MS,
        "target_kb": TARGET_KB,
    }
    print(json.dumps(result))
    sys.exit(p95_ms > TARGET_MS or bool(grow) or bool(refused) or load_kb > TARGET_KB)


if __name__ == "__main__":
    main()
