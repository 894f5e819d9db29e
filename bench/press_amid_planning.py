"""An alert is released while a province is planned anew: how long its press waits.

An edit that touches every speaker is the longest work the controller has. `press_alone_s` is the limit beside it: the
same press on the same controller with nothing else to do. Each is from the click to the answer, when the order is
committed and on its way; the slowest of a few. `edit_s` is how long who made the edit waits for its answer, and
`planned_s` until the last speaker's documents are written.
"""

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from bench.fanout import draft, until
from controller.settings import Settings
from loa.fleet.stage import Stage

SPEAKERS = int(os.environ.get("PLANNING_SPEAKERS", "10000"))
PRESSES = 5
WITHIN_S = 600.0
PAUSE_S = 0.3


def presses_s(stage: Stage, drafts: Iterator[str]) -> list[float]:
    """Release a few alerts one after the other; return how long each was waited for."""
    took = []
    for alert in drafts:
        seen = stage.officers[1].get(f"/alerts/{alert}")
        pressed = time.monotonic()
        stage.officers[1].release(seen)
        took.append(time.monotonic() - pressed)
        time.sleep(PAUSE_S)
    return took


def counted(stage: Stage, rows: str) -> int:
    """How many rows there are. Asked of the file, so that the controller has nothing to do with it."""
    file = Settings(data_dir=stage.controller.data_dir).database.partition("///")[2]
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {rows}").fetchone()[0]  # noqa: S608 our own words
    return found


def owed(stage: Stage) -> int:
    """How many speakers wait for a plan after an edit."""
    return counted(stage, "plans_owed")


def planned(stage: Stage) -> int:
    """How many speakers have their documents: the controller plans for all of them when it starts."""
    return counted(stage, "retained_documents WHERE topic LIKE '%/config'")


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="loa-bench-") as name,
        Stage(Path(name), SPEAKERS, processes=0).running() as stage,
        ThreadPoolExecutor(1) as beside,
    ):
        officer = stage.officers[0]
        until(lambda: planned(stage) >= SPEAKERS, WITHIN_S, "all are planned for the first time", every_s=0.5)
        drafts = [draft(officer) for _ in range(2 * PRESSES)]
        alone = presses_s(stage, iter(drafts[:PRESSES]))

        began = time.monotonic()
        edit = {"policy": {"release": "second_person", "max_volume": 80}}
        edited = beside.submit(lambda: (officer.change("/areas/24", edit), time.monotonic() - began)[1])
        time.sleep(PAUSE_S)
        amid = presses_s(stage, iter(drafts[PRESSES:]))
        edit_s = edited.result()
        until(lambda: not owed(stage), WITHIN_S, "all are planned", every_s=0.1)
        planned_s = time.monotonic() - began

    print(
        json.dumps(
            {
                "bench": "press_amid_planning",
                "speakers": SPEAKERS,
                "press_alone_s": round(max(alone), 3),
                "press_amid_s": round(max(amid), 3),
                "edit_s": round(edit_s, 3),
                "planned_s": round(planned_s, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
