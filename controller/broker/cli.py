"""`loa broker-config`: write a complete, working configuration of a broker."""

import asyncio
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from controller.broker.access import access
from controller.broker.repository import Admissions
from controller.broker.setup import (
    Kind,
    Setup,
    write_access,
    write_certificates,
    write_lasting,
    write_revoked,
)
from controller.enrolment.office import authority_of
from controller.migrations import migrate
from controller.runtime import Runtime
from controller.settings import Settings

app = typer.Typer(no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Where to write; the controller keeps it up to date as LOA_BROKER_DIR.")]
Host = Annotated[list[str], typer.Option(help="A name or address that speakers and controller use; repeat.")]
At = Annotated[str, typer.Option(help="Where the files will lie on the broker's machine. Default: where they are.")]
Data = Annotated[str, typer.Option(help="Where the broker keeps what it must remember.")]
Bind = Annotated[str, typer.Option(help="Address to listen on. Default: all.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]
Node = Annotated[str, typer.Option(help="The node's name in its cluster.")]
Speakers = Annotated[int, typer.Option(help="How many speakers there will be: limits follow it.", min=1)]


@app.command("mosquitto")
def for_mosquitto(
    *,
    out: Out,
    host: Host,
    at: At = "",
    data: Data = "/var/lib/mosquitto",
    bind: Bind = "",
    port: Port = 8883,
    speakers: Speakers = 1000,
) -> None:
    """Mosquitto 2, for one machine."""
    _write(Kind.MOSQUITTO, out, host, at=at, data=data, bind=bind, port=port, speakers=speakers)


@app.command("ejabberd")
def for_ejabberd(
    *,
    out: Out,
    host: Host,
    at: At = "",
    bind: Bind = "",
    port: Port = 8883,
    speakers: Speakers = 1000,
) -> None:
    """Ejabberd 23, for a cluster that speaks MQTT 5."""
    _write(Kind.EJABBERD, out, host, at=at, data="/var/lib/ejabberd", bind=bind, port=port, speakers=speakers)


@app.command("nats")
def for_nats(
    *,
    out: Out,
    host: Host,
    at: At = "",
    data: Data = "/var/lib/nats",
    bind: Bind = "",
    port: Port = 8883,
    node: Node = "loa-1",
    speakers: Speakers = 1000,
) -> None:
    """nats-server 2, for a cluster that keeps what a node held; set LOA_MQTT_VERSION=3.1.1."""
    _write(Kind.NATS, out, host, at=at, data=data, bind=bind, port=port, node=node, speakers=speakers)


def _write(kind: Kind, out: Path, hosts: list[str], *, at: str, data: str, **more: object) -> None:
    folder = PurePosixPath(at or out.resolve())
    setup = Setup.model_validate({"kind": kind, "hosts": hosts, "folder": folder, "data": data, **more})
    out.mkdir(parents=True, exist_ok=True)
    settings = asyncio.run(_fill(out, setup))
    typer.echo(f"Written to {out}. The controller finds its broker, and keeps these files up to date, with:")
    typer.echo(f"LOA_BROKER_HOST={hosts[0]}\nLOA_BROKER_PORT={setup.port}\nLOA_BROKER_DIR={out.resolve()}")
    if kind is Kind.NATS and settings.mqtt_version != "3.1.1":
        typer.echo("LOA_MQTT_VERSION=3.1.1")


async def _fill(out: Path, setup: Setup) -> Settings:
    runtime = Runtime.open(Settings())
    try:
        await migrate(runtime.settings.database)
        now, authority = runtime.clock(), authority_of(runtime)
        async with runtime.database.reading() as session:
            admissions = Admissions(session)
            allowed, revoked = access(await admissions.all()), await admissions.revoked(now)
        write_lasting(out, setup)
        write_certificates(out, setup, authority, now)
        write_revoked(out, authority, revoked, now)
        write_access(out, setup, allowed)
    finally:
        await runtime.database.close()
    return runtime.settings
