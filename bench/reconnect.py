"""Ten thousand agents come back at once: the broker is killed and started again, with what it kept and without.

An alert is in force meanwhile. `seconds` is from the broker's start until every agent has its configuration and the set
of alerts again and the controller has heard from each of them since; `agents_s` is when the last agent had both. The
worse of the two cases is `seconds`. `backlog` is the most that the controller had heard and not stored yet, as its log
says, of `limit_backlog`, from where on speakers make room for each other. `lost` is what it had to drop. The limit
beside it: agents wait half a second and longer before they call again.
"""

import json
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.fanout import WITHIN_S, draft, until
from controller.link.backlog import Room
from loa.fleet.stage import Stage

AGENTS = int(os.environ.get("RECONNECT_AGENTS", "10000"))
TARGET_S = 60.0
DROPPED = ('"overload"', "Discarding message")
"""In the controller's log: by its backlog, and by the library that reads from the socket."""
HEARD = "SELECT count(*) FROM device_states WHERE online AND seen_at >= ?"


class Reconnects:
    """The broker's deaths, one after the other."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._database = stage.controller.data_dir / "loa.db"
        self._controller = psutil.Process(stage.controller.child.pid)

    def heard_since(self, moment: datetime) -> int:
        """How many speakers the controller has heard since, as it would show them."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as database:
            return int(database.execute(HEARD, [moment.strftime("%Y-%m-%d %H:%M:%S.%f")]).fetchone()[0])

    def one(self, *, forget: bool) -> dict[str, float]:
        """Kill the broker and have everybody come back."""
        stage = self._stage
        stage.broker.kill()
        stage.marks.forget("configured", "verified")
        if forget:
            stage.broker.forget()
        before = self._controller.cpu_times()
        stage.broker.start()
        began, began_at = time.monotonic(), datetime.now(UTC)
        until(lambda: not stage.marks.missing("configured"), WITHIN_S, "every agent has its configuration")
        until(lambda: not stage.marks.missing("verified"), WITHIN_S, "every agent has the alerts")
        agents_s = max(*stage.marks.times("configured"), *stage.marks.times("verified")) - began
        until(lambda: self.heard_since(began_at) >= AGENTS, WITHIN_S, "the controller has heard every agent")
        seconds = time.monotonic() - began
        after = self._controller.cpu_times()
        return {
            "seconds": round(seconds, 1),
            "agents_s": round(agents_s, 1),
            "controller_cpu_s": round(after.user + after.system - before.user - before.system, 1),
            "controller_mb": round(self._controller.memory_info().rss / 1e6),
        }

    def _most_waiting(self) -> list[int]:
        lines = self._stage.controller.log.read_text().splitlines()
        told = (json.loads(line) for line in lines if '"link.caught_up"' in line)
        return [int(each["most_waiting"]) for each in told]

    def backlog(self) -> int:
        """The most that waited, as the controller says once it has caught up."""
        return max(self._most_waiting(), default=0)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        stage = Stage(Path(name), AGENTS)
        with stage.running():
            until(lambda: not stage.coming(), WITHIN_S, "all agents are there")
            first, second = stage.officers
            alert = draft(first)
            second.release(second.get(f"/alerts/{alert}"))
            until(lambda: not stage.marks.missing("verified"), WITHIN_S, "every agent has the alert")
            reconnects = Reconnects(stage)
            until(lambda: reconnects.backlog() > 0 or AGENTS < 1000, 60, "the start is stored")
            kept, lost = reconnects.one(forget=False), reconnects.one(forget=True)
            log = stage.controller.log.read_text()
            dropped = sum(log.count(sign) for sign in DROPPED)
            backlog = reconnects.backlog()
    seconds = max(kept["seconds"], lost["seconds"])
    result = {
        "bench": "reconnect",
        "agents": AGENTS,
        "seconds": seconds,
        "with_its_data": kept,
        "without": lost,
        "backlog": backlog,
        "limit_backlog": Room().messages,
        "lost": dropped,
        "target_s": TARGET_S,
    }
    print(json.dumps(result))
    sys.exit(seconds > TARGET_S or dropped > 0)


if __name__ == "__main__":
    main()
