"""`loa fleet`: rehearse an emergency, or anything else, with thousands of simulated speakers."""

import asyncio
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from controller.garbage import settle
from controller.keys import Keys
from loa.brokers import BrokerKind, BrokerUnavailable
from loa.demo.house import DemoError, only_one
from loa.fleet.crowd import Crowd, Faults
from loa.fleet.marks import Marks
from loa.fleet.speaker import Ledger
from loa.fleet.stage import OFFICERS, Stage

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

INTERRUPTED = 130
Share = Annotated[float, typer.Option(min=0, max=1)]


@app.command("run")
def run(
    *,
    agents: Annotated[int, typer.Option(min=1, max=19_000, help="How many simulated speakers.")] = 1000,
    processes: Annotated[int, typer.Option(min=1, max=16)] = 2,
    offline_share: Share = 0.0,
    slow_share: Share = 0.0,
    slow_s: Annotated[float, typer.Option(min=0, max=600, help="How late a slow line is.")] = 2.0,
    storm_every_s: Annotated[float | None, typer.Option(min=10, help="All lose their line, so often.")] = None,
    broker: Annotated[BrokerKind, typer.Option(help="Which MQTT broker.")] = "mosquitto",
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path("data/fleet"),
) -> None:
    """Start a broker, a controller and a simulated fleet; use the page that is printed, end with Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    folder = data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    faults = Faults(offline_share, slow_share, slow_s, storm_every_s)
    try:
        with only_one(folder):
            stage = Stage(folder, agents, broker=broker, processes=processes)
            with stage.running(faults):
                _watch(stage)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (DemoError, BrokerUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None


def _watch(stage: Stage) -> None:
    """Tell how many have come, until somebody ends it."""
    typer.echo(f"{stage.controller.url}/emergency")
    for name in OFFICERS:
        typer.echo(f"{name} chooses a password here, once: {stage.controller.command('user', 'link', name).split()[0]}")
    told = -1
    while True:
        coming = stage.coming()
        if coming != told:
            told = coming
            typer.echo(f"{stage.speakers - coming} of {stage.speakers} speakers are there")
        time.sleep(1)


@app.command("crowd", hidden=True)
def crowd(
    *,
    folder: Path,
    port: int,
    process: int = 0,
    processes: int = 1,
    raw_topic: str = "",
    offline_share: float = 0.0,
    slow_share: float = 0.0,
    slow_s: float = 2.0,
    storm_every_s: float | None = None,
) -> None:
    """Be one process's part of a fleet that `run` has set up."""
    ids = (folder / "devices").read_text().split()
    marks = Marks(folder / "marks", len(ids))
    share = -(-len(ids) // processes)
    first = process * share
    ledger = Ledger.trusting(Keys.load(folder / "controller").signing.public)
    ledger.heard = marks.mark
    faults = Faults(offline_share, slow_share, slow_s, storm_every_s)

    async def live() -> None:
        own = ids[first : first + share]
        await _live(Crowd(own, host="127.0.0.1", port=port, ledger=ledger, faults=faults, first=first), raw_topic)

    with suppress(KeyboardInterrupt):
        asyncio.run(live())
    sys.stderr.write(f"verifications: {ledger.verifications}, refused: {ledger.refused}\n")


async def _live(crowd: Crowd, raw_topic: str) -> None:
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    async with asyncio.TaskGroup() as tasks:
        work = [tasks.create_task(_come(crowd)), tasks.create_task(crowd.run())]
        if raw_topic:
            work.append(tasks.create_task(_listen(crowd, raw_topic)))
        await ending.wait()
        for task in work:
            task.cancel()
    await crowd.close()


async def _come(crowd: Crowd) -> None:
    """Connect all. A real speaker's collector walks its own objects, not those of thousands of neighbours."""
    await crowd.connect()
    settle()


async def _listen(crowd: Crowd, topic: str) -> None:
    for speaker in crowd.speakers:
        await speaker.configured.wait()
        speaker.listen_raw(topic)
