"""A controller and a broker of their own for a simulated fleet, and the processes in which its speakers live."""

import asyncio
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, select

from controller.areas.models import Area
from controller.areas.policy import ReleaseRule
from controller.database import Database
from controller.devices.models import Device, DeviceStatus
from controller.settings import Settings
from loa.brokers import Broker, BrokerKind, make_broker
from loa.demo.house import DemoError
from loa.fleet.crowd import Faults
from loa.fleet.marks import KINDS, Marks
from loa.nodes import ControllerNode
from loa.officer import Officer, wait_for
from loa.process import Child

PROVINCE = "24"
OFFICERS = ("soan", "phat")
"""One writes, the other releases."""
READY_WITHIN_S = 60.0
FILES_BESIDE = 500
"""Open files that the broker needs besides a connection for each speaker."""


def allow_files(speakers: int) -> None:
    """Let this process and its children open as many files as the broker will; say so where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = speakers + FILES_BESIDE
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise DemoError(
            f"{speakers} speakers need {needed} open files, and here {hard} are allowed: "
            f"raise that with `ulimit -Hn {needed}` as root, or take fewer --agents."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def _register(database_url: str, speakers: int) -> list[str]:
    """Put speakers into the communes of the province, as many in each, and return their ids.

    There the second officer releases what the first one writes, unless somebody has changed the province since.
    """
    database = Database(database_url)
    try:
        async with database.transaction() as session:
            province = await session.get_one(Area, PROVINCE)
            if province.version == 1:
                province.policy = {"release": ReleaseRule.SECOND_PERSON.value}
            codes = (await session.scalars(select(Area.code).where(Area.parent_code == PROVINCE))).all()
            rows = [
                {
                    "id": f"sim-{number:05}",
                    "name": f"Cụm loa {number + 1}",
                    "area_code": codes[number % len(codes)],
                    "note": "",
                    "status": DeviceStatus.ACTIVE,
                    "registered_at": datetime.now(UTC),
                    "version": 1,
                }
                for number in range(speakers)
            ]
            known = set(await session.scalars(select(Device.id)))
            fresh = [row for row in rows if row["id"] not in known]
            for start in range(0, len(fresh), 500):
                await session.execute(insert(Device), fresh[start : start + 500])
    finally:
        await database.close()
    return [str(row["id"]) for row in rows]


class Stage:
    """Everything that a rehearsal needs, on this machine alone."""

    def __init__(self, folder: Path, speakers: int, *, broker: BrokerKind = "mosquitto", processes: int = 2) -> None:
        self.folder = folder
        self.speakers = speakers
        self.processes = processes
        self.logs = folder / "logs"
        self.broker: Broker = make_broker(broker, folder / "broker", logs=self.logs, speakers=speakers)
        self.controller = ControllerNode(folder / "controller", self.broker, logs=self.logs)
        self.crowds: list[Child] = []

    @contextmanager
    def running(self, faults: Faults | None = None, *, raw_topic: str = "") -> Iterator["Stage"]:
        """Start everything, the speakers last; end everything afterwards."""
        allow_files(self.speakers)
        with ExitStack() as stack:
            stack.enter_context(self.broker)
            self.controller.command("areas", "load", "--province", PROVINCE)
            if not (self.folder / "users").exists():
                for name in OFFICERS:
                    self.controller.command("user", "add", name, "--area", "VN", "--all-roles")
                (self.folder / "users").touch()
            self._tokens = [self.controller.command("user", "token", name) for name in OFFICERS]
            ids = asyncio.run(_register(Settings(data_dir=self.controller.data_dir).database, self.speakers))
            (self.folder / "devices").write_text("\n".join(ids))
            self.marks = Marks(self.folder / "marks", self.speakers)
            self.marks.forget(*KINDS)
            stack.callback(self.controller.stop)
            self.controller.start()
            wait_for(lambda: {"ready": True} if self.controller.is_ready() else None, READY_WITHIN_S, "the controller")
            self.officers = [stack.enter_context(Officer(self.controller.url, token)) for token in self._tokens]
            for crowd in range(self.processes):
                command = self._command(crowd, faults or Faults(), raw_topic)
                child = Child(f"crowd-{crowd}", command, log=self.logs / f"crowd-{crowd}.log")
                stack.enter_context(child)
                self.crowds.append(child)
            yield self

    def coming(self) -> int:
        """How many speakers have no configuration yet."""
        return self.marks.missing("configured")

    def _command(self, crowd: int, faults: Faults, raw_topic: str) -> Sequence[str]:
        storm = ["--storm-every-s", str(faults.storm_every_s)] if faults.storm_every_s else []
        return [
            sys.executable, "-m", "loa", "fleet", "crowd", str(self.folder), str(self.broker.port_v311),
            "--process", str(crowd), "--processes", str(self.processes), "--raw-topic", raw_topic,
            "--offline-share", str(faults.offline_share), "--slow-share", str(faults.slow_share),
            "--slow-s", str(faults.slow_s), *storm,
        ]  # fmt: skip
