"""One run of the demo, from the first process to the verdict."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console

from device_agent.sinks.choose import has_sound
from loa.brokers import BrokerKind, free_port, make_broker, port_is_free
from loa.demo.broadcasts import Desk, settle
from loa.demo.commune import COMMUNES, places, slug, speakers
from loa.demo.follow import follow
from loa.demo.house import DemoError, House
from loa.demo.progress import Airing, complaints, due, outstanding
from loa.demo.view import choose_view
from loa.nodes import AgentNode, ControllerNode, SinkKind
from loa.officer import Officer, Refused
from schedules.types import VIETNAM

ADMIN = "quantri"
HTTP_PORT = 8080
MQTT_PORT = 1884
_PORTS_TRIED = 50
_LOOK_EVERY_S = 0.5
_READY_WITHIN_S = 60
PATIENCE = timedelta(seconds=20)
"""How long after its end a broadcast's play records are waited for."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person at the terminal chose."""

    speakers: int
    port: int | None
    mqtt_port: int | None
    data_dir: Path
    duration_s: float | None
    broker: BrokerKind
    sink: SinkKind
    reset_password: bool


def run(options: Options, console: Console) -> list[str]:
    """Run until the time is up or Ctrl-C; return what was due and not played."""
    began, began_s = datetime.now(UTC), time.monotonic()
    logs = options.data_dir / "logs"
    broker = make_broker(
        options.broker, options.data_dir / "broker", port=_port(options.mqtt_port, MQTT_PORT), logs=logs
    )
    controller = ControllerNode(options.data_dir / "controller", broker, logs=logs)
    house = House(broker, controller)
    try:
        console.print("Starting the broker and the controller …", highlight=False)
        broker.start()
        token = _users(controller, options, console)
        _start(controller, _port(options.port, HTTP_PORT))
        with Officer(controller.url, token) as officer:
            end_s = None if options.duration_s is None else began_s + options.duration_s
            return _broadcast(house, officer, options, console, began=began, end_s=end_s)
    finally:
        house.stop()


def _start(controller: ControllerNode, port: int) -> None:
    controller.listen_on(port)
    controller.start()
    deadline = time.monotonic() + _READY_WITHIN_S
    while not controller.is_ready():
        if not controller.running or time.monotonic() > deadline:
            raise DemoError(f"The controller did not start; see {controller.log}\n{controller.last_words(5)}")
        time.sleep(0.1)


def _users(controller: ControllerNode, options: Options, console: Console) -> str:
    """Make the users at the first start and print their passwords, this once; returns a token for this run."""
    note = options.data_dir / "users.json"
    users = {ADMIN: "VN"} | {slug(name).replace("-", ""): _commune_code(name) for name in COMMUNES[:1]}
    known: list[str] = json.loads(note.read_text()) if note.exists() else []
    if not known:
        controller.command("areas", "load", "--province", places()[0].code)
    lines = []
    for name, area in users.items():
        if name not in known:
            try:
                printed = controller.command("user", "add", name, "--area", area, "--all-roles")
            except RuntimeError:  # a former start ended between making the user and noting it
                printed = controller.command("user", "reset-password", name)
        elif options.reset_password:
            printed = controller.command("user", "reset-password", name)
        else:
            continue
        lines.append(f"  {printed}")
    note.write_text(json.dumps(sorted({*known, *users})))
    console.print(
        "Users and passwords (printed only now):"
        if lines
        else "Passwords were printed at the first start; --reset-password makes new ones.",
        *lines,
        sep="\n",
        highlight=False,
    )
    return controller.command("user", "token", ADMIN, "--label", "demo", "--days", "7")


def _commune_code(name: str) -> str:
    return next(place.code for place in places() if place.name.endswith(name))


def _broadcast(
    house: House,
    officer: Officer,
    options: Options,
    console: Console,
    *,
    began: datetime,
    end_s: float | None,
) -> list[str]:
    people = speakers(options.speakers)
    try:
        settle(officer, people)
    except Refused as refused:
        if refused.status != httpx.codes.UNAUTHORIZED:
            raise
        raise DemoError(f"Another program answers at {house.controller.url}; choose another --port.") from None
    logs = options.data_dir / "logs"
    # A speaker on a pole waits for its card; here, where there is none, files are what can be looked into.
    sink = "wav" if options.sink == "auto" and not has_sound(len(people)) else options.sink
    for speaker in people:
        folder = options.data_dir / "speakers" / speaker.id
        agent = AgentNode(
            speaker.id,
            folder,
            logs=logs,
            broker=house.broker,
            key=house.controller.key,
            content=house.controller.url,
            sink=sink,
        )
        house.agents.append(agent)
        agent.start()
    console.print(f"Page: {house.controller.url}", f"Data, recordings and logs: {options.data_dir}", sep="\n")
    desk = Desk(officer, lambda: datetime.now(UTC))
    desk.air_soon()
    desk.air_daily()
    airings: list[Airing] = []
    until: datetime | None = None
    try:
        with choose_view(console, ZoneInfo(VIETNAM)) as view:
            while True:
                for line in house.look_after():
                    view.say(line)
                now = datetime.now(UTC)
                with suppress(httpx.TransportError):  # a controller that fell is being started again
                    airings = follow(officer, since=began, now=now)
                view.show(airings, now=now)
                if end_s is not None and time.monotonic() >= end_s:
                    until = until or now
                    if not outstanding(due(airings, since=began, until=until), now=now, patience=PATIENCE):
                        break
                time.sleep(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        until = datetime.now(UTC)
        console.print("Ending …", highlight=False)
    answered_for = due(airings, since=began, until=until or datetime.now(UTC))
    return complaints(answered_for) if answered_for else ["Nothing had come on air yet: give it a longer --duration."]


def _port(chosen: int | None, default: int) -> int:
    """The chosen port, which must be free; else the default or the next free one after it."""
    if chosen is not None:
        if not port_is_free(chosen):
            raise DemoError(f"Port {chosen} is in use by another program; choose another with --port or --mqtt-port.")
        return chosen
    return next((port for port in range(default, default + _PORTS_TRIED) if port_is_free(port)), None) or free_port()
